//! Coming back together with a store that was away, or that lost what this node still knows.
//!
//! The store's word holds for every route, with two exceptions. What this node did while the
//! store was away (its journal: only cautious things) is recorded now, unless the store's route
//! has meanwhile gone back further by itself. And where this node knows a later revision than the
//! store does (an empty new file, a restored backup), the node's state is written back as a
//! revision by `recovery`. A store that is simply another one (it is not empty, and its name is
//! not the one known) is believed.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use cutover_store::{
    Change, Listing, NewRevision, RecordError, RouteRecord, Snapshot, Token, TokenError, Trigger,
};

use super::{Busy, Effect, Effects, Fact, Machine, follow::differences};
use crate::{
    machine::{Ask, Job},
    truth::{Author, Entry, TokenEdit, Truth, apply_changes},
};

/// A store being brought up to date.
#[derive(Debug)]
pub(super) struct Rejoin {
    store_id: String,
    /// What the store holds.
    routes: BTreeMap<String, RouteRecord>,
    tokens: Vec<Token>,
    config_hash: Option<String>,
    head: u64,
    /// It knew less than this node did when it went away, so nobody else went on there.
    had_lost: bool,
    /// What it has yet to be told, oldest first.
    entries: VecDeque<Entry>,
    /// The entry being recorded, narrowed to what still applies.
    recording: Option<NewRevision>,
    recovered: usize,
}

impl Machine {
    pub(super) fn start_rejoin(&mut self, snapshot: Snapshot, now_ms: u64) {
        self.busy = None;
        self.rejoin = Some(Rejoin::new(&mut self.truth, snapshot, now_ms));
    }

    /// Records the next entry, or ends.
    pub(super) fn step_rejoin(&mut self, effects: &mut Effects) {
        let Some(rejoin) = &mut self.rejoin else { return };
        while let Some(entry) = rejoin.entries.front() {
            match entry {
                Entry::Revision(new) => {
                    if let Some(new) = rejoin.narrow(new) {
                        effects.push(Effect::Record { new: new.clone(), cautious: false });
                        rejoin.recording = Some(new);
                        self.busy = Some(Busy::Replaying);
                        return;
                    }
                    rejoin.entries.pop_front();
                }
                Entry::Token(edit) => {
                    effects.push(Effect::EditToken(edit.clone()));
                    self.busy = Some(Busy::Replaying);
                    return;
                }
            }
        }
        self.end_rejoin(effects);
    }

    pub(super) fn replayed(&mut self, result: Result<u64, RecordError>, effects: &mut Effects) {
        let Some(rejoin) = &mut self.rejoin else { return };
        match (result, rejoin.recording.take()) {
            (Ok(revision), Some(new)) => {
                rejoin.entries.pop_front();
                rejoin.took(&new, revision);
            }
            _ => self.abort_rejoin(effects),
        }
    }

    pub(super) fn token_replayed(
        &mut self,
        result: Result<bool, TokenError>,
        effects: &mut Effects,
    ) {
        let Some(rejoin) = &mut self.rejoin else { return };
        match result {
            Ok(_) | Err(TokenError::Exists(_)) => {
                if let Some(Entry::Token(edit)) = rejoin.entries.pop_front() {
                    edit.apply(&mut rejoin.tokens);
                }
            }
            Err(TokenError::Fault(_)) => self.abort_rejoin(effects),
        }
    }

    fn end_rejoin(&mut self, effects: &mut Effects) {
        let Some(rejoin) = self.rejoin.take() else { return };
        let truth = &mut self.truth;
        effects.extend(surprise(truth, &rejoin).map(Effect::Note));
        truth.down = None;
        truth.head = truth.head.max(rejoin.head);
        truth.routes = rejoin.routes;
        truth.tokens = rejoin.tokens;
        truth.config_hash = rejoin.config_hash;
        truth.store_id = Some(rejoin.store_id);
        let lost_config = (truth.loaded.clone())
            .filter(|loaded| rejoin.had_lost && truth.config_hash.as_deref() != Some(&loaded.hash));
        if let Some(loaded) = lost_config {
            let ask = Ask::Load {
                loaded,
                author: Author::proxy(),
                reason: "the store did not know the configuration in force".into(),
                expect: None,
            };
            self.waiting.push_front(Job { ticket: None, ask, tries: 0 });
        }
        self.settle_due = true;
        effects.push(Effect::Note(Fact::StoreBack { recovered: rejoin.recovered }));
        self.publish(effects);
    }

    /// The store failed again, or someone else writes to it: what was not recorded goes back into
    /// the journal, and the next opening starts over.
    fn abort_rejoin(&mut self, effects: &mut Effects) {
        if let Some(rejoin) = self.rejoin.take() {
            self.truth
                .journal
                .extend(rejoin.entries.into_iter().filter(|entry| !is_recovery(entry)));
        }
        effects.push(Effect::Save);
        effects.push(Effect::Reconnect);
    }
}

