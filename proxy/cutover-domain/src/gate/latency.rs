//! The gate of latency: new is not much slower than legacy over the same time.
//!
//! Latencies are counted in buckets fine enough to tell 1.2 times apart. A percentile q of legacy
//! lies below a bucket's end with certainty once there is evidence that more than q of its requests
//! do; new fails once there is evidence that less than q of its requests keep the limit which
//! follows from that. Counts below a fixed latency are binomial, so the evidence is that of
//! [`ln_evidence`], and as the counts fall with the latency, it holds for all latencies and all
//! looks at once: confidence sequences for quantiles as in Steven R. Howard and Aaditya Ramdas,
//! *Sequential estimation of quantiles with applications to A/B testing and best-arm
//! identification* (Bernoulli 28(3), 2022). Of four bounds each errs once in a thousand at most.
//!
//! Refused here: interpolation as proof; it serves to say that new is well, never that it is not.

use super::{Answer, Fact, Gate, Measure, Outcome, Reaction, Reason, Settings};
use crate::slo::ln_evidence;

/// How many buckets there are: for each doubling 16, and two for what is below and above.
pub const BUCKETS: usize = (DOUBLINGS * STEPS) as usize + 2;

/// The first bucket holds what is below this, in µs.
const FIRST_MICROS: u64 = 256;
const STEPS: u64 = 16;
const STEPS_BITS: u32 = STEPS.trailing_zeros();
/// From 256 µs to 67 s.
const DOUBLINGS: u64 = 18;

/// The percentiles that are compared, and what they are called.
const QUANTILES: [(f64, &str); 2] = [(0.95, "p95"), (0.99, "p99")];
/// Requests that a side needs: with 299 the highest of them is above p99 with 95 %.
const REQUESTS_MIN: u64 = 300;

/// Requests of one side by latency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Counts {
    buckets: Vec<u64>,
    total: u64,
}

/// The answer of the gate where each side serves someone; `None`: latencies are not measured.
pub(crate) fn answer(counts: Option<[Counts; 2]>, is_shared: bool, settings: &Settings) -> Answer {
    let Some([legacy, new]) = counts else {
        let outcome = Outcome::inconclusive(Reason::NoData, "latencies of both sides");
        return Answer::new(Gate::Latency, outcome, Vec::new());
    };
    let facts = facts(&legacy, &new, settings);
    Answer::new(Gate::Latency, outcome(&legacy, &new, is_shared, settings), facts)
}

fn outcome(legacy: &Counts, new: &Counts, is_shared: bool, settings: &Settings) -> Outcome {
    let missing = REQUESTS_MIN.saturating_sub(legacy.total.min(new.total));
    if missing > 0 {
        return Outcome::inconclusive(Reason::FewRequests, format!("{missing} more requests"));
    }
    let is_slower = |(q, _): &&(f64, &str)| new.at(*q) > settings.limit_micros(legacy.at(*q));
    let Some((_, name)) = QUANTILES.iter().find(is_slower) else { return Outcome::Pass };
    let proven = QUANTILES.iter().find(|(q, _)| is_proven_slower(legacy, new, *q, settings));
    match (proven, is_shared) {
        (Some(_), true) => {
            Outcome::inconclusive(Reason::Shared, "legacy to recover: it fails as well")
        }
        (Some((q, name)), false) => {
            let [new, legacy] = [new, legacy].map(|side| side.at(*q) / 1000.0);
            let why = format!("{name} of new is {new:.1} ms, of legacy {legacy:.1} ms");
            Outcome::fail(Reaction::StepBack, why)
        }
        (None, _) => {
            let needed =
                format!("more requests: {name} of new is too high, but that may be chance");
            Outcome::inconclusive(Reason::Unproven, needed)
        }
    }
}

/// Whether new's percentile `q` is above what the highest that legacy's may be allows.
fn is_proven_slower(legacy: &Counts, new: &Counts, q: f64, settings: &Settings) -> bool {
    let enough = settings.evidence_min.ln();
    let Some(highest) = legacy.upper_micros(q, enough) else { return false };
    let above = new.above(settings.limit_micros(highest));
    ln_evidence(above, new.total - above, 1.0 - q) >= enough
}

