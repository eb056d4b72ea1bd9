//! How long requests took, in buckets that end where routes promise something.
//!
//! A share of requests below a threshold can only be counted where a bucket ends. So the bounds
//! are those of the HTTP conventions and every threshold that a route of the table declares, the
//! same ones for all routes: buckets can be added up across routes. A table with other thresholds
//! begins all these histograms anew, as a restart of the process would; nothing else does. Requests
//! find their histograms in the table that they began with, so that nobody looks anything up.

use std::{sync::Arc, time::Duration};

use cutover_domain::{RouteTable, Side};
use cutover_telemetry::{
    context::TraceContext,
    metrics::{ConfigLabel, duration_seconds_with},
};
use prometheus_client::{encoding::EncodeLabelSet, registry::Registry};

use super::{
    AtomicHistogram,
    answers::Histograms,
    exemplars::{Exemplar, Exemplars, Series},
    histogram::Buckets,
};

/// The histograms of all routes. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct DurationFamily {
    histograms: Histograms<SideLabels>,
    exemplars: Exemplars,
    buckets: Buckets,
}

/// The histograms of one route, legacy's and new's.
#[derive(Debug)]
pub(crate) struct Durations([SideDurations; 2]);

#[derive(Debug)]
struct SideDurations {
    histogram: AtomicHistogram,
    exemplars: Series,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct SideLabels {
    cutover_route: ConfigLabel,
    cutover_side: &'static str,
}

// === impl DurationFamily ===

impl Default for DurationFamily {
    fn default() -> DurationFamily {
        let buckets = Buckets::new(&duration_seconds_with(&[]));
        let histograms = Histograms::new_with_constructor(buckets.clone());
        DurationFamily { histograms, exemplars: Exemplars::default(), buckets }
    }
}

impl DurationFamily {
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register(
            "cutover_request_duration_seconds",
            "From the head's arrival to the answer's last byte",
            self.histograms.clone(),
        );
    }

    /// The registry's text with exemplars behind the buckets.
    pub(super) fn put_exemplars_into(&self, text: String) -> String {
        self.exemplars.put_into(text, "cutover_request_duration_seconds_bucket{")
    }

    /// From now on buckets end where routes of `table` promise something. True: they ended
    /// elsewhere before, so all series are gone, and every route needs new [`Durations`].
    pub(crate) fn follow(&self, table: &RouteTable) -> bool {
        let latencies = table.routes.iter().filter_map(|route| route.spec.objectives.latency);
        let thresholds: Vec<f64> =
            latencies.map(|latency| f64::from(latency.under_ms) / 1000.0).collect();
        let is_other = self.buckets.end_at(&duration_seconds_with(&thresholds));
        if is_other {
            self.histograms.clear();
            self.exemplars.clear();
        }
        is_other
    }

    /// The series of `route` are gone.
    pub(super) fn remove(&self, route: &ConfigLabel) {
        for side in Side::ALL {
            self.histograms.remove(&SideLabels::new(route, side));
            self.exemplars.remove(route, side.as_str());
        }
    }
}

// === impl Durations ===

impl Durations {
    /// Those of the route with this id.
    pub(crate) fn new(family: &DurationFamily, route: &str) -> Arc<Durations> {
        let route = ConfigLabel::from_config(route);
        Arc::new(Durations(Side::ALL.map(|side| SideDurations {
            histogram: family.histograms.get_or_create_owned(&SideLabels::new(&route, side)),
            exemplars: family.exemplars.of(&route, side.as_str()),
        })))
    }

    /// Counts a request that `side` was chosen for; `traced`: its trace, if it can be looked up.
    pub(super) fn observe(&self, side: Side, took: Duration, traced: Option<&TraceContext>) {
        let SideDurations { histogram, exemplars } = &self.0[side as usize];
        let bound = histogram.observe(took);
        if let Some(trace) = traced {
            exemplars.put(Exemplar::of(trace, took, bound));
        }
    }

    /// Requests of a side by bucket, not cumulated.
    pub(super) fn counts(&self, side: Side) -> Vec<u64> {
        self.0[side as usize].histogram.counts()
    }

    /// Where buckets end, in seconds, rising.
    pub(super) fn bounds_seconds(&self) -> Arc<[f64]> {
        self.0[0].histogram.bounds_seconds()
    }
}

// === impl SideLabels ===

impl SideLabels {
    fn new(route: &ConfigLabel, side: Side) -> SideLabels {
        SideLabels { cutover_route: route.clone(), cutover_side: side.as_str() }
    }
}
