//! What of the shadow's findings the store has, and what it has not.

use std::{collections::BTreeMap, sync::Arc};

use cutover_domain::exchange::Dropped;
use cutover_shadow::{Accounting, Changes, Mark, ShadowHandle, kept};
use cutover_store::{KeptRoute, RouteChange};

use super::{
    RecorderMetrics,
    restore::restore,
    rows::{bytes_of, cluster_change, names},
};

/// Bytes after which a transaction is long enough: a revision waits for one at most.
const BATCH_BYTES: u64 = 1 << 20;

/// The routes whose findings are kept, each restored before it is first written.
#[derive(Default)]
pub(super) struct Known {
    routes: BTreeMap<Arc<str>, Marks>,
}

/// How far the store is with one route.
#[derive(Clone, Debug, Default)]
pub(super) struct Marks {
    /// The id as the shadow has it, the same one for as long as it knows the route: one that was
    /// forgotten and came again has nothing of what is kept. `None`: it did not know the route.
    pub(super) here: Option<Arc<str>>,
    /// What was counted when it was last written; `None`: all has to be written.
    pub(super) written: Option<Accounting>,
    /// Up to where its clusters and samples are written.
    pub(super) samples: Mark,
    /// Its parity is too long, which was told.
    pub(super) is_too_long: bool,
}

/// All that changed of one route.
pub(super) struct Change {
    /// Parts that may be written in different transactions, in this order.
    pub(super) parts: Vec<RouteChange>,
    /// Its parity is too long to be kept, which was not told yet.
    pub(super) is_too_long: bool,
    marks: Marks,
}

/// Changes that are written together.
#[derive(Default)]
pub(super) struct Batch {
    rows: Vec<RouteChange>,
    marks: Vec<(Arc<str>, Marks)>,
    bytes: u64,
}

// === impl Known ===

impl Known {
    /// Routes of which it has to be asked what is kept.
    pub(super) fn unrestored(&self, shadow: &ShadowHandle, declared: &[Arc<str>]) -> Vec<Arc<str>> {
        let is_new = |id: &&Arc<str>| match self.routes.get(*id) {
            Some(Marks { here: Some(here), .. }) => !Arc::ptr_eq(here, id),
            _ => true,
        };
        let here = shadow.routes();
        let is_absent = |id: &&Arc<str>| !here.contains(*id) && !self.routes.contains_key(*id);
        let declared = declared.iter().filter(is_absent);
        here.iter().filter(is_new).chain(declared).cloned().collect()
    }

    /// Goes on from what is kept of a route.
    pub(super) fn restore(
        &mut self,
        shadow: &ShadowHandle,
        route: &Arc<str>,
        kept: KeptRoute,
        metrics: &RecorderMetrics,
    ) {
        // Before, so that a route which comes anew meanwhile is not taken for this one.
        let before = here(shadow, route);
        let marks = restore(shadow, route, kept, metrics);
        let here = before.or_else(|| here(shadow, route));
        self.routes.insert(Arc::clone(route), Marks { here, ..marks });
    }

    /// Forgets routes that are gone; the store keeps them for a while.
    pub(super) fn retain(&mut self, shadow: &ShadowHandle, declared: &[Arc<str>]) {
        let here = shadow.routes();
        self.routes.retain(|route, _| here.contains(route) || declared.contains(route));
    }

    /// Nothing of what was written is there any more.
    pub(super) fn forget_writes(&mut self) {
        for marks in self.routes.values_mut() {
            (marks.written, marks.samples) = (None, Mark::default());
        }
    }

    /// Samples were forgotten; what of that the store does not know is a change.
    pub(super) fn note_forgotten_samples(&mut self, shadow: &ShadowHandle) {
        for (route, marks) in &mut self.routes {
            let changes = shadow.sample_changes(route, marks.samples);
            if changes.is_some_and(|changes| changes.mark != marks.samples) {
                marks.written = None;
            }
        }
    }

