//! What the rules say of one path at which two answers differ.

use std::borrow::Cow;

use super::{
    Action, Decimal, Format, Kind, Kinds, Rule, Tolerance, Value, moment::Moment, stand_ins::Doubt,
};

/// All rules for one path.
#[derive(Default)]
pub(super) struct Treatment<'r> {
    ignored: Kinds,
    rules: Vec<&'r Rule>,
    doubt: Option<Doubt<'r>>,
}

// === impl Treatment ===

impl<'r> Treatment<'r> {
    pub(super) fn new(
        rules: impl Iterator<Item = &'r Rule>,
        doubt: Option<Doubt<'r>>,
    ) -> Treatment<'r> {
        let rules: Vec<&Rule> = rules.collect();
        let ignored = rules.iter().map(|rule| rule.action.ignored());
        Treatment { ignored: ignored.fold(Kinds::default(), Kinds::or), rules, doubt }
    }

    /// Whether a difference of this kind does not count.
    pub(super) fn ignores(&self, kind: Kind) -> bool {
        self.ignored.contains(kind)
    }

    /// Whether a rule asks for what is left out by default.
    pub(super) fn asks(&self) -> bool {
        self.rules.iter().any(|rule| rule.action == Action::Compare)
    }

    /// Whether two values of one type, not equal, agree all the same.
    pub(super) fn excuses(&self, live: &Value, other: &Value) -> bool {
        match (live, other) {
            (Value::Text(live), Value::Text(other)) => self.excuses_text(live, other),
            (Value::Number(near), Value::Number(far)) => {
                let doubt = self.doubt.filter(|doubt| doubt.is_about([live, other]));
                self.actions().any(|action| match action {
                    Action::Tolerate(Tolerance::Number(distance)) => match doubt {
                        Some(doubt) => doubt.excuses,
                        None => near.is_within(distance, far),
                    },
                    Action::Shape(format) => format.fits(live) && format.fits(other),
                    _ => false,
                })
            }
            _ => false,
        }
    }

    /// Whether two texts, not equal, agree all the same.
    pub(super) fn excuses_text(&self, live: &str, other: &str) -> bool {
        match self.doubt.filter(|doubt| doubt.hides(live) || doubt.hides(other)) {
            Some(doubt) => self.excuses_hidden(doubt, live, other),
            None => self.excuses_shown(live, other),
        }
    }

    /// Two texts of which at least one is a stand-in.
    fn excuses_hidden(&self, doubt: Doubt<'_>, live: &str, other: &str) -> bool {
        let both = |format| doubt.fits(format, live) && doubt.fits(format, other);
        let is_moment =
            |text| [Format::Rfc3339, Format::HttpDate].iter().any(|f| doubt.fits(*f, text));
        // Normalising may bring texts into another format.
        let normalises = self.actions().any(|action| matches!(action, Action::Normalise(_)));
        self.actions().any(|action| match action {
            Action::Normalise(_) => doubt.excuses,
            Action::Shape(format) => both(*format) || normalises && doubt.excuses,
            Action::Tolerate(Tolerance::Number(_)) => {
                (normalises || both(Format::Number)) && doubt.excuses
            }
            Action::Tolerate(Tolerance::Time { .. }) => {
                (normalises || is_moment(live) && is_moment(other)) && doubt.excuses
            }
            _ => false,
        })
    }

    fn excuses_shown(&self, live: &str, other: &str) -> bool {
        let (live, other) = (self.normalised(live), self.normalised(other));
        live == other
            || self.actions().any(|action| match action {
                Action::Tolerate(Tolerance::Number(distance)) => {
                    let numbers = (live.parse::<Decimal>(), other.parse::<Decimal>());
                    matches!(numbers, (Ok(live), Ok(other)) if live.is_within(distance, &other))
                }
                Action::Tolerate(Tolerance::Time { within_ms }) => {
                    let moments = Moment::parse(&live).zip(Moment::parse(&other));
                    moments.is_some_and(|(live, other)| live.is_within(*within_ms, other))
                }
                Action::Shape(format) => format.fits_text(&live) && format.fits_text(&other),
                _ => false,
            })
    }

    /// Whether two texts may be one after normalising, and have the benefit of the doubt.
    pub(super) fn doubts(&self, texts: [&str; 2]) -> bool {
        let normalises = self.actions().any(|action| matches!(action, Action::Normalise(_)));
        let is_hidden = |doubt: Doubt<'_>| texts.iter().any(|text| doubt.hides(text));
        normalises && self.doubt.is_some_and(|doubt| doubt.excuses && is_hidden(doubt))
    }

    /// A text after all steps of normalising.
    pub(super) fn normalised<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let steps = self.actions().filter_map(|action| match action {
            Action::Normalise(steps) => Some(steps),
            _ => None,
        });
        steps.flatten().fold(Cow::Borrowed(text), |text, step| match step.apply(&text) {
            Cow::Borrowed(same) if same.len() == text.len() => text,
            changed => Cow::Owned(changed.into_owned()),
        })
    }

    fn actions(&self) -> impl Iterator<Item = &'r Action> {
        self.rules.iter().map(|rule| &rule.action)
    }
}

impl Action {
    /// Kinds that do not count under it.
    fn ignored(&self) -> Kinds {
        match self {
            Action::Ignore(kinds) => *kinds,
            Action::Tolerate(Tolerance::Order) => Kinds::of(&[Kind::Order]),
            Action::Tolerate(Tolerance::Extra) => Kinds::of(&[Kind::Extra]),
            _ => Kinds::default(),
        }
    }
}
