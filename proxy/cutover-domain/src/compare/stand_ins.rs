//! Comparing answers that are kept without their values.
//!
//! A sample has a stand-in for each value: equal where the values were equal, different where they
//! were, and of the same type. Nearly all that [`compare`](super::compare()) asks of an answer can be asked of
//! it as well. Only rules that look at values (`tolerate` numbers and times, `normalise`, `shape`
//! beyond the formats that are known) may stay in doubt; what rests on them is told apart, never
//! guessed.

use std::{borrow::Cow, collections::HashMap};

use super::{
    Answer, Bijections, Decimal, Difference, Format, Formats, Incomparable, Terms, Value, format,
};

/// Begins a text that stands for another: a character for private use, of no format, which no
/// answer has a reason to send.
const MARK: char = '\u{e000}';

/// The texts and numbers that stand for others.
#[derive(Clone, Debug, Default)]
pub struct StandIns {
    texts: HashMap<Box<str>, Formats>,
    /// With the hash of the number that each stands for.
    numbers: HashMap<Decimal, u64>,
}

/// A difference between answers with stand-ins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judged {
    /// The difference, as the values themselves have it if it is certain.
    pub difference: Difference,
    /// No value could make it go away. If not, a rule that holds here has to see the values.
    pub is_certain: bool,
}

/// How to go on where a rule would have to see a value.
#[derive(Clone, Copy)]
pub(super) struct Doubt<'s> {
    stand_ins: &'s StandIns,
    /// What is in doubt counts as agreeing; else as differing.
    pub(super) excuses: bool,
}

/// As [`compare`](super::compare()), of answers whose values may be stand-ins.
///
/// # Errors
///
/// As those of [`compare`](super::compare()).
pub fn compare_stand_ins(
    live: &Answer,
    candidate: &Answer,
    reference: Option<&Answer>,
    terms: &Terms<'_>,
    stand_ins: &StandIns,
    bijections: &mut Bijections,
) -> Result<Vec<Judged>, Incomparable> {
    super::check_limits([Some(live), Some(candidate), reference], terms.limits)?;
    let found = |excuses: bool, bijections: &mut Bijections| {
        let mut rules = terms.rules.in_force(terms.now);
        rules.doubt = Some(Doubt { stand_ins, excuses });
        super::differences(live, candidate, reference, &rules, bijections)
    };
    // Where even the benefit of the doubt does not help, there is none.
    let certain = found(true, &mut bijections.clone())?;
    let possible = found(false, bijections)?;
    let is_same = |one: &Difference, other: &Difference| {
        (&one.path, one.kind, one.candidate, one.reference)
            == (&other.path, other.kind, other.candidate, other.reference)
    };
    let has = |list: &[Difference], one: &Difference| list.iter().any(|other| is_same(one, other));
    // Without an excuse an order may count as values: then each of them is in doubt.
    let otherwise = certain.iter().filter(|one| !has(&possible, one)).cloned();
    let mut judged: Vec<Judged> = possible
        .iter()
        .map(|one| Judged { difference: one.clone(), is_certain: has(&certain, one) })
        .chain(otherwise.map(|difference| Judged { difference, is_certain: false }))
        .collect();
    judged.sort_by(|left, right| left.place().cmp(&right.place()));
    judged.dedup_by(|second, first| second.place() == first.place());
    Ok(judged)
}

fn text_of(hash: u64) -> String {
    format!("{MARK}{hash:016x}")
}

/// As [`format::look_of_text`], of the text that this one may stand for.
pub(super) fn look_of_text(doubt: Option<Doubt<'_>>, text: &str) -> &'static str {
    match doubt.and_then(|doubt| doubt.stand_ins.formats(text)) {
        Some(formats) => format::look_of_formats(formats),
        None => format::look_of_text(text),
    }
}

// === impl Judged ===

impl Judged {
    fn place(&self) -> (&super::Path, super::Kind) {
        (&self.difference.path, self.difference.kind)
    }
}

// === impl StandIns ===

impl StandIns {
    /// The text that stands for the one with this hash, which had these formats.
    pub fn text(&mut self, hash: u64, formats: Formats) -> Box<str> {
        let text: Box<str> = text_of(hash).into();
        self.texts.insert(text.clone(), formats);
        text
    }

    /// The number that stands for the one with this hash.
    pub fn number(&mut self, hash: u64, is_integer: bool) -> Decimal {
        let fraction = if is_integer { "" } else { ".5" };
        let number = format!("1{hash:020}{fraction}");
        let number: Decimal = number.parse().expect("digits are a number");
        self.numbers.insert(number.clone(), hash);
        number
    }

    fn formats(&self, text: &str) -> Option<Formats> {
        self.texts.get(text).copied()
    }
}

// === impl Doubt ===

impl Doubt<'_> {
    /// Whether one of these values has to be seen before a rule can say something of both.
    pub(super) fn is_about(&self, values: [&Value; 2]) -> bool {
        values.into_iter().any(|value| match value {
            Value::Number(number) => self.stand_ins.numbers.contains_key(number),
            Value::Text(text) => self.hides(text),
            _ => false,
        })
    }

    /// Whether a text stands for another, or has a part that does.
    pub(super) fn hides(&self, text: &str) -> bool {
        text.contains(MARK)
    }

    /// As [`Value::name`]: a number may be renamed to a text and back.
    pub(super) fn name<'v>(&self, value: &'v Value) -> Option<Cow<'v, str>> {
        let hash = match value {
            Value::Number(number) => self.stand_ins.numbers.get(number),
            _ => None,
        };
        hash.map(|hash| text_of(*hash).into()).or_else(|| value.name())
    }

    /// Whether a text, or the one that it stands for, has this format.
    pub(super) fn fits(&self, format: Format, text: &str) -> bool {
        match self.stand_ins.formats(text) {
            Some(formats) => format == Format::NonEmpty || formats.contains(format),
            None => format.fits_text(text),
        }
    }
}
