//! Why something asked of the control plane did not happen. Nothing has changed then, except
//! where a variant says so.

use cutover_domain::{Conflict, MoveRefused, Target};
use cutover_store::{Fault, OpenError};

use crate::{codes::Code, loader::Rejected};

/// Why something asked was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// What the request concerns was changed since the revision it names.
    #[error("{place} is at revision {found}, not {expected}")]
    Stale {
        /// `route \`x\``, `the store`.
        place: String,
        /// The revision in the request.
        expected: u64,
        /// The revision now.
        found: u64,
    },
    /// No such route.
    #[error("no route `{0}` is declared")]
    UnknownRoute(String),
    /// No such group, or no route of it.
    #[error("no route of group `{0}` is declared")]
    UnknownGroup(String),
    /// The rules of moving forbid it.
    #[error("route `{route}`{}", told_of(why))]
    Move {
        /// The route.
        route: String,
        /// Which rule.
        why: MoveRefused,
    },
    /// A promotion that is none.
    #[error("route `{route}` is in `{present}`, so `{target}` is not forward")]
    NotForward {
        /// The route.
        route: String,
        /// Where it is.
        present: Target,
        /// Where it was to go.
        target: Target,
    },
    /// A promotion to the next step of a ladder that has none.
    #[error("route `{route}` is in `{present}`, where its ladder ends")]
    LadderEnds {
        /// The route.
        route: String,
        /// Where it is.
        present: Target,
    },
    /// A rollback that is none.
    #[error("route `{route}` is in `{present}`, so `{target}` is not back")]
    NotBackward {
        /// The route.
        route: String,
        /// Where it is.
        present: Target,
        /// Where it was to go.
        target: Target,
    },
    /// The off switch is on.
    #[error("the file `legacy-all` is there")]
    LegacyAll,
    /// The store is away, and this needs it.
    #[error("the store cannot be reached: {}", .0.message)]
    StoreDown(StoreDown),
    /// The reason is missing or unfit.
    #[error("the reason {0}")]
    Reason(&'static str),
    /// The declaration makes no table.
    #[error("{}", sentences(.0))]
    Conflicts(Vec<Conflict>),
    /// The declaration does not fit where the routes are.
    #[error("{place} {why}")]
    Unfit {
        /// `route \`x\``, `group \`x\``.
        place: String,
        /// What does not fit, and what to do first.
        why: String,
    },
    /// The files are not valid.
    #[error(transparent)]
    Config(#[from] Rejected),
    /// The files are in force, at this revision, but not on disk.
    #[error("accepted as revision {revision}, but the files could not be written: {why}")]
    FilesNotWritten {
        /// The revision.
        revision: u64,
        /// What wiring said.
        why: String,
    },
    /// The name is taken.
    #[error("there is a token named `{0}` already")]
    TokenExists(String),
    /// No such token.
    #[error("there is no token named `{0}`")]
    UnknownToken(String),
    /// Name or life of a token is out of bounds.
    #[error("{0}")]
    BadToken(&'static str),
    /// No one could make tokens any more.
    #[error("`{0}` is the last admin token that works")]
    LastAdmin(String),
    /// The controller has stopped.
    #[error("the proxy is stopping")]
    Stopping,
    /// A mistake in the proxy.
    #[error("{0}")]
    Internal(&'static str),
}

/// How the store failed, for people and for the API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreDown {
    /// Stable name of the failure.
    pub code: &'static str,
    /// What happened, with the file's path.
    pub message: String,
    /// What to do.
    pub hint: &'static str,
}

fn sentences(conflicts: &[Conflict]) -> String {
    conflicts.iter().map(Conflict::to_string).collect::<Vec<_>>().join("; ")
}

/// A rule of moving, in words that stand alone.
pub(crate) fn told(why: &MoveRefused) -> String {
    match why {
        MoveRefused::Held(cause) => format!("it is held by {cause}"),
        why => why.to_string(),
    }
}

/// The same behind a route's name.
fn told_of(why: &MoveRefused) -> String {
    match why {
        MoveRefused::Held(cause) => format!(" is held by {cause}"),
        why => format!(": {why}"),
    }
}

/// The code of a rule of moving.
pub(crate) fn move_code(why: &MoveRefused) -> Code {
    match why {
        MoveRefused::Held(_) => Code::Held,
        MoveRefused::Skips { .. } => Code::SkipsPhase,
        MoveRefused::Retired => Code::Retired,
        MoveRefused::NeedsApprover(_) => Code::NeedsApprover,
        MoveRefused::NoNew => Code::NoNew,
        MoveRefused::NoWriteClass => Code::NoWriteClass,
        MoveRefused::WritesStay => Code::WritesStay,
        MoveRefused::Percent(_) => Code::BadPercent,
        // Nothing to do is success, so it is ruled out before anyone is asked.
        MoveRefused::NoChange(_) => Code::Internal,
    }
}

// === impl Refused ===

impl Refused {
    /// Stable name.
    pub fn code(&self) -> Code {
        match self {
            Refused::Stale { .. } => Code::StaleRevision,
            Refused::UnknownRoute(_) => Code::UnknownRoute,
            Refused::UnknownGroup(_) => Code::UnknownGroup,
            Refused::Move { why, .. } => move_code(why),
            Refused::NotForward { .. } => Code::NotForward,
            Refused::LadderEnds { .. } => Code::LadderEnds,
            Refused::NotBackward { .. } => Code::NotBackward,
            Refused::LegacyAll => Code::LegacyAll,
            Refused::StoreDown(_) => Code::StoreUnreachable,
            Refused::Reason(_) => Code::BadReason,
            Refused::Conflicts(_) | Refused::Unfit { .. } | Refused::Config(_) => {
                Code::InvalidConfig
            }
            Refused::FilesNotWritten { .. } => Code::FilesNotWritten,
            Refused::TokenExists(_) => Code::TokenExists,
            Refused::UnknownToken(_) => Code::UnknownToken,
            Refused::BadToken(_) => Code::BadToken,
            Refused::LastAdmin(_) => Code::LastAdmin,
            Refused::Stopping => Code::Stopping,
            Refused::Internal(_) => Code::Internal,
        }
    }

    /// Whether it could be otherwise by a later state of the routes.
    pub(crate) fn is_of_a_moment(&self) -> bool {
        matches!(
            self,
            Refused::Stale { .. }
                | Refused::Move { .. }
                | Refused::NotForward { .. }
                | Refused::LadderEnds { .. }
                | Refused::NotBackward { .. }
        )
    }

    /// What to do next.
    pub fn hint(&self) -> &'static str {
        match self {
            Refused::StoreDown(down) => down.hint,
            _ => self.code().doc().remedy,
        }
    }

    /// Which part of the request or configuration it is about, if one.
    pub fn place(&self) -> Option<String> {
        match self {
            Refused::Stale { place, .. } | Refused::Unfit { place, .. } => Some(place.clone()),
            Refused::Move { route, .. }
            | Refused::NotForward { route, .. }
            | Refused::LadderEnds { route, .. }
            | Refused::NotBackward { route, .. }
            | Refused::UnknownRoute(route) => Some(format!("route `{route}`")),
            Refused::UnknownGroup(group) => Some(format!("group `{group}`")),
            Refused::Reason(_) => Some("reason".into()),
            Refused::TokenExists(name) | Refused::UnknownToken(name) | Refused::LastAdmin(name) => {
                Some(format!("token `{name}`"))
            }
            _ => None,
        }
    }
}

// === impl StoreDown ===

impl From<&Fault> for StoreDown {
    fn from(fault: &Fault) -> StoreDown {
        StoreDown { code: fault.code(), message: fault.to_string(), hint: fault.hint() }
    }
}

impl From<&OpenError> for StoreDown {
    fn from(error: &OpenError) -> StoreDown {
        StoreDown { code: error.code(), message: error.to_string(), hint: error.hint() }
    }
}
