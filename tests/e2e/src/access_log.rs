//! Reading the access logs that our servers keep: `epoch_ms method path status bytes`, one line
//! per request at its end, with ` shadow` behind it where a new service was sent a copy.

use std::path::{Path, PathBuf};

use anyhow::Context;

/// A log on disk, which may still grow.
#[derive(Clone, Debug)]
pub struct AccessLog {
    path: PathBuf,
}

/// One request as its server saw it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// When it ended, milliseconds since the epoch.
    pub at_ms: u64,
    /// Its method.
    pub method: String,
    /// Its path, without the query.
    pub path: String,
    /// The answer's status; 499 when the client left before it.
    pub status: u16,
    /// Bytes of the answer's body that were sent.
    pub bytes: u64,
    /// A copy of a request, by which nothing changed; only new services say so.
    pub is_shadow: bool,
}

impl AccessLog {
    /// The log at `path`, which need not exist yet.
    pub fn new(path: impl Into<PathBuf>) -> AccessLog {
        AccessLog { path: path.into() }
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Every whole line so far. A log that does not exist is empty.
    ///
    /// Errors: a line of another shape, and a note that lines were lost, since counts would lie.
    pub fn lines(&self) -> anyhow::Result<Vec<Line>> {
        let text = match std::fs::read_to_string(&self.path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => {
                return Err(error).context(format!("cannot read {}", self.path.display()));
            }
        };
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        whole.lines().map(|line| parse(line).with_context(|| self.complaint(line))).collect()
    }

    /// How many requests satisfy `wanted`.
    pub fn count(&self, wanted: impl Fn(&Line) -> bool) -> anyhow::Result<u64> {
        Ok(self.lines()?.iter().filter(|line| wanted(line)).count() as u64)
    }

    fn complaint(&self, line: &str) -> String {
        format!("{} holds a line that is no request: {line:?}", self.path.display())
    }
}

fn parse(line: &str) -> Option<Line> {
    let mut fields = line.split(' ');
    let at_ms = fields.next()?.parse().ok()?;
    let (method, path) = (fields.next()?.to_owned(), fields.next()?.to_owned());
    let status = fields.next()?.parse().ok()?;
    let bytes = fields.next()?.parse().ok()?;
    let is_shadow = match fields.next() {
        None => false,
        Some(mark) => (mark == "shadow").then_some(true)?,
    };
    fields.next().is_none().then_some(Line { at_ms, method, path, status, bytes, is_shadow })
}