    /// Routes of which not all is written.
    pub(super) fn changed(&self, shadow: &ShadowHandle) -> Vec<Arc<str>> {
        let is_changed = |(route, marks): &(&Arc<str>, &Marks)| {
            let counted = counted(shadow, route);
            counted.is_some() && counted != marks.written
        };
        self.routes.iter().filter(is_changed).map(|(route, _)| Arc::clone(route)).collect()
    }

    /// What changed of one route; `None`: it is gone, or came anew.
    pub(super) fn change(
        &self,
        shadow: &ShadowHandle,
        route: &Arc<str>,
        at_ms: u64,
    ) -> Option<Change> {
        let known = self.routes.get(route)?;
        // Counted first: what is counted is in all that is read afterwards.
        let counted = counted(shadow, route)?;
        let changes = shadow.sample_changes(route, known.samples)?;
        let parity = shadow.snapshot(route)?;
        let here = here(shadow, route)
            .filter(|here| known.here.as_ref().is_some_and(|known| Arc::ptr_eq(here, known)))?;
        let document = kept::to_text(&parity).ok();
        let is_too_long = document.is_none();
        let marks =
            Marks { here: Some(here), written: Some(counted), samples: changes.mark, is_too_long };
        let parts = parts(route, at_ms, document, changes);
        Some(Change { parts, is_too_long: is_too_long && !known.is_too_long, marks })
    }

    /// The store has it.
    pub(super) fn written(&mut self, batch: Batch) {
        self.routes.extend(batch.marks);
    }

    /// Routes and samples that would be lost if nothing were written any more.
    pub(super) fn unwritten(&self, shadow: &ShadowHandle) -> u64 {
        let unrestored = self.unrestored(shadow, &[]).into_iter().filter(|route| {
            counted(shadow, route).is_some_and(|counted| counted != Accounting::default())
        });
        let routes = self.changed(shadow).into_iter().chain(unrestored);
        routes.map(|route| 1 + self.samples_unwritten(shadow, &route)).sum()
    }

    fn samples_unwritten(&self, shadow: &ShadowHandle, route: &str) -> u64 {
        let mark = self.routes.get(route).map_or_else(Mark::default, |marks| marks.samples);
        let changes = shadow.sample_changes(route, mark).unwrap_or_default();
        changes.clusters.iter().map(|cluster| cluster.samples.len() as u64).sum()
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
}

/// What was counted of a route, those under way left out.
fn counted(shadow: &ShadowHandle, route: &str) -> Option<Accounting> {
    shadow.accounting(route).map(|counted| Accounting { eligible: 0, ..counted })
}

/// The id as the shadow has it now.
fn here(shadow: &ShadowHandle, route: &Arc<str>) -> Option<Arc<str>> {
    shadow.routes().into_iter().find(|here| here == route)
}

fn parts(route: &str, at_ms: u64, document: Option<String>, changes: Changes) -> Vec<RouteChange> {
    let part = || RouteChange { route: route.to_owned(), at_ms, ..RouteChange::default() };
    let mut last = RouteChange {
        document,
        other: Some(changes.other),
        whole: changes.whole,
        clusters_gone: changes.clusters_gone.iter().map(names).collect(),
        ..part()
    };
    let mut parts = Vec::new();
    for cluster in changes.clusters {
        if bytes_of(&last) >= BATCH_BYTES {
            parts.push(std::mem::replace(&mut last, part()));
        }
        last.clusters.push(cluster_change(cluster));
    }
    parts.push(last);
    parts
}

// === impl Batch ===

impl Batch {
    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Whether there is enough for one transaction.
    pub(super) fn is_full(&self) -> bool {
        self.bytes >= BATCH_BYTES
    }

    pub(super) fn push(&mut self, part: RouteChange) {
        self.bytes += bytes_of(&part);
        self.rows.push(part);
    }

    /// All of this change was pushed.
    pub(super) fn end(&mut self, route: Arc<str>, change: Change) {
        self.marks.push((route, change.marks));
    }

    /// What is to be written, once.
    pub(super) fn take_rows(&mut self) -> Vec<RouteChange> {
        std::mem::take(&mut self.rows)
    }

    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }
}
