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
}

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
        let (name, path, text) = (name.into(), path.into(), text.into());
        self.sources.push(Source { name, path, text });
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
        let text = self.get(place.source).map_or("", |source| &source.text);
        let before = text.get(..place.start).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let line = before.matches('\n').count() + 1;
        (line, before[line_start..].chars().count() + 1)
    }
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