fn is_recovery(entry: &Entry) -> bool {
    matches!(entry, Entry::Revision(new) if new.trigger == Trigger::Recovery)
}

// === impl Rejoin ===

impl Rejoin {
    fn new(truth: &mut Truth, snapshot: Snapshot, now_ms: u64) -> Rejoin {
        let empty = snapshot.revision == 0 && snapshot.tokens.is_empty();
        let known = truth.store_id.as_ref().is_none_or(|id| *id == snapshot.store_id);
        let journal = std::mem::take(&mut truth.journal);
        let unrecorded = journal.iter().filter(|entry| matches!(entry, Entry::Revision(_))).count();
        let had_known = truth.head.saturating_sub(unrecorded as u64);
        let mut entries = VecDeque::new();
        if empty || known {
            entries.extend(lost(truth, &snapshot, &journal, now_ms).map(Entry::Revision));
        }
        if empty {
            let put = |token: &Token| Entry::Token(TokenEdit::Put(token.clone()));
            entries.extend(truth.tokens.iter().map(put));
        }
        entries.extend(journal);
        Rejoin {
            store_id: snapshot.store_id,
            routes: snapshot.routes,
            tokens: snapshot.tokens,
            config_hash: snapshot.config_hash,
            head: snapshot.revision,
            had_lost: snapshot.revision < had_known,
            entries,
            recording: None,
            recovered: 0,
        }
    }

    /// What of a journalled revision is still to be told to the store.
    fn narrow(&self, new: &NewRevision) -> Option<NewRevision> {
        let changes: Vec<Change> =
            new.changes.iter().filter_map(|c| self.narrow_change(c)).collect();
        let config_is_new = new.config_hash.is_some() && new.config_hash != self.config_hash;
        if changes.is_empty() && !config_is_new {
            return None;
        }
        Some(NewRevision { changes, above: new.above.max(self.head), ..new.clone() })
    }

    fn narrow_change(&self, change: &Change) -> Option<Change> {
        let Some(present) = self.routes.get(&change.route) else {
            return Some(Change { expected: 0, ..change.clone() });
        };
        let state = &present.state;
        let is_told = state.target() == change.after.target() && state.held == change.after.held;
        // Someone moved it since: of the two, the more cautious holds.
        let is_undone = state.revision > change.expected && state.is_forward(change.after.target());
        (!is_told && !is_undone).then(|| Change { expected: state.revision, ..change.clone() })
    }

    fn took(&mut self, new: &NewRevision, revision: u64) {
        apply_changes(&mut self.routes, new, revision);
        self.head = revision;
        self.recovered += new.changes.len();
        if new.config_hash.is_some() {
            self.config_hash.clone_from(&new.config_hash);
        }
    }
}

/// What the store knew better than this node, as when the answer to a commit was lost.
fn surprise(truth: &Truth, rejoin: &Rejoin) -> Option<Fact> {
    let moved = differences(&truth.routes, &rejoin.routes);
    (!moved.is_empty()).then(|| Fact::Moved {
        moved,
        revision: rejoin.head,
        actor: Author::proxy().name,
        actor_kind: Author::proxy().kind(),
        trigger: Trigger::Recovery,
        reason: "the store knew a later word; its history tells whose".into(),
        recorded: true,
    })
}

/// Routes of which this node knows a later revision than the store does, and that the journal
/// does not explain.
fn lost(truth: &Truth, snapshot: &Snapshot, journal: &[Entry], now_ms: u64) -> Option<NewRevision> {
    let told: BTreeSet<&str> = journal.iter().flat_map(routes_of).collect();
    let expected = |route: &str| snapshot.routes.get(route).map_or(0, |r| r.state.revision);
    let changes: Vec<Change> = (truth.routes.iter())
        .filter(|(route, record)| {
            record.state.revision > expected(route) && !told.contains(route.as_str())
        })
        .map(|(route, record)| Change {
            route: route.clone(),
            expected: expected(route),
            after: record.state.clone(),
            declared: record.declared,
        })
        .collect();
    (!changes.is_empty()).then(|| NewRevision {
        at_ms: now_ms,
        actor: Author::proxy().name,
        reason: "the store had lost what the last good state on disk still knew".into(),
        trigger: Trigger::Recovery,
        forced: false,
        above: truth.head,
        config_hash: None,
        listing: Listing::default(),
        changes,
    })
}

fn routes_of(entry: &Entry) -> Vec<&str> {
    match entry {
        Entry::Revision(new) => new.changes.iter().map(|change| change.route.as_str()).collect(),
        Entry::Token(_) => Vec::new(),
    }
}
