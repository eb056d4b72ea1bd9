//! What the rules say of one path at which two answers differ.

use std::borrow::Cow;

use super::{Action, Decimal, Kind, Kinds, Rule, Tolerance, Value, moment::Moment};

/// All rules for one path.
#[derive(Default)]
pub(super) struct Treatment<'r> {
    ignored: Kinds,
    rules: Vec<&'r Rule>,
}

// === impl Treatment ===

impl<'r> Treatment<'r> {
    pub(super) fn new(rules: impl Iterator<Item = &'r Rule>) -> Treatment<'r> {
        let rules: Vec<&Rule> = rules.collect();
        let ignored = rules.iter().map(|rule| rule.action.ignored());
        Treatment { ignored: ignored.fold(Kinds::default(), Kinds::or), rules }
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
                self.actions().any(|action| match action {
                    Action::Tolerate(Tolerance::Number(distance)) => near.is_within(distance, far),
                    Action::Shape(format) => format.fits(live) && format.fits(other),
                    _ => false,
                })
            }
            _ => false,
        }
    }

    /// Whether two texts, not equal, agree all the same.
    pub(super) fn excuses_text(&self, live: &str, other: &str) -> bool {
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
