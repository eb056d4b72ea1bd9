//! What a gate answers, and on what grounds.

use std::{borrow::Cow, fmt, str::FromStr};

/// Every gate, in the order in which people read them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Gate {
    /// Failures that need no statistics: many in a row, or nothing else.
    HardStop,
    /// The new side spends its budget too fast.
    Burn,
    /// New is worse than legacy at the same time.
    Regression,
    /// New is slower than legacy at the same time.
    Latency,
    /// New answers otherwise than legacy.
    Parity,
    /// Both stores are in step.
    Data,
    /// Devices that moved are heard of.
    Devices,
    /// Objectives, traces and dashboards have data.
    Observability,
    /// It is a time at which routes may move.
    Schedule,
    /// A person agreed.
    Approval,
}

/// What a gate says.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// Nothing stands in the way.
    Pass,
    /// Something is wrong.
    Fail {
        /// What is to be done about it.
        reaction: Reaction,
        /// What is wrong, as half a sentence with its figures.
        why: String,
    },
    /// It cannot be said yet: wait.
    Inconclusive {
        /// Why not.
        reason: Reason,
        /// What is needed, as half a sentence with its figures.
        needed: String,
    },
    /// It cannot be said because something that is asked does not work: wait.
    Error(Trouble),
}

/// What a fail asks for, mildest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reaction {
    /// No step forward by itself while it lasts.
    Freeze,
    /// One step of the ladder down.
    StepBack,
    /// To the safe phase, and latched there.
    SafePhase,
}

/// Why a gate cannot say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// Too few requests for any conclusion.
    FewRequests,
    /// Legacy fails as well, so new need not be to blame.
    Shared,
    /// Too few comparisons, or too many that could not be judged.
    FewComparisons,
    /// Too few of the route's shapes of requests were compared.
    Coverage,
    /// Paths that are too noisy to be tested.
    Untestable,
    /// Worse than allowed, but that may be chance.
    Unproven,
    /// Nothing was heard of it yet.
    NoData,
    /// No objective is declared that could be judged.
    NoObjective,
    /// Not at this time.
    Closed,
    /// No one has agreed.
    NotApproved,
}

/// What a gate asks, and what therefore may not work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Source {
    /// The data plane's counters.
    Counters,
    /// Comparisons.
    Parity,
    /// Objectives, traces, dashboards.
    Telemetry,
    /// The store of states and records.
    Store,
    /// The sync between both stores.
    Sync,
    /// What is known of devices.
    Devices,
}

/// Something that a gate asks does not work.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: {what}", asked.as_str())]
pub struct Trouble {
    /// What was asked.
    pub asked: Source,
    /// What is the matter with it, as half a sentence.
    pub what: String,
}

/// The answer of one gate at one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// Who answers.
    pub gate: Gate,
    /// The route asks for it before each step forward.
    pub required: bool,
    /// What it says.
    pub outcome: Outcome,
    /// Inputs, values, limits and counts that the outcome rests on, for records and people.
    pub facts: Vec<Fact>,
}

/// One thing that an answer rests on.
#[derive(Clone, Debug, PartialEq)]
pub struct Fact {
    /// What it is, in words.
    pub name: Cow<'static, str>,
    /// How much.
    pub value: Measure,
    /// What it may be at most or must be at least; `None`: it has no limit of its own.
    pub limit: Option<Measure>,
}

/// A value with its unit.
#[derive(Clone, Debug, PartialEq)]
pub enum Measure {
    /// A number of things.
    Count(u64),
    /// A fraction in `0..=1`, shown in percent.
    Share(f64),
    /// How many times something else.
    Times(f64),
    /// Milliseconds.
    Millis(f64),
    /// A moment or a length of time, in ms; shown as such.
    Time(u64),
    /// Words.
    Text(Cow<'static, str>),
    /// Whether.
    Flag(bool),
}

/// The text is no gate.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no gate")]
pub struct UnknownGate(pub String);

// === impl Gate ===

impl Gate {
    /// Every gate.
    pub const ALL: [Gate; 10] = [
        Gate::HardStop,
        Gate::Burn,
        Gate::Regression,
        Gate::Latency,
        Gate::Parity,
        Gate::Data,
        Gate::Devices,
        Gate::Observability,
        Gate::Schedule,
        Gate::Approval,
    ];

    /// The name used in configuration, commands, metrics and records.
    pub const fn as_str(self) -> &'static str {
        match self {
            Gate::HardStop => "hard_stop",
            Gate::Burn => "burn",
            Gate::Regression => "regression",
            Gate::Latency => "latency",
            Gate::Parity => "parity",
            Gate::Data => "data",
            Gate::Devices => "devices",
            Gate::Observability => "observability",
            Gate::Schedule => "schedule",
            Gate::Approval => "approval",
        }
    }
}

