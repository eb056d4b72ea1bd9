//! Reads objectives from OpenSLO v1 files.
//!
//! A file may hold several documents of kind `SLO`. The constraints are those of OpenSLO's own
//! validation; beyond them, what cannot be made into burn-rate rules is refused by name instead
//! of being half understood: thresholds of gauges, raw ratios, calendars, time slices, references
//! to other files. Annotations of ours are `cutover.dev/route`, `cutover.dev/min-bad-events` and
//! `cutover.dev/runbook`.

mod document;
mod judge;

use std::ops::Range;

use serde::de::DeserializeOwned;

use self::document::{Document, Head};
use super::Objective;
use crate::config::Code;

/// Something wrong with a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flaw {
    /// Its stable name.
    pub code: Code,
    /// What, as a sentence without a full stop.
    pub message: String,
    /// What to do.
    pub hint: Option<&'static str>,
    /// Bytes of the text.
    pub at: Range<usize>,
}

/// What one document becomes.
#[derive(Clone, Debug)]
pub struct Parsed {
    /// The objective.
    pub objective: Objective,
    /// Where its name stands.
    pub at: Range<usize>,
    /// What has no effect.
    pub notes: Vec<Flaw>,
}

/// The objectives of a file. Fails with every flaw found.
pub fn parse(text: &str) -> Result<Vec<Parsed>, Vec<Flaw>> {
    let heads: Vec<Head> = documents(text)?;
    let flaws: Vec<Flaw> = heads.iter().flat_map(judge::head).collect();
    if !flaws.is_empty() {
        return Err(flaws);
    }
    let documents: Vec<Document> = documents(text)?;
    let judged: Vec<_> = documents.iter().map(judge::document).collect();
    if judged.iter().all(Result::is_ok) {
        return Ok(judged.into_iter().flatten().collect());
    }
    Err(judged.into_iter().filter_map(Result::err).flatten().collect())
}

/// Every document of a text, as `T`.
fn documents<T: DeserializeOwned>(text: &str) -> Result<Vec<T>, Vec<Flaw>> {
    let options = serde_saphyr::options! { with_snippet: false };
    let documents = serde_saphyr::from_multiple_with_options(text, options)
        .map_err(|error| vec![Flaw::unreadable(&error, text)])?;
    match documents.is_empty() {
        true => Err(vec![Flaw::new(Code::SloFile, "the file holds no document", 0..0)]),
        false => Ok(documents),
    }
}

// === impl Flaw ===

impl Flaw {
    fn new(code: Code, message: impl Into<String>, at: Range<usize>) -> Flaw {
        Flaw { code, message: message.into(), hint: None, at }
    }

    fn hint(self, hint: &'static str) -> Flaw {
        Flaw { hint: Some(hint), ..self }
    }

    fn unreadable(error: &serde_saphyr::Error, text: &str) -> Flaw {
        let at = error.location().map_or(0..0, |location| judge::range(&location));
        let at = at.start.min(text.len())..at.end.min(text.len());
        Flaw::new(Code::SloFile, error.to_string(), at)
    }
}

#[cfg(test)]
mod tests;
