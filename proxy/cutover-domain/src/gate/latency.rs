//! How fast both sides answer: buckets fine enough to tell 1.2 times apart.

/// How many buckets there are: for each doubling 16, and two for what is below and above.
pub const BUCKETS: usize = (DOUBLINGS * STEPS) as usize + 2;

/// The first bucket holds what is below this, in µs.
const FIRST_MICROS: u64 = 256;
const STEPS: u64 = 16;
const STEPS_BITS: u32 = STEPS.trailing_zeros();
/// From 256 µs to 67 s.
const DOUBLINGS: u64 = 18;

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
pub fn end_micros(bucket: usize) -> f64 {
    if bucket >= BUCKETS - 1 {
        return f64::INFINITY;
    }
    let (doubling, within) = (bucket as u64 / STEPS, bucket as u64 % STEPS);
    ((FIRST_MICROS << doubling) as f64) * (1.0 + within as f64 / STEPS as f64)
}

#[cfg(test)]
mod tests;