fn facts(legacy: &Counts, new: &Counts, settings: &Settings) -> Vec<Fact> {
    let millis = |micros: f64| Measure::Millis(micros / 1000.0);
    let of_quantile = |(q, name): (f64, &str)| {
        let legacy = legacy.at(q);
        let limit = millis(settings.limit_micros(legacy));
        [
            Fact::within(format!("{name} of new"), millis(new.at(q)), limit),
            Fact::new(format!("{name} of legacy"), millis(legacy)),
        ]
    };
    let requests = [
        Fact::new("requests to new", Measure::Count(new.total)),
        Fact::new("requests to legacy", Measure::Count(legacy.total)),
    ];
    QUANTILES.into_iter().flat_map(of_quantile).chain(requests).collect()
}

/// The bucket that counts a request of `micros`, below [`BUCKETS`]. Buckets are at most 6.25 %
/// wide, but for the first, below 256 µs, and the last, from 67 s on.
pub fn bucket_of(micros: u64) -> usize {
    if micros < FIRST_MICROS {
        return 0;
    }
    let doubling = micros.ilog2() - FIRST_MICROS.ilog2();
    let within = (micros >> (micros.ilog2() - STEPS_BITS)) & (STEPS - 1);
    let bucket = 1 + u64::from(doubling) * STEPS + within;
    usize::try_from(bucket).map_or(BUCKETS - 1, |bucket| bucket.min(BUCKETS - 1))
}

/// Where `bucket` ends, in µs, itself not included; infinite for the last.
pub(crate) fn end_micros(bucket: usize) -> f64 {
    if bucket >= BUCKETS - 1 {
        return f64::INFINITY;
    }
    let (doubling, within) = (bucket as u64 / STEPS, bucket as u64 % STEPS);
    ((FIRST_MICROS << doubling) as f64) * (1.0 + within as f64 / STEPS as f64)
}

// === impl Settings ===

impl Settings {
    /// What new may take where legacy takes this long.
    fn limit_micros(&self, legacy_micros: f64) -> f64 {
        let above = legacy_micros + self.latency_above_ms_max * 1000.0;
        above.min(legacy_micros * self.latency_times_max)
    }
}

// === impl Counts ===

impl Counts {
    /// What was counted between two looks; all of `now` if it fell, as then it began anew. `None`:
    /// they are no counts of these buckets.
    pub(crate) fn between(before: &[u64], now: &[u64]) -> Option<Counts> {
        if now.len() != BUCKETS {
            return None;
        }
        let gained = |(bucket, now): (usize, &u64)| {
            now.checked_sub(before.get(bucket).copied().unwrap_or(0))
        };
        let gained: Option<Vec<u64>> = now.iter().enumerate().map(gained).collect();
        let buckets = gained.unwrap_or_else(|| now.to_vec());
        let total = buckets.iter().sum();
        Some(Counts { buckets, total })
    }

    /// The percentile `q` in µs, interpolated within its bucket; 0 without requests, the start of
    /// the last bucket at most.
    fn at(&self, q: f64) -> f64 {
        let rank = q * self.total as f64;
        let mut below = 0.0;
        for (bucket, count) in self.buckets.iter().enumerate() {
            let count = *count as f64;
            if count > 0.0 && below + count >= rank {
                let start = bucket.checked_sub(1).map_or(0.0, end_micros);
                let end = if bucket == BUCKETS - 1 { start } else { end_micros(bucket) };
                return start + (end - start) * (rank - below) / count;
            }
            below += count;
        }
        0.0
    }

    /// What the percentile `q` is certainly below, in µs; `None`: nothing yet.
    fn upper_micros(&self, q: f64, enough: f64) -> Option<f64> {
        let mut below = 0;
        let end = self.buckets.iter().take(BUCKETS - 1).position(|count| {
            below += count;
            // Short of it there is no evidence, and none is worked out.
            below as f64 > q * self.total as f64
                && ln_evidence(below, self.total - below, q) >= enough
        });
        end.map(end_micros)
    }

    /// Requests that certainly took longer: those in buckets that begin there or later.
    fn above(&self, micros: f64) -> u64 {
        let bucket = (0..BUCKETS).find(|bucket| end_micros(*bucket) >= micros);
        bucket.map_or(0, |bucket| self.buckets[bucket + 1..].iter().sum())
    }
}

#[cfg(test)]
mod tests;
