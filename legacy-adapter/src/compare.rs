//! Where two lists of rows differ.

use std::cmp::Ordering;

use chassis::canonical::{Digest, Fold, RowDigest};
use serde::Serialize;

use crate::entity::Entity;

/// A row that is not the same on both sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// What it is.
    pub entity: Entity,
    /// The monolith's id of it.
    pub id: i64,
    /// In which way it differs.
    pub kind: DifferenceKind,
}

/// How registry's row stands to the monolith's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DifferenceKind {
    /// Registry lacks it.
    Missing,
    /// Only registry has it.
    Extra,
    /// Registry has an older version.
    Behind,
    /// Registry has a newer version.
    Ahead,
    /// The same version, another content.
    Differs,
    /// The same content, JSON written in another way.
    Respelled,
}

/// The digest of rows in ascending order of ids.
pub(crate) fn fold<'a>(rows: impl IntoIterator<Item = &'a RowDigest>) -> Digest {
    let mut fold = Fold::default();
    rows.into_iter().for_each(|row| fold.push(row.hash));
    fold.finish()
}

/// Walks both lists, each in ascending order of ids.
pub(crate) fn differences(
    entity: Entity,
    legacy: &[RowDigest],
    registry: &[RowDigest],
) -> Vec<Difference> {
    let (mut legacy, mut registry) = (legacy.iter().peekable(), registry.iter().peekable());
    let mut found = Vec::new();
    let mut note = |id, kind| found.push(Difference { entity, id, kind });
    loop {
        let order = match (legacy.peek(), registry.peek()) {
            (None, None) => return found,
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(ours), Some(theirs)) => ours.id.cmp(&theirs.id),
        };
        let ours = if order.is_le() { legacy.next() } else { None };
        let theirs = if order.is_ge() { registry.next() } else { None };
        match (ours, theirs) {
            (Some(ours), Some(theirs)) => {
                if let Some(kind) = kind(ours, theirs) {
                    note(ours.id, kind);
                }
            }
            (Some(ours), None) => note(ours.id, DifferenceKind::Missing),
            (None, Some(theirs)) => note(theirs.id, DifferenceKind::Extra),
            (None, None) => {}
        }
    }
}

fn kind(legacy: &RowDigest, registry: &RowDigest) -> Option<DifferenceKind> {
    match registry.version.cmp(&legacy.version) {
        Ordering::Less => Some(DifferenceKind::Behind),
        Ordering::Greater => Some(DifferenceKind::Ahead),
        Ordering::Equal if legacy.hash == registry.hash => None,
        Ordering::Equal if legacy.hash.meaning == registry.hash.meaning => {
            Some(DifferenceKind::Respelled)
        }
        Ordering::Equal => Some(DifferenceKind::Differs),
    }
}

impl std::fmt::Display for DifferenceKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            DifferenceKind::Missing => "registry lacks it",
            DifferenceKind::Extra => "only registry has it",
            DifferenceKind::Behind => "registry has an older version",
            DifferenceKind::Ahead => "registry has a newer version",
            DifferenceKind::Differs => "same version, other content",
            DifferenceKind::Respelled => "same content, JSON written differently",
        })
    }
}

#[cfg(test)]
mod tests;
