//! What of the shadow's findings the store has, and what it has not.

use std::{collections::BTreeMap, iter::Peekable, sync::Arc};

use cutover_domain::exchange::Dropped;
use cutover_shadow::{
    Accounting, ShadowHandle,
    kept::{self, KeptError},
};
use cutover_store::{KeptRoute, RouteChange};

use super::RecorderMetrics;

/// Bytes after which a transaction is long enough: a revision waits for one at most.
const BATCH_BYTES: u64 = 1 << 20;

/// The routes whose findings are kept, each restored before it is first written.
#[derive(Default)]
pub(super) struct Known {
    routes: BTreeMap<Arc<str>, Marks>,
}

/// How far the store is with one route.
#[derive(Clone, Debug, Default)]
struct Marks {
    /// What was counted when it was last written; `None`: all has to be written.
    written: Option<Accounting>,
    /// Its parity was too long, which was told.
    is_too_long: bool,
}

/// Changes that are written together.
#[derive(Default)]
pub(super) struct Batch {
    rows: Vec<RouteChange>,
    marks: Vec<(Arc<str>, Marks)>,
    too_long: Vec<Arc<str>>,
    bytes: u64,
}

// === impl Known ===

impl Known {
    /// Routes of which it has to be asked what is kept.
    pub(super) fn unrestored(&self, shadow: &ShadowHandle, declared: &[Arc<str>]) -> Vec<Arc<str>> {
        let mut routes = shadow.routes();
        routes.extend(declared.iter().cloned());
        routes.sort_unstable();
        routes.dedup();
        routes.retain(|route| !self.routes.contains_key(route));
        routes
    }

    /// Goes on from what is kept of a route.
    pub(super) fn restore(
        &mut self,
        shadow: &ShadowHandle,
        route: &Arc<str>,
        kept: &KeptRoute,
        metrics: &RecorderMetrics,
    ) {
        let parity = kept.document.as_deref().map(kept::from_text).transpose();
        let parity = parity.unwrap_or_else(|error| {
            tell_unreadable(route, &error);
            metrics.dropped("unreadable", 1);
            None
        });
        // What is not counted yet needs no writing.
        let mut written = Some(Accounting::default());
        if let Some(parity) = parity
            && !shadow.resume(route, parity)
        {
            tracing::warn!(
                cutover.route.id = &**route,
                "what was known of route `{route}` came after comparisons had begun: it is history"
            );
            written = None;
        }
        self.routes.insert(Arc::clone(route), Marks { written, is_too_long: false });
    }

    /// Forgets routes that are gone; the store keeps them for a while.
    pub(super) fn retain(&mut self, shadow: &ShadowHandle, declared: &[Arc<str>]) {
        let here = shadow.routes();
        self.routes.retain(|route, _| here.contains(route) || declared.contains(route));
    }

    /// Nothing of what was written is there any more.
    pub(super) fn forget_writes(&mut self) {
        self.routes.values_mut().for_each(|marks| marks.written = None);
    }

    /// Routes of which not all is written.
    pub(super) fn changed(&self, shadow: &ShadowHandle) -> Vec<Arc<str>> {
        let is_changed = |(route, marks): &(&Arc<str>, &Marks)| {
            let counted = counted(shadow, route);
            counted.is_some() && counted != marks.written
        };
        self.routes.iter().filter(is_changed).map(|(route, _)| Arc::clone(route)).collect()
    }

    /// How many routes would lose something if nothing were written any more.
    pub(super) fn unwritten(&self, shadow: &ShadowHandle) -> u64 {
        let unrestored = self.unrestored(shadow, &[]).into_iter();
        let unrestored = unrestored.filter(|route| {
            counted(shadow, route).is_some_and(|counted| counted != Accounting::default())
        });
        (self.changed(shadow).len() + unrestored.count()) as u64
    }

    /// Requests that were dropped since the last write, as no copies are taken any more.
    pub(super) fn uncompared(&self, shadow: &ShadowHandle) -> u64 {
        let dropped = |counted: &Accounting| counted.dropped(Dropped::Shutdown);
        let since = |(route, marks): (&Arc<str>, &Marks)| {
            let now = counted(shadow, route).as_ref().map_or(0, dropped);
            now.saturating_sub(marks.written.as_ref().map_or(0, dropped))
        };
        self.routes.iter().map(since).sum()
    }

    /// Takes routes until there is enough for one transaction.
    pub(super) fn batch(
        &self,
        shadow: &ShadowHandle,
        routes: &mut Peekable<impl Iterator<Item = Arc<str>>>,
        at_ms: u64,
    ) -> Batch {
        let mut batch = Batch::default();
        while batch.bytes < BATCH_BYTES
            && let Some(route) = routes.next()
        {
            // Counted first: what is counted is in the parity that is read afterwards.
            let (Some(counted), Some(parity)) = (counted(shadow, &route), shadow.snapshot(&route))
            else {
                continue;
            };
            let was_too_long = self.routes.get(&route).is_some_and(|marks| marks.is_too_long);
            let document = kept::to_text(&parity).ok();
            let is_too_long = document.is_none();
            if is_too_long && !was_too_long {
                batch.too_long.push(Arc::clone(&route));
            }
            batch.bytes += document.as_ref().map_or(0, |document| document.len() as u64);
            let change =
                RouteChange { route: route.to_string(), at_ms, document, ..Default::default() };
            batch.rows.push(change);
            batch.marks.push((route, Marks { written: Some(counted), is_too_long }));
        }
        batch
    }

    /// The store has it.
    pub(super) fn written(&mut self, batch: Batch) {
        self.routes.extend(batch.marks);
    }
}

// === impl Batch ===

impl Batch {
    /// What is to be written, once.
    pub(super) fn take_rows(&mut self) -> Vec<RouteChange> {
        std::mem::take(&mut self.rows)
    }

    /// Routes whose parity is too long to be kept, each told once.
    pub(super) fn too_long(&self) -> &[Arc<str>] {
        &self.too_long
    }

    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }
}

/// What was counted of a route, those under way left out.
fn counted(shadow: &ShadowHandle, route: &str) -> Option<Accounting> {
    shadow.accounting(route).map(|counted| Accounting { eligible: 0, ..counted })
}

fn tell_unreadable(route: &str, error: &KeptError) {
    let cause = std::error::Error::source(error).map(|cause| format!(": {cause}"));
    tracing::warn!(
        cutover.route.id = route,
        "what was kept of route `{route}` cannot be used, so its parity begins anew: {error}{}",
        cause.unwrap_or_default()
    );
}
