//! Healthy canaries go up the whole ladder and are not taken back.

use super::*;

/// What became of some healthy canaries.
#[derive(Debug, Default)]
struct Fates {
    live: usize,
    rolled_back: usize,
    stepped_back: usize,
    /// Seconds to `live`, of those that came there.
    seconds: Vec<u64>,
}

#[test]
fn healthy_canaries_reach_live() {
    let fates = fates(3, 1_000.0);
    assert_eq!((fates.live, fates.rolled_back, fates.stepped_back), (3, 0, 0), "{fates:?}");
}

#[test]
#[ignore = "slow tier: some minutes in release"]
fn gates_take_no_healthy_canary_back() {
    for (rate, on_new) in [(1_000.0, 50.0), (50.0, 2.5)] {
        let fates = fates(1_000, rate);
        let mut seconds = fates.seconds.clone();
        seconds.sort_unstable();
        eprintln!(
            "1,000 healthy canaries, {on_new} req/s on new at 5 %: {} live, {} stepped back, {} rolled back; \
             to live: median {} min, slowest {} min",
            fates.live,
            fates.stepped_back,
            fates.rolled_back,
            seconds[seconds.len() / 2] / 60,
            seconds[seconds.len() - 1] / 60,
        );
        assert_eq!(fates.rolled_back, 0, "at {rate} req/s");
        assert!(fates.stepped_back <= 10, "at {rate} req/s: {}", fates.stepped_back);
        assert!(fates.live >= 990, "at {rate} req/s: {}", fates.live);
    }
}

/// Runs `canaries` of them, with base errors of 0.02 to 0.1 %, for at most a day each.
fn fates(canaries: u64, rate: f64) -> Fates {
    let mut fates = Fates::default();
    for canary in 0..canaries {
        let bad = 0.0002 * 5f64.powf(Random::new(canary ^ 0xbad).fraction());
        let mut world = World::new(canary * 2 + u64::from(rate > 100.0), rate, bad);
        let began_ms = world.now_ms;
        world.run(24 * 3600, |world| world.state.phase != Phase::Canary);
        let took = |step: &Step| matches!(step, Step::StepBack(_));
        fates.stepped_back += usize::from(world.steps.iter().any(|(_, taken)| took(&taken.step)));
        if world.state.phase == Phase::Live {
            fates.live += 1;
            fates.seconds.push((world.now_ms - began_ms) / SECOND_MS);
        } else if world.state.phase < Phase::Canary {
            fates.rolled_back += 1;
            eprintln!("canary {canary}: {:?}", world.steps.last());
        }
    }
    fates
}
