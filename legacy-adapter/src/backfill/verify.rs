//! Step 2: every row, by count and hash.

use std::collections::BTreeSet;

use chassis::canonical::RowDigest;

use super::{Backfill, BackfillError};
use crate::compare::{differences, fold};
use crate::entity::Entity;
use crate::legacy::Page;
use crate::registry::Range;

impl Backfill {
    pub(super) async fn verify_all(&mut self) -> Result<(), BackfillError> {
        for entity in Entity::ALL {
            self.verify(entity).await?;
        }
        Ok(())
    }

    async fn verify(&mut self, entity: Entity) -> Result<(), BackfillError> {
        let total = self.legacy.count(entity).await?;
        self.progress.begin(format!("verifying {}", entity.name()), total, 0);
        let mut from = 0;
        while from < i64::MAX {
            let limit = self.pace.page(self.batch);
            let page = self.legacy.page(entity, from, i64::MAX, limit).await?;
            // The last range has no end, so that nothing hides beyond the monolith's last id.
            let to = page.last.filter(|_| page.count == limit).unwrap_or(i64::MAX);
            let suspects = self.compare(entity, Range { from, to }, &page).await?;
            let checked = self.verified.get_mut(entity);
            checked.rows += page.count as u64;
            checked.chunks += 1;
            checked.suspects += suspects;
            self.progress.advance(page.count);
            self.pace.take(page.count).await;
            from = to;
        }
        Ok(())
    }

    /// Compares a range with the monolith's `page` of it. Rows are asked for one by one only when
    /// count or hash differ. Returns the number of suspects.
    pub(super) async fn compare(
        &mut self,
        entity: Entity,
        range: Range,
        page: &Page,
    ) -> Result<u64, BackfillError> {
        for row in &page.unreadable {
            self.unreadable.insert((entity, row.id), row.clone());
        }
        let ours: Vec<RowDigest> = page.rows.iter().map(|row| row.digest).collect();
        if self.registry.digest(entity, range).await? == fold(&ours) {
            return Ok(0);
        }
        let theirs = self.registry.rows(entity, range).await?;
        let unreadable: BTreeSet<i64> = page.unreadable.iter().map(|row| row.id).collect();
        let mut found = differences(entity, &ours, &theirs);
        found.retain(|difference| !unreadable.contains(&difference.id));
        let count = found.len() as u64;
        self.suspect(found);
        Ok(count)
    }
}
