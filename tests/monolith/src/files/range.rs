//! `Range`, `If-Range` and the other conditions of a download (RFC 9110 §13, §14).

use std::ops::Range;

use http::HeaderMap;
use http::header::{IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE, RANGE};

/// More ranges than this are answered by the whole file.
const RANGES_MAX: usize = 8;

/// Which part of a file is asked for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Part {
    Whole,
    /// The client has it already.
    NotModified,
    One(Range<usize>),
    /// Two to eight ranges, in the order asked for.
    Many(Vec<Range<usize>>),
    /// No range lies within the file.
    Unsatisfiable,
}

/// Reads the request's conditions against a file of `length` bytes with this tag and date.
///
/// A range of a form that is not understood is ignored, as RFC 9110 §14.2 allows.
pub(super) fn part(headers: &HeaderMap, length: usize, etag: &str, modified: &str) -> Part {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let has_it = match text(IF_NONE_MATCH) {
        Some(tags) => lists(tags, etag),
        None => text(IF_MODIFIED_SINCE) == Some(modified),
    };
    if has_it {
        return Part::NotModified;
    }
    let is_same = text(IF_RANGE).is_none_or(|known| known == etag || known == modified);
    let ranges = text(RANGE).filter(|_| is_same).and_then(parse);
    let Some(ranges) = ranges.filter(|ranges| ranges.len() <= RANGES_MAX) else {
        return Part::Whole;
    };
    let mut within: Vec<_> = ranges.into_iter().filter_map(|range| range.within(length)).collect();
    match within.len() {
        0 => Part::Unsatisfiable,
        1 => Part::One(within.remove(0)),
        _ => Part::Many(within),
    }
}

/// Whether a list of tags has `etag` or is `*`.
pub(super) fn lists(tags: &str, etag: &str) -> bool {
    tags.split(',').map(str::trim).any(|tag| tag == "*" || tag.trim_start_matches("W/") == etag)
}

/// One element of `Range: bytes=…`.
#[derive(Clone, Copy)]
enum Asked {
    From { first: usize, last: usize },
    Last(usize),
}

impl Asked {
    fn within(self, length: usize) -> Option<Range<usize>> {
        let range = match self {
            Asked::From { first, last } => first..last.saturating_add(1).min(length),
            Asked::Last(count) => length.saturating_sub(count)..length,
        };
        (range.start < range.end).then_some(range)
    }
}

fn parse(header: &str) -> Option<Vec<Asked>> {
    header.strip_prefix("bytes=")?.split(',').map(|element| parse_element(element.trim())).collect()
}

fn parse_element(element: &str) -> Option<Asked> {
    let (first, last) = element.split_once('-')?;
    let number = |text: &str| {
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        digits.then(|| text.parse().unwrap_or(usize::MAX))
    };
    match (first, last) {
        ("", last) => number(last).map(Asked::Last),
        (first, "") => Some(Asked::From { first: number(first)?, last: usize::MAX }),
        (first, last) => {
            let (first, last) = (number(first)?, number(last)?);
            (first <= last).then_some(Asked::From { first, last })
        }
    }
}

#[cfg(test)]
mod tests;
