//! Rules that evidence speaks for.
//!
//! First comes how legacy differs from itself: what it does not hold itself to, no candidate has
//! to. Where legacy is asked twice, nothing else speaks for a rule: values that legacy agrees with
//! itself about are not made anew for each answer, whatever they look like. Only where it never is
//! there is the candidate alone to go by; then a rule is suggested for values that any two servers
//! make differently, and for no others. A regression never suggests to be ignored.

mod list_key;

use std::collections::BTreeMap;

use cutover_domain::{
    compare::{Action, Format, GUARDED_SECONDS_DEFAULT, Kind, Kinds, Path, Rule, Rules, Tolerance},
    parity::{KNOWN_AT, PathEvidence, Place},
};

use self::list_key::list_key;
use crate::samples::{ClusterKey, Sample, Samples};

/// A rule that evidence speaks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suggestion {
    /// The rule, ready to be written.
    pub rule: Rule,
    /// What speaks for it, for whoever decides.
    pub why: String,
    /// Where that comes from.
    pub evidence: Evidence,
}

/// What speaks for a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Evidence {
    /// Legacy differs from itself.
    Legacy,
    /// The candidate differs, any other server would, and legacy is never asked twice.
    Candidate,
}

/// What is known of a route beside its mismatches.
#[derive(Clone, Debug, Default)]
pub(crate) struct Known {
    /// Requests with a second legacy answer.
    pub(crate) pairs: u64,
    /// Legacy is asked a second time, now or later.
    pub(crate) has_references: bool,
    /// What was counted by path.
    pub(crate) paths: BTreeMap<Place, PathEvidence>,
}

/// What differs at one path.
#[derive(Clone, Debug, Default)]
struct Seen<'s> {
    kinds: Kinds,
    /// How the values look, each pair once.
    values: Vec<&'s str>,
    count: u64,
}

/// Rules for what was seen of a route; `now`: seconds since 1970. By path.
pub(crate) fn suggestions(samples: &Samples, known: &Known, now: u64) -> Vec<Suggestion> {
    let noise = by_path(samples.noise());
    let clusters = samples.stored();
    let list_key_at = |path: &Path| {
        let here = clusters.iter().filter(|(key, ..)| key.path == *path && key.kind == Kind::Order);
        let stored = here.flat_map(|(_, _, stored)| stored);
        let sample = stored.filter_map(|stored| Sample::from_document(&stored.document).ok());
        sample.filter_map(|sample| list_key(&sample.legacy, path)).next()
    };
    let of_legacy = noise
        .iter()
        .filter(|(path, seen)| seen.count >= KNOWN_AT && !known.has_regressed(path))
        .filter_map(|(path, seen)| {
            let action = for_noise(seen, || list_key_at(path))?;
            let why = format!(
                "legacy's own answers differed here {} times in {} pairs ({})",
                seen.count,
                known.pairs,
                seen.values.join(", ")
            );
            let reason = format!("legacy's own answers differ here ({})", seen.values.join(", "));
            suggestion(path, action, &reason, why, Evidence::Legacy, now)
        });
    let may_excuse = !known.asks_legacy_twice();
    let counted = clusters.iter().filter(|(_, count, _)| may_excuse && *count > 0);
    let seen = by_path(counted.map(|(key, count, _)| (key, *count)));
    let of_candidate = seen.iter().filter(|(path, _)| !noise.contains_key(*path)).filter_map(
        |(path, seen)| {
            let action = for_candidate(path, seen, || list_key_at(path))?;
            let what = seen.values.join(", ");
            let why = format!(
                "legacy is never asked twice here, and the candidate differs in {} answers ({what}): fine if each side makes these by itself",
                seen.count
            );
            let reason = format!("each side makes these by itself ({what})");
            suggestion(path, action, &reason, why, Evidence::Candidate, now)
        },
    );
    let mut all: Vec<Suggestion> = of_legacy.chain(of_candidate).collect();
    all.sort_by(|left, right| left.rule.pattern.as_str().cmp(right.rule.pattern.as_str()));
    all
}

fn by_path<'s>(seen: impl Iterator<Item = (&'s ClusterKey, u64)>) -> BTreeMap<&'s Path, Seen<'s>> {
    let mut by_path: BTreeMap<&Path, Seen<'_>> = BTreeMap::new();
    for (ClusterKey { path, kind, values }, count) in seen {
        let at = by_path.entry(path).or_default();
        at.kinds = at.kinds.or(Kinds::of(&[*kind]));
        at.count += count;
        if !at.values.contains(&&**values) {
            at.values.push(values);
        }
    }
    by_path
}

