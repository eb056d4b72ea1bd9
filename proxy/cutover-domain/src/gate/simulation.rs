//! The gates, checked by simulation: what they promise, they keep.
//!
//! Slow tier: `cargo test --release -p cutover-domain --lib -- --ignored --nocapture gates` prints
//! the figures. Every run is the same, as the draws come from fixed seeds.

use std::sync::Arc;

use super::{latency::BUCKETS, *};
use crate::{
    Percent, Phase, RouteState, Target,
    slo::{LatencyObjective, Objective, Objectives},
};

mod canaries;
mod cost;
mod faults;

const SECOND_MS: u64 = 1_000;
/// All devices of a route.
const SUBJECTS: f64 = 1_000.0;

/// A route whose users send requests by chance, looked at every second.
pub(super) struct World {
    random: Random,
    judge: Judge,
    pub(super) state: RouteState,
    pub(super) now_ms: u64,
    /// Requests a second, both sides.
    rate: f64,
    pub(super) legacy: Model,
    pub(super) new: Model,
    traffic: Traffic,
    /// Share of new before the last step, and when that was.
    before: (f64, u64),
    /// Every step taken, with what asked for it.
    pub(super) steps: Vec<(u64, Proposal)>,
}

/// How a side answers.
#[derive(Clone)]
pub(super) struct Model {
    /// Share of requests that it fails.
    pub(super) bad: f64,
    /// How likely each bucket of latency is.
    latency: Vec<f64>,
}

/// xorshift64*, Vigna, *An experimental exploration of Marsaglia's xorshift generators* (2016).
pub(super) struct Random(u64);

// === impl World ===

impl World {
    /// At 1 %, with `rate` requests a second in all, both sides healthy.
    pub(super) fn new(seed: u64, rate: f64, bad: f64) -> World {
        let spec = GateSpec {
            automatic: true,
            required: [Gate::Burn, Gate::Regression, Gate::Latency].into(),
            ..GateSpec::default()
        };
        let objectives = Objectives {
            availability: Objective::from_percent(99.9),
            latency: Objective::from_percent(95.0)
                .map(|objective| LatencyObjective { objective, under_ms: 300 }),
            ..Objectives::default()
        };
        let settings = Settings { evaluate_ms: SECOND_MS, ..Settings::default() };
        let healthy = Model::new(bad, 40.0);
        World {
            random: Random::new(seed),
            judge: Judge::new(objectives, Some(spec), settings),
            state: RouteState::INITIAL.at(Target::phase(Phase::Shadow), 1),
            now_ms: 1_000_000_000,
            rate,
            legacy: healthy.clone(),
            new: healthy,
            traffic: Traffic::default(),
            before: (0.0, 0),
            steps: Vec::new(),
        }
        .at(1)
    }

    /// The same at this share of new.
    pub(super) fn at(mut self, percent: u16) -> World {
        self.go(Target::canary(Percent::from_basis_points(percent * 100).unwrap()));
        self
    }

    /// One second of users, and a look at it.
    pub(super) fn tick(&mut self) -> Assessment {
        self.serve();
        let assessment = self.look();
        if let Some(proposal) = &assessment.proposal
            && let Some(target) = proposal.step.target()
        {
            self.steps.push((self.now_ms, proposal.clone()));
            self.go(target);
        }
        assessment
    }

    /// One second of users.
    pub(super) fn serve(&mut self) {
        self.now_ms += SECOND_MS;
        let share = self.share();
        let bad_before = self.traffic.new.tally.bad;
        let World { random, rate, traffic, .. } = self;
        for (side, model, share) in
            [(&mut traffic.legacy, &self.legacy, 1.0 - share), (&mut traffic.new, &self.new, share)]
        {
            let requests = random.poisson(*rate * share);
            let bad = random.binomial(requests, model.bad);
            side.tally.requests += requests;
            side.tally.bad += bad;
            side.trials += bad.min((SUBJECTS * share).ceil() as u64);
            side.latency = model.spread(&side.latency, requests - bad, random);
            // Buckets up to 300 ms are those below the objective's threshold.
            let within = side.latency[..=latency::bucket_of(300_000)].iter().sum::<u64>();
            side.tally.slow = side.latency.iter().sum::<u64>() - within;
        }
        self.streak(self.traffic.new.tally.bad - bad_before);
        self.count_subjects();
    }

    /// Until `is_over` or for `seconds`.
    pub(super) fn run(&mut self, seconds: u64, is_over: impl Fn(&World) -> bool) {
        for _ in 0..seconds {
            if is_over(self) {
                return;
            }
            self.tick();
        }
    }

    pub(super) fn traffic(&self) -> &Traffic {
        &self.traffic
    }

    pub(super) fn random(&mut self) -> &mut Random {
        &mut self.random
    }

    pub(super) fn look(&mut self) -> Assessment {
        self.judge.observe(&Observation {
            now_ms: self.now_ms,
            state: &self.state,
            latch: None,
            stepped_back_ms: &self.stepped_back_ms(),
            build: None,
            traffic: Ok(&self.traffic),
            parity: Ok(None),
            signals: Ok(Signals { objectives: true, traces: true, dashboards: true }),
            approved: None,
            further: &[],
        })
    }

