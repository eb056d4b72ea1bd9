//! Commands that need no running proxy.

pub(super) mod check;
pub(super) mod completion;
pub(super) mod dashboards;
pub(super) mod doctor;
pub(super) mod explain;
pub(super) mod explain_code;
pub(super) mod man;
pub(super) mod reach;
pub(super) mod run;
pub(super) mod runbook;
pub(super) mod schema;
pub(super) mod slo;
pub(super) mod token;

use std::path::Path;

use super::{
    exit::{Exit, Failure},
    io::Io,
};
use crate::config::{self, Config, Depth, Loaded};

/// Loads a configuration that has to be valid. Findings are told, rendered.
pub(super) fn load(path: &Path, depth: Depth, io: &mut Io<'_>) -> Result<Config, Failure> {
    let loaded = config::load(path, &io.environment, depth);
    tell(&loaded, io);
    loaded.config.ok_or_else(|| invalid(&loaded.report))
}

/// Tells every finding.
pub(super) fn tell(loaded: &Loaded, io: &mut Io<'_>) {
    if !loaded.report.diagnostics().is_empty() {
        let text = loaded.render(io.err_colour());
        io.tell(&format!("{text}\n"));
    }
}

/// The configuration cannot be used.
pub(super) fn invalid(report: &config::Report) -> Failure {
    let message = format!("the configuration has {}", count(report.errors(), "mistake"));
    Failure::new("invalid_config", message)
        .exit(Exit::InvalidConfig)
        .hint("`cutover explain --code CODE` tells more about a code in brackets")
}

/// `1 mistake`, `2 mistakes`.
pub(super) fn count(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}
