//! One answer held against legacy's, as far as their statuses let it say something; and what two
//! such searches say together.

use std::collections::BTreeMap;

use super::{
    Answer, Bijections, Difference, Kind, Path, fields,
    found::{Found, Item},
    path::Root,
    rules::InForce,
    walk,
};

/// One answer held against legacy's.
pub(super) struct Seen<'r> {
    scope: Scope,
    found: Found<'r>,
}

/// How much of two answers says something, as their statuses have it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Scope {
    /// Nothing but the status.
    Status,
    /// Status, headers and trailers, except those that describe the body.
    Head,
    /// All.
    Whole,
}

// === impl Seen ===

impl<'r> Seen<'r> {
    pub(super) fn of(
        live: &Answer,
        other: &Answer,
        rules: &'r InForce<'r>,
        renaming: bool,
    ) -> Seen<'r> {
        let mut found = Found::new(rules, renaming);
        let scope = scope(live.status, other.status, &mut found);
        if scope > Scope::Status {
            fields::fields(live, other, scope == Scope::Whole, &mut found);
        }
        if scope == Scope::Whole {
            walk::bodies(&live.body, &other.body, &mut found);
        }
        Seen { scope, found }
    }

    /// Whether it was searched to the end, or something was found before.
    pub(super) fn says_something(&self) -> bool {
        !self.found.is_full() || !self.found.is_empty()
    }

    /// Holds renamed values against what was learnt of them, and learns.
    pub(super) fn settle(&mut self, bijections: &mut Bijections) {
        self.found.settle(bijections);
    }
}

/// How much an answer says beside legacy's, by their statuses; takes note of one that differs.
fn scope(live: u16, other: u16, found: &mut Found<'_>) -> Scope {
    let errors_asked = found.treatment(Root::Body, &[]).asks();
    let both_failed = live >= 500 && other >= 500;
    if both_failed && !errors_asked {
        return Scope::Status;
    }
    let shape = || format!("{live}→{other}");
    if live != other && !both_failed && found.note(Root::Status, &[], Kind::Status, shape) {
        return Scope::Status;
    }
    if live.max(other) < 400 || errors_asked { Scope::Whole } else { Scope::Head }
}

/// One list of both searches.
pub(super) fn merged(candidate: Seen<'_>, reference: Option<Seen<'_>>) -> Vec<Difference> {
    let mut differences: BTreeMap<(Path, Kind), Difference> = BTreeMap::new();
    let scope = reference.as_ref().filter(|reference| !reference.found.is_full());
    let scope = scope.map(|reference| reference.scope);
    let noise = reference.map(|reference| reference.found.into_items()).unwrap_or_default();
    let blind = Blind::new(scope, &noise);
    for Item { path, kind, shape, .. } in candidate.found.into_items() {
        let reference = (!blind.at(&path)).then_some(false);
        let difference = Difference { path, kind, candidate: true, reference, shape };
        differences.insert((difference.path.clone(), kind), difference);
    }
    for Item { path, kind, shape, .. } in noise {
        let at = (path.clone(), kind);
        let difference = Difference { path, kind, candidate: false, reference: None, shape };
        differences.entry(at).or_insert(difference).reference = Some(true);
    }
    differences.into_values().collect()
}

/// Where legacy's second answer says nothing.
struct Blind {
    /// `None`: there is none, or it was not searched to the end.
    scope: Option<Scope>,
    /// Places that it does not have, or has something else at.
    places: Vec<Path>,
}

impl Blind {
    fn new(scope: Option<Scope>, noise: &[Item]) -> Blind {
        let cuts = noise.iter().filter(|item| matches!(item.kind, Kind::Missing | Kind::Type));
        Blind { scope, places: cuts.map(|item| item.path.clone()).collect() }
    }

    fn at(&self, path: &Path) -> bool {
        let seen = match self.scope {
            None => false,
            Some(Scope::Whole) => true,
            Some(Scope::Head) => !path.is_of_body(),
            Some(Scope::Status) => path.as_str() == Root::Status.as_str(),
        };
        !seen || self.places.iter().any(|place| path.is_inside(place))
    }
}
