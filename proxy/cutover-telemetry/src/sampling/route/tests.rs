use super::*;

struct Route {
    start: Instant,
    sampling: RouteSampling,
    capped: u64,
}

fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

// === impl Route ===

impl Route {
    /// Fast below 100 ms. Something of both sides was kept in the first period.
    fn new() -> Route {
        let start = Instant::now();
        let mut sampling = RouteSampling::new(start);
        sampling.slow_after = Some(millis(100));
        let mut route = Route { start, sampling, capped: 0 };
        let floor = [0, 1].map(|side| route.decide(Outcome { side, ..route.at(0) }));
        assert_eq!(floor, [Keep::Yes(Reason::Floor); 2]);
        route
    }

    /// A good answer so many milliseconds after the start.
    fn at(&self, after: u64) -> Outcome {
        Outcome::good(self.start + millis(after), millis(5))
    }

    fn decide(&mut self, outcome: Outcome) -> Keep {
        self.sampling.decide(Keep::No, false, &outcome, || self.capped += 1)
    }
}

#[test]
fn each_rule_keeps_what_the_head_did_not_choose() {
    let mut route = Route::new();
    let good = route.at(1);
    assert_eq!(route.decide(good), Keep::No);
    for failure in [Reason::Error, Reason::Timeout, Reason::Fallback] {
        let failed = Outcome { failure: Some(failure), ..good };
        assert_eq!(route.decide(failed), Keep::Yes(failure));
    }
    let at_the_limit = Outcome { duration: millis(100), ..good };
    assert_eq!(route.decide(at_the_limit), Keep::No);
    let slow = Outcome { duration: millis(101), ..good };
    assert_eq!(route.decide(slow), Keep::Yes(Reason::Slow));
    let recorded = Outcome { is_recorded_upstream: true, ..good };
    assert_eq!(route.decide(recorded), Keep::Yes(Reason::Upstream));
    let asked = route.sampling.decide(Keep::No, true, &good, || ());
    assert_eq!(asked, Keep::Yes(Reason::Asked));
    assert_eq!(route.capped, 0);
}

#[test]
fn the_first_rule_is_told_and_the_head_last() {
    let mut route = Route::new();
    let all = Outcome {
        failure: Some(Reason::Error),
        duration: millis(500),
        is_recorded_upstream: true,
        ..route.at(1)
    };
    let decide = |outcome, head| route.sampling.decide(head, true, &outcome, || ());
    let head = Keep::Yes(Reason::Ratio);
    assert_eq!(decide(all, head), Keep::Yes(Reason::Error));
    let no_failure = Outcome { failure: None, ..all };
    assert_eq!(decide(no_failure, head), Keep::Yes(Reason::Slow));
    let fast = Outcome { duration: millis(5), ..no_failure };
    assert_eq!(decide(fast, head), Keep::Yes(Reason::Asked));
    route.sampling.rolled_back = Some(route.start);
    assert_eq!(route.decide(all), Keep::Yes(Reason::Rollback));
    let good = route.at(300_000);
    assert_eq!(route.sampling.decide(head, false, &good, || ()), head);
}

#[test]
fn without_an_objective_nothing_is_slow() {
    let mut route = Route::new();
    route.sampling.slow_after = None;
    let hours = Outcome { duration: millis(7_200_000), ..route.at(1) };
    assert_eq!(route.decide(hours), Keep::No);
}

#[test]
fn an_outage_fills_the_cap_and_the_rest_is_counted() {
    let mut route = Route::new();
    let mut kept_in = |from: u64| {
        let failed = |route: &Route, at| Outcome { failure: Some(Reason::Error), ..route.at(at) };
        (from..from + 1_000).filter(|at| route.decide(failed(&route, *at)).is_yes()).count()
    };
    assert_eq!((0..5).map(|second| kept_in(second * 1_000)).collect::<Vec<_>>(), [50; 5]);
    assert_eq!(route.capped, 5 * 950);
}

#[test]
fn what_the_head_chose_needs_no_room_and_takes_none() {
    let mut route = Route::new();
    let failed = Outcome { failure: Some(Reason::Error), ..route.at(1) };
    let head = Keep::Yes(Reason::Ratio);
    for _ in 0..200 {
        let kept = route.sampling.decide(head, false, &failed, || ());
        assert_eq!(kept, Keep::Yes(Reason::Error));
    }
    assert_eq!((0..200).filter(|_| route.decide(failed).is_yes()).count(), 50);
}

#[test]
fn a_rollback_leaves_room_for_the_failures_it_was_about() {
    let mut route = Route::new();
    route.sampling.rolled_back = Some(route.start);
    let (good, failed) = (route.at(1), Outcome { failure: Some(Reason::Error), ..route.at(1) });
    assert_eq!((0..1_000).filter(|_| route.decide(good).is_yes()).count(), 25);
    assert_eq!((0..1_000).filter(|_| route.decide(failed).is_yes()).count(), 25);
    let (last, after) = (route.at(299_999), route.at(300_000));
    assert_eq!(route.decide(last), Keep::Yes(Reason::Rollback));
    // The floor's, whose period began.
    assert_eq!([route.decide(after), route.decide(after)], [Keep::Yes(Reason::Floor), Keep::No]);
}

#[test]
fn the_floor_keeps_one_a_period_of_each_side() {
    let mut route = Route::new();
    let kept = |route: &mut Route, side, seconds: std::ops::Range<u64>| {
        seconds.filter(|at| route.decide(Outcome { side, ..route.at(at * 1_000) }).is_yes()).count()
    };
    assert_eq!(kept(&mut route, 0, 0..10), 0, "kept before");
    assert_eq!(kept(&mut route, 0, 10..60), 5);
    assert_eq!(kept(&mut route, 1, 10..60), 5);
    // Whatever else kept one lights the period.
    let slow = Outcome { duration: millis(200), ..route.at(60_000) };
    assert_eq!(route.decide(slow), Keep::Yes(Reason::Slow));
    assert_eq!(kept(&mut route, 0, 60..70), 0);
}

#[test]
fn an_outage_of_one_side_leaves_the_other_its_floor() {
    let mut route = Route::new();
    let failed = Outcome { failure: Some(Reason::Error), side: 1, ..route.at(10_000) };
    assert_eq!((0..100).filter(|_| route.decide(failed).is_yes()).count(), 50);
    let good = route.at(10_001);
    assert_eq!(route.decide(good), Keep::Yes(Reason::Floor));
}

#[test]
fn a_floor_is_one_for_all_threads() {
    let start = Instant::now();
    let sampling = RouteSampling::new(start);
    let good = Outcome::good(start, millis(5));
    let decide = || sampling.clone().decide(Keep::No, false, &good, || ()).is_yes();
    let kept = std::thread::scope(|scope| {
        let count = || (0..1_000).filter(|_| decide()).count();
        let threads = [(); 4].map(|()| scope.spawn(count));
        threads.map(|thread| thread.join().unwrap()).into_iter().sum::<usize>()
    });
    assert_eq!(kept, 1);
}
