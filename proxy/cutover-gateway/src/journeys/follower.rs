//! The loop that matches sightings, off the data path.

use std::{
    fmt,
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

use cutover_domain::journey::{Full, Journey, Sighting};
use tokio::{sync::mpsc, time::MissedTickBehavior};

use super::{LiveJourney, QUEUE_MAX, Sent, Sightings, TURN};
use crate::{metrics::Skipped, shared::Shared};

/// Matches what requests tell of journeys, and counts results. Without somebody who runs it the
/// queue fills up, and what follows is missed.
pub struct JourneyFollower {
    shared: Arc<Shared>,
    pub(super) matching: Matching,
}

/// What was told so far.
pub(super) struct Matching {
    queue: mpsc::Receiver<Sent>,
    batch: Vec<Sent>,
    /// Sightings missed as of the last turn.
    missed: u64,
    following: Vec<Following>,
}

struct Following {
    live: Arc<LiveJourney>,
    journey: Journey,
}

// === impl JourneyFollower ===

impl JourneyFollower {
    pub(crate) fn new(shared: Arc<Shared>, queue: mpsc::Receiver<Sent>) -> JourneyFollower {
        JourneyFollower { shared, matching: Matching::new(queue) }
    }

    /// Follows until it is dropped.
    pub async fn run(mut self) {
        let mut turn = tokio::time::interval(TURN);
        turn.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            turn.tick().await;
            let shared = &self.shared;
            let live = || shared.live.load().journeys.clone();
            self.matching.turn(&shared.journeys, live, Instant::now());
        }
    }
}

impl fmt::Debug for JourneyFollower {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JourneyFollower").finish_non_exhaustive()
    }
}

// === impl Matching ===

impl Matching {
    pub(super) fn new(queue: mpsc::Receiver<Sent>) -> Matching {
        Matching { queue, batch: Vec::new(), missed: 0, following: Vec::new() }
    }

    /// Takes in what was told before `now`. `live` is asked afterwards: a sighting may be the
    /// first of a table that has just been put in force.
    pub(super) fn turn(
        &mut self,
        sightings: &Sightings,
        live: impl FnOnce() -> Arc<[Arc<LiveJourney>]>,
        now: Instant,
    ) {
        while self.batch.len() < QUEUE_MAX
            && let Ok(sent) = self.queue.try_recv()
        {
            self.batch.push(sent);
        }
        self.follow(&live());
        let missed = sightings.missed.load(Ordering::Relaxed);
        if std::mem::replace(&mut self.missed, missed) != missed {
            self.void();
        }
        let is_all = self.batch.len() < QUEUE_MAX;
        for Sent { journey, sighting } in std::mem::take(&mut self.batch) {
            if let Some(following) = self.following.iter_mut().find(|f| f.live.id == journey) {
                following.see(&sighting);
            }
        }
        for following in &mut self.following {
            following.settle(is_all.then(|| sightings.since_origin(now)));
        }
    }

    /// Goes on with the journeys of this table, and with no others.
    fn follow(&mut self, live: &[Arc<LiveJourney>]) {
        self.following.retain(|known| live.iter().any(|live| live.id == known.live.id));
        for live in live {
            if !self.following.iter().any(|known| known.live.id == live.id) {
                let journey = Journey::new(&live.spec);
                self.following.push(Following { live: Arc::clone(live), journey });
            }
        }
    }

    /// Where sightings were missed, those around them prove nothing.
    fn void(&mut self) {
        let batch = std::mem::take(&mut self.batch);
        for Following { live, journey } in &mut self.following {
            journey.void().for_each(|ended| live.metrics.ended(&ended));
            let own = batch.iter().filter(|sent| sent.journey == live.id);
            own.for_each(|_| live.metrics.skip(Skipped::QueueFull));
        }
    }
}

// === impl Following ===

impl Following {
    fn see(&mut self, sighting: &Sighting) {
        match self.journey.see(sighting) {
            Ok(endings) => endings.iter().for_each(|ended| self.live.metrics.ended(ended)),
            Err(Full) => self.live.metrics.skip(Skipped::TableFull),
        }
    }

    /// Ends what is over as of `swept`, and tells what is open.
    fn settle(&mut self, swept: Option<Duration>) {
        let swept = swept.into_iter().flat_map(|now| self.journey.sweep(now));
        swept.for_each(|ended| self.live.metrics.ended(&ended));
        self.live.metrics.open(self.journey.open());
    }
}
