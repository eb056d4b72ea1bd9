use cutover_domain::{
    Side,
    journey::{JourneyResult, What},
};
use prometheus_client::registry::Registry;

use super::{follower::Matching, *};
use crate::metrics::{GatewayMetrics, JourneyCounts};

/// One journey, its queue and what matches it.
struct Rig {
    live: Arc<[Arc<LiveJourney>]>,
    sightings: Sightings,
    matching: Matching,
}

impl Rig {
    fn new() -> Rig {
        let spec = JourneySpec {
            name: "j".into(),
            starts: vec!["write".into()],
            ends: vec!["read".into()],
            correlate: vec!["path:id".parse().unwrap(), "answer:etag".parse().unwrap()],
            within: Duration::from_secs(2),
            lost_after: Duration::from_secs(30),
            target_percent: 99.0,
        };
        let families = GatewayMetrics::register(&mut Registry::default()).journeys;
        let live = LiveJourney::of_table(&[spec], &families, &[]);
        let (sightings, queue) = Sightings::new();
        Rig { live, sightings, matching: Matching::new(queue) }
    }

    fn send(&self, place: u64, seconds: u64, what: What) {
        let at = Duration::from_secs(seconds);
        self.sightings.send(&self.live[0], Sighting { place, asked: at, answered: at, what });
    }

    fn start(&self, place: u64) {
        self.send(place, 0, What::Started { state: 1, side: Side::New });
    }

    /// What there is after a turn at so many seconds.
    fn turn(&mut self, seconds: u64) -> JourneyCounts {
        let now = self.sightings.origin + Duration::from_secs(seconds);
        let live = Arc::clone(&self.live);
        self.matching.turn(&self.sightings, || live, now);
        self.live[0].metrics.counts()
    }
}

fn of(counts: &JourneyCounts, result: JourneyResult) -> u64 {
    counts.sides[1].results[result as usize]
}

#[test]
fn each_turn_takes_in_all_and_ends_what_is_over() {
    let mut rig = Rig::new();
    rig.start(1);
    rig.start(2);
    rig.send(1, 1, What::Read { shows: Some(1) });
    rig.send(2, 3, What::Read { shows: None });
    let counts = rig.turn(30);
    assert_eq!((of(&counts, JourneyResult::Good), counts.sides[1].open), (1, 1));
    let counts = rig.turn(31);
    assert_eq!((of(&counts, JourneyResult::Lost), counts.sides[1].open), (1, 0));
}

#[test]
fn where_sightings_were_missed_nothing_is_judged() {
    let mut rig = Rig::new();
    rig.start(1);
    rig.send(1, 3, What::Read { shows: None });
    assert_eq!(rig.turn(4).sides[1].open, 1);
    let too_many = QUEUE_MAX + 5;
    (0..too_many).for_each(|_| rig.send(1, 5, What::Read { shows: Some(1) }));
    let counts = rig.turn(6);
    assert_eq!(of(&counts, JourneyResult::Unseen), 1);
    assert_eq!(counts.sides[1].results.iter().sum::<u64>(), 1);
    assert_eq!(counts.skipped[Skipped::QueueFull as usize], too_many as u64);
    // After that it goes on.
    rig.start(2);
    rig.send(2, 1, What::Read { shows: Some(1) });
    assert_eq!(of(&rig.turn(7), JourneyResult::Good), 1);
}

#[test]
fn a_journey_that_is_declared_anew_begins_anew() {
    let mut rig = Rig::new();
    rig.start(1);
    rig.turn(1);
    let families = GatewayMetrics::register(&mut Registry::default()).journeys;
    let mut spec = rig.live[0].spec.clone();
    let same = LiveJourney::of_table(std::slice::from_ref(&spec), &families, &rig.live);
    assert!(Arc::ptr_eq(&same[0], &rig.live[0]));
    spec.within = Duration::from_secs(3);
    let before = std::mem::replace(&mut rig.live, LiveJourney::of_table(&[spec], &families, &same));
    rig.sightings.send(
        &before[0],
        Sighting {
            place: 1,
            asked: Duration::ZERO,
            answered: Duration::from_secs(1),
            what: What::Read { shows: Some(1) },
        },
    );
    assert_eq!(rig.turn(2).sides[1].results, [0; 4]);
    assert_eq!(before[0].metrics.counts().sides[1].results, [0; 4]);
}

#[test]
fn only_routes_that_are_named_take_part() {
    let rig = Rig::new();
    assert!(LiveJourney::of_route(&rig.live, "write").is_some());
    assert!(LiveJourney::of_route(&rig.live, "other").is_none());
}
