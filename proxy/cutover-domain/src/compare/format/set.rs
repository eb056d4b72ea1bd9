//! Sets of formats: what is known of a text that nobody may see.

use std::fmt;

use super::Format;
use crate::compare::Value;

/// A set of [`Format`]s.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Formats(u16);

// === impl Formats ===

impl Formats {
    /// Those of a value: none unless it is a text or a number.
    pub fn of(value: &Value) -> Formats {
        Format::ALL.into_iter().filter(|format| format.fits(value)).collect()
    }

    /// Those of a text.
    pub fn of_text(text: &str) -> Formats {
        Format::ALL.into_iter().filter(|format| format.fits_text(text)).collect()
    }

    /// Whether it holds `format`.
    pub fn contains(self, format: Format) -> bool {
        self.0 & 1 << format as u16 != 0
    }

    /// Whether it holds none.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Its formats, in their order.
    pub fn iter(self) -> impl Iterator<Item = Format> {
        Format::ALL.into_iter().filter(move |format| self.contains(*format))
    }
}

impl FromIterator<Format> for Formats {
    fn from_iter<I: IntoIterator<Item = Format>>(formats: I) -> Formats {
        Formats(formats.into_iter().fold(0, |bits, format| bits | 1 << format as u16))
    }
}

impl fmt::Debug for Formats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}
