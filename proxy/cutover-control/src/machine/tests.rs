use std::collections::BTreeMap;

use cutover_domain::{Phase, Target};
use cutover_store::{
    Fault, FaultKind, Head, Listing, NewRevision, RouteRecord, Snapshot, Token, TokenError, Trigger,
};

use super::*;
use crate::{
    fixtures::{arc, target},
    token::Role,
    truth::{
        Author, apply_changes,
        moves::{Action, MoveAsk, Scope},
    },
};

mod degraded;
mod files;
mod follow;
mod gates;
mod moves;
mod tokens;

/// The machine with a store in memory, run until everything is settled.
struct Sim {
    machine: Machine,
    store: Memory,
    now_ms: u64,
    answers: BTreeMap<u64, Result<Done, Refused>>,
    facts: Vec<Fact>,
    tickets: u64,
    published: usize,
    reconnects: usize,
}

/// What the real store does, in memory.
struct Memory {
    snapshot: Snapshot,
    revisions: Vec<NewRevision>,
    /// What the next calls end with; `None`: they work.
    fault: Option<FaultKind>,
    /// The next revision is recorded, but nobody hears of it.
    mute: bool,
}

impl Sim {
    /// A machine on an empty store, with `files` in force.
    fn new(files: &str) -> Sim {
        let mut sim = Sim::on(Memory::empty("one"), Truth::unknown());
        sim.store_comes();
        sim.load(files).unwrap();
        sim.retire();
        sim
    }

    /// What waits for an approver gets one.
    fn retire(&mut self) {
        let ids = self.machine.truth().blocked().into_iter();
        let ids: Vec<_> =
            ids.filter(|(_, blocked)| blocked.code == "needs_approver").map(|(id, _)| id).collect();
        for id in ids {
            self.promote_to(&id, "retired").unwrap();
        }
    }

    fn on(store: Memory, truth: Truth) -> Sim {
        Sim {
            machine: Machine::new(truth),
            store,
            now_ms: 1_000,
            answers: BTreeMap::new(),
            facts: Vec::new(),
            tickets: 0,
            published: 0,
            reconnects: 0,
        }
    }

    /// The process ends and starts again, by its state file and the store.
    fn restart(self, files: &str) -> Sim {
        let mut sim = Sim::on(self.store, reread(self.machine.truth()));
        sim.store_comes();
        sim.load(files).unwrap();
        sim
    }

    fn load(&mut self, files: &str) -> Result<Done, Refused> {
        self.load_expecting(files, None)
    }

    fn load_expecting(&mut self, files: &str, expect: Option<u64>) -> Result<Done, Refused> {
        let (author, reason) = (Author::files(), "files".to_owned());
        self.ask(Ask::Load { loaded: arc(files), author, reason, expect })
    }

    fn promote(&mut self, id: &str) -> Result<Done, Refused> {
        self.act(id, Role::Migrator, Action::Promote { to: None, percent: None, force: false })
    }

    fn promote_to(&mut self, id: &str, to: &str) -> Result<Done, Refused> {
        let Target { phase, percent } = target(to);
        let percent = (percent != cutover_domain::Percent::ZERO).then_some(percent);
        let action = Action::Promote { to: Some(phase), percent, force: false };
        self.act(id, Role::Approver, action)
    }

    fn rollback(&mut self, id: &str) -> Result<Done, Refused> {
        self.act(id, Role::Operator, Action::Rollback { to: None })
    }

    fn hold(&mut self, id: &str) -> Result<Done, Refused> {
        self.act(id, Role::Operator, Action::Hold)
    }

    fn release(&mut self, id: &str) -> Result<Done, Refused> {
        self.act(id, Role::Migrator, Action::Release)
    }

    fn act(&mut self, id: &str, role: Role, action: Action) -> Result<Done, Refused> {
        self.ask(Ask::Move(by(id, role, action)))
    }

    fn ask(&mut self, ask: Ask) -> Result<Done, Refused> {
        self.tickets += 1;
        let ticket = self.tickets;
        self.happens(Event::Ask(Some(ticket), ask));
        self.answers.remove(&ticket).expect("an answer for every question")
    }

    /// The store is opened; or it fails, if it is to.
    fn store_comes(&mut self) {
        match self.store.fault {
            None => self.happens(Event::StoreOpened(self.store.snapshot.clone())),
            Some(kind) => self.happens(Event::StoreLost(StoreDown::from(&fault(kind)))),
        }
    }

    fn store_back(&mut self) {
        self.store.fault = None;
        self.store_comes();
    }

    /// The store is looked at.
    fn look(&mut self) {
        let Snapshot { revision, tokens, .. } = self.store.snapshot.clone();
        self.happens(Event::Seen(Head { revision, tokens }));
    }

    fn happens(&mut self, event: Event) {
        let mut events = VecDeque::from([event]);
        while let Some(event) = events.pop_front() {
            for effect in self.machine.apply(event, self.now_ms) {
                events.extend(self.perform(effect));
            }
        }
    }

    fn perform(&mut self, effect: Effect) -> Option<Event> {
        match effect {
            Effect::Publish => self.published += 1,
            Effect::Save => {}
            Effect::Record { new, .. } => return Some(Event::Recorded(self.store.record(new))),
            Effect::Refresh => return Some(Event::Refreshed(self.store.read())),
            Effect::EditToken(edit) => return Some(Event::TokenEdited(self.store.edit(&edit))),
            Effect::Reconnect => self.reconnects += 1,
            Effect::Answer(None, _) => {}
            Effect::Answer(Some(ticket), result) => {
                assert!(self.answers.insert(ticket, result).is_none(), "answered twice");
            }
            Effect::Note(fact) => self.facts.push(fact),
        }
        None
    }

