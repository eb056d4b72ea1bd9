//! Journeys: requests that take part in one tell so when their answer begins, and a follower off
//! the data path matches what they told.
//!
//! A request pays for it only on routes that a journey names: a clock read, hashes of what names
//! entity and state, and one `try_send` of 64 bytes, which wakes nobody: the follower looks
//! every [`TURN`]. Where it does not come to look, sightings are missed, counted, and what was
//! open then is not judged.

mod follower;
mod taking;

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use cutover_domain::{JourneySpec, journey::Sighting};
use tokio::sync::mpsc;

pub use self::follower::JourneyFollower;
pub(crate) use self::taking::Taking;
use crate::metrics::{JourneyMetrics, JourneyMetricsFamilies, Skipped};

/// How often the follower looks.
const TURN: Duration = Duration::from_millis(50);
/// Sightings that wait for the follower at most: 1 MiB.
const QUEUE_MAX: usize = 16_384;

/// A journey of the table in force.
#[derive(Debug)]
pub(crate) struct LiveJourney {
    /// Unique in this process; another declaration under the same name is another journey.
    id: u32,
    pub(crate) spec: JourneySpec,
    pub(crate) metrics: JourneyMetrics,
}

/// The way of sightings to the follower.
#[derive(Debug)]
pub(crate) struct Sightings {
    queue: mpsc::Sender<Sent>,
    missed: AtomicU64,
    /// Moments are told as time since this one.
    origin: Instant,
}

/// A sighting on its way.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sent {
    journey: u32,
    sighting: Sighting,
}

// === impl LiveJourney ===

impl LiveJourney {
    /// The journeys of a table; those that were there before go on.
    pub(crate) fn of_table(
        specs: &[JourneySpec],
        families: &JourneyMetricsFamilies,
        before: &[Arc<LiveJourney>],
    ) -> Arc<[Arc<LiveJourney>]> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let live = |spec: &JourneySpec| {
            let known = before.iter().find(|live| live.spec == *spec);
            known.cloned().unwrap_or_else(|| {
                let id = NEXT.fetch_add(1, Ordering::Relaxed);
                let metrics = JourneyMetrics::new(families, &spec.name);
                Arc::new(LiveJourney { id, spec: spec.clone(), metrics })
            })
        };
        specs.iter().map(live).collect()
    }

    /// Those that the route `id` takes part in; `None`: none, as for most routes.
    pub(crate) fn of_route(journeys: &[Arc<LiveJourney>], id: &str) -> Option<Arc<[Arc<Self>]>> {
        let concerned = journeys.iter().filter(|journey| journey.spec.concerns(id));
        let concerned: Vec<_> = concerned.cloned().collect();
        (!concerned.is_empty()).then(|| concerned.into())
    }
}

// === impl Sightings ===

impl Sightings {
    pub(crate) fn new() -> (Sightings, mpsc::Receiver<Sent>) {
        let (queue, receiver) = mpsc::channel(QUEUE_MAX);
        (Sightings { queue, missed: AtomicU64::new(0), origin: Instant::now() }, receiver)
    }

    fn since_origin(&self, moment: Instant) -> Duration {
        moment.saturating_duration_since(self.origin)
    }

    /// Never waits: what finds no room is missed.
    fn send(&self, journey: &LiveJourney, sighting: Sighting) {
        if self.queue.try_send(Sent { journey: journey.id, sighting }).is_err() {
            self.missed.fetch_add(1, Ordering::Relaxed);
            journey.metrics.skip(Skipped::QueueFull);
        }
    }
}

#[cfg(test)]
mod tests;
