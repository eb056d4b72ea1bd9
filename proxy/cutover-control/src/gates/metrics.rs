//! Metrics of gates, and the one place that names them.
//!
//! What has a present value is read from the last look at each scrape, so that series of removed
//! routes vanish with them.

use std::sync::{Arc, OnceLock};

use cutover_domain::gate::Outcome;
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric},
    metrics::{counter::Counter, family::Family, gauge::ConstGauge, gauge::Gauge},
    registry::{Registry, Unit},
};
use tokio::sync::watch;

use super::{Standings, document::Kind};
use crate::metrics::{constant, descriptor};

/// Handles of the metrics; cheap to clone.
#[derive(Clone, Debug)]
pub struct GateMetrics {
    evaluations: Counter,
    last_evaluation: Gauge,
    failures: Counter,
    decisions: Family<KindLabel, Counter>,
    dropped: Counter,
    looks: Arc<OnceLock<watch::Receiver<Arc<Standings>>>>,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct KindLabel {
    kind: &'static str,
}

#[derive(Debug)]
struct Present(Arc<OnceLock<watch::Receiver<Arc<Standings>>>>);

// === impl GateMetrics ===

impl GateMetrics {
    /// Registers them.
    pub fn register(registry: &mut Registry) -> GateMetrics {
        let metrics = GateMetrics {
            evaluations: Counter::default(),
            last_evaluation: Gauge::default(),
            failures: Counter::default(),
            decisions: Family::default(),
            dropped: Counter::default(),
            looks: Arc::default(),
        };
        registry.register(
            "cutover_gate_evaluations",
            "Looks at all routes",
            metrics.evaluations.clone(),
        );
        registry.register_with_unit(
            "cutover_gate_last_evaluation_timestamp",
            "When all routes were last looked at; 0: never",
            Unit::Seconds,
            metrics.last_evaluation.clone(),
        );
        registry.register(
            "cutover_gate_failures",
            "Looks that ended by a mistake of the proxy itself",
            metrics.failures.clone(),
        );
        for kind in Kind::ALL {
            let _ = metrics.decisions.get_or_create(&KindLabel { kind: kind.as_str() });
        }
        registry.register(
            "cutover_decisions",
            "Decisions to be recorded",
            metrics.decisions.clone(),
        );
        registry.register(
            "cutover_decisions_dropped",
            "Decisions that the store did not take",
            metrics.dropped.clone(),
        );
        registry.register_collector(Box::new(Present(metrics.looks.clone())));
        metrics
    }

    pub(super) fn watch(&self, looks: watch::Receiver<Arc<Standings>>) {
        // A second evaluator with the same handles would be a mistake in wiring; the first stays.
        let _ = self.looks.set(looks);
    }

    pub(super) fn looked(&self, now_ms: u64) {
        self.evaluations.inc();
        self.last_evaluation.set(i64::try_from(now_ms / 1_000).unwrap_or(i64::MAX));
    }

    pub(super) fn failed(&self) {
        self.failures.inc();
    }

    pub(super) fn recorded(&self, kind: &str) {
        if let Some(kind) = Kind::ALL.into_iter().find(|known| known.as_str() == kind) {
            self.decisions.get_or_create(&KindLabel { kind: kind.as_str() }).inc();
        }
    }

    pub(super) fn dropped(&self) {
        self.dropped.inc();
    }
}

// === impl Present ===

impl Collector for Present {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let Some(standings) = self.0.get().map(|looks| looks.borrow().clone()) else {
            return Ok(());
        };
        let help = "What each gate says: 0 pass, 1 inconclusive, 2 error, 3 fail";
        let mut metric = descriptor(&mut encoder, "cutover_gate_state", help)?;
        for (route, standing) in &standings.routes {
            for answer in &standing.assessment.answers {
                let gate = answer.gate.as_str();
                let labels = [("cutover_route", route.as_str()), ("gate", gate)];
                constant(state(&answer.outcome)).encode(metric.encode_family(&labels)?)?;
            }
        }
        let help = "1 while gates of the route have been in error for too long";
        let mut metric = descriptor(&mut encoder, "cutover_gate_blind", help)?;
        for (route, standing) in &standings.routes {
            let labels = [("cutover_route", route.as_str())];
            let is_blind = i64::from(standing.assessment.is_blind);
            constant(is_blind).encode(metric.encode_family(&labels)?)?;
        }
        let help = "1 while a gate keeps the route from its next step";
        let mut metric = descriptor(&mut encoder, "cutover_gate_blocked", help)?;
        for (route, standing) in &standings.routes {
            let labels = [("cutover_route", route.as_str())];
            let is_blocked = i64::from(standing.assessment.is_blocked());
            constant(is_blocked).encode(metric.encode_family(&labels)?)?;
        }
        let help = "Share of the present step's dwell that is over, 0 to 1";
        let mut metric = descriptor(&mut encoder, "cutover_gate_dwelt_ratio", help)?;
        for (route, standing) in &standings.routes {
            let labels = [("cutover_route", route.as_str())];
            let dwelt = standing.assessment.dwelt;
            let share = |is: u64, of: u64| if of == 0 { 1.0 } else { is as f64 / of as f64 };
            let time = share(dwelt.passed_ms, dwelt.needed_ms);
            let requests = share(dwelt.requests, dwelt.needed_requests);
            let ratio = ConstGauge::new(time.min(requests).min(1.0));
            ratio.encode(metric.encode_family(&labels)?)?;
        }
        Ok(())
    }
}

/// Rising with how bad it is.
fn state(outcome: &Outcome) -> i64 {
    match outcome {
        Outcome::Pass => 0,
        Outcome::Inconclusive { .. } => 1,
        Outcome::Error(_) => 2,
        Outcome::Fail { .. } => 3,
    }
}
