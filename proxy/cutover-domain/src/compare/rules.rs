//! What people have allowed to differ: where, how, why, until when.

use std::{collections::HashSet, fmt};

use super::{
    Decimal, Format, Kind, Kinds, Normal, Pattern,
    path::{Root, Segment},
    stand_ins::Doubt,
};

/// How long a guarded rule lasts if nobody says otherwise: 30 days.
pub const GUARDED_SECONDS_DEFAULT: u64 = 30 * 24 * 60 * 60;

/// One thing that may differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Where.
    pub pattern: Pattern,
    /// How.
    pub action: Action,
    /// Why, for whoever reads it next year. Never empty.
    pub reason: Box<str>,
    /// The rule holds before this moment, in seconds since 1970; `None`: for good.
    pub expires: Option<u64>,
}

/// How answers may differ at the places of a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Differences of these kinds do not count. [`Kinds::GUARDED`] ones only at an exact path.
    Ignore(Kinds),
    /// They count only beyond this.
    Tolerate(Tolerance),
    /// The list is a set: elements are told apart by the field of this name, and compared with
    /// the element of the same name wherever it stands. Fields within fields are written `a.b`.
    Unordered {
        /// Field of the elements; empty: the whole element.
        key: Box<str>,
    },
    /// Any two values of this format agree.
    Shape(Format),
    /// Values may be others, if they map one-to-one: one value of legacy always to the same value
    /// of the candidate, and back. Legacy's own second answer is compared as it is.
    Renamed {
        /// Rules of one space share one mapping: `body.id` and `body.devices[].id`.
        space: Box<str>,
    },
    /// Texts are compared after this, in this order.
    Normalise(Vec<Normal>),
    /// What is left out by default is compared: at `body` the bodies of errors, at a header the
    /// one from the built-in list.
    Compare,
}

/// How far answers may differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tolerance {
    /// A list may have its elements in another order.
    Order,
    /// There may be more than legacy has.
    Extra,
    /// Numbers, or texts that are numbers, may lie this far apart.
    Number(Decimal),
    /// Moments (RFC 3339, or the HTTP date of RFC 9110 §5.6.7) may lie this far apart.
    Time {
        /// Milliseconds.
        within_ms: u64,
    },
}

/// The rules of one route, checked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rules {
    rules: Vec<Rule>,
}

/// Why a rule is refused; it names the rule's path.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadRule {
    /// No reason is given.
    #[error("the rule for `{0}` gives no reason: say why this may differ")]
    NoReason(Pattern),
    /// A guarded kind behind a wildcard.
    #[error(
        "the rule for `{0}` would ignore `{1}` at many places: that kind breaks clients and is ignored only at one exact path"
    )]
    Guarded(Pattern, Kind),
    /// A guarded kind for good.
    #[error(
        "the rule for `{0}` would ignore `{1}` for good: that kind breaks clients, give the rule an expiry (usually 30 days)"
    )]
    NoExpiry(Pattern, Kind),
    /// It ignores no kind.
    #[error("the rule for `{0}` ignores no kind of difference: name one, or remove the rule")]
    Nothing(Pattern),
    /// An action that has no meaning at this place.
    #[error("the rule for `{0}` has no effect there: {1}")]
    Place(Pattern, &'static str),
    /// The same action at the same place twice.
    #[error("there are two rules for `{0}` that say the same thing differently: keep one")]
    Twice(Pattern),
}

// === impl Rules ===

impl Rules {
    /// Checks the rules of a route.
    ///
    /// # Errors
    ///
    /// The first rule that [`BadRule`] speaks of. Expired rules are checked too, and are no error.
    pub fn new(rules: Vec<Rule>) -> Result<Rules, BadRule> {
        let mut seen = HashSet::new();
        for rule in &rules {
            rule.check()?;
            if !seen.insert((&rule.pattern, rule.action.slot())) {
                return Err(BadRule::Twice(rule.pattern.clone()));
            }
        }
        Ok(Rules { rules })
    }

    /// All of them, expired ones too, in the order given.
    pub fn iter(&self) -> impl Iterator<Item = &Rule> {
        self.rules.iter()
    }

    /// Those that hold at `now`.
    pub(super) fn in_force(&self, now: u64) -> InForce<'_> {
        let mut in_force = InForce::default();
        for rule in self.rules.iter().filter(|rule| rule.holds(now)) {
            match &rule.action {
                Action::Unordered { key } => in_force.unordered.push((&rule.pattern, key)),
                Action::Renamed { space } => in_force.renamed.push((&rule.pattern, space)),
                _ => in_force.others.push(rule),
            }
        }
        in_force
    }
}

impl Rule {
    /// Whether it holds at `now`, in seconds since 1970.
    pub fn holds(&self, now: u64) -> bool {
        self.expires.is_none_or(|expires| now < expires)
    }

