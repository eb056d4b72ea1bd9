//! Numbers as exact decimals: `1`, `1.0` and `10e-1` are one number, and nothing passes through
//! a float.

use std::{fmt, str::FromStr};

/// An exact decimal number of any size and precision, as JSON writes it (RFC 8259 §6).
///
/// Two are equal exactly if they are the same number; `-0` is `0`. The order that it implements
/// is total, for sorting, and not that of the numbers.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Decimal {
    negative: bool,
    /// Power of ten by which `digits` counts; 0 for zero.
    exponent: i64,
    digits: Digits,
}

/// Why a text is no [`Decimal`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadDecimal {
    /// Not of the form `-12.34e5`.
    #[error("no decimal number: write digits, with `-`, `.` and `e` where JSON allows them")]
    Syntax,
    /// An exponent of 18 or more digits.
    #[error("the exponent of a number passes 10^17")]
    Exponent,
}

/// Significant digits, without zeros at either end; nearly all numbers fit in a word. Those that
/// do are never kept as text, so that equality can be derived.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Digits {
    Word(u64),
    Text(Box<str>),
}

/// Digits that always fit in a `u64`.
const WORD_DIGITS: usize = 19;

/// Longest exponent whose arithmetic cannot overflow.
const EXPONENT_DIGITS: usize = 17;

/// Longest number that tolerance is reckoned for; numbers further apart than that are never
/// tolerated.
const ALIGNED_DIGITS_MAX: i64 = 4096;

// === impl Decimal ===

impl Decimal {
    /// Whether the number has no fraction: `1`, `1.0`, `1e3`.
    pub fn is_integer(&self) -> bool {
        self.exponent >= 0
    }

    /// Whether it is below zero.
    pub fn is_negative(&self) -> bool {
        self.negative
    }

    /// Whether it lies at most `distance` from `other`, exactly. `distance` counts without sign.
    ///
    /// Numbers that together span more than 4,096 digits are within no distance.
    pub fn is_within(&self, distance: &Decimal, other: &Decimal) -> bool {
        if self == other {
            return true;
        }
        let all = [self, other, distance].map(Decimal::parts);
        let used = || all.iter().filter(|(digits, _)| digits != "0");
        let low = used().map(|(_, exponent)| *exponent).min().unwrap_or(0);
        let high = used().map(|(digits, exponent)| exponent + digits.len() as i64).max();
        // One place more than the longest, for the carry of a sum.
        let width = high.unwrap_or(0) - low + 1;
        if width > ALIGNED_DIGITS_MAX {
            return false;
        }
        let [mine, theirs, distance] =
            all.map(|(digits, exponent)| aligned(&digits, exponent, low, width));
        let apart = match self.negative == other.negative {
            true if mine >= theirs => subtract(mine, &theirs),
            true => subtract(theirs, &mine),
            false => add(mine, &theirs),
        };
        apart <= distance
    }

    /// Its digits and the power of ten by which they count.
    fn parts(&self) -> (String, i64) {
        let digits = match &self.digits {
            Digits::Word(word) => word.to_string(),
            Digits::Text(text) => text.to_string(),
        };
        (digits, self.exponent)
    }
}

impl FromStr for Decimal {
    type Err = BadDecimal;

    fn from_str(text: &str) -> Result<Decimal, BadDecimal> {
        let (negative, rest) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (number, exponent) = match rest.split_once(['e', 'E']) {
            Some((number, exponent)) => (number, parse_exponent(exponent)?),
            None => (rest, 0),
        };
        let (whole, fraction) = match number.split_once('.') {
            Some((_, "")) => return Err(BadDecimal::Syntax),
            Some(parts) => parts,
            None => (number, ""),
        };
        let only_digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
        let leading_zero = whole.len() > 1 && whole.starts_with('0');
        if whole.is_empty() || leading_zero || !only_digits(whole) || !only_digits(fraction) {
            return Err(BadDecimal::Syntax);
        }
        Ok(Decimal::new(negative, whole, fraction, exponent))
    }
}

