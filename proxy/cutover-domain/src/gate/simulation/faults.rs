//! Broken builds are found, and in time.

use super::*;

/// How a broken build was found.
#[derive(Clone, Copy, Debug)]
struct Found {
    /// Seconds from the first bad answer to the decision.
    seconds: f64,
    /// Requests that new had in that time.
    requests: u64,
    gate: Option<Gate>,
    step: &'static str,
}

#[test]
fn a_build_that_fails_always_is_gone_in_seconds() {
    for (rate, seconds_max) in [(1_000.0, 3.0), (50.0, 12.0)] {
        let found = broken(1, rate, 300, Model::new(1.0, 40.0), 60).unwrap();
        assert!(found.seconds <= seconds_max, "{found:?}");
        assert_eq!(found.step, "safe_phase", "{found:?}");
    }
}

#[test]
fn a_build_that_is_slower_by_half_steps_back() {
    let found = broken(1, 1_000.0, 300, Model::new(0.0005, 60.0), 1_800).unwrap();
    assert_eq!((found.gate, found.step), (Some(Gate::Latency), "step_back"), "{found:?}");
}

/// Fast enough with few users and too slow with many: it would go up and back for ever.
#[test]
fn a_build_that_bears_no_load_does_not_oscillate() {
    let mut world = World::new(3, 1_000.0, 0.0005).at(5);
    let (light, heavy) = (world.new.clone(), Model::new(0.0005, 80.0));
    let many = Percent::from_basis_points(2_500).unwrap();
    for _ in 0..12 * 3_600 {
        if world.state.phase != Phase::Canary {
            break;
        }
        let is_heavy = world.state.percent >= many;
        world.new = if is_heavy { heavy.clone() } else { light.clone() };
        world.tick();
    }
    let steps: Vec<&str> = world.steps.iter().map(|(_, taken)| taken.step.as_str()).collect();
    let expected = ["advance", "step_back", "advance", "step_back", "advance", "safe_phase"];
    assert_eq!(steps, expected, "{:#?}", world.steps);
}

#[test]
fn a_shared_outage_moves_nothing() {
    for rate in [1_000.0, 50.0] {
        check_shared_outage(7, rate, 0.6);
    }
}

#[test]
#[ignore = "slow tier"]
fn gates_find_broken_builds_in_time() {
    for (what, bad, seconds) in [("100 %", 1.0, 120), ("10 %", 0.1, 600), ("2 %", 0.02, 3_600)] {
        for (rate, on_new) in [(1_000.0, 50.0), (50.0, 2.5)] {
            for (warm, when) in [(0, "from the start"), (1_200, "after 20 good minutes")] {
                let run = |seed| broken(seed, rate, warm, Model::new(bad, 40.0), seconds);
                let found: Vec<Found> = (0..1_000).filter_map(run).collect();
                let (p50, p95, requests) = percentiles(&found);
                eprintln!(
                    "failing {what} {when}, {on_new} req/s on new: {} of 1,000 found; decided after {p50:.1} s \
                     (p95 {p95:.1} s), {requests} requests",
                    found.len()
                );
                assert_eq!(found.len(), 1_000, "{what} {when} at {rate}");
                if bad >= 1.0 {
                    // Two seconds are left for the decision to reach every node.
                    let bar = if rate > 100.0 { 3.0 } else { 10.0 };
                    assert!(p95 <= bar, "{what} {when} at {rate}: {p95}");
                }
            }
        }
    }
}

#[test]
#[ignore = "slow tier"]
fn gates_find_slow_builds() {
    for (rate, on_new) in [(1_000.0, 50.0), (50.0, 2.5)] {
        let run = |seed| broken(seed, rate, 0, Model::new(0.0005, 60.0), 4 * 3_600);
        let found: Vec<Found> = (0..200).filter_map(run).collect();
        let (p50, p95, requests) = percentiles(&found);
        eprintln!(
            "p95 + 50 %, {on_new} req/s on new: {} of 200 found; decided after {p50:.0} s (p95 {p95:.0} s), \
             {requests} requests",
            found.len()
        );
        assert_eq!(found.len(), 200);
        assert!(found.iter().all(|found| found.step != "advance"), "{found:?}");
    }
}

#[test]
#[ignore = "slow tier"]
fn gates_forgive_what_legacy_shares() {
    for rate in [1_000.0, 50.0] {
        for bad in [0.05, 0.3, 1.0] {
            for seed in 0..100 {
                check_shared_outage(seed, rate, bad);
            }
        }
    }
    eprintln!(
        "shared outages of 5, 30 and 100 %, 100 each at 50 and 2.5 req/s on new: nothing moved"
    );
}

/// Both sides fail for two minutes, and recover.
fn check_shared_outage(seed: u64, rate: f64, bad: f64) {
    let mut world = World::new(seed, rate, 0.0005).at(5);
    world.run(900, |_| false);
    let healthy = (world.legacy.bad, world.new.bad);
    (world.legacy.bad, world.new.bad) = (bad, bad);
    let mut said_so = false;
    for _ in 0..120 {
        let assessment = world.tick();
        let is_shared = |answer: &Answer| {
            matches!(answer.outcome, Outcome::Inconclusive { reason: Reason::Shared, .. })
        };
        said_so |= assessment.answers.iter().any(is_shared);
    }
    (world.legacy.bad, world.new.bad) = healthy;
    world.run(600, |_| false);
    // Of 5 % of 300 requests there may be nothing to be said.
    assert!(said_so || bad < 0.1, "seed {seed}, {bad} at {rate}: it is called shared");
    assert!(world.steps.is_empty(), "seed {seed}, {bad} at {rate}: {:?}", world.steps);
}

/// At 5 %, healthy for `warm` seconds, then as `broken` for at most `seconds`.
fn broken(seed: u64, rate: f64, warm: u64, broken: Model, seconds: u64) -> Option<Found> {
    let mut world = World::new(seed, rate, 0.0005).at(5);
    world.run(warm, |_| false);
    assert!(world.steps.is_empty(), "seed {seed} while healthy: {:?}", world.steps);
    world.new = broken;
    let before = world.traffic().new.tally;
    let mut first_ms = None;
    for _ in 0..seconds {
        world.tick();
        let gained = world.traffic().new.tally.since(&before);
        let affected = gained.bad.max(gained.slow);
        if first_ms.is_none() && affected > 0 {
            // The first of some that are spread evenly over the second.
            let first = (0..affected).map(|_| world.random().fraction()).fold(1.0, f64::min);
            first_ms = Some((world.now_ms - SECOND_MS) as f64 + first * 1_000.0);
        }
        if let Some((at_ms, taken)) = world.steps.first() {
            let seconds = (*at_ms as f64 - first_ms.unwrap_or(*at_ms as f64)) / 1_000.0;
            let (gate, step) = (taken.gate, taken.step.as_str());
            return Some(Found { seconds, requests: gained.requests, gate, step });
        }
    }
    None
}

/// Median and p95 of the seconds, median of the requests.
fn percentiles(found: &[Found]) -> (f64, f64, u64) {
    let mut seconds: Vec<f64> = found.iter().map(|found| found.seconds).collect();
    let mut requests: Vec<u64> = found.iter().map(|found| found.requests).collect();
    seconds.sort_by(f64::total_cmp);
    requests.sort_unstable();
    let middle = found.len() / 2;
    (seconds[middle], seconds[found.len() * 95 / 100], requests[middle])
}
