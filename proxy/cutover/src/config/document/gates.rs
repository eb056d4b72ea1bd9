//! `[gates]` of the process and `gates` of routes.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How all routes are judged.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct GateSettings {
    /// How often each route is judged, in milliseconds.
    #[schemars(range(min = 100, max = 600_000))]
    pub evaluate_ms: u32,
    /// By how much the windows of burn rates are shortened: 1 for real, 60 turns an hour into a
    /// minute, for tests and demonstrations.
    #[schemars(range(min = 1, max = 10_000))]
    pub windows_scale: f64,
    /// Evidence that is enough to act: 1000 means that at most one healthy route in a thousand
    /// has it.
    #[schemars(range(min = 100, max = 1_000_000_000))]
    pub evidence: f64,
    /// By how many percentage points more requests of new must fail than of legacy before that
    /// counts.
    #[schemars(range(min = 0.01, max = 50))]
    pub difference_points: f64,
    /// How many times as long as legacy new may take at p95 and p99.
    #[schemars(range(min = 1, max = 100))]
    pub latency_times: f64,
    /// How much longer it may take, in milliseconds. The stricter of both holds.
    #[schemars(range(min = 0, max = 60_000))]
    pub latency_above_ms: f64,
    /// Lower bound that parity must reach, in percent.
    #[schemars(range(min = 50, max = 99.9999))]
    pub parity: f64,
    /// Comparisons that parity must rest on.
    pub comparisons: u32,
    /// Share of the shapes of requests that must have been compared, in percent.
    #[schemars(range(min = 0, max = 100))]
    pub coverage: f64,
    /// How long a gate may be in error before a route counts as unseen, in minutes.
    #[schemars(range(min = 0.01, max = 1_440))]
    pub blind_after_minutes: f64,
}

/// What a route must prove before new serves more of it. Without it the route is moved by hand,
/// and nothing is asked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Gates {
    /// In `canary` it goes up the steps by itself, and on to `live`.
    pub automatic: bool,
    /// What must pass before each step forward.
    pub require: Vec<Gate>,
    /// The shares that new gets one after the other, in percent, rising. From 100 on `live` follows.
    #[schemars(length(min = 1, max = 20))]
    pub steps: Vec<f64>,
    /// How long all of it must pass on each step, in minutes.
    #[schemars(range(min = 0, max = 43_200))]
    pub dwell_minutes: f64,
    /// Requests that new must have served on each step.
    pub dwell_requests: u32,
    /// How long a route that was taken back by itself stays held at least, in minutes.
    #[schemars(range(min = 0, max = 43_200))]
    pub cool_down_minutes: f64,
    /// Which automatic steps wait for a person, who promotes the route.
    pub approval: Approval,
    /// When it may go forward. Without it: at any time. It may always go back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schedule: Option<Schedule>,
    /// Places of answers at which a regression takes the route back at once: `status`,
    /// `body.lock.state`, `body.alarm.**`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub critical: Vec<String>,
}

/// What can be required.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Gate {
    /// New spends its budget no faster than it lasts. Needs `slo`.
    Burn,
    /// New fails no more than legacy at the same time.
    Regression,
    /// New is not much slower than legacy at the same time.
    Latency,
    /// New answers as legacy does. Needs `shadow`.
    Parity,
    /// Its objectives, traces and dashboards have data.
    Observability,
}

/// Which automatic steps wait for a person.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Approval {
    /// None.
    #[default]
    Never,
    /// The one to `live`.
    Live,
    /// Each.
    Each,
}

/// When a route may go forward.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Schedule {
    /// On which days.
    #[schemars(length(min = 1))]
    pub days: Vec<Day>,
    /// From this time of the day, as `09:00`.
    #[schemars(regex(pattern = "^([01][0-9]|2[0-3]):[0-5][0-9]$"))]
    pub from: String,
    /// Until this time, up to `24:00`. One that is not after `from` is of the next day.
    #[schemars(regex(pattern = "^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$"))]
    pub until: String,
    /// What its clock is ahead of UTC, in minutes.
    #[schemars(range(min = -840, max = 840))]
    pub utc_offset_minutes: i16,
    /// Days on which nothing goes forward: `2026-12-24`, or first and last of several,
    /// `2026-12-24..2027-01-02`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub blackout: Vec<String>,
}

/// A day of the week.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "days of the week")]
pub enum Day {
    Mon,
    Tue,
    Wed,
    Thu,
    Fri,
    Sat,
    Sun,
}

// === impl GateSettings ===

impl Default for GateSettings {
    fn default() -> GateSettings {
        GateSettings {
            evaluate_ms: 15_000,
            windows_scale: 1.0,
            evidence: 1_000.0,
            difference_points: 0.2,
            latency_times: 1.2,
            latency_above_ms: 5.0,
            parity: 99.5,
            comparisons: 1_000,
            coverage: 90.0,
            blind_after_minutes: 15.0,
        }
    }
}

// === impl Gates ===

impl Default for Gates {
    fn default() -> Gates {
        let (automatic, approval) = (false, Approval::Never);
        Gates {
            automatic,
            require: Gate::ALL.into(),
            steps: vec![1.0, 5.0, 25.0, 50.0, 100.0],
            dwell_minutes: 30.0,
            dwell_requests: 1_000,
            cool_down_minutes: 30.0,
            approval,
            schedule: None,
            critical: Vec::new(),
        }
    }
}

// === impl Gate ===

impl Gate {
    /// Every gate that can be required.
    pub const ALL: [Gate; 5] =
        [Gate::Burn, Gate::Regression, Gate::Latency, Gate::Parity, Gate::Observability];
}

// === impl Schedule ===

impl Default for Schedule {
    fn default() -> Schedule {
        Schedule {
            days: vec![Day::Mon, Day::Tue, Day::Wed, Day::Thu, Day::Fri, Day::Sat, Day::Sun],
            from: "00:00".to_owned(),
            until: "24:00".to_owned(),
            utc_offset_minutes: 0,
            blackout: Vec::new(),
        }
    }
}
