//! Runbooks: what to do about an alert, and procedures, as text whose commands run.
//!
//! They are embedded into the binary, so that whoever is woken has those of the very version that
//! runs, without a checkout; a directory can be given instead. A block of commands is fenced as
//! `sh {name=diagnose timeout=10s mutates=false expect="^ROUTE" retry=30s}`: the manner of Runme,
//! whose users can click what we run.

mod parse;
pub mod run;

use std::{fs, io, path::Path, time::Duration};

use serde::{Deserialize, Serialize};

pub use parse::BadRunbook;

/// A runbook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Runbook {
    /// Its file's name without `.md`; that of its alert, if it has one.
    pub name: String,
    /// What its first lines say.
    pub about: About,
    /// Its heading.
    pub title: String,
    /// All of it, as it is written.
    pub text: String,
    /// Its blocks, in order.
    pub blocks: Vec<Block>,
}

/// The first lines of a runbook.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct About {
    /// The alert that it is for. `None`: a procedure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alert: Option<String>,
    /// `page` or `ticket`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub severity: Option<String>,
    /// Who keeps it right.
    pub owner: String,
    /// Variables that its blocks need, such as `ROUTE`.
    #[serde(default)]
    pub vars: Vec<String>,
    /// How soon users are to be well again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mttr_target: Option<String>,
    /// When its blocks were last run against a real fault.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_drilled: Option<String>,
}

/// Commands that run together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// Unique in its runbook.
    pub name: String,
    /// How long one attempt may take.
    pub timeout: Duration,
    /// Whether it changes anything.
    pub mutates: bool,
    /// What a line of its output has to hold: with `^` in front at the line's begin.
    pub expect: Option<String>,
    /// For how long it is tried again, until it ends well.
    pub retry: Option<Duration>,
    /// For `sh`.
    pub script: String,
    /// Where it begins, from 1.
    pub line: usize,
}

macro_rules! embedded {
    ($($name:literal,)+) => {
        /// Names and texts, in the order of a list.
        const EMBEDDED: &[(&str, &str)] =
            &[$(($name, include_str!(concat!("../../../runbooks/", $name, ".md"))),)+];
    };
}

embedded! {
    "CutoverDown",
    "CutoverUpstreamDown",
    "CutoverSLOErrorBudgetBurn",
    "CutoverProxySaturated",
    "CutoverErrorBudgetExhausted",
    "CutoverSLOMetricAbsent",
    "CutoverJourneyLost",
    "CutoverFallbackActive",
    "CutoverAutoRollback",
    "CutoverConfigReloadFailed",
    "CutoverConfigDrift",
    "CutoverCertExpiring",
    "CutoverStoreDown",
    "CutoverGateBlind",
    "CutoverGateStuck",
    "CutoverParityDrop",
    "CutoverShadowDropped",
    "CutoverShadowLagging",
    "CutoverTelemetryDropped",
    "first-migration",
    "promote",
    "rollback-all",
    "retire-a-route",
    "proxy-upgrade",
    "incident",
    "postmortem",
}

/// Largest runbook that is read from a directory, in bytes.
const BYTES_MAX: u64 = 256 * 1024;

/// Runbooks could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The directory or a file of it.
    #[error("`{0}` cannot be read")]
    File(String, #[source] io::Error),
    /// A file that is no runbook.
    #[error("`{0}.md` is no runbook")]
    Bad(String, #[source] BadRunbook),
}

/// The runbooks of this version.
pub fn embedded() -> Vec<Runbook> {
    let parsed = EMBEDDED.iter().map(|(name, text)| Runbook::parse(name, text));
    parsed.collect::<Result<_, _>>().expect("a test parses every embedded runbook")
}

/// The runbooks of a directory, by name; `README.md` is none.
pub fn read(dir: &Path) -> Result<Vec<Runbook>, ReadError> {
    let failed = |path: &Path| {
        let shown = path.display().to_string();
        move |error| ReadError::File(shown, error)
    };
    let mut runbooks = Vec::new();
    for entry in fs::read_dir(dir).map_err(failed(dir))? {
        let path = entry.map_err(failed(dir))?.path();
        let name = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
        if path.extension().is_none_or(|it| it != "md") || name == "README" {
            continue;
        }
        if fs::metadata(&path).map_err(failed(&path))?.len() > BYTES_MAX {
            let error = io::Error::other(format!("it is larger than {BYTES_MAX} bytes"));
            return Err(failed(&path)(error));
        }
        let text = fs::read_to_string(&path).map_err(failed(&path))?;
        let bad = |error| ReadError::Bad(name.to_owned(), error);
        runbooks.push(Runbook::parse(name, &text).map_err(bad)?);
    }
    runbooks.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(runbooks)
}

// === impl Runbook ===

impl Runbook {
    /// Its text without the first lines.
    pub fn body(&self) -> &str {
        let front = self.text.strip_prefix("---\n").and_then(|rest| rest.split_once("\n---\n"));
        front.map_or(&self.text, |(_, body)| body)
    }
}

// === impl Block ===

impl Block {
    /// Whether a line of the output is as expected. `vars` are filled in first.
    pub fn is_met(&self, output: &str, vars: &[(String, String)]) -> bool {
        let Some(expect) = &self.expect else { return true };
        let fill = |text: String, (name, value): &(String, String)| {
            text.replace(&format!("${name}"), value)
        };
        let expect = vars.iter().fold(expect.clone(), fill);
        match expect.strip_prefix('^') {
            Some(begin) => output.lines().any(|line| line.starts_with(begin)),
            None => output.lines().any(|line| line.contains(&expect)),
        }
    }
}

#[cfg(test)]
mod tests;
