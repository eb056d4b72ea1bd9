//! How the guard took a route back, and how it came to be held, from its revisions and decisions.

use sqlx::Row;

use crate::{
    Store, Trigger,
    fault::Fault,
    rows::{damaged, signed, unsigned},
};

/// Automatic rollbacks, or steps back, that are told of at most.
const ROLLBACKS_MAX: u32 = 32;

/// Who decided on a route in a kind of way. Its last condition is what the index
/// `decision_by_kind` asks for.
pub(crate) const ASKED: &str = "
    SELECT DISTINCT actor FROM decision
    WHERE route = ?1 AND kind = ?2 AND at_ms >= ?3 AND kind <> 'outcome' ORDER BY actor";

/// How a held route came to be so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LatchHistory {
    /// When the latch was put on, in milliseconds since 1970: for the last time by the guard, if
    /// it did since the last release, else for the last time at all.
    pub since_ms: u64,
    /// What put it on. The guard's latch stays the guard's if somebody puts another over it: else
    /// that would be a way around what its release needs.
    pub trigger: Trigger,
    /// When the guard latched the route, this time included, in milliseconds since 1970, newest
    /// first; at most 32 and not before the moment asked for.
    pub rollbacks_ms: Vec<u64>,
    /// Who has decided on it in the kind of way asked for since it was put on, each once.
    pub asked: Vec<String>,
}

// === impl Store ===

impl Store {
    /// The history of the latch that is on `route` now; `None`: there is none. Rollbacks before
    /// `after_ms` are left out. `kind`: of which decisions the
    /// actors are told; any but `outcome`.
    pub async fn latch(
        &self,
        route: &str,
        after_ms: u64,
        kind: &str,
    ) -> Result<Option<LatchHistory>, Fault> {
        const DOING: &str = "read how a route came to be held";
        self.check_present(DOING)?;
        self.read_latch(route, after_ms, kind).await.map_err(self.fault(DOING))
    }

    /// When the guard took `route` one step back without latching it, in milliseconds since 1970,
    /// newest first: since `after_ms`, and since it was last held; at most 32.
    pub async fn steps_back(&self, route: &str, after_ms: u64) -> Result<Vec<u64>, Fault> {
        const DOING: &str = "read how often a route went back";
        self.check_present(DOING)?;
        let found: Vec<i64> = sqlx::query_scalar(
            "SELECT r.at_ms FROM change c JOIN revision r ON r.rev = c.rev
             WHERE c.route = ?1 AND r.trigger = 'guard' AND r.at_ms >= ?2 AND c.to_phase = 'canary'
               AND (c.from_phase = 'live' OR (c.from_phase = 'canary' AND c.to_bp < c.from_bp))
               AND c.rev > (SELECT coalesce(max(rev), 0) FROM change
                            WHERE route = ?1 AND latch = 'held')
             ORDER BY c.rev DESC LIMIT ?3",
        )
        .bind(route)
        .bind(signed(after_ms))
        .bind(ROLLBACKS_MAX)
        .fetch_all(&self.pool)
        .await
        .map_err(self.fault(DOING))?;
        Ok(found.into_iter().map(unsigned).collect())
    }

    async fn read_latch(
        &self,
        route: &str,
        after_ms: u64,
        kind: &str,
    ) -> Result<Option<LatchHistory>, sqlx::Error> {
        let mut read = self.pool.begin().await?;
        let held = sqlx::query(
            "SELECT r.at_ms, r.trigger FROM route_state s
             JOIN change c ON c.route = s.route AND c.latch = 'held' AND c.rev > coalesce(
                 (SELECT max(rev) FROM change WHERE route = ?1 AND latch = 'released'), 0)
             JOIN revision r ON r.rev = c.rev
             WHERE s.route = ?1 AND s.held_revision IS NOT NULL
             ORDER BY r.trigger = 'guard' DESC, c.rev DESC LIMIT 1",
        )
        .bind(route)
        .fetch_optional(&mut *read)
        .await?;
        let Some(held) = held else { return Ok(None) };
        let since_ms: i64 = held.try_get("at_ms")?;
        let trigger: &str = held.try_get("trigger")?;
        let trigger = trigger.parse().map_err(|()| damaged("a trigger is not known"))?;
        let rollbacks: Vec<i64> = sqlx::query_scalar(
            "SELECT r.at_ms FROM change c JOIN revision r ON r.rev = c.rev
             WHERE c.route = ?1 AND c.latch = 'held' AND r.trigger = 'guard' AND r.at_ms >= ?2
             ORDER BY c.rev DESC LIMIT ?3",
        )
        .bind(route)
        .bind(signed(after_ms))
        .bind(ROLLBACKS_MAX)
        .fetch_all(&mut *read)
        .await?;
        let asked = sqlx::query_scalar(ASKED)
            .bind(route)
            .bind(kind)
            .bind(since_ms)
            .fetch_all(&mut *read)
            .await?;
        let rollbacks_ms = rollbacks.into_iter().map(unsigned).collect();
        Ok(Some(LatchHistory { since_ms: unsigned(since_ms), trigger, rollbacks_ms, asked }))
    }
}
