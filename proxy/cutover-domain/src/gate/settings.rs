//! What all routes' gates have in common.

use crate::slo::EVIDENCE_MIN;

/// Settings of every judge of the process.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    /// How often routes are judged, in ms, above 0. Default 15,000.
    pub evaluate_ms: u64,
    /// By how much the windows of burn rates are shorter than [`slo::RULES`](crate::slo::RULES)
    /// say, above 0. Default 1; tests and demonstrations use 60 and more.
    pub windows_scale: f64,
    /// Evidence that is enough, above 1. Default 1,000: one healthy route in a thousand has it.
    pub evidence_min: f64,
    /// New is worse than legacy only if its share of bad requests is higher by more than this,
    /// `0..1`. Default 0.002.
    pub difference_min: f64,
    /// New may be slower than legacy by this factor, at least 1. Default 1.2.
    pub latency_times_max: f64,
    /// And by this much, in ms. Default 5.
    pub latency_above_ms_max: f64,
    /// Lower bound that parity must have, above 0 and below 1. Default 0.995.
    pub parity_min: f64,
    /// Comparisons that it must rest on. Default 1,000.
    pub comparisons_min: u64,
    /// Share of the shapes of requests that must have been compared, `0..=1`. Default 0.9.
    pub coverage_min: f64,
    /// How long a gate may be in error before the route counts as unseen, in ms. Default 900,000.
    pub blind_after_ms: u64,
}

// === impl Settings ===

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            evaluate_ms: 15_000,
            windows_scale: 1.0,
            evidence_min: EVIDENCE_MIN,
            difference_min: 0.002,
            latency_times_max: 1.2,
            latency_above_ms_max: 5.0,
            parity_min: 0.995,
            comparisons_min: 1_000,
            coverage_min: 0.9,
            blind_after_ms: 15 * 60_000,
        }
    }
}
