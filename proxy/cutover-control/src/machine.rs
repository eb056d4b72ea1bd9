//! The control plane's state machine: what happened goes in, what is to be done comes out.
//!
//! One thing at a time: while a revision is being recorded, whatever else is asked waits in
//! line, so that every decision is taken on the latest truth. Only `legacy-all` jumps the line:
//! it is in force at once and recorded afterwards. Time is an argument.

use std::{collections::VecDeque, sync::Arc};

use cutover_store::{Listing, RecordError};

use crate::{
    loader::Loaded,
    refused::{Refused, StoreDown},
    truth::{Proposal, Skipped, TokenEdit, Truth, files::Load, judged::Judgements},
};

mod event;
mod follow;
mod rejoin;
mod tokens;

pub use event::Done;
pub(crate) use event::{Ask, Effect, Event, Fact, Ticket};

use rejoin::Rejoin;

/// How often a decision is taken anew after the store turned out to be ahead.
const TRIES_MAX: u8 = 5;

/// The machine.
#[derive(Debug)]
pub(crate) struct Machine {
    truth: Truth,
    busy: Option<Busy>,
    waiting: VecDeque<Job>,
    rejoin: Option<Rejoin>,
    /// A blocked value may have become free.
    settle_due: bool,
}

#[derive(Debug)]
struct Job {
    ticket: Ticket,
    ask: Ask,
    tries: u8,
}

#[derive(Debug)]
enum Busy {
    Recording(Job, Box<Proposal>),
    /// Reading the store anew, since it is ahead or may be, before a job is judged again, or
    /// answered with this.
    Refreshing(Job, Option<Refused>),
    /// Reading the store anew, since it is ahead.
    Following,
    Editing(Job, TokenEdit),
    Replaying,
}

type Effects = Vec<Effect>;

// === impl Machine ===

impl Machine {
    /// A machine that knows `truth` (from the last good state, or nothing) and awaits
    /// [`Event::StoreOpened`] or [`Event::StoreLost`] before it answers.
    pub(crate) fn new(truth: Truth) -> Machine {
        Machine {
            truth,
            busy: Some(Busy::Replaying),
            waiting: VecDeque::new(),
            rejoin: None,
            settle_due: false,
        }
    }

    /// What it knows.
    pub(crate) fn truth(&self) -> &Truth {
        &self.truth
    }

    /// Takes note of `event` and says what to do.
    pub(crate) fn apply(&mut self, event: Event, now_ms: u64) -> Effects {
        let mut effects = Effects::new();
        match event {
            Event::Ask(ticket, ask) => self.ask(Job { ticket, ask, tries: 0 }, &mut effects),
            Event::Recorded(result) => self.recorded(result, &mut effects),
            Event::Refreshed(result) => self.refreshed(result, &mut effects),
            Event::TokenEdited(result) => self.token_edited(result, &mut effects),
            Event::StoreOpened(snapshot) if self.truth.down.is_some() && self.rejoin.is_none() => {
                self.start_rejoin(snapshot, now_ms);
            }
            Event::StoreOpened(_) => {}
            Event::Seen(head) => self.seen(&head, &mut effects),
            // While something is being recorded, that tells soon enough.
            Event::ProbeFailed(fault) if self.truth.down.is_none() && self.busy.is_none() => {
                self.degrade(StoreDown::from(&fault), &mut effects);
            }
            Event::ProbeFailed(_) => {}
            Event::StoreLost(down) => {
                self.busy = None;
                self.degrade(down, &mut effects);
            }
        }
        self.pump(now_ms, &mut effects);
        effects
    }

    fn ask(&mut self, job: Job, effects: &mut Effects) {
        if let Ask::Gates(judged) = job.ask {
            self.gates(judged, effects);
            return self.answer_nothing(job.ticket, effects);
        }
        if let Ask::LegacyAll(on) = job.ask
            && self.truth.legacy_all != on
        {
            self.truth.legacy_all = on;
            self.settle_due = true;
            effects.push(Effect::Note(Fact::LegacyAll(on)));
            self.publish(effects);
        }
        self.waiting.push_back(job);
    }