    fn check(&self) -> Result<(), BadRule> {
        let pattern = || self.pattern.clone();
        if self.reason.trim().is_empty() {
            return Err(BadRule::NoReason(pattern()));
        }
        if let Some(why) = self.misplaced() {
            return Err(BadRule::Place(pattern(), why));
        }
        let Action::Ignore(kinds) = self.action else { return Ok(()) };
        if kinds.is_empty() {
            return Err(BadRule::Nothing(pattern()));
        }
        match kinds.and(Kinds::GUARDED).iter().next() {
            Some(kind) if !self.pattern.is_exact() => Err(BadRule::Guarded(pattern(), kind)),
            Some(kind) if self.expires.is_none() => Err(BadRule::NoExpiry(pattern(), kind)),
            _ => Ok(()),
        }
    }

    /// Why the action means nothing at the rule's place, if so.
    fn misplaced(&self) -> Option<&'static str> {
        let in_body = self.pattern.root() == Root::Body;
        let of_status = self.pattern.root() == Root::Status;
        let of_error_bodies = self.pattern.as_str() == Root::Body.as_str();
        match &self.action {
            Action::Ignore(kinds) if of_status && !kinds.contains(Kind::Status) => {
                Some("`status` differs in kind `status` only")
            }
            Action::Ignore(_) => None,
            _ if of_status => Some("a status can only be ignored"),
            Action::Unordered { .. } | Action::Tolerate(Tolerance::Order) if !in_body => {
                Some("only bodies have lists")
            }
            Action::Normalise(steps) if steps.is_empty() => Some("it names no step"),
            Action::Compare if in_body && !of_error_bodies => {
                Some("write `body` to have the bodies of errors compared")
            }
            _ => None,
        }
    }
}

impl Action {
    /// Actions of one slot at one pattern exclude each other.
    fn slot(&self) -> &'static str {
        match self {
            Action::Ignore(_) => "ignore",
            Action::Tolerate(Tolerance::Order) => "order",
            Action::Tolerate(Tolerance::Extra) => "extra",
            Action::Tolerate(Tolerance::Number(_)) => "number",
            Action::Tolerate(Tolerance::Time { .. }) => "time",
            Action::Unordered { .. } => "unordered",
            Action::Shape(_) => "shape",
            Action::Renamed { .. } => "renamed",
            Action::Normalise(_) => "normalise",
            Action::Compare => "compare",
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Action::Ignore(kinds) => write!(f, "ignore {kinds}"),
            Action::Tolerate(Tolerance::Order) => f.write_str("tolerate order"),
            Action::Tolerate(Tolerance::Extra) => f.write_str("tolerate extra"),
            Action::Tolerate(Tolerance::Number(distance)) => {
                write!(f, "tolerate number ±{distance}")
            }
            Action::Tolerate(Tolerance::Time { within_ms }) => {
                write!(f, "tolerate time ±{within_ms} ms")
            }
            Action::Unordered { key } if key.is_empty() => f.write_str("unordered"),
            Action::Unordered { key } => write!(f, "unordered by {key}"),
            Action::Shape(format) => write!(f, "shape {format}"),
            Action::Renamed { space } => write!(f, "renamed in {space}"),
            Action::Normalise(steps) => {
                let steps: Vec<&str> = steps.iter().map(|step| step.as_str()).collect();
                write!(f, "normalise {}", steps.join(", "))
            }
            Action::Compare => f.write_str("compare"),
        }
    }
}

/// Rules that hold now, by when they are asked.
#[derive(Default)]
pub(super) struct InForce<'r> {
    /// Asked at every list.
    unordered: Vec<(&'r Pattern, &'r str)>,
    /// Asked at every scalar.
    renamed: Vec<(&'r Pattern, &'r str)>,
    /// Asked where something differs.
    others: Vec<&'r Rule>,
    /// Values may be stand-ins for others.
    pub(super) doubt: Option<Doubt<'r>>,
}

impl<'r> InForce<'r> {
    /// The key of an unordered list; empty: the whole element.
    pub(super) fn unordered(&self, path: &[Segment<'_>]) -> Option<&'r str> {
        meant(&self.unordered, Root::Body, path)
    }

    /// The space of renamed values.
    pub(super) fn renamed(&self, root: Root, path: &[Segment<'_>]) -> Option<&'r str> {
        meant(&self.renamed, root, path)
    }

    /// Rules for what differs at this path.
    pub(super) fn at(&self, root: Root, path: &[Segment<'_>]) -> impl Iterator<Item = &'r Rule> {
        self.others.iter().copied().filter(move |rule| rule.pattern.matches(root, path))
    }
}

fn meant<'r>(
    rules: &[(&'r Pattern, &'r str)],
    root: Root,
    path: &[Segment<'_>],
) -> Option<&'r str> {
    rules.iter().find(|(pattern, _)| pattern.matches(root, path)).map(|(_, word)| *word)
}

#[cfg(test)]
mod tests;
