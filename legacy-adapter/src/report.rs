//! What a backfill did and found.

use std::fmt;

use serde::Serialize;

use crate::compare::Difference;
use crate::entity::Entity;
use crate::legacy::Unreadable;
use crate::registry::Counts;

/// Differences listed in text; JSON has all.
const LISTED_MAX: usize = 50;

/// The outcome. As JSON, a contract: fields are added, never changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Whether both sides are the same.
    pub verdict: Verdict,
    /// What registry said to the rows sent; all 0 when only verifying.
    pub copied: PerEntity<Counts>,
    /// What was compared.
    pub verified: PerEntity<Checked>,
    /// Confirmed differences: those that survived a second look.
    pub differences: Vec<Difference>,
    /// Rows of the monolith that could not be copied.
    pub unreadable: Vec<Unreadable>,
    /// How long it took.
    pub elapsed_ms: u64,
}

/// One value for each [`Entity`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct PerEntity<T> {
    /// Of homes.
    pub homes: T,
    /// Of devices.
    pub devices: T,
    /// Of tombstones.
    pub tombstones: T,
}

/// The extent of the final verification.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Checked {
    /// Rows of the monolith compared.
    pub rows: u64,
    /// Ranges of ids compared by count and hash.
    pub chunks: u64,
    /// Rows that differed at first sight.
    pub suspects: u64,
}

/// The answer in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Every row is the same on both sides.
    Equal,
    /// Some rows are not, or could not be copied.
    Different,
}

impl<T> PerEntity<T> {
    /// The value of `entity`.
    pub fn get(&self, entity: Entity) -> &T {
        match entity {
            Entity::Homes => &self.homes,
            Entity::Devices => &self.devices,
            Entity::Tombstones => &self.tombstones,
        }
    }

    pub(crate) fn get_mut(&mut self, entity: Entity) -> &mut T {
        match entity {
            Entity::Homes => &mut self.homes,
            Entity::Devices => &mut self.devices,
            Entity::Tombstones => &mut self.tombstones,
        }
    }
}

/// For people: a table, then what differs, then the verdict.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{:<11} {:>9} {:>9} {:>9} {:>11} {:>9}",
            "", "applied", "unchanged", "older", "conflicting", "verified"
        )?;
        for entity in Entity::ALL {
            let (copied, verified) = (self.copied.get(entity), self.verified.get(entity));
            let Counts { applied, unchanged, older, conflicting } = copied;
            let (name, rows) = (entity.name(), verified.rows);
            writeln!(
                f,
                "{name:<11} {applied:>9} {unchanged:>9} {older:>9} {conflicting:>11} {rows:>9}"
            )?;
        }
        for difference in self.differences.iter().take(LISTED_MAX) {
            writeln!(f, "{} {}: {}", difference.entity.name(), difference.id, difference.kind)?;
        }
        if let Some(more) = self.differences.len().checked_sub(LISTED_MAX).filter(|&more| more > 0)
        {
            writeln!(f, "… and {more} more; `--output json` lists all")?;
        }
        for Unreadable { entity, id, why } in &self.unreadable {
            writeln!(f, "{} {id}: cannot be copied, {why}", entity.name())?;
        }
        match self.verdict {
            Verdict::Equal => writeln!(f, "equal: every row is the same on both sides"),
            Verdict::Different => writeln!(
                f,
                "different: {} rows differ after a second look, {} cannot be copied",
                self.differences.len(),
                self.unreadable.len()
            ),
        }
    }
}
