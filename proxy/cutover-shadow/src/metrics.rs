//! What copies and their comparisons are counted by.

mod calls;

use std::{sync::atomic::Ordering, time::SystemTime};

use cutover_domain::{
    Side,
    compare::{Kind, Path},
    exchange::{Budget, Dropped},
    parity::Verdict,
};
use cutover_telemetry::{context::TraceId, metrics::ConfigLabel};
use parking_lot::Mutex;
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric},
    metrics::{
        counter::Counter,
        exemplar::CounterWithExemplar,
        family::Family,
        gauge::{ConstGauge, Gauge},
    },
    registry::Registry,
};

use self::calls::Calls;
use crate::{
    accounting::Accounting,
    lane::{Failure, Reply},
};

/// Most differing paths of one route that have series of their own.
const FIELDS_MAX: usize = 50;
/// Stands for the paths beyond [`FIELDS_MAX`].
const OTHER: &str = "_other";
/// Names of verdicts, in the order of [`verdict_index`].
const VERDICTS: [&str; 4] = ["match", "mismatch", "noisy", "incomparable"];

/// Every metric of this crate. Cheap to clone.
#[derive(Clone, Debug)]
pub struct ShadowMetrics {
    eligible: Family<RouteLabels, Counter>,
    comparisons: Family<VerdictLabels, CounterWithExemplar<TraceLabels>>,
    dropped: Family<DroppedLabels, Counter>,
    fields: Family<FieldLabels, Counter>,
    calls: Calls,
    pub(crate) inflight: Gauge,
    pub(crate) records_dropped: Counter,
    pub(crate) samples_dropped: Counter,
}

/// The handles of one route.
#[derive(Debug)]
pub(crate) struct RouteMetrics {
    route: ConfigLabel,
    families: ShadowMetrics,
    eligible: Counter,
    comparisons: [CounterWithExemplar<TraceLabels>; 4],
    dropped: [Counter; Dropped::ALL.len()],
    /// Paths that have series, at most [`FIELDS_MAX`].
    fields: Mutex<Vec<Path>>,
}