// === impl Known ===

impl Known {
    fn asks_legacy_twice(&self) -> bool {
        self.has_references || self.pairs > 0
    }

    /// Whether a rule at this path would hide a regression. Paths beyond the first are counted
    /// together, and are suspected together.
    fn has_regressed(&self, path: &Path) -> bool {
        let at = self.paths.get(&Place::At(path.clone()));
        let counted = at.or_else(|| self.paths.get(&Place::Other));
        counted.is_some_and(|counted| counted.regressed_after.is_some())
    }
}

/// What would excuse how legacy differs from itself. A legacy that answers now with this status
/// and now with that is broken, not noisy: there is no rule for it.
fn for_noise(seen: &Seen<'_>, list_key: impl FnOnce() -> Option<Box<str>>) -> Option<Action> {
    let kinds = seen.kinds;
    let is_only = |kind| kinds == Kinds::of(&[kind]);
    if kinds.contains(Kind::Status) {
        None
    } else if is_only(Kind::Order) {
        Some(reordered(list_key()))
    } else if is_only(Kind::Extra) {
        Some(Action::Tolerate(Tolerance::Extra))
    } else if let Some(format) = format_of(seen) {
        Some(Action::Shape(format))
    } else {
        Some(Action::Ignore(kinds))
    }
}

/// What would excuse values that any two servers make differently: ids, moments, orders.
fn for_candidate(
    path: &Path,
    seen: &Seen<'_>,
    list_key: impl FnOnce() -> Option<Box<str>>,
) -> Option<Action> {
    if seen.kinds == Kinds::of(&[Kind::Order]) {
        return Some(reordered(list_key()));
    }
    match format_of(seen)? {
        Format::Uuid => Some(Action::Renamed { space: space_of(path) }),
        format @ (Format::Rfc3339 | Format::HttpDate) => Some(Action::Shape(format)),
        _ => None,
    }
}

fn reordered(key: Option<Box<str>>) -> Action {
    match key {
        Some(key) => Action::Unordered { key },
        None => Action::Tolerate(Tolerance::Order),
    }
}

/// The format that all values have, if values are all that differs.
fn format_of(seen: &Seen<'_>) -> Option<Format> {
    let values_alone = seen.kinds.without(Kinds::of(&[Kind::Value, Kind::Header])).is_empty();
    let mut looks = seen.values.iter().flat_map(|pair| pair.split('→'));
    let formats = |look: &str| match look {
        "uuid" => Some(Format::Uuid),
        "rfc3339" => Some(Format::Rfc3339),
        "date" => Some(Format::Date),
        "http-date" => Some(Format::HttpDate),
        "integer" => Some(Format::Integer),
        "decimal" | "numeric text" => Some(Format::Number),
        _ => None,
    };
    let first = looks.next().filter(|_| values_alone).and_then(formats)?;
    looks.try_fold(first, |known, look| match (known, formats(look)?) {
        (known, other) if known == other => Some(known),
        (Format::Integer | Format::Number, Format::Integer | Format::Number) => {
            Some(Format::Number)
        }
        _ => None,
    })
}

/// A name for what is renamed: the last key of its path.
fn space_of(path: &Path) -> Box<str> {
    let pattern = path.as_str().parse::<cutover_domain::compare::Pattern>().ok();
    let key = pattern.as_ref().and_then(|pattern| pattern.keys().last());
    key.unwrap_or("ids").into()
}

/// The rule, if it may be written: one that ignores what breaks clients has an end.
fn suggestion(
    path: &Path,
    action: Action,
    reason: &str,
    why: String,
    evidence: Evidence,
    now: u64,
) -> Option<Suggestion> {
    let is_guarded = match action {
        Action::Ignore(kinds) => !kinds.and(Kinds::GUARDED).is_empty(),
        _ => false,
    };
    let expires = is_guarded.then_some(now + GUARDED_SECONDS_DEFAULT);
    let pattern = path.as_str().parse().ok()?;
    let rule = Rule { pattern, action, reason: reason.into(), expires };
    Rules::new(vec![rule.clone()]).ok()?;
    Some(Suggestion { rule, why, evidence })
}

#[cfg(test)]
mod tests;