    fn stepped_back_ms(&self) -> Vec<u64> {
        let steps = self.steps.iter().filter(|(_, taken)| matches!(taken.step, Step::StepBack(_)));
        steps.map(|(at_ms, _)| *at_ms).collect()
    }

    fn go(&mut self, target: Target) {
        self.before = (self.share(), self.now_ms);
        self.state = self.state.at(target, self.state.revision + 1);
    }

    fn share(&self) -> f64 {
        match self.state.phase {
            Phase::Canary => self.state.percent.as_f64() / 100.0,
            Phase::Live | Phase::Retired => 1.0,
            Phase::Legacy | Phase::Shadow => 0.0,
        }
    }

    /// Failures since the last good answer, taken as if a second's answers came in any order.
    fn streak(&mut self, failed: u64) {
        let World { traffic, random, new, .. } = self;
        if new.bad >= 1.0 {
            traffic.streak.failures += failed;
        } else {
            traffic.streak.failures =
                (0..failed).take_while(|_| random.fraction() < new.bad).count() as u64;
        }
        traffic.streak.subjects = traffic.streak.failures;
    }

    /// Who was active within the last minute: who changed sides just now shows up one by one, and
    /// still counts for the other side.
    fn count_subjects(&mut self) {
        let (before, at_ms) = self.before;
        let (share, seconds) = (self.share(), (self.now_ms - at_ms) as f64 / 1000.0);
        let moved = if seconds < 60.0 { share - before } else { 0.0 };
        let seen = 1.0 - (-self.rate / SUBJECTS * seconds).exp();
        let active = SUBJECTS * (1.0 - (-self.rate / SUBJECTS * 60.0).exp());
        let new = share - moved.max(0.0) * (1.0 - seen);
        let legacy = 1.0 - share + moved.max(0.0);
        self.traffic.new.subjects = (active * new) as u64;
        self.traffic.legacy.subjects = (active * legacy) as u64;
    }
}

// === impl Model ===

impl Model {
    /// Latencies are log-normal around `median_ms`, as those of most services: p95 is 2.7 times
    /// it, p99 4 times.
    pub(super) fn new(bad: f64, median_ms: f64) -> Model {
        let below = |bucket: usize| {
            let end_ms = latency::end_micros(bucket) / 1000.0;
            normal_below((end_ms / median_ms).ln() / 0.6)
        };
        let ends: Vec<f64> = (0..BUCKETS).map(below).collect();
        let of = |bucket: usize| ends[bucket] - bucket.checked_sub(1).map_or(0.0, |b| ends[b]);
        Model { bad, latency: (0..BUCKETS).map(of).collect() }
    }

    /// `counted` and `requests` more, spread over buckets by chance.
    fn spread(&self, counted: &Arc<[u64]>, requests: u64, random: &mut Random) -> Arc<[u64]> {
        let mut counts = if counted.is_empty() { vec![0; BUCKETS] } else { counted.to_vec() };
        if requests > 64 {
            for (count, chance) in counts.iter_mut().zip(&self.latency) {
                *count += random.poisson(requests as f64 * chance);
            }
            return counts.into();
        }
        for _ in 0..requests {
            let mut rest = random.fraction();
            let bucket = self.latency.iter().position(|chance| {
                rest -= chance;
                rest < 0.0
            });
            counts[bucket.unwrap_or(BUCKETS - 1)] += 1;
        }
        counts.into()
    }
}

/// P[N(0, 1) < x], good to 1e-7: Abramowitz and Stegun, *Handbook*, 26.2.17.
fn normal_below(x: f64) -> f64 {
    if x.is_infinite() {
        return if x > 0.0 { 1.0 } else { 0.0 };
    }
    let t = 1.0 / (1.0 + 0.231_641_9 * x.abs());
    let coefficients =
        [1.330_274_429, -1.821_255_978, 1.781_477_937, -0.356_563_782, 0.319_381_530];
    let sum = coefficients.iter().fold(0.0, |sum, c| t * (c + sum));
    let above = sum * (-x * x / 2.0).exp() / (2.0 * std::f64::consts::PI).sqrt();
    if x > 0.0 { 1.0 - above } else { above }
}

// === impl Random ===

impl Random {
    pub(super) fn new(seed: u64) -> Random {
        Random((seed + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    /// `0..1`, even.
    pub(super) fn fraction(&mut self) -> f64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 11) as f64 / (1u64 << 53) as f64
    }

    /// How many of events come of which `mean` come on average. Above 30 by a normal
    /// approximation.
    fn poisson(&mut self, mean: f64) -> u64 {
        if mean > 30.0 {
            let (u, v) = (1.0 - self.fraction(), self.fraction());
            let normal = (-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos();
            return (mean + mean.sqrt() * normal).round().max(0.0) as u64;
        }
        let (end, mut product, mut count) = ((-mean).exp(), self.fraction(), 0);
        while product > end {
            product *= self.fraction();
            count += 1;
        }
        count
    }

    /// How many of `trials` happen, each with this chance.
    fn binomial(&mut self, trials: u64, chance: f64) -> u64 {
        if chance >= 1.0 {
            return trials;
        }
        // Rare ones are as good as Poisson, and there are few of them.
        if chance < 0.01 {
            return self.poisson(trials as f64 * chance).min(trials);
        }
        (0..trials).filter(|_| self.fraction() < chance).count() as u64
    }
}