    /// Starts whatever is next, until something has to be waited for.
    fn pump(&mut self, now_ms: u64, effects: &mut Effects) {
        loop {
            if self.busy.is_none() && self.rejoin.is_some() {
                self.step_rejoin(effects);
            }
            if self.busy.is_some() {
                return;
            }
            let job = self.waiting.pop_front().or_else(|| {
                std::mem::take(&mut self.settle_due).then_some(Job {
                    ticket: None,
                    ask: Ask::Settle,
                    tries: 0,
                })
            });
            match job {
                Some(job) => self.start(job, now_ms, effects),
                None => return,
            }
        }
    }

    fn start(&mut self, job: Job, now_ms: u64, effects: &mut Effects) {
        let proposal = match &job.ask {
            Ask::PutToken { edit, bootstrap } => {
                let edit = edit.clone();
                let bootstrap = *bootstrap;
                return self.put_token(job, edit, bootstrap, effects);
            }
            Ask::RemoveToken { name, now_ms } => {
                let (name, now_ms) = (name.clone(), *now_ms);
                return self.remove_token(job, name, now_ms, effects);
            }
            Ask::Load { loaded, author, reason, expect } => {
                let load = self.truth.propose_load(loaded.clone(), author, reason, *expect, now_ms);
                match load {
                    Ok(Load::Record(proposal)) => Ok(*proposal),
                    Ok(Load::Accept(loaded)) => return self.accept(job, loaded, effects),
                    Err(refused) => Err(refused),
                }
            }
            Ask::Move(ask) => self.truth.propose_move(ask, now_ms),
            Ask::LegacyAll(true) => Ok(self.truth.propose_legacy_all(now_ms)),
            Ask::LegacyAll(false) | Ask::Gates(_) => {
                return self.nothing(job, Vec::new(), Vec::new(), effects);
            }
            Ask::Settle => match self.truth.propose_settle(now_ms) {
                Some(proposal) => Ok(proposal),
                None => return,
            },
        };
        let writes_nothing =
            proposal.as_ref().map_or_else(Refused::is_of_a_moment, Proposal::is_empty);
        if writes_nothing && self.is_unsure(&job) {
            return self.refresh(job, None, effects);
        }
        match proposal {
            Err(refused) => effects.push(Effect::Answer(job.ticket, Err(refused))),
            Ok(proposal) => self.propose(job, proposal, effects),
        }
    }

    fn propose(&mut self, job: Job, proposal: Proposal, effects: &mut Effects) {
        if proposal.is_empty() {
            note_left_out(&proposal.left_out, effects);
            return self.nothing(job, proposal.skipped, proposal.left_out, effects);
        }
        match &self.truth.down {
            None => {
                let (new, cautious) = (proposal.new.clone(), proposal.cautious);
                effects.push(Effect::Record { new, cautious });
                self.busy = Some(Busy::Recording(job, Box::new(proposal)));
            }
            Some(_) if proposal.cautious => {
                let revision = self.truth.head + 1;
                self.commit(job, proposal, revision, false, effects);
            }
            Some(down) => {
                let refused = Refused::StoreDown(down.clone());
                effects.push(Effect::Answer(job.ticket, Err(refused)));
            }
        }
    }

    fn nothing(
        &mut self,
        job: Job,
        skipped: Vec<Skipped>,
        left_out: Vec<Skipped>,
        effects: &mut Effects,
    ) {
        let done = Done { skipped, left_out, ..self.unchanged() };
        effects.push(Effect::Answer(job.ticket, Ok(done)));
    }

    fn answer_nothing(&mut self, ticket: Ticket, effects: &mut Effects) {
        effects.push(Effect::Answer(ticket, Ok(self.unchanged())));
    }

