//! What a look at many routes costs.

use std::fs;

use super::*;

const ROUTES: u64 = 1_000;

#[test]
#[ignore = "slow tier: measures"]
fn gates_of_a_thousand_routes_cost_little() {
    let mut worlds: Vec<World> =
        (0..ROUTES).map(|seed| World::new(seed, 100.0, 0.001).at(25)).collect();
    // Every fourth is so slow that its percentiles have to be worked out as proof.
    for world in worlds.iter_mut().step_by(4) {
        world.new = Model::new(0.001, 42.5);
    }
    let rounds = 30;
    let mut spent_micros = Vec::new();
    for _ in 0..rounds {
        worlds.iter_mut().for_each(World::serve);
        let before = on_cpu_micros();
        for world in &mut worlds {
            std::hint::black_box(world.look());
        }
        spent_micros.push(on_cpu_micros() - before);
    }
    spent_micros.sort_unstable();
    let (median, worst) =
        (spent_micros[rounds / 2] as f64 / 1e3, spent_micros[rounds - 1] as f64 / 1e3);
    eprintln!("a look at 1,000 routes: {median:.1} ms of CPU at the median, {worst:.1} ms at most");
    assert!(median <= 100.0, "{median} ms");
}

/// What this thread has run for, which others on the machine do not add to.
fn on_cpu_micros() -> u64 {
    let stat = fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    stat.split(' ').next().unwrap().parse::<u64>().unwrap() / 1_000
}