impl fmt::Display for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Gate {
    type Err = UnknownGate;

    fn from_str(text: &str) -> Result<Gate, UnknownGate> {
        let found = Gate::ALL.into_iter().find(|gate| gate.as_str() == text);
        found.ok_or_else(|| UnknownGate(text.to_owned()))
    }
}

// === impl Outcome ===

impl Outcome {
    /// The word used in metrics and records.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Outcome::Pass => "pass",
            Outcome::Fail { .. } => "fail",
            Outcome::Inconclusive { .. } => "inconclusive",
            Outcome::Error(_) => "error",
        }
    }

    /// It fails, and this is to be done.
    pub fn reaction(&self) -> Option<Reaction> {
        match self {
            Outcome::Fail { reaction, .. } => Some(*reaction),
            _ => None,
        }
    }

    pub(crate) fn fail(reaction: Reaction, why: String) -> Outcome {
        Outcome::Fail { reaction, why }
    }

    pub(crate) fn inconclusive(reason: Reason, needed: impl Into<String>) -> Outcome {
        Outcome::Inconclusive { reason, needed: needed.into() }
    }
}

impl fmt::Display for Outcome {
    /// The word, and why or what is needed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Outcome::Pass => f.write_str("pass"),
            Outcome::Fail { why, .. } => write!(f, "fail: {why}"),
            Outcome::Inconclusive { reason, needed } => {
                write!(f, "inconclusive ({}): {needed}", reason.as_str())
            }
            Outcome::Error(trouble) => write!(f, "error: {trouble}"),
        }
    }
}

// === impl Reaction ===

impl Reaction {
    /// The name used in metrics and records.
    pub const fn as_str(self) -> &'static str {
        match self {
            Reaction::Freeze => "freeze",
            Reaction::StepBack => "step_back",
            Reaction::SafePhase => "safe_phase",
        }
    }
}

// === impl Reason ===

impl Reason {
    /// The name used in metrics and records.
    pub const fn as_str(self) -> &'static str {
        match self {
            Reason::FewRequests => "few_requests",
            Reason::Shared => "shared",
            Reason::FewComparisons => "few_comparisons",
            Reason::Coverage => "coverage",
            Reason::Untestable => "untestable",
            Reason::Unproven => "unproven",
            Reason::NoData => "no_data",
            Reason::NoObjective => "no_objective",
            Reason::Closed => "closed",
            Reason::NotApproved => "not_approved",
        }
    }
}

// === impl Source ===

impl Source {
    /// The name used in metrics and records.
    pub const fn as_str(self) -> &'static str {
        match self {
            Source::Counters => "counters",
            Source::Parity => "parity",
            Source::Telemetry => "telemetry",
            Source::Store => "store",
            Source::Sync => "sync",
            Source::Devices => "devices",
        }
    }
}

// === impl Answer ===

impl Answer {
    /// An answer of `gate`; the judge says whether it is required.
    pub fn new(gate: Gate, outcome: Outcome, facts: Vec<Fact>) -> Answer {
        Answer { gate, required: false, outcome, facts }
    }
}

// === impl Fact ===

impl Fact {
    /// `name` is `value`.
    pub fn new(name: impl Into<Cow<'static, str>>, value: Measure) -> Fact {
        Fact { name: name.into(), value, limit: None }
    }

    /// The same, with its limit.
    pub fn within(name: impl Into<Cow<'static, str>>, value: Measure, limit: Measure) -> Fact {
        Fact { name: name.into(), value, limit: Some(limit) }
    }

    /// A remark.
    pub(crate) fn note(text: &'static str) -> Fact {
        Fact::new("note", Measure::Text(text.into()))
    }
}

impl fmt::Display for Fact {
    /// `bad requests 12 (limit 10)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.name, self.value)?;
        match &self.limit {
            Some(limit) => write!(f, " (limit {limit})"),
            None => Ok(()),
        }
    }
}

// === impl Measure ===

impl fmt::Display for Measure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Measure::Count(count) => write!(f, "{count}"),
            Measure::Share(share) => write!(f, "{:.3} %", share * 100.0),
            Measure::Times(times) => write!(f, "{times:.2}×"),
            Measure::Millis(millis) => write!(f, "{millis:.1} ms"),
            Measure::Time(millis) => write!(f, "{} s", *millis as f64 / 1000.0),
            Measure::Text(text) => f.write_str(text),
            Measure::Flag(flag) => f.write_str(if *flag { "yes" } else { "no" }),
        }
    }
}

#[cfg(test)]
mod tests;
