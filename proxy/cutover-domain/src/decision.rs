//! Who serves a request, and what happens when that side fails.

use std::borrow::Cow;

use crate::{
    declaration::{Group, WriteClass},
    phase::{Phase, Side},
    route_table::Route,
    subject::Subjects,
};

/// What to do with one request of a route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision<'a> {
    /// Who serves it.
    pub side: Side,
    /// Why.
    pub reason: Reason,
    /// What to do when that side fails before the first byte of its answer.
    pub on_failure: OnFailure,
    /// Whom the decision sticks to; `None` where the phase needs no subject or there is none.
    pub subject: Option<Cow<'a, str>>,
}

/// Why a side was chosen. Closed, so that it can label metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reason {
    /// The phase sends everyone to this side.
    Phase,
    /// A signed override.
    Override,
    /// The subject is on the deny list.
    Deny,
    /// The subject is on the allow list.
    Allow,
    /// An attribute of the request belongs to the cohort.
    Attribute,
    /// The subject's bucket is in the cohort.
    Cohort,
    /// The subject's bucket is outside the cohort.
    OutsideCohort,
    /// The request names no subject.
    NoSubject,
}

/// What to do when the chosen side refuses, times out or answers 502, 503 or 504 before the
/// first byte of its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OnFailure {
    /// The failure is the answer.
    PassOn,
    /// Legacy answers, once.
    AnswerByLegacy,
    /// New owns the entity and the request may be repeated: try new again within its deadline,
    /// else 503 with `Retry-After`.
    RetryNew,
    /// New owns the entity and the request may not be repeated: try new again only if it was
    /// certainly not delivered, else 503 with `Retry-After`.
    RetryNewIfUndelivered,
}

/// The side that a verified override asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SideOverride(pub Side);

/// Decides one request of `route`. Pure: the same request meets the same side on every node.
///
/// An override works from `shadow` on, unless the route is latched or `retired`. It does not work
/// for a route that writes unless both sides share one store: a tester's write on the side that
/// does not own the entity would be lost at the next flip.
pub fn decide<'a>(
    route: &Route,
    subjects: &'a impl Subjects,
    side_override: Option<SideOverride>,
) -> Decision<'a> {
    let state = &route.state;
    let class = route.spec.write_class();
    let overridden = side_override.filter(|_| override_works(route, class));
    let (side, reason, subject) = match (overridden, state.phase) {
        (Some(SideOverride(side)), _) => (side, Reason::Override, None),
        (None, Phase::Legacy | Phase::Shadow) => (Side::Legacy, Reason::Phase, None),
        (None, Phase::Live | Phase::Retired) => (Side::New, Reason::Phase, None),
        (None, Phase::Canary) => by_cohort(route, subjects),
    };
    Decision { side, reason, on_failure: on_failure(state.phase, side, class), subject }
}

/// The subject of a request of `group`: the first of its sources that yields a value.
pub fn subject<'a>(group: &Group, subjects: &'a impl Subjects) -> Option<Cow<'a, str>> {
    group.subjects.iter().find_map(|source| subjects.subject(source))
}

fn by_cohort<'a>(
    route: &Route,
    subjects: &'a impl Subjects,
) -> (Side, Reason, Option<Cow<'a, str>>) {
    let cohort = &route.group.cohort;
    let Some(subject) = subject(&route.group, subjects) else {
        return (Side::Legacy, Reason::NoSubject, None);
    };
    let attribute = || {
        cohort.attributes.iter().any(|rule| {
            subjects.subject(&rule.source).is_some_and(|value| rule.values.contains(&*value))
        })
    };
    let (side, reason) = if cohort.deny.contains(&*subject) {
        (Side::Legacy, Reason::Deny)
    } else if cohort.allow.contains(&*subject) {
        (Side::New, Reason::Allow)
    } else if attribute() {
        (Side::New, Reason::Attribute)
    } else if cohort.holds(&subject, route.state.percent) {
        (Side::New, Reason::Cohort)
    } else {
        (Side::Legacy, Reason::OutsideCohort)
    };
    (side, reason, Some(subject))
}

fn override_works(route: &Route, class: WriteClass) -> bool {
    let state = &route.state;
    matches!(state.phase, Phase::Shadow | Phase::Canary | Phase::Live)
        && state.held.is_none()
        && route.new.is_some()
        && (class == WriteClass::Safe || route.group.shared_store)
}

/// A write falls back to legacy only while legacy owns its entity, and once new serves it, new
/// owns it.
fn on_failure(phase: Phase, side: Side, class: WriteClass) -> OnFailure {
    match (side, phase, class) {
        (Side::Legacy, _, _) => OnFailure::PassOn,
        (Side::New, Phase::Retired, _) => OnFailure::PassOn,
        (Side::New, _, WriteClass::Safe) => OnFailure::AnswerByLegacy,
        (Side::New, _, WriteClass::Idempotent) => OnFailure::RetryNew,
        (Side::New, _, _) => OnFailure::RetryNewIfUndelivered,
    }
}

// === impl Reason ===

impl Reason {
    /// The name used in spans, logs and `explain`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Reason::Phase => "phase",
            Reason::Override => "override",
            Reason::Deny => "deny",
            Reason::Allow => "allow",
            Reason::Attribute => "attribute",
            Reason::Cohort => "cohort",
            Reason::OutsideCohort => "outside_cohort",
            Reason::NoSubject => "no_subject",
        }
    }
}

#[cfg(test)]
mod tests;