    /// Where everything is, as the data plane sees it: `read=canary 5 % write=legacy (held)`.
    fn at(&self) -> String {
        let truth = self.machine.truth();
        let route = |spec: &cutover_domain::RouteSpec| {
            let state = truth.state_in_force(&spec.id);
            let held = if state.held.is_some() { " (held)" } else { "" };
            format!("{}={}{held}", spec.id, state.target())
        };
        truth.declared().iter().map(route).collect::<Vec<_>>().join(" ")
    }

    /// Codes of what waits: `read:held`.
    fn blocked(&self) -> String {
        let blocked = self.machine.truth().blocked();
        let words = blocked.iter().map(|(route, blocked)| format!("{route}:{}", blocked.code));
        words.collect::<Vec<_>>().join(" ")
    }

    fn head(&self) -> u64 {
        self.machine.truth().head
    }

    /// The truth in memory is what the store holds.
    #[track_caller]
    fn assert_in_step(&self) {
        let truth = self.machine.truth();
        assert!(truth.down.is_none() && truth.journal.is_empty());
        assert_eq!(truth.routes, self.store.snapshot.routes);
        assert_eq!(truth.head, self.store.snapshot.revision);
        assert_eq!(truth.tokens, self.store.snapshot.tokens);
        assert_eq!(truth.config_hash, self.store.snapshot.config_hash);
    }
}

impl Memory {
    fn empty(store_id: &str) -> Memory {
        let snapshot = Snapshot {
            store_id: store_id.into(),
            revision: 0,
            config_hash: None,
            routes: BTreeMap::new(),
            tokens: Vec::new(),
        };
        Memory { snapshot, revisions: Vec::new(), fault: None, mute: false }
    }

    /// What another process on the same store meets.
    fn of(other: &Memory) -> Memory {
        let (snapshot, revisions) = (other.snapshot.clone(), other.revisions.clone());
        Memory { snapshot, revisions, fault: None, mute: false }
    }

    fn record(&mut self, new: NewRevision) -> Result<u64, RecordError> {
        self.check()?;
        for change in &new.changes {
            let present = self.snapshot.routes.get(&change.route);
            let found = present.map_or(0, |present| present.state.revision);
            if found != change.expected {
                let (route, expected) = (change.route.clone(), change.expected);
                let present = present.cloned().map(Box::new);
                return Err(RecordError::Stale { route, expected, found, present });
            }
        }
        let revision = 1 + self.snapshot.revision.max(new.above);
        apply_changes(&mut self.snapshot.routes, &new, revision);
        self.snapshot.revision = revision;
        if new.config_hash.is_some() {
            self.snapshot.config_hash.clone_from(&new.config_hash);
        }
        self.revisions.push(new);
        if std::mem::take(&mut self.mute) {
            return Err(fault(FaultKind::Silent).into());
        }
        Ok(revision)
    }

    fn read(&self) -> Result<Snapshot, Fault> {
        self.check()?;
        Ok(self.snapshot.clone())
    }

    fn edit(&mut self, edit: &TokenEdit) -> Result<bool, TokenError> {
        self.check()?;
        if let TokenEdit::Put(token) = edit
            && self.snapshot.tokens.iter().any(|other| other.name == token.name)
        {
            return Err(TokenError::Exists(token.name.clone()));
        }
        edit.apply(&mut self.snapshot.tokens);
        Ok(true)
    }

    /// Someone else moves a route.
    fn moved_by_another(&mut self, route: &str, to: &str) {
        let present = &self.snapshot.routes[route];
        let change = cutover_store::Change {
            route: route.into(),
            expected: present.state.revision,
            after: present.state.at(target(to), 0),
            declared: present.declared,
        };
        let new = NewRevision {
            at_ms: 1,
            actor: "another".into(),
            reason: "elsewhere".into(),
            trigger: Trigger::Operator,
            forced: false,
            above: 0,
            config_hash: None,
            listing: Listing::default(),
            changes: vec![change],
        };
        self.record(new).unwrap();
    }

    fn check(&self) -> Result<(), Fault> {
        self.fault.map_or(Ok(()), |kind| Err(fault(kind)))
    }
}

fn fault(kind: FaultKind) -> Fault {
    Fault::without_source("do it", "cutover.db".into(), kind)
}

fn by(id: &str, role: Role, action: Action) -> MoveAsk {
    let scope = match (id, id.strip_prefix("group:")) {
        ("*", _) => Scope::All,
        (_, Some(group)) => Scope::Group(group.into()),
        (id, None) => Scope::Route(id.into()),
    };
    let author = Author::token("ann", role);
    let trigger = Trigger::Operator;
    MoveAsk { scope, action, expect: None, reason: "a test".into(), author, trigger }
}

/// What a state file keeps of the truth.
fn reread(truth: &Truth) -> Truth {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("state.json");
    crate::state_file::write(&path, &crate::state_file::render(truth)).unwrap();
    crate::state_file::read(&path).unwrap().unwrap()
}

fn code(result: &Result<Done, Refused>) -> &'static str {
    match result {
        Ok(_) => "ok",
        Err(refused) => refused.code().as_str(),
    }
}

fn record(sim: &Sim, route: &str) -> RouteRecord {
    sim.machine.truth().routes[route].clone()
}
