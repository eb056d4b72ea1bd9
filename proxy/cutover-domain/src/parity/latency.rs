//! Paired latency: candidate minus legacy, request by request.
//!
//! A histogram of signed differences with buckets whose width grows with the distance from 0, as
//! HdrHistogram's do (which knows no negative values): exact below 32 µs, then 32 buckets for
//! each doubling, so a percentile is within 1.6 % of the difference it stands for.

use std::collections::BTreeMap;

/// Buckets for each doubling, and the µs below which each value has its own.
const STEPS: u64 = 32;
const STEPS_BITS: u32 = STEPS.trailing_zeros();
/// Differences beyond (71 minutes) count as this.
const MICROS_MAX: u64 = (1 << 32) - 1;

/// Differences of latency, candidate − legacy, over requests that both answered. At most 1,791
/// buckets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PairedLatency {
    /// How many differences fell into each bucket; buckets below 0 are those where the candidate
    /// was faster.
    pub buckets: BTreeMap<i16, u64>,
}

/// Percentiles of the differences, in µs; below 0: the candidate was faster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LatencyPercentiles {
    /// Differences counted, at least 1.
    pub count: u64,
    /// Half of the differences are at most this.
    pub p50_micros: i64,
    /// 95 % are at most this.
    pub p95_micros: i64,
    /// 99 % are at most this.
    pub p99_micros: i64,
}

// === impl PairedLatency ===

impl PairedLatency {
    /// Counts one request.
    pub fn record(&mut self, difference_micros: i64) {
        *self.buckets.entry(bucket(difference_micros)).or_default() += 1;
    }

    /// The percentiles; `None` before the first difference.
    pub fn percentiles(&self) -> Option<LatencyPercentiles> {
        let count = self.buckets.values().sum();
        Some(LatencyPercentiles {
            count,
            p50_micros: self.at_rank(count, 50)?,
            p95_micros: self.at_rank(count, 95)?,
            p99_micros: self.at_rank(count, 99)?,
        })
    }

    fn at_rank(&self, count: u64, percent: u64) -> Option<i64> {
        let rank = (u128::from(count) * u128::from(percent)).div_ceil(100);
        let mut below = 0u128;
        let mut buckets = self.buckets.iter();
        let (bucket, _) = buckets.find(|(_, counted)| {
            below += u128::from(**counted);
            below >= rank
        })?;
        Some(middle(*bucket))
    }
}

fn bucket(micros: i64) -> i16 {
    let distance = micros.unsigned_abs().min(MICROS_MAX);
    let index = if distance < STEPS {
        distance
    } else {
        let doubling = distance.ilog2() - STEPS_BITS;
        STEPS * u64::from(doubling) + (distance >> doubling)
    };
    let index = i16::try_from(index).expect("32 bits make at most 896 buckets");
    if micros < 0 { -index } else { index }
}

/// The value in the middle of a bucket.
fn middle(bucket: i16) -> i64 {
    let index = u64::from(bucket.unsigned_abs());
    let distance = if index < STEPS {
        index
    } else {
        let doubling = (index / STEPS - 1).min(32);
        let first = (index - STEPS * doubling) << doubling;
        first + ((1 << doubling) - 1) / 2
    };
    let distance = i64::try_from(distance).expect("a bucket's middle is below 2^60");
    if bucket < 0 { -distance } else { distance }
}

#[cfg(test)]
mod tests;
