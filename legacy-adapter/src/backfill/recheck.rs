//! Step 3: a difference is real only if it survives a second look.

use std::collections::BTreeMap;

use chassis::Clock;
use chassis::canonical::RowDigest;
use tokio::time::sleep;

use super::{Backfill, BackfillError};
use crate::compare::{Difference, DifferenceKind, differences};
use crate::entity::{Entity, LegacyRow};
use crate::registry::{Import, Range};

/// Looks at each suspect; the pause is between them.
const LOOKS: u32 = 2;
/// Ids that are read in one go.
const SPAN_MAX: i64 = 1000;

/// Suspects of one entity with ids close together, in ascending order.
struct Group {
    entity: Entity,
    suspects: BTreeMap<i64, DifferenceKind>,
}

impl Backfill {
    pub(super) async fn look_again(&mut self) -> Result<Vec<Difference>, BackfillError> {
        for look in 0..LOOKS {
            if self.suspects.is_empty() {
                break;
            }
            let count = self.suspects.len() as u64;
            self.progress.begin("looking again".to_owned(), count, 0);
            if look > 0 {
                sleep(self.settle).await;
            }
            for group in groups(std::mem::take(&mut self.suspects)) {
                if self.is_copying {
                    self.send_again(&group).await?;
                }
                self.read_again(&group).await?;
                self.progress.advance(group.suspects.len());
            }
        }
        let confirmed = std::mem::take(&mut self.suspects).into_iter();
        Ok(confirmed.map(|((entity, id), kind)| Difference { entity, id, kind }).collect())
    }

    /// Heals what changed on the monolith since it was copied.
    async fn send_again(&mut self, group: &Group) -> Result<(), BackfillError> {
        let is_stale = |id: &i64| {
            group.suspects.get(id).is_some_and(|kind| is_healed_by_import(group.entity, *kind))
        };
        // A device that only registry has may have been deleted since.
        let entities = match group.entity {
            Entity::Devices => &[Entity::Devices, Entity::Tombstones][..],
            Entity::Homes | Entity::Tombstones => &[group.entity][..],
        };
        for &entity in entities {
            let read_at_us = Clock::System.now_micros();
            let mut rows = self.read(entity, group.range()).await?;
            rows.retain(|row| is_stale(&row.digest.id));
            if !rows.is_empty() {
                let import = Import { entity, rows: &rows, read_at_us };
                *self.copied.get_mut(entity) += self.registry.import(import).await?;
            }
        }
        Ok(())
    }

    /// Puts back into the queue what still differs.
    async fn read_again(&mut self, group: &Group) -> Result<(), BackfillError> {
        let ours = self.read(group.entity, group.range()).await?;
        let ours: Vec<RowDigest> = ours.iter().map(|row| row.digest).collect();
        let theirs = self.registry.rows(group.entity, group.range()).await?;
        let mut found = differences(group.entity, &ours, &theirs);
        found.retain(|difference| {
            let is_unreadable = self.unreadable.contains_key(&(difference.entity, difference.id));
            group.suspects.contains_key(&difference.id) && !is_unreadable
        });
        self.suspect(found);
        Ok(())
    }

    /// The monolith's rows of a range of at most [`SPAN_MAX`] ids.
    async fn read(
        &mut self,
        entity: Entity,
        range: Range,
    ) -> Result<Vec<LegacyRow>, BackfillError> {
        let limit = usize::try_from(SPAN_MAX).unwrap_or(usize::MAX);
        let page = self.legacy.page(entity, range.from, range.to, limit).await?;
        self.pace.take(page.count).await;
        for row in page.unreadable {
            self.unreadable.insert((entity, row.id), row);
        }
        Ok(page.rows)
    }
}

fn groups(suspects: BTreeMap<(Entity, i64), DifferenceKind>) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for ((entity, id), kind) in suspects {
        match groups.last_mut() {
            Some(group) if group.entity == entity && id - group.range().from <= SPAN_MAX => {
                group.suspects.insert(id, kind);
            }
            _ => groups.push(Group { entity, suspects: BTreeMap::from([(id, kind)]) }),
        }
    }
    groups
}

/// Where registry is merely late. Homes have no version, so a home that differs may be late too.
fn is_healed_by_import(entity: Entity, kind: DifferenceKind) -> bool {
    use DifferenceKind::{Behind, Extra, Missing};
    entity == Entity::Homes || matches!(kind, Missing | Behind | Extra)
}

impl Group {
    fn range(&self) -> Range {
        let first = self.suspects.first_key_value().map_or(0, |(id, _)| *id);
        let last = self.suspects.last_key_value().map_or(0, |(id, _)| *id);
        Range { from: first.saturating_sub(1), to: last }
    }
}
