//! Exit codes, and failures told in words.

use std::fmt;

/// How a command ended; the numbers are a contract with scripts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Done.
    Done,
    /// It failed, or something stands in the way.
    Failed,
    /// The command line is wrong.
    Usage,
    /// `plan` found changes; `replay`, or `diffs` that was asked to tell, found differences.
    Pending,
    /// The token may not do this, or there is none.
    NotAllowed,
    /// It is going on, and the time to wait is over.
    InProgress,
    /// The configuration is invalid.
    InvalidConfig,
}

/// Why a command did not do what it was asked for.
#[derive(Debug)]
pub struct Failure {
    /// How the process ends.
    pub exit: Exit,
    /// Stable name; `cutover explain --code` tells more.
    pub code: &'static str,
    /// What failed, and where.
    pub message: String,
    /// What to do next.
    pub hint: Option<String>,
    /// The code as the admin API sent it, where that is not one of ours.
    pub code_sent: Option<String>,
}

// === impl Exit ===

impl Exit {
    /// The process's exit code.
    pub const fn code(self) -> u8 {
        match self {
            Exit::Done => 0,
            Exit::Failed => 1,
            Exit::Usage => 2,
            Exit::Pending => 3,
            Exit::NotAllowed => 4,
            Exit::InProgress => 8,
            Exit::InvalidConfig => 78,
        }
    }
}

// === impl Failure ===

impl Failure {
    /// A failure of the plain kind.
    pub fn new(code: &'static str, message: impl Into<String>) -> Failure {
        Failure { exit: Exit::Failed, code, message: message.into(), hint: None, code_sent: None }
    }

    /// A command line that cannot be meant.
    pub fn usage(message: impl Into<String>) -> Failure {
        Failure { exit: Exit::Usage, ..Failure::new("usage", message) }
    }

    /// Says what to do.
    pub fn hint(self, hint: impl Into<String>) -> Failure {
        Failure { hint: Some(hint.into()), ..self }
    }

    /// Ends with another code.
    pub fn exit(self, exit: Exit) -> Failure {
        Failure { exit, ..self }
    }

    /// The code to show.
    pub fn code(&self) -> &str {
        self.code_sent.as_deref().unwrap_or(self.code)
    }
}

/// Writing to standard output failed. A reader that went away, such as `head`, has all it wanted.
impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Failure {
        if error.kind() == std::io::ErrorKind::BrokenPipe {
            return Failure::new("output", "nobody reads the output").exit(Exit::Done);
        }
        Failure::new("output", format!("the output cannot be written: {error}"))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}
