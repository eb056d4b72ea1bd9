//! The statistics, checked by simulation: what they promise, they keep.
//!
//! Slow tier: `cargo test --release -p cutover-domain -- --ignored parity::simulation --nocapture`
//! prints the figures. Every run is the same, as the draws come from a fixed seed.

use super::{
    tests::{shape, value},
    *,
};

/// Legacy and a candidate that answer with fields, of which each answer has some wrong by chance.
struct Model {
    random: Xorshift,
    /// Chance that a field of an answer is not the usual one, independently; by field.
    noise: Vec<f64>,
    /// Chance that a field of the candidate is another than the usual one; by field.
    broken: Vec<f64>,
    fields: Vec<Difference>,
}

/// xorshift64*, Vigna, *An experimental exploration of Marsaglia's xorshift generators* (2016).
struct Xorshift(u64);

#[test]
#[ignore = "slow tier: a minute or two in release"]
fn parity_flags_at_most_one_healthy_route_in_a_hundred() {
    const PAIRS: u64 = 10_000;
    for (fields, noise, routes) in [
        (1, 0.1, 3_000),
        (1, 0.001, 3_000),
        (20, 0.1, 5_000),
        (20, 0.01, 2_000),
        (20, 0.001, 2_000),
        (200, 0.02, 300),
        (200, 0.001, 500),
    ] {
        let flagged = (0..routes).filter(|route| {
            let mut model = Model::healthy(seed(fields, *route), vec![noise; fields]);
            model.pairs_until_regression(&mut Parity::default(), PAIRS).is_some()
        });
        let flagged = flagged.count() as u64;
        eprintln!("healthy, {fields} fields, noise {noise}: {flagged} of {routes} routes flagged");
        assert!(flagged <= routes / 100, "{fields} fields, noise {noise}: {flagged}");
    }
}

#[test]
#[ignore = "slow tier"]
fn parity_finds_a_broken_field_within_sixteen_pairs() {
    // 49 fields that differ already, so that the broken one has the highest threshold of 50.
    let mut worst = 0;
    for fields in [1, 5, 10, 50] {
        let mut parity = Parity::default();
        let mut noise = vec![1.0; fields];
        noise[0] = 0.0;
        let mut model = Model::healthy(7, noise);
        model.broken[0] = 1.0;
        let pairs = model.pairs_until_regression(&mut parity, 100).unwrap();
        eprintln!("broken always, {fields} paths: found after {pairs} pairs");
        worst = worst.max(pairs);
    }
    assert_eq!(worst, 16);
}

#[test]
#[ignore = "slow tier"]
fn parity_finds_five_percent_broken_under_ten_percent_noise() {
    const RUNS: u64 = 1_000;
    for fields in [1, 10, 50] {
        let mut found: Vec<u64> = (0..RUNS)
            .filter_map(|run| {
                let mut noise = vec![0.02; fields];
                noise[0] = 0.1;
                let mut model = Model::healthy(seed(fields, run) ^ 0x5, noise);
                model.broken[0] = 0.05;
                model.pairs_until_field_regresses(0, 5_000)
            })
            .collect();
        found.sort_unstable();
        let median = found[found.len() / 2];
        eprintln!(
            "5 % broken under 10 % noise, {fields} fields: {} of {RUNS} found within 5,000 pairs, \
             median {median}",
            found.len()
        );
        assert!(found.len() as u64 >= RUNS * 95 / 100, "{fields} fields: {}", found.len());
    }
}

#[test]
#[ignore = "slow tier"]
fn parity_of_a_healthy_candidate_with_a_noisy_field_reaches_its_bound() {
    const ROUTES: u64 = 500;
    let sample = Percent::from_basis_points(1_000).unwrap();
    let mut requests: Vec<u64> = (0..ROUTES)
        .map(|route| {
            let mut noise = vec![0.0; 20];
            noise[0] = 0.1;
            let mut model = Model::healthy(seed(20, route) ^ 0x7, noise);
            let mut parity = Parity::default();
            let reached = (1..20_000).find(|_| {
                let paired = parity.wants_reference(model.random.next(), sample);
                model.judge(&mut parity, paired);
                parity.snapshot().counters.bound() >= 0.995
            });
            let report = parity.report(0.995, 0);
            assert!(report.untestable.is_empty(), "route {route}: {:?}", report.untestable);
            reached.unwrap_or_else(|| panic!("route {route} never reached 99.5 %: {report:?}"))
        })
        .collect();
    requests.sort_unstable();
    let [median, last] = [requests.len() / 2, requests.len() - 1].map(|at| requests[at]);
    eprintln!(
        "one of 20 fields noisy at 10 %: {ROUTES} of {ROUTES} routes reached 99.5 %, after \
         {median} requests (median), {last} (most)"
    );
    assert!(median < 1_500, "{median}");
}

