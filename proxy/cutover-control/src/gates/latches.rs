//! How gates took routes back, as the store knows it: so a restart forgets none of it.

use std::time::Duration;

use cutover_domain::{
    Held,
    gate::{Latch, LatchedBy, REMEMBERED_MS},
};
use cutover_store::{Fault, LatchHistory, Trigger};

use super::Kind;
use crate::{
    controller::Controller,
    refused::{Refused, StoreDown},
};

/// How long the store may take to tell.
const WITHIN: Duration = Duration::from_secs(1);

/// The latch that is on `route`, by the store's word; `None`: there is none.
pub(crate) async fn latch_of(
    controller: &Controller,
    route: &str,
    held: &Held,
    now_ms: u64,
) -> Result<Option<Latch>, Refused> {
    let store = controller.store()?;
    let asked = store.latch(route, now_ms.saturating_sub(REMEMBERED_MS), Kind::Release.as_str());
    let history = told(asked, "the store does not say how the route came to be held").await?;
    Ok(history.map(|history| latch(held, history)))
}

/// When gates took `route` one step back since it was last held, by the store's word.
pub(super) async fn steps_back(
    controller: &Controller,
    route: &str,
    now_ms: u64,
) -> Result<Vec<u64>, Refused> {
    let store = controller.store()?;
    let asked = store.steps_back(route, now_ms.saturating_sub(REMEMBERED_MS));
    told(asked, "the store does not say how often the route went back").await
}

/// What the store answers; `silent` says what is missing if it does not in time.
async fn told<T>(
    asked: impl Future<Output = Result<T, Fault>>,
    silent: &'static str,
) -> Result<T, Refused> {
    let told = tokio::time::timeout(WITHIN, asked).await.map_err(|_| Refused::Internal(silent))?;
    told.map_err(|fault| Refused::StoreDown(StoreDown::from(&fault)))
}

/// The latch `held` with its history.
fn latch(held: &Held, history: LatchHistory) -> Latch {
    let LatchHistory { since_ms, trigger, rollbacks_ms, asked } = history;
    let by = match trigger {
        Trigger::Guard => LatchedBy::Gates,
        _ => LatchedBy::Person,
    };
    Latch { held: held.clone(), by, since_ms, rollbacks_ms, asked }
}
