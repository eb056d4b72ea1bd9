//! Windows, factors, and how both are written.

use std::time::Duration;

/// How loud an alert is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// Somebody is woken.
    Page,
    /// Somebody looks during the day.
    Ticket,
}

/// Two windows that must both burn faster than `factor` before an alert fires: the long one says
/// that it matters, the short one that it still goes on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BurnPair {
    /// How loud.
    pub severity: Severity,
    /// Name of the long window, such as `1h`.
    pub long: &'static str,
    /// Name of the short window.
    pub short: &'static str,
    /// How many times faster than allowed over the whole period.
    pub factor: f64,
}

/// By how much windows are shortened, so that tests need not wait; 1 is the real thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scale(u32);

/// Windows over which error ratios are recorded, shortest first.
pub(super) const WINDOWS: [&str; 7] = ["5m", "30m", "1h", "2h", "6h", "1d", "3d"];

/// Severity, windows, and the share of a period's budget that is spent when the alert fires: for
/// periods of weeks (SRE workbook, table 5-8) and for shorter ones (Sloth's windows for 7 days).
const MONTH: [(Severity, &str, &str, f64); 4] = [
    (Severity::Page, "1h", "5m", 0.02),
    (Severity::Page, "6h", "30m", 0.05),
    (Severity::Ticket, "1d", "2h", 0.10),
    (Severity::Ticket, "3d", "6h", 0.10),
];
const WEEK: [(Severity, &str, &str, f64); 4] = [
    (Severity::Page, "1h", "5m", 0.08),
    (Severity::Page, "6h", "30m", 0.125),
    (Severity::Ticket, "1d", "2h", 0.20),
    (Severity::Ticket, "3d", "6h", 0.42),
];

/// Days below which a period counts as short.
const SHORT_PERIOD_DAYS: u32 = 14;

/// The pairs for a period, fastest first. For 30 days: 14.4, 6, 3 and 1.
pub fn pairs(period_days: u32) -> impl Iterator<Item = BurnPair> {
    let table = if period_days < SHORT_PERIOD_DAYS { WEEK } else { MONTH };
    table.into_iter().map(move |(severity, long, short, spent)| {
        let factor = spent * f64::from(period_days) * 86_400.0 / seconds(long) as f64;
        BurnPair { severity, long, short, factor }
    })
}

/// The pairs that can never fire: an objective so low that not even failing always burns so fast.
pub fn unreachable(budget: f64, period_days: u32) -> impl Iterator<Item = BurnPair> {
    pairs(period_days).filter(move |pair| !pair.is_reachable(budget))
}

/// Seconds of a window's name. Names are ours, so each is known.
pub(super) fn seconds(window: &str) -> u64 {
    let (number, unit) = window.split_at(window.len() - 1);
    let number: u64 = number.parse().expect("windows are a number and a unit");
    number
        * match unit {
            "d" => 86_400,
            "h" => 3_600,
            "m" => 60,
            _ => 1,
        }
}

/// A number as people write it: up to twelve decimals, no trailing zeros.
pub(super) fn number(value: f64) -> String {
    let text = format!("{value:.12}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

// === impl Severity ===

impl Severity {
    /// The label's value.
    pub const fn as_str(self) -> &'static str {
        match self {
            Severity::Page => "page",
            Severity::Ticket => "ticket",
        }
    }
}

// === impl BurnPair ===

impl BurnPair {
    /// Whether a ratio of 1, everything failing, is above its limit.
    pub fn is_reachable(&self, budget: f64) -> bool {
        self.factor * budget < 1.0
    }

    /// The error ratio above which it fires.
    pub(super) fn limit(&self, budget: f64) -> String {
        number(self.factor * budget)
    }
}

// === impl Scale ===

impl Scale {
    /// Windows as they are.
    pub const REAL: Scale = Scale(1);

    /// Windows divided by `divisor`, 1 to 60: below, Prometheus' own durations become too coarse.
    pub fn new(divisor: u32) -> Option<Scale> {
        (1..=60).contains(&divisor).then_some(Scale(divisor))
    }

    /// A window as Prometheus writes durations.
    pub(super) fn window(self, name: &str) -> String {
        self.duration(Duration::from_secs(seconds(name)))
    }

    /// Seconds of a window, shortened.
    pub(super) fn seconds(self, name: &str) -> f64 {
        seconds(name) as f64 / f64::from(self.0)
    }

    /// A time, shortened, in the largest unit that leaves a whole number.
    pub(super) fn duration(self, time: Duration) -> String {
        let millis = time.as_millis() / u128::from(self.0);
        let units = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000)];
        let whole = units.into_iter().find(|(_, unit)| millis > 0 && millis.is_multiple_of(*unit));
        match whole {
            Some((name, unit)) => format!("{}{name}", millis / unit),
            None => format!("{millis}ms"),
        }
    }

    /// How often rules are evaluated: every 30 s, shortened, at least once a second.
    pub(super) fn interval_seconds(self) -> u64 {
        (30 / u64::from(self.0)).max(1)
    }
}

#[cfg(test)]
mod tests;