/// One noisy field needs few requests; many rarely noisy ones are learnt for long.
#[test]
#[ignore = "slow tier"]
fn parity_of_a_healthy_candidate_with_many_noisy_fields_reaches_its_bound() {
    const ROUTES: u64 = 100;
    let sample = Percent::from_basis_points(1_000).unwrap();
    let mut requests: Vec<u64> = (0..ROUTES)
        .map(|route| {
            let noise = (0..20).map(|field| 0.02 / f64::from(1 << (field / 4))).collect();
            let mut model = Model::healthy(seed(3, route), noise);
            let mut parity = Parity::default();
            let reached = (1..100_000).find(|_| {
                let paired = parity.wants_reference(model.random.next(), sample);
                model.judge(&mut parity, paired);
                parity.snapshot().counters.bound() >= 0.995
            });
            reached.unwrap_or_else(|| panic!("route {route}: {:?}", parity.report(0.995, 0)))
        })
        .collect();
    requests.sort_unstable();
    let [median, last] = [requests.len() / 2, requests.len() - 1].map(|at| requests[at]);
    eprintln!(
        "20 fields noisy at 0.13 to 2 %: 99.5 % after {median} requests (median), {last} (most)"
    );
}

#[test]
#[ignore = "slow tier"]
fn parity_bound_covers_the_truth() {
    const RUNS: u64 = 20_000;
    for (requests, truth) in
        [(300, 0.99), (1_000, 0.995), (1_000, 0.98), (5_000, 0.999), (200, 0.7)]
    {
        let mut random = Xorshift(seed(requests, 11));
        let covered = (0..RUNS).filter(|_| {
            let matches = (0..requests).filter(|_| random.chance(truth)).count() as u64;
            lower_bound(matches, requests as u64 - matches) <= truth
        });
        let coverage = covered.count() as f64 / RUNS as f64;
        eprintln!("parity {truth} over {requests} requests: bound at or below in {coverage:.4}");
        // Three standard errors of the simulation itself; the exact sum is in the fast tier.
        assert!(coverage >= 0.95 - 3.0 * (0.95f64 * 0.05 / RUNS as f64).sqrt(), "{coverage}");
    }
}

// === impl Model ===

impl Model {
    fn healthy(seed: u64, noise: Vec<f64>) -> Model {
        let path = |field: usize| value(&format!("body.f{field}"), false, None);
        let fields = (0..noise.len()).map(path).collect();
        Model { random: Xorshift(seed), broken: vec![0.0; noise.len()], noise, fields }
    }

    /// Pairs until any path is a regression.
    fn pairs_until_regression(&mut self, parity: &mut Parity, pairs: u64) -> Option<u64> {
        (1..=pairs).find(|_| !self.judge(parity, true).regressed.is_empty())
    }

    /// Pairs until this field is a regression.
    fn pairs_until_field_regresses(&mut self, field: usize, pairs: u64) -> Option<u64> {
        let place = Place::At(self.fields[field].path.clone());
        let mut parity = Parity::default();
        (1..=pairs).find(|_| self.judge(&mut parity, true).regressed.contains(&place))
    }

    fn judge(&mut self, parity: &mut Parity, paired: bool) -> Judgement {
        let mut differences = Vec::new();
        for (field, difference) in self.fields.iter().enumerate() {
            let [live, reference, candidate] = self.random.three_values(self.noise[field]);
            let broken = self.random.chance(self.broken[field]);
            let candidate = broken || candidate != live;
            let reference = paired.then_some(reference != live);
            if candidate || reference == Some(true) {
                differences.push(Difference { candidate, reference, ..difference.clone() });
            }
        }
        parity.judge(&Observation {
            compared: Ok(&differences),
            paired,
            shape: &shape(),
            latency_micros: None,
            now: 0,
        })
    }
}

// === impl Xorshift ===

impl Xorshift {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn chance(&mut self, chance: f64) -> bool {
        ((self.next() >> 11) as f64) < chance * (1u64 << 53) as f64
    }

    /// 0, the usual value, or with this chance another one that no answer repeats.
    fn three_values(&mut self, noise: f64) -> [u64; 3] {
        if noise == 0.0 {
            return [0; 3];
        }
        [(); 3].map(|()| if self.chance(noise) { self.next() | 1 } else { 0 })
    }
}

/// Seeds that xorshift does not take for each other's successors.
fn seed(kind: usize, run: u64) -> u64 {
    xxhash_rust::xxh3::xxh3_64_with_seed(&run.to_le_bytes(), kind as u64) | 1
}
