//! Why nothing is kept now.

use std::{error::Error, fmt};

use cutover_store::{Fault, FaultKind, FlushError, OpenError};

/// Why nothing is kept now.
#[derive(Debug)]
pub(in crate::wiring::recorder) enum Trouble {
    /// The process before has not come to its end.
    NotYet,
    /// Another process writes.
    Superseded,
    /// The store failed.
    Failed(Failed),
}

/// How the store failed.
#[derive(Debug)]
pub(in crate::wiring::recorder) struct Failed {
    pub(super) code: &'static str,
    pub(super) hint: &'static str,
    pub(super) message: String,
    /// The file has to be opened anew.
    pub(super) needs_reopening: bool,
}

// === impl Trouble ===

impl Trouble {
    pub(super) fn not_yet() -> Trouble {
        Trouble::NotYet
    }

    pub(super) fn superseded() -> Trouble {
        Trouble::Superseded
    }

    /// The store did not answer in time.
    pub(in crate::wiring::recorder) fn too_slow() -> Trouble {
        Trouble::of_kind(FaultKind::Silent, "the store did not answer in time")
    }

    pub(super) fn panicked() -> Trouble {
        Trouble::of_kind(FaultKind::Failed, "asking the store failed: a bug of Cutover")
    }

    /// Stable name, for metrics.
    pub(super) fn code(&self) -> &'static str {
        match self {
            Trouble::NotYet | Trouble::Superseded => "superseded",
            Trouble::Failed(failed) => failed.code,
        }
    }

    fn of_kind(kind: FaultKind, message: &str) -> Trouble {
        // Only a lock, or a slow disk, goes away by itself.
        let needs_reopening = !matches!(kind, FaultKind::Busy | FaultKind::Silent);
        let (code, hint, message) = (kind.code(), kind.hint(), message.to_owned());
        Trouble::Failed(Failed { code, hint, message, needs_reopening })
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Trouble::NotYet => f.write_str("the process before still writes"),
            Trouble::Superseded => f.write_str("another process writes"),
            Trouble::Failed(failed) => failed.fmt(f),
        }
    }
}

impl From<Fault> for Trouble {
    fn from(fault: Fault) -> Trouble {
        Trouble::of_kind(fault.kind, &chain(&fault))
    }
}

impl From<FlushError> for Trouble {
    fn from(error: FlushError) -> Trouble {
        match error {
            FlushError::Superseded { .. } => Trouble::Superseded,
            FlushError::Fault(fault) => fault.into(),
        }
    }
}

impl From<OpenError> for Trouble {
    fn from(error: OpenError) -> Trouble {
        match error {
            OpenError::Fault(fault) => fault.into(),
            error => Trouble::Failed(Failed {
                code: error.code(),
                hint: error.hint(),
                message: chain(&error),
                needs_reopening: true,
            }),
        }
    }
}

// === impl Failed ===

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// An error with its causes, on one line.
fn chain(error: &dyn Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| (**cause).source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}