/// Shows the budget's use at the moment of a scrape.
#[derive(Debug)]
struct QueueBytes(Budget);

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RouteLabels {
    cutover_route: ConfigLabel,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct VerdictLabels {
    cutover_route: ConfigLabel,
    verdict: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct DroppedLabels {
    cutover_route: ConfigLabel,
    reason: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct FieldLabels {
    cutover_route: ConfigLabel,
    field: String,
    kind: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct TraceLabels {
    trace_id: String,
}

// === impl ShadowMetrics ===

impl ShadowMetrics {
    /// Registers every metric in `registry`; `budget` is what copies hold.
    pub fn register(registry: &mut Registry, budget: &Budget) -> ShadowMetrics {
        let metrics = ShadowMetrics {
            eligible: Family::default(),
            comparisons: Family::default(),
            dropped: Family::default(),
            fields: Family::default(),
            calls: Calls::register(registry),
            inflight: Gauge::default(),
            records_dropped: Counter::default(),
            samples_dropped: Counter::default(),
        };
        registry.register(
            "cutover_shadow_eligible",
            "Requests that were to be copied",
            metrics.eligible.clone(),
        );
        registry.register(
            "cutover_comparisons",
            "Copied requests that were compared, by verdict",
            metrics.comparisons.clone(),
        );
        registry.register(
            "cutover_shadow_dropped",
            "Requests that were to be copied and were not compared",
            metrics.dropped.clone(),
        );
        registry.register(
            "cutover_comparison_fields",
            "Differences that the candidate answers for, by path and kind",
            metrics.fields.clone(),
        );
        registry.register(
            "cutover_shadow_inflight",
            "Copies taken and neither compared nor dropped yet",
            metrics.inflight.clone(),
        );
        registry.register(
            "cutover_shadow_records_dropped",
            "Comparisons that their reader missed, being too far behind; 0 while nobody reads them",
            metrics.records_dropped.clone(),
        );
        registry.register(
            "cutover_shadow_samples_dropped",
            "Samples of mismatches that were not kept: those of all routes together are too large",
            metrics.samples_dropped.clone(),
        );
        registry.register_collector(Box::new(QueueBytes(budget.clone())));
        metrics
    }

    /// The handles of one route; every series of a closed set begins at zero.
    pub(crate) fn of_route(&self, id: &str) -> RouteMetrics {
        let route = ConfigLabel::from_config(id);
        let eligible = RouteLabels { cutover_route: route.clone() };
        RouteMetrics {
            eligible: self.eligible.get_or_create_owned(&eligible),
            comparisons: VERDICTS.map(|verdict| {
                let cutover_route = route.clone();
                self.comparisons.get_or_create_owned(&VerdictLabels { cutover_route, verdict })
            }),
            dropped: Dropped::ALL.map(|reason| {
                let (cutover_route, reason) = (route.clone(), reason.as_str());
                self.dropped.get_or_create_owned(&DroppedLabels { cutover_route, reason })
            }),
            fields: Mutex::default(),
            families: self.clone(),
            route,
        }
    }
}

// === impl RouteMetrics ===

impl RouteMetrics {
    /// A request that is to be copied.
    pub(crate) fn eligible(&self) {
        self.eligible.inc();
    }

    /// It was not compared.
    pub(crate) fn dropped(&self, reason: Dropped) {
        self.dropped[reason as usize].inc();
    }

    /// It was compared. The newest of which the trace is kept is shown with the count.
    pub(crate) fn compared(&self, verdict: Verdict, kept: Option<TraceId>) {
        let counter = &self.comparisons[verdict_index(verdict)];
        match kept.map(|trace_id| TraceLabels { trace_id: trace_id.to_string() }) {
            exemplar @ Some(_) => drop(counter.inc_by(1, exemplar, Some(SystemTime::now()))),
            // `inc_by` would forget the one before.
            None => drop(counter.inner().fetch_add(1, Ordering::Relaxed)),
        }
    }

    /// A difference that the candidate answers for.
    pub(crate) fn field(&self, path: &Path, kind: Kind) {
        let field = match self.has_series(path) {
            true => path.as_str().to_owned(),
            false => OTHER.to_owned(),
        };
        let (cutover_route, kind) = (self.route.clone(), kind.as_str());
        self.families.fields.get_or_create(&FieldLabels { cutover_route, field, kind }).inc();
    }

    /// A call was made for a copy.
    pub(crate) fn called(&self, side: Side, result: &Result<Reply, Failure>) {
        self.families.calls.count(&self.route, side, result);
    }

    /// What was counted so far.
    pub(crate) fn accounting(&self) -> Accounting {
        let compared = |index: usize| self.comparisons[index].get().0;
        // Eligible last: a copy is counted there first.
        let mut accounting = Accounting {
            eligible: 0,
            matches: compared(0),
            mismatches: compared(1),
            noisy: compared(2),
            incomparable: compared(3),
            dropped: Dropped::ALL.map(|reason| self.dropped[reason as usize].get()),
        };
        accounting.eligible = self.eligible.get();
        accounting
    }

    /// Removes the route's series.
    pub(crate) fn forget(&self) {
        let ShadowMetrics { eligible, comparisons, dropped, fields, calls, .. } = &self.families;
        calls.forget(&self.route);
        let route = || self.route.clone();
        eligible.remove(&RouteLabels { cutover_route: route() });
        for verdict in VERDICTS {
            comparisons.remove(&VerdictLabels { cutover_route: route(), verdict });
        }
        for reason in Dropped::ALL.map(Dropped::as_str) {
            dropped.remove(&DroppedLabels { cutover_route: route(), reason });
        }
        let known = std::mem::take(&mut *self.fields.lock());
        for field in known.iter().map(Path::as_str).chain([OTHER]) {
            for kind in Kind::ALL.map(Kind::as_str) {
                fields.remove(&FieldLabels { cutover_route: route(), field: field.into(), kind });
            }
        }
    }

    fn has_series(&self, path: &Path) -> bool {
        let mut fields = self.fields.lock();
        let is_known = fields.contains(path);
        let has_room = fields.len() < FIELDS_MAX;
        if !is_known && has_room {
            fields.push(path.clone());
        }
        is_known || has_room
    }
}

fn verdict_index(verdict: Verdict) -> usize {
    match verdict {
        Verdict::Match => 0,
        Verdict::Mismatch => 1,
        Verdict::Noisy => 2,
        Verdict::Incomparable(_) => 3,
    }
}

// === impl QueueBytes ===

impl Collector for QueueBytes {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> std::fmt::Result {
        let gauge = ConstGauge::new(i64::try_from(self.0.used()).unwrap_or(i64::MAX));
        let help = "Bytes that all copies hold";
        let metric = encoder.encode_descriptor(
            "cutover_shadow_queue_bytes",
            help,
            None,
            gauge.metric_type(),
        )?;
        gauge.encode(metric)
    }
}
