//! Who answered each request of the load, as Cutover's own log line about it says.
//!
//! Answers of monolith and registry look the same, so the load cannot tell. It sends each request
//! with a trace id of its own, and the line that Cutover writes about the request names that id.

use std::collections::HashMap;
use std::fs::File;
use std::io::{ErrorKind, Read, Seek, SeekFrom};
use std::path::PathBuf;

use anyhow::Context;
use serde::Deserialize;

/// Upper half of the load's trace ids: thrown by dice, so that nobody else's looks like one.
const MARK: u64 = 0x5d1c_76a0_9be3_42f7;

/// What Cutover needs to be told for [`Lines`]: to write a line about every request, and to
/// continue the load's traces.
pub(super) const TELEMETRY: &str = "log.canonical_ratio = 1.0\ntrace.trust = \"always\"\n";

/// Who answered a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answered {
    Monolith,
    Registry,
    /// The monolith, after registry had failed.
    Rescued,
}

/// The log of a running Cutover, as far as it was read.
pub(super) struct Lines {
    log: PathBuf,
    /// Bytes of whole lines that were read.
    read: u64,
    told: HashMap<u32, Told>,
}

/// What a line says of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Told {
    answered: Answered,
    /// In a phase in which registry and the monolith are compared.
    is_compared: bool,
}

#[derive(Deserialize)]
struct Line<'a> {
    trace_id: Option<&'a str>,
    upstream: Option<&'a str>,
    outcome: Option<&'a str>,
    #[serde(rename = "cutover.phase")]
    phase: Option<&'a str>,
}

impl Lines {
    /// Nothing read yet of `log`.
    pub(super) fn of(log: PathBuf) -> Lines {
        Lines { log, read: 0, told: HashMap::new() }
    }

    /// Reads what was written since.
    pub(super) fn catch_up(&mut self) -> anyhow::Result<()> {
        let mut text = Vec::new();
        let mut read = || {
            let mut log = File::open(&self.log)?;
            log.seek(SeekFrom::Start(self.read))?;
            log.read_to_end(&mut text)
        };
        match read() {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            result => result.with_context(|| format!("cannot read {}", self.log.display()))?,
        };
        let whole = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1);
        self.read += whole as u64;
        self.told.extend(text[..whole].split(|byte| *byte == b'\n').filter_map(told));
        Ok(())
    }

    /// Who answered request `number`; `None` when no line says so.
    pub(super) fn answered(&self, number: u32) -> Option<Answered> {
        self.told.get(&number).map(|told| told.answered)
    }

    /// Whether request `number` was to be copied: the demo's route is copied whole, in the phases
    /// that compare.
    pub(super) fn is_compared(&self, number: u32) -> bool {
        self.told.get(&number).is_some_and(|told| told.is_compared)
    }
}

/// The `traceparent` of the load's request `number`.
pub(super) fn traceparent(number: u32) -> String {
    // Neither half of it may be zero.
    let id = u64::from(number) + 1;
    format!("00-{MARK:016x}{id:016x}-{id:016x}-00")
}

/// The number of a request of the load, and what became of it.
fn told(line: &[u8]) -> Option<(u32, Told)> {
    let line: Line<'_> = serde_json::from_slice(line).ok()?;
    let id = line.trace_id?.strip_prefix(&format!("{MARK:016x}"))?;
    let number = u64::from_str_radix(id, 16).ok()?.checked_sub(1)?.try_into().ok()?;
    let answered = match (line.upstream?, line.outcome?) {
        ("monolith", "fallback") => Answered::Rescued,
        ("monolith", _) => Answered::Monolith,
        ("registry", _) => Answered::Registry,
        _ => return None,
    };
    let is_compared = matches!(line.phase, Some("shadow" | "canary" | "live"));
    Some((number, Told { answered, is_compared }))
}

#[cfg(test)]
mod tests;