    fn unchanged(&self) -> Done {
        let (revision, recorded) = (self.truth.head, self.truth.down.is_none());
        Done { revision, recorded, ..Done::default() }
    }

    /// Takes note of what gates say. Only what files wait for follows from it.
    fn gates(&mut self, judged: Judgements, effects: &mut Effects) {
        let before = self.truth.blocked();
        self.truth.gates = Arc::new(judged);
        if self.truth.blocked() != before {
            self.settle_due = true;
            effects.push(Effect::Publish);
        }
    }

    fn accept(&mut self, job: Job, loaded: Arc<Loaded>, effects: &mut Effects) {
        let listing = self.truth.listing(&loaded.declaration);
        self.truth.accept(loaded);
        self.note_config(listing, effects);
        self.publish(effects);
        self.nothing(job, Vec::new(), Vec::new(), effects);
    }

    fn commit(
        &mut self,
        job: Job,
        proposal: Proposal,
        revision: u64,
        recorded: bool,
        effects: &mut Effects,
    ) {
        let new = proposal.new.clone();
        let (skipped, left_out) = (proposal.skipped.clone(), proposal.left_out.clone());
        note_left_out(&left_out, effects);
        let is_load = proposal.loaded.is_some();
        let moved = self.truth.commit(proposal, revision, recorded);
        self.settle_due = true;
        self.publish(effects);
        if is_load {
            self.note_config(new.listing.clone(), effects);
        }
        if !moved.is_empty() {
            effects.push(Effect::Note(Fact::Moved {
                moved: moved.clone(),
                revision,
                actor_kind: actor_kind(&job.ask),
                actor: new.actor,
                trigger: new.trigger,
                reason: new.reason,
                recorded,
            }));
        }
        let done = Done { revision, recorded, moved, skipped, left_out };
        effects.push(Effect::Answer(job.ticket, Ok(done)));
    }

    fn recorded(&mut self, result: Result<u64, RecordError>, effects: &mut Effects) {
        match self.busy.take() {
            Some(Busy::Recording(job, proposal)) => match result {
                Ok(revision) => self.commit(job, *proposal, revision, true, effects),
                Err(RecordError::Stale { route, expected, found, .. }) => {
                    let place = format!("route `{route}`");
                    let refused = Refused::Stale { place, expected, found };
                    self.overtaken(job, refused, effects);
                }
                Err(RecordError::Fault(fault)) => {
                    self.degrade(StoreDown::from(&fault), effects);
                    self.waiting.push_front(job);
                }
            },
            Some(Busy::Replaying) => self.replayed(result, effects),
            other => self.busy = other,
        }
    }

    fn degrade(&mut self, down: StoreDown, effects: &mut Effects) {
        self.truth.down = Some(down.clone());
        effects.push(Effect::Note(Fact::StoreLost(down)));
        self.publish(effects);
        effects.push(Effect::Reconnect);
    }

    fn publish(&self, effects: &mut Effects) {
        effects.push(Effect::Publish);
        effects.push(Effect::Save);
    }

    fn note_config(&self, listing: Listing, effects: &mut Effects) {
        let Some(loaded) = &self.truth.loaded else { return };
        effects.push(Effect::Note(Fact::ConfigAccepted {
            hash: loaded.hash.clone(),
            generation: self.truth.generation,
            revision: self.truth.head,
            listing,
            warnings: loaded.warnings.clone(),
        }));
    }
}

fn note_left_out(left_out: &[Skipped], effects: &mut Effects) {
    if !left_out.is_empty() {
        effects.push(Effect::Note(Fact::LeftOut(left_out.to_vec())));
    }
}

fn actor_kind(ask: &Ask) -> &'static str {
    match ask {
        Ask::Move(ask) => ask.author.kind(),
        Ask::Load { author, .. } => author.kind(),
        Ask::LegacyAll(_) | Ask::Gates(_) | Ask::Settle => "file",
        Ask::PutToken { .. } | Ask::RemoveToken { .. } => "proxy",
    }
}

#[cfg(test)]
mod tests;
