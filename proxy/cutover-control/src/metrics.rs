//! The control plane's metrics, and the one place that names them.
//!
//! What has a present value (phases, weights, the store) is read from the view at each scrape, so
//! that series of removed routes vanish with them. Label values come from the configuration or
//! from closed enums.

use std::sync::{Arc, OnceLock};

use cutover_domain::{Phase, Side};
use cutover_store::Trigger;
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric, MetricEncoder},
    metrics::{counter::Counter, family::Family, gauge::ConstGauge, gauge::Gauge},
    registry::{Registry, Unit},
};
use tokio::sync::watch;

use crate::{api::AlertOutcome, machine::Fact, view::View};

/// Handles of the metrics; cheap to clone.
#[derive(Clone, Debug)]
pub struct ControlMetrics {
    phase_changes: Family<PhaseChange, Counter>,
    rollbacks: Family<Rollback, Counter>,
    alerts: Family<AlertReceived, Counter>,
    reloads: Family<Reload, Counter>,
    last_reload_success: Gauge,
    reload_failed: Gauge,
    views: Arc<OnceLock<watch::Receiver<Arc<View>>>>,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct PhaseChange {
    from: &'static str,
    to: &'static str,
    actor_kind: &'static str,
    trigger: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Rollback {
    trigger: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct AlertReceived {
    outcome: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Reload {
    result: &'static str,
}

#[derive(Debug)]
struct Present(Arc<OnceLock<watch::Receiver<Arc<View>>>>);

// === impl ControlMetrics ===

impl ControlMetrics {
    /// Registers them. Present values appear once a controller was started with these handles.
    pub fn register(registry: &mut Registry) -> ControlMetrics {
        let metrics = ControlMetrics {
            phase_changes: Family::default(),
            rollbacks: Family::default(),
            alerts: Family::default(),
            reloads: Family::default(),
            last_reload_success: Gauge::default(),
            reload_failed: Gauge::default(),
            views: Arc::default(),
        };
        // The first of each is to be seen as a step from zero.
        for trigger in Trigger::ALL.map(Trigger::as_str) {
            let _ = metrics.rollbacks.get_or_create(&Rollback { trigger });
        }
        for result in ["accepted", "refused"] {
            let _ = metrics.reloads.get_or_create(&Reload { result });
        }
        registry.register(
            "cutover_phase_changes",
            "Routes that changed phase",
            metrics.phase_changes.clone(),
        );
        registry.register("cutover_rollbacks", "Routes that went back", metrics.rollbacks.clone());
        for outcome in AlertOutcome::ALL {
            let _ = metrics.alerts.get_or_create(&AlertReceived { outcome: outcome.as_str() });
        }
        registry.register(
            "cutover_alerts_received",
            "Alerts that Alertmanager delivered, by what was done",
            metrics.alerts.clone(),
        );
        registry.register(
            "cutover_config_reloads",
            "Configurations loaded, by result",
            metrics.reloads.clone(),
        );
        registry.register_with_unit(
            "cutover_config_last_reload_success_timestamp",
            "When a configuration was last accepted",
            Unit::Seconds,
            metrics.last_reload_success.clone(),
        );
        registry.register(
            "cutover_config_last_reload_failed",
            "1 while the files last seen are not the configuration in force",
            metrics.reload_failed.clone(),
        );
        registry.register_collector(Box::new(Present(metrics.views.clone())));
        metrics
    }

    pub(crate) fn watch(&self, views: watch::Receiver<Arc<View>>) {
        // A second controller with the same handles would be a mistake in wiring; the first stays.
        let _ = self.views.set(views);
    }

    pub(crate) fn count(&self, fact: &Fact, now_ms: u64) {
        match fact {
            Fact::Moved { moved, actor_kind, trigger, .. } => {
                let trigger = trigger.as_str();
                for moved in moved {
                    let (from, to) = (moved.from, moved.to);
                    if from.phase != to.phase {
                        let (from, to) = (from.phase.as_str(), to.phase.as_str());
                        let labels = PhaseChange { from, to, actor_kind, trigger };
                        self.phase_changes.get_or_create(&labels).inc();
                    }
                    if (to.phase, to.percent) < (from.phase, from.percent) {
                        self.rollbacks.get_or_create(&Rollback { trigger }).inc();
                    }
                }
            }
            Fact::ConfigAccepted { .. } => {
                self.reloads.get_or_create(&Reload { result: "accepted" }).inc();
                self.last_reload_success.set(i64::try_from(now_ms / 1_000).unwrap_or(i64::MAX));
                self.reload_failed.set(0);
            }
            // Counted where it was done.
            Fact::Followed { .. } | Fact::LeftOut(_) => {}
            Fact::StoreLost(_) | Fact::StoreBack { .. } | Fact::LegacyAll(_) => {}
        }
    }

    pub(crate) fn alert_received(&self, outcome: AlertOutcome) {
        self.alerts.get_or_create(&AlertReceived { outcome: outcome.as_str() }).inc();
    }

    pub(crate) fn reload_refused(&self) {
        self.reloads.get_or_create(&Reload { result: "refused" }).inc();
        self.reload_failed.set(1);
    }
}

// === impl Present ===

impl Collector for Present {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let Some(view) = self.0.get().map(|views| views.borrow().clone()) else { return Ok(()) };
        let truth = &view.truth;
        encode_routes(&view, &mut encoder)?;
        gauge(&mut encoder, "cutover_store_up", "1 while the store answers", truth.down.is_none())?;
        let degraded = "1 while this node serves by its last good state";
        gauge(&mut encoder, "cutover_degraded", degraded, truth.down.is_some())?;
        let legacy_all = "1 while the file `legacy-all` is there";
        gauge(&mut encoder, "cutover_legacy_all", legacy_all, truth.legacy_all)?;
        let help = "Revision handed to the data plane";
        let metric = descriptor(&mut encoder, "cutover_revision", help)?;
        constant(i64::try_from(truth.head).unwrap_or(i64::MAX)).encode(metric)?;
        let hash = truth.loaded.as_ref().map_or("", |loaded| &loaded.hash);
        let labels = [("generation", truth.generation.to_string()), ("hash", hash.to_owned())];
        let help = "The configuration in force";
        let mut metric = descriptor(&mut encoder, "cutover_config_info", help)?;
        constant(1).encode(metric.encode_family(&labels)?)
    }
}

fn encode_routes(view: &View, encoder: &mut DescriptorEncoder<'_>) -> std::fmt::Result {
    let routes = &view.table.routes;
    let help = "1 for the phase that the route is in";
    let mut metric = descriptor(encoder, "cutover_route_phase", help)?;
    for route in routes {
        for phase in Phase::ALL {
            let labels = [("cutover_route", route.spec.id.as_str()), ("phase", phase.as_str())];
            let value = i64::from(route.state.phase == phase);
            constant(value).encode(metric.encode_family(&labels)?)?;
        }
    }
    let help = "Share of subjects that each side serves by phase and percentage, 0 to 1";
    let mut metric = descriptor(encoder, "cutover_route_weight_ratio", help)?;
    for route in routes {
        let new = match route.state.phase {
            Phase::Legacy | Phase::Shadow => 0.0,
            Phase::Canary => f64::from(route.state.percent.basis_points()) / 10_000.0,
            Phase::Live | Phase::Retired => 1.0,
        };
        for (side, ratio) in [(Side::Legacy, 1.0 - new), (Side::New, new)] {
            let labels = [("cutover_route", route.spec.id.as_str()), ("side", side.as_str())];
            ConstGauge::new(ratio).encode(metric.encode_family(&labels)?)?;
        }
    }
    let help = "1 while the route is elsewhere than its file wants it";
    let mut metric = descriptor(encoder, "cutover_route_drifted", help)?;
    for route in routes {
        let labels = [("cutover_route", route.spec.id.as_str())];
        let is_drifted = route.state.target() != route.spec.target;
        constant(i64::from(is_drifted)).encode(metric.encode_family(&labels)?)?;
    }
    let help = "The routes in force";
    let mut metric = descriptor(encoder, "cutover_route_info", help)?;
    for route in routes {
        let labels = [
            ("cutover_route", route.spec.id.as_str()),
            ("group", &route.group.id),
            ("owner", &route.group.owner),
            ("legacy", &route.spec.legacy),
            ("new", route.spec.new.as_deref().unwrap_or("")),
        ];
        constant(1).encode(metric.encode_family(&labels)?)?;
    }
    Ok(())
}

fn gauge(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    on: bool,
) -> std::fmt::Result {
    let metric = descriptor(encoder, name, help)?;
    constant(i64::from(on)).encode(metric)
}

pub(crate) fn descriptor<'e>(
    encoder: &'e mut DescriptorEncoder<'_>,
    name: &'e str,
    help: &str,
) -> Result<MetricEncoder<'e>, std::fmt::Error> {
    encoder.encode_descriptor(name, help, None, prometheus_client::metrics::MetricType::Gauge)
}

pub(crate) fn constant(value: i64) -> ConstGauge<i64> {
    ConstGauge::new(value)
}

#[cfg(test)]
mod tests;