impl Decimal {
    fn new(negative: bool, whole: &str, fraction: &str, exponent: i64) -> Decimal {
        // Cut the zeros off before joining: most numbers then need no allocation.
        let fraction = fraction.trim_end_matches('0');
        let exponent = exponent - fraction.len() as i64;
        if fraction.is_empty() {
            return Decimal::trimmed(negative, whole, exponent);
        }
        match whole {
            "0" => Decimal::trimmed(negative, fraction, exponent),
            whole => Decimal::trimmed(negative, &[whole, fraction].concat(), exponent),
        }
    }

    fn trimmed(negative: bool, digits: &str, exponent: i64) -> Decimal {
        let digits = digits.trim_start_matches('0');
        let significant = digits.trim_end_matches('0');
        if significant.is_empty() {
            return Decimal { negative: false, exponent: 0, digits: Digits::Word(0) };
        }
        let exponent = exponent + (digits.len() - significant.len()) as i64;
        let digits = match significant.parse() {
            Ok(word) if significant.len() <= WORD_DIGITS => Digits::Word(word),
            _ => Digits::Text(significant.into()),
        };
        Decimal { negative, exponent, digits }
    }
}

fn parse_exponent(text: &str) -> Result<i64, BadDecimal> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(BadDecimal::Syntax);
    }
    let significant = digits.trim_start_matches('0');
    if significant.len() > EXPONENT_DIGITS {
        return Err(BadDecimal::Exponent);
    }
    let size = significant.bytes().fold(0, |size, digit| size * 10 + i64::from(digit - b'0'));
    Ok(if text.starts_with('-') { -size } else { size })
}

impl From<i64> for Decimal {
    fn from(number: i64) -> Decimal {
        Decimal::trimmed(number < 0, &number.unsigned_abs().to_string(), 0)
    }
}

impl From<u64> for Decimal {
    fn from(number: u64) -> Decimal {
        Decimal::trimmed(false, &number.to_string(), 0)
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (digits, exponent) = self.parts();
        let sign = if self.negative { "-" } else { "" };
        let point = digits.len() as i64 + exponent;
        match exponent {
            0 => write!(f, "{sign}{digits}"),
            1..=20 => write!(f, "{sign}{digits}{:0<1$}", "", exponent as usize),
            -20..0 if point > 0 => {
                let (whole, fraction) = digits.split_at(point as usize);
                write!(f, "{sign}{whole}.{fraction}")
            }
            -20..0 => write!(f, "{sign}0.{:0<1$}{digits}", "", -point as usize),
            _ => write!(f, "{sign}{digits}e{exponent}"),
        }
    }
}

impl fmt::Debug for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// `width` decimal digits, most significant first, the last counting 10^`low`.
fn aligned(digits: &str, exponent: i64, low: i64, width: i64) -> Vec<u8> {
    let mut places = vec![0; width as usize];
    if digits != "0" {
        let end = (width - (exponent - low)) as usize;
        for (place, digit) in places[end - digits.len()..end].iter_mut().zip(digits.bytes()) {
            *place = digit - b'0';
        }
    }
    places
}

/// `larger - smaller`; both of one width.
fn subtract(mut larger: Vec<u8>, smaller: &[u8]) -> Vec<u8> {
    let mut borrow = 0;
    for (place, less) in larger.iter_mut().zip(smaller).rev() {
        let less = less + borrow;
        borrow = u8::from(*place < less);
        *place = *place + 10 * borrow - less;
    }
    larger
}

/// `number + more`; both of one width, whose first place is free for the carry.
fn add(mut number: Vec<u8>, more: &[u8]) -> Vec<u8> {
    let mut carry = 0;
    for (place, more) in number.iter_mut().zip(more).rev() {
        let sum = *place + more + carry;
        carry = sum / 10;
        *place = sum % 10;
    }
    number
}

#[cfg(test)]
mod tests;
