//! The texts that a configuration is read from, and places within them.

use std::{ops::Range, path::Path};

/// Every text read, in reading order; the first is the process file.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    sources: Vec<Source>,
}

/// One text.
#[derive(Clone, Debug)]
pub struct Source {
    /// As shown to people: the path as given or found, or `environment`.
    pub name: String,
    /// Below the directory of the process file, `/` between parts; or `environment`.
    pub path: String,
    /// All of it.
    pub text: String,
    /// Rising; the first is the text's begin.
    anchors: Vec<Anchor>,
}

/// A byte whose line and column are known: the first of every line, and some within long ones.
/// With these, a place is found without a look at all that stands before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Anchor {
    byte: usize,
    /// From 1.
    line: usize,
    /// From 1, in characters.
    column: usize,
}

/// How far an anchor may be from the next, in bytes; one character more where one lies across.
const ANCHOR_BYTES: usize = 1024;

/// A range of bytes in one source.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// Position in [`Sources`].
    pub source: usize,
    /// First byte.
    pub start: usize,
    /// Byte after the last.
    pub end: usize,
}

// === impl Sources ===

impl Sources {
    /// Adds a text and gives its position.
    pub fn add(
        &mut self,
        name: impl Into<String>,
        path: impl Into<String>,
        text: impl Into<String>,
    ) -> usize {
        let text = text.into();
        let anchors = anchors(&text);
        self.sources.push(Source { name: name.into(), path: path.into(), text, anchors });
        self.sources.len() - 1
    }

    /// The text at a position. Empty if there is none.
    pub fn get(&self, at: usize) -> Option<&Source> {
        self.sources.get(at)
    }

    /// Every text.
    pub fn iter(&self) -> impl Iterator<Item = &Source> {
        self.sources.iter()
    }

    /// Line and column of a place's first character, both from 1, columns in characters.
    pub fn line_column(&self, place: &Place) -> (usize, usize) {
        self.get(place.source).map_or((1, 1), |source| source.line_column(place.start))
    }
}

// === impl Source ===

impl Source {
    fn line_column(&self, byte: usize) -> (usize, usize) {
        let Anchor { line, column, .. } = self.anchor(byte);
        (line, column + self.since_anchor(byte).chars().count())
    }

    /// The line that a byte stands in, from 1, and the range of its text.
    pub(crate) fn line(&self, byte: usize) -> (usize, Range<usize>) {
        let line = self.anchor(byte).line;
        let first = self.anchors.partition_point(|anchor| anchor.line < line);
        let next = self.anchors.partition_point(|anchor| anchor.line <= line);
        let end = self.anchors.get(next).map_or(self.text.len(), |anchor| anchor.byte - 1);
        (line, self.anchors[first].byte..end)
    }

    /// What lies between a byte and the anchor before it: all that finding its column reads.
    fn since_anchor(&self, byte: usize) -> &str {
        let start = self.anchor(byte).byte;
        self.text.get(start..byte).unwrap_or(&self.text[start..])
    }

    /// The last anchor that is not behind `byte`.
    fn anchor(&self, byte: usize) -> Anchor {
        let behind = self.anchors.partition_point(|anchor| anchor.byte <= byte);
        self.anchors[behind - 1]
    }
}

fn anchors(text: &str) -> Vec<Anchor> {
    let mut at = Anchor { byte: 0, line: 1, column: 1 };
    let mut anchors = vec![at];
    let mut last = 0;
    for (byte, character) in text.char_indices() {
        let next = byte + character.len_utf8();
        at = match character {
            '\n' => Anchor { byte: next, line: at.line + 1, column: 1 },
            _ => Anchor { byte: next, column: at.column + 1, ..at },
        };
        if character == '\n' || next - last >= ANCHOR_BYTES {
            anchors.push(at);
            last = next;
        }
    }
    anchors
}

// === impl Place ===

impl Place {
    pub(crate) fn new(source: usize, span: Range<usize>) -> Place {
        Place { source, start: span.start, end: span.end }
    }

    /// The range within the source's text.
    pub fn range(&self) -> Range<usize> {
        self.start..self.end
    }
}

/// `path` as people would type it: relative to the working directory where that is shorter.
pub(crate) fn shown(path: &Path) -> String {
    let text = path.to_string_lossy();
    text.strip_prefix("./").unwrap_or(&text).to_owned()
}

#[cfg(test)]
mod tests;
