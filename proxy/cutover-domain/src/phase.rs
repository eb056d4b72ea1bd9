//! How far a route has come, and who serves it.

use std::{fmt, str::FromStr};

/// How far a route has come on its way from legacy to new, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phase {
    /// Legacy serves everyone; new receives nothing.
    Legacy,
    /// Legacy serves everyone; new receives copies.
    Shadow,
    /// New serves the cohort, legacy everyone else.
    Canary,
    /// New serves everyone; legacy stands ready.
    Live,
    /// New serves everyone; legacy is never called again.
    Retired,
}

/// One of the two systems that can serve a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Side {
    /// The monolith.
    Legacy,
    /// The service that takes over.
    New,
}

/// The text is no phase.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no phase: use legacy, shadow, canary, live or retired")]
pub struct UnknownPhase(pub String);

// === impl Phase ===

impl Phase {
    /// Every phase, in order.
    pub const ALL: [Phase; 5] =
        [Phase::Legacy, Phase::Shadow, Phase::Canary, Phase::Live, Phase::Retired];

    /// The name used in configuration, commands, metrics and logs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Phase::Legacy => "legacy",
            Phase::Shadow => "shadow",
            Phase::Canary => "canary",
            Phase::Live => "live",
            Phase::Retired => "retired",
        }
    }

    /// The next phase forward, `None` from [`Phase::Retired`].
    pub fn next(self) -> Option<Phase> {
        let at = Phase::ALL.iter().position(|phase| *phase == self)?;
        Phase::ALL.get(at + 1).copied()
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Phase {
    type Err = UnknownPhase;

    fn from_str(text: &str) -> Result<Phase, UnknownPhase> {
        Phase::ALL
            .into_iter()
            .find(|phase| phase.as_str() == text)
            .ok_or_else(|| UnknownPhase(text.to_owned()))
    }
}

// === impl Side ===

impl Side {
    /// Both sides, legacy first.
    pub const ALL: [Side; 2] = [Side::Legacy, Side::New];

    /// The name used in configuration, commands, metrics and logs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Side::Legacy => "legacy",
            Side::New => "new",
        }
    }
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
