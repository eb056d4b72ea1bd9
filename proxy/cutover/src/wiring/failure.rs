//! Why the process did not start, in words and as an exit code.

use std::{error::Error, io::ErrorKind};

use cutover_control::{AdminError, Rejected};
use cutover_gateway::HandOverError;
use cutover_store::{FaultKind, OpenError};
use cutover_telemetry::{export, logs::LogError, sampling::RatioError};

use crate::{cli::Failure, config::directory};

/// Why the process did not start; it listens nowhere.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Logs cannot begin.
    #[error("logging cannot begin")]
    Logs(#[from] LogError),
    /// Traces cannot be exported.
    #[error("traces cannot be exported")]
    Export(#[from] export::StartError),
    /// A sampling ratio is none.
    #[error(transparent)]
    Ratio(#[from] RatioError),
    /// The system gave no threads.
    #[error("the system gave no threads")]
    Runtime(#[source] std::io::Error),
    /// The sockets of the process before were not handed over.
    #[error("the hand-over failed")]
    HandOver(#[from] HandOverError),
    /// The files changed between being checked and being put in force.
    #[error("the configuration cannot be read again")]
    Config(#[source] Rejected),
    /// The control plane cannot start.
    #[error(transparent)]
    Control(#[from] cutover_control::StartError),
    /// The admin API cannot be opened.
    #[error(transparent)]
    Admin(#[from] AdminError),
    /// A listener cannot be opened, or its certificates cannot be used.
    #[error(transparent)]
    Gateway(#[from] cutover_gateway::StartError),
}

// === impl StartError ===

impl StartError {
    /// Stable name.
    pub fn code(&self) -> &'static str {
        match self {
            StartError::Logs(_) | StartError::Export(_) | StartError::Ratio(_) => "telemetry",
            StartError::Runtime(_) => "no_threads",
            StartError::HandOver(_) => "hand_over",
            StartError::Config(_) => "invalid_config",
            StartError::Control(error) => error.code(),
            StartError::Admin(error) => error.code(),
            StartError::Gateway(error) => match error {
                cutover_gateway::StartError::Listen { .. } => "listen",
                cutover_gateway::StartError::Tls { .. } => "tls_file",
                cutover_gateway::StartError::Table(_) => "table",
            },
        }
    }

    /// With every cause, on one line.
    pub fn chain(&self) -> String {
        let mut text = self.to_string();
        let mut cause = self.source();
        while let Some(error) = cause {
            let words = error.to_string();
            // An error that only passes another on says the same words.
            if !text.ends_with(&words) {
                text.push_str(&format!(": {words}"));
            }
            cause = error.source();
        }
        text
    }

    /// As the command line tells it.
    pub fn into_failure(self) -> Failure {
        let failure = Failure::new(self.code(), self.chain());
        match self.hint() {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            StartError::Control(cutover_control::StartError::NoState { store, .. }) => {
                Some(begin(store))
            }
            StartError::Control(error) => Some(error.hint().to_owned()),
            StartError::Admin(AdminError::Listen { source, .. })
            | StartError::Gateway(cutover_gateway::StartError::Listen { source, .. })
                if source.kind() == ErrorKind::AddrInUse =>
            {
                Some(TAKE_OVER.to_owned())
            }
            StartError::Admin(error) => Some(error.hint().to_owned()),
            StartError::Gateway(cutover_gateway::StartError::Listen { .. }) => {
                Some("`cutover doctor` shows which ports are free".to_owned())
            }
            _ => None,
        }
    }
}

const TAKE_OVER: &str = "`cutover doctor` shows who holds which port; to take over from a proxy that runs, start \
     with `--upgrade`, then send SIGQUIT to the old one";

/// How to begin where the store cannot be opened and nobody knows where the routes were.
fn begin(store: &OpenError) -> String {
    let OpenError::Fault(fault) = store else { return store.hint().to_owned() };
    let dir = directory(&fault.path);
    match fault.kind {
        FaultKind::Unwritable if !dir.exists() => {
            format!("create the directory: `mkdir -p {}`", dir.display())
        }
        FaultKind::Corrupt => format!(
            "restore a backup of `{}`; or move it away to begin anew: then every route starts where \
             its file says, and the history is gone",
            fault.path.display()
        ),
        kind => kind.hint().to_owned(),
    }
}
