//! Step 1: pages from the monolith to registry.

use chassis::Clock;

use super::{Backfill, BackfillError};
use crate::entity::Entity;
use crate::registry::{Import, Range};

impl Backfill {
    pub(super) async fn copy_all(&mut self) -> Result<(), BackfillError> {
        for entity in Entity::ALL {
            self.copy(entity).await?;
        }
        let read_at_us = Clock::System.now_micros();
        let device_id_max = self.legacy.device_id_max().await?;
        Ok(self.registry.reserve_ids(device_id_max, read_at_us).await?)
    }

    async fn copy(&mut self, entity: Entity) -> Result<(), BackfillError> {
        let mut from = self.state.through(entity);
        let (total, left) =
            (self.legacy.count(entity).await?, self.legacy.count_after(entity, from).await?);
        self.progress.begin(
            format!("copying {}", entity.name()),
            total,
            total.saturating_sub(left),
        );
        loop {
            // Before the reading: what is read may be newer than this says, never older.
            let read_at_us = Clock::System.now_micros();
            let page = self.legacy.page(entity, from, i64::MAX, self.pace.page(self.batch)).await?;
            let Some(to) = page.last else { return Ok(()) };
            let import = Import { entity, rows: &page.rows, read_at_us };
            *self.copied.get_mut(entity) += self.registry.import(import).await?;
            self.compare(entity, Range { from, to }, &page).await?;
            self.state.advance(entity, to)?;
            self.progress.advance(page.count);
            self.pace.take(page.count).await;
            from = to;
        }
    }
}
