//! Which kinds of request were compared, of those that the route has.

use std::{collections::BTreeMap, fmt, sync::Arc};

use xxhash_rust::xxh3::xxh3_64;

/// How long a shape counts as one that the route has, after it was seen last: 7 days.
pub const SEEN_SECONDS: u64 = 7 * 24 * 3600;
/// Most shapes kept for a route; further ones are seen as `_other`, which is never compared.
pub const SHAPES_MAX: usize = 1_000;
/// Longest text of a shape in bytes; a longer one ends in a hash instead.
const TEXT_BYTES_MAX: usize = 256;

/// What requests have in common that should be answered by the same code: method, template, names
/// of query parameters, class of legacy's status, version of the client. Never a value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Shape(Arc<str>);

/// The shapes of a route, each with when it was seen. At most [`SHAPES_MAX`] and `_other`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shapes {
    /// By shape.
    pub seen: BTreeMap<Shape, ShapeSeen>,
}

/// When a shape was seen, in seconds since the Unix epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ShapeSeen {
    /// Last in any request of the route.
    pub seen_at: u64,
    /// Last in a request that was compared since the last reset; `None`: in none.
    pub compared_at: Option<u64>,
}

/// How much of what the route is asked was compared.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    /// Shapes seen within 7 days.
    pub seen: usize,
    /// Those of them that were compared within 7 days, since the last reset.
    pub compared: usize,
    /// Up to ten of those that were not, seen last first.
    pub missing: Vec<Shape>,
    /// The route has more shapes than are kept; the share says nothing of the others.
    pub overflow: bool,
}

// === impl Shape ===

impl Shape {
    /// The shape of one request. `parameters` are the names in its query, in any order and
    /// repeated or not; `status` is legacy's; `client` is what tells versions of the client apart.
    pub fn new<'a>(
        method: &str,
        template: &str,
        parameters: impl IntoIterator<Item = &'a str>,
        status: u16,
        client: Option<&str>,
    ) -> Shape {
        let mut names: Vec<&str> = parameters.into_iter().collect();
        names.sort_unstable();
        names.dedup();
        let mut text = format!("{method} {template}");
        for (i, name) in names.iter().enumerate() {
            text.push(if i == 0 { '?' } else { '&' });
            text.push_str(name);
        }
        text.push_str(&format!(" {}xx", status / 100));
        if let Some(client) = client {
            text.push(' ');
            text.push_str(client);
        }
        Shape::from_text(&text)
    }

    /// A shape from its text, as [`Shape::as_str`] gave it.
    pub fn from_text(text: &str) -> Shape {
        if text.len() <= TEXT_BYTES_MAX {
            return Shape(text.into());
        }
        let kept = text.floor_char_boundary(TEXT_BYTES_MAX - 20);
        Shape(format!("{}… {:016x}", &text[..kept], xxh3_64(text.as_bytes())).into())
    }

    /// Its text, such as `GET /devices/{id}?expand&fields 2xx app/3.1`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn other() -> Shape {
        Shape("_other".into())
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

// === impl Shapes ===

impl Shapes {
    /// A request of this shape came, compared or not.
    pub(crate) fn see(&mut self, shape: &Shape, now: u64) {
        self.touch(shape, now);
    }

    /// A request of this shape was compared.
    pub(crate) fn compare(&mut self, shape: &Shape, now: u64) {
        if let Some(seen) = self.touch(shape, now) {
            seen.compared_at = Some(now);
        }
    }

    /// What was compared is to be compared anew.
    pub(crate) fn restart(&mut self) {
        for seen in self.seen.values_mut() {
            seen.compared_at = None;
        }
    }

    /// The coverage at `now`, in seconds since the Unix epoch.
    pub fn coverage(&self, now: u64) -> Coverage {
        let young = |at: u64| now.saturating_sub(at) < SEEN_SECONDS;
        let seen: Vec<_> = self.seen.iter().filter(|(_, seen)| young(seen.seen_at)).collect();
        let is_missing = |seen: &ShapeSeen| !seen.compared_at.is_some_and(young);
        let mut missing: Vec<_> = seen.iter().filter(|(_, seen)| is_missing(seen)).collect();
        missing.sort_by_key(|(_, seen)| std::cmp::Reverse(seen.seen_at));
        Coverage {
            seen: seen.len(),
            compared: seen.len() - missing.len(),
            missing: missing.iter().take(10).map(|(shape, _)| (*shape).clone()).collect(),
            overflow: seen.iter().any(|(shape, _)| **shape == Shape::other()),
        }
    }

    /// Marks the shape as seen; `None` if it had to be counted as `_other`.
    fn touch(&mut self, shape: &Shape, now: u64) -> Option<&mut ShapeSeen> {
        if !self.seen.contains_key(shape) && self.seen.len() >= SHAPES_MAX {
            self.seen.retain(|_, seen| now.saturating_sub(seen.seen_at) < SEEN_SECONDS);
        }
        if !self.seen.contains_key(shape) && self.seen.len() >= SHAPES_MAX {
            self.seen.entry(Shape::other()).or_default().seen_at = now;
            return None;
        }
        let seen = self.seen.entry(shape.clone()).or_default();
        seen.seen_at = seen.seen_at.max(now);
        Some(seen)
    }
}

// === impl Coverage ===

impl Coverage {
    /// Share of the shapes that was compared, `0..=1`; `None` if none was seen.
    pub fn share(&self) -> Option<f64> {
        (self.seen > 0).then(|| self.compared as f64 / self.seen as f64)
    }
}

#[cfg(test)]
mod tests;
