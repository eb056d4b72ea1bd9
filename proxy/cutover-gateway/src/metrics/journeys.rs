//! What is counted per journey.

use cutover_domain::{
    Side,
    journey::{Ended, JourneyResult},
};
use cutover_telemetry::{closed_label, metrics::ConfigLabel};
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::Registry,
};

use super::{AtomicHistogram, answers::Histograms, histogram::Buckets};

/// Upper bounds in seconds of [`JourneySideCounts::took`].
pub const JOURNEY_SECONDS: &[f64] = &[
    0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0,
    600.0,
];

closed_label! {
    /// Why what a request could have told a journey is not followed.
    pub enum Skipped {
        /// Request or answer lacks a part of the correlation.
        NoKey => "no_key",
        /// Too many sightings waited to be matched.
        QueueFull => "queue_full",
        /// Too many starts were open.
        TableFull => "table_full",
    }
}

/// Families that every journey's handles come from.
#[derive(Clone, Debug)]
pub(crate) struct JourneyMetricsFamilies {
    total: Family<ResultLabels, Counter>,
    duration: Histograms<SideLabels>,
    open: Family<SideLabels, Gauge>,
    skipped: Family<SkippedLabels, Counter>,
}

/// The handles of one journey.
#[derive(Debug)]
pub(crate) struct JourneyMetrics {
    name: ConfigLabel,
    sides: [SideMetrics; 2],
    skipped: Vec<Counter>,
}

#[derive(Debug)]
struct SideMetrics {
    results: [Counter; JourneyResult::ALL.len()],
    took: AtomicHistogram,
    open: Gauge,
}

/// What became of a journey's starts since the process started.
#[derive(Clone, Debug)]
pub struct JourneyCounts {
    /// The journey's name.
    pub journey: String,
    /// Legacy, then new: the side that accepted the change.
    pub sides: [JourneySideCounts; 2],
    /// Sightings that were not followed, in the order of [`Skipped::ALL`].
    pub skipped: [u64; Skipped::ALL.len()],
}

/// What became of the starts of one side.
#[derive(Clone, Debug)]
pub struct JourneySideCounts {
    /// By result, in the order of [`JourneyResult::ALL`].
    pub results: [u64; JourneyResult::ALL.len()],
    /// Starts that have not ended yet.
    pub open: u64,
    /// Good and late ones by duration: one count for each of [`JOURNEY_SECONDS`], one for above.
    pub took: Vec<u64>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ResultLabels {
    journey: ConfigLabel,
    side: &'static str,
    result: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct SideLabels {
    journey: ConfigLabel,
    side: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct SkippedLabels {
    journey: ConfigLabel,
    reason: Skipped,
}

// === impl JourneyMetricsFamilies ===

impl JourneyMetricsFamilies {
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register(
            "cutover_journey",
            "Journeys that have ended, by the side that accepted the change",
            self.total.clone(),
        );
        registry.register(
            "cutover_journey_duration_seconds",
            "From an accepted change until it was first shown",
            self.duration.clone(),
        );
        registry.register("cutover_journey_open", "Journeys under way", self.open.clone());
        registry.register(
            "cutover_journey_skipped",
            "Requests that a journey could not follow",
            self.skipped.clone(),
        );
    }

    /// Removes the series of a journey that is gone.
    pub(crate) fn forget(&self, name: &str) {
        let journey = ConfigLabel::from_config(name);
        for side in Side::ALL.map(Side::as_str) {
            let labels = SideLabels { journey: journey.clone(), side };
            self.duration.remove(&labels);
            self.open.remove(&labels);
            for result in JourneyResult::ALL.map(JourneyResult::as_str) {
                self.total.remove(&ResultLabels { journey: journey.clone(), side, result });
            }
        }
        for reason in Skipped::ALL {
            self.skipped.remove(&SkippedLabels { journey: journey.clone(), reason: *reason });
        }
    }
}

impl Default for JourneyMetricsFamilies {
    fn default() -> JourneyMetricsFamilies {
        JourneyMetricsFamilies {
            total: Family::default(),
            duration: Histograms::new_with_constructor(Buckets::new(JOURNEY_SECONDS)),
            open: Family::default(),
            skipped: Family::default(),
        }
    }
}

// === impl JourneyMetrics ===

impl JourneyMetrics {
    /// Makes the handles of one journey: every series is there from the start, since what appears
    /// with its first failure shows no increase.
    pub(crate) fn new(families: &JourneyMetricsFamilies, name: &str) -> JourneyMetrics {
        let name = ConfigLabel::from_config(name);
        let reasons = Skipped::ALL.iter().map(|reason| {
            let labels = SkippedLabels { journey: name.clone(), reason: *reason };
            families.skipped.get_or_create_owned(&labels)
        });
        JourneyMetrics {
            sides: Side::ALL.map(|side| SideMetrics::new(families, &name, side)),
            skipped: reasons.collect(),
            name,
        }
    }

    /// Counts a start that has come to its end.
    pub(crate) fn ended(&self, ended: &Ended) {
        let side = &self.sides[ended.side as usize];
        side.results[ended.result as usize].inc();
        if let Some(took) = ended.took {
            side.took.observe(took);
        }
    }

    /// Tells how many starts of either side are open.
    pub(crate) fn open(&self, open: [usize; 2]) {
        for (side, open) in self.sides.iter().zip(open) {
            side.open.set(i64::try_from(open).unwrap_or(i64::MAX));
        }
    }

    pub(crate) fn skip(&self, reason: Skipped) {
        self.skipped[reason as usize].inc();
    }

    /// What has been counted so far.
    pub(crate) fn counts(&self) -> JourneyCounts {
        let mut skipped = [0; Skipped::ALL.len()];
        skipped.iter_mut().zip(&self.skipped).for_each(|(sum, counter)| *sum = counter.get());
        JourneyCounts {
            journey: self.name.as_str().to_owned(),
            sides: [0, 1].map(|side| self.sides[side].counts()),
            skipped,
        }
    }
}

// === impl SideMetrics ===

impl SideMetrics {
    fn new(families: &JourneyMetricsFamilies, name: &ConfigLabel, side: Side) -> SideMetrics {
        let side = side.as_str();
        let labels = SideLabels { journey: name.clone(), side };
        SideMetrics {
            results: JourneyResult::ALL.map(|result| {
                let (journey, result) = (name.clone(), result.as_str());
                families.total.get_or_create_owned(&ResultLabels { journey, side, result })
            }),
            took: families.duration.get_or_create_owned(&labels),
            open: families.open.get_or_create_owned(&labels),
        }
    }

    fn counts(&self) -> JourneySideCounts {
        JourneySideCounts {
            results: JourneyResult::ALL.map(|result| self.results[result as usize].get()),
            open: u64::try_from(self.open.get()).unwrap_or(0),
            took: self.took.counts(),
        }
    }
}
