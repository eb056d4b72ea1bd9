//! Following a store that others write to as well: other processes on it, and during a hand-over
//! the one before or after this.
//!
//! The store is looked at often ([`Event::Seen`](super::Event::Seen)); when it is ahead, or its
//! tokens are others, it is read anew. And what would be refused or found done by what is known
//! here is judged again by what the store knows, so that nobody is told what was true a moment
//! ago.

use std::collections::BTreeMap;

use cutover_store::{Fault, Head, RouteRecord, Snapshot};

use super::{Ask, Busy, Effect, Effects, Fact, Job, Machine, TRIES_MAX};
use crate::{
    refused::{Refused, StoreDown},
    truth::{Moved, moved},
};

impl Machine {
    /// Reads the store anew if someone else wrote to it. While something is under way that is
    /// left to the next look.
    pub(super) fn seen(&mut self, head: &Head, effects: &mut Effects) {
        let is_free = self.truth.down.is_none() && self.busy.is_none() && self.rejoin.is_none();
        let is_behind = head.revision > self.truth.head || head.tokens != self.truth.tokens;
        if is_free && is_behind {
            effects.push(Effect::Refresh);
            self.busy = Some(Busy::Following);
        }
    }

    /// Whether what was found out without writing may be wrong, since the store may be ahead.
    pub(super) fn is_unsure(&self, job: &Job) -> bool {
        let by_person = matches!(job.ask, Ask::Move(_) | Ask::Load { expect: Some(_), .. });
        by_person && job.tries == 0 && self.truth.down.is_none()
    }

    /// Reads the store anew before `job` is judged again; with `refused`, that is its answer.
    pub(super) fn refresh(&mut self, job: Job, refused: Option<Refused>, effects: &mut Effects) {
        effects.push(Effect::Refresh);
        self.busy = Some(Busy::Refreshing(job, refused));
    }

    /// The store was ahead when `job` was to be recorded. It is judged again, unless a person
    /// has said by which state to judge it, or that was done often enough.
    pub(super) fn overtaken(&mut self, job: Job, refused: Refused, effects: &mut Effects) {
        let is_bound = matches!(&job.ask, Ask::Move(ask) if ask.expect.is_some());
        let is_last = is_bound || job.tries + 1 >= TRIES_MAX;
        self.refresh(job, is_last.then_some(refused), effects);
    }

    pub(super) fn refreshed(&mut self, result: Result<Snapshot, Fault>, effects: &mut Effects) {
        let waiting = match self.busy.take() {
            Some(Busy::Refreshing(job, refused)) => Some((job, refused)),
            Some(Busy::Following) => None,
            other => return self.busy = other,
        };
        let is_read = match result {
            Ok(snapshot) => {
                self.adopt(snapshot, effects);
                true
            }
            Err(fault) => {
                self.degrade(StoreDown::from(&fault), effects);
                false
            }
        };
        match waiting {
            Some((job, Some(refused))) if is_read => {
                effects.push(Effect::Answer(job.ticket, Err(refused)));
            }
            Some((job, _)) => self.waiting.push_front(Job { tries: job.tries + 1, ..job }),
            None => {}
        }
    }

    /// Takes over what the store knows.
    fn adopt(&mut self, snapshot: Snapshot, effects: &mut Effects) {
        let truth = &mut self.truth;
        let is_same = truth.head >= snapshot.revision
            && truth.routes == snapshot.routes
            && truth.tokens == snapshot.tokens
            && truth.config_hash == snapshot.config_hash;
        if is_same {
            return;
        }
        let moved = differences(&truth.routes, &snapshot.routes);
        truth.head = truth.head.max(snapshot.revision);
        truth.routes = snapshot.routes;
        truth.tokens = snapshot.tokens;
        truth.config_hash = snapshot.config_hash;
        if !moved.is_empty() {
            let revision = snapshot.revision;
            effects.push(Effect::Note(Fact::Followed { moved, revision }));
        }
        self.settle_due = true;
        self.publish(effects);
    }
}

/// Every route that is elsewhere, or whose latch is another, in `after`.
pub(super) fn differences(
    before: &BTreeMap<String, RouteRecord>,
    after: &BTreeMap<String, RouteRecord>,
) -> Vec<Moved> {
    let differs = |(route, before): (&String, &RouteRecord)| {
        let moved = moved(route, &before.state, &after.get(route)?.state);
        (moved.from != moved.to || moved.latch.is_some()).then_some(moved)
    };
    before.iter().filter_map(differs).collect()
}
