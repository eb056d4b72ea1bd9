//! What the control plane knows, and what follows from it. Pure: no clock, no I/O.
//!
//! The truth is the declaration (from files) and every route's record (from the store). Changes
//! are proposed as a [`Proposal`], recorded elsewhere, and then committed here. While the store
//! is away, cautious proposals (nothing goes forward) are committed at once and journalled.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use cutover_domain::{
    Conflict, Declaration, Group, Held, Phase, RouteSpec, RouteState, RouteTable, Target,
    gate::Settings,
};
use cutover_store::{LatchChange, NewRevision, RouteRecord, Token};

use self::judged::{Judged, Judgements};
use crate::{loader::Loaded, refused::Refused, refused::StoreDown, token::Role};

pub(crate) mod files;
pub(crate) mod judged;
pub(crate) mod moves;

/// Cause of the latch that the file `legacy-all` puts on.
pub(crate) const LEGACY_ALL_CAUSE: &str = "legacy-all: every route was sent to its safe phase";

/// The actor of what gates do.
pub(crate) const GUARD: &str = "guard";

/// Most entries of the journal. Beyond it the oldest go: where the routes ended is still written
/// back, but no longer each step, by whom and why.
const JOURNAL_MAX: usize = 4_096;

/// Everything the control plane knows.
#[derive(Clone, Debug)]
pub(crate) struct Truth {
    /// The configuration in force; `None` before the first was accepted.
    pub(crate) loaded: Option<Arc<Loaded>>,
    /// Number of configurations accepted since the process started.
    pub(crate) generation: u64,
    /// Every route ever seen, declared or not.
    pub(crate) routes: BTreeMap<String, RouteRecord>,
    /// The last revision, recorded or not.
    pub(crate) head: u64,
    /// Hash of the configuration last recorded.
    pub(crate) config_hash: Option<String>,
    /// The file `legacy-all` is there.
    pub(crate) legacy_all: bool,
    /// What gates said last. They let nothing pass of which they said nothing.
    pub(crate) gates: Arc<Judgements>,
    /// Why the store cannot be used; `None`: it can.
    pub(crate) down: Option<StoreDown>,
    /// Name of the store that the truth was last in step with.
    pub(crate) store_id: Option<String>,
    /// What happened while the store was away, oldest first.
    pub(crate) journal: Vec<Entry>,
    /// Every token.
    pub(crate) tokens: Vec<Token>,
}

/// What is to be recorded once the store is back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Entry {
    Revision(NewRevision),
    Token(TokenEdit),
}

/// A change of the tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum TokenEdit {
    Put(Token),
    Remove(String),
}

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Author {
    /// Name of the token, or `file`, `legacy-all`, `guard`, `cutover`.
    pub name: String,
    /// What it may do; `None`: it is not a token.
    pub role: Option<Role>,
}

/// A revision that may be recorded.
#[derive(Clone, Debug)]
pub(crate) struct Proposal {
    pub(crate) new: NewRevision,
    /// The configuration that is accepted with it.
    pub(crate) loaded: Option<Arc<Loaded>>,
    /// Nothing goes forward, so it may happen without the store.
    pub(crate) cautious: bool,
    pub(crate) skipped: Vec<Skipped>,
    pub(crate) left_out: Vec<Skipped>,
}

/// A route to which a move of many did nothing: it is where the move would take it, or beyond;
/// or it cannot go there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// The route.
    pub route: String,
    /// Why.
    pub why: String,
}

/// What happened to one route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moved {
    /// The route.
    pub route: String,
    /// Where it was.
    pub from: Target,
    /// Where it is.
    pub to: Target,
    /// What happened to its latch; `None`: nothing.
    pub latch: Option<LatchChange>,
}

/// A file's value that may not take effect yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blocked {
    /// What the file asks for.
    pub target: Target,
    /// Stable name of what stands in the way.
    pub code: &'static str,
    /// The same in words.
    pub why: String,
}

/// Groups by id.
pub(crate) type Groups<'a> = HashMap<&'a str, &'a Group>;

// === impl Truth ===

impl Truth {
    /// Nothing is known yet, not even the store.
    pub(crate) fn unknown() -> Truth {
        let down = StoreDown {
            code: "store_failed",
            message: "it was not opened yet".into(),
            hint: "wait a moment",
        };
        Truth {
            loaded: None,
            generation: 0,
            routes: BTreeMap::new(),
            head: 0,
            config_hash: None,
            legacy_all: false,
            gates: Arc::default(),
            down: Some(down),
            store_id: None,
            journal: Vec::new(),
            tokens: Vec::new(),
        }
    }

    /// The routes in force; none before the first configuration.
    pub(crate) fn declared(&self) -> &[RouteSpec] {
        self.loaded.as_ref().map_or(&[], |loaded| &loaded.declaration.routes)
    }

    /// Where a route is, apart from `legacy-all`.
    pub(crate) fn state(&self, route: &str) -> RouteState {
        self.routes.get(route).map_or(RouteState::INITIAL, |record| record.state.clone())
    }

    /// Where a route is for the data plane: `legacy-all` works before it is recorded.
    pub(crate) fn state_in_force(&self, route: &str) -> RouteState {
        let state = self.state(route);
        if !self.legacy_all || state.phase == Phase::Retired {
            return state;
        }
        let held = state.held.clone().unwrap_or_else(|| Held::because(LEGACY_ALL_CAUSE));
        RouteState { held: Some(held), ..state.at(safe_target(&state), state.revision) }
    }

    /// The table of `declaration` in the present states.
    pub(crate) fn table(&self, declaration: &Declaration) -> Result<RouteTable, Vec<Conflict>> {
        RouteTable::build(declaration, self.head, |spec| self.state_in_force(&spec.id))
    }

    /// Puts `new` in force as `revision`. `recorded`: the store has it; else it is journalled.
    pub(crate) fn commit(
        &mut self,
        proposal: Proposal,
        revision: u64,
        recorded: bool,
    ) -> Vec<Moved> {
        let Proposal { new, loaded, .. } = proposal;
        let moved = new.changes.iter().map(|change| self.moved(change)).collect();
        apply_changes(&mut self.routes, &new, revision);
        self.head = self.head.max(revision);
        if new.config_hash.is_some() {
            self.config_hash.clone_from(&new.config_hash);
        }
        if let Some(loaded) = loaded {
            self.accept(loaded);
        }
        if !recorded {
            self.journal(Entry::Revision(new));
        }
        moved
    }

    /// Puts a configuration in force.
    pub(crate) fn accept(&mut self, loaded: Arc<Loaded>) {
        self.loaded = Some(loaded);
        self.generation += 1;
    }

    pub(crate) fn journal(&mut self, entry: Entry) {
        if self.journal.len() == JOURNAL_MAX {
            self.journal.remove(0);
        }
        self.journal.push(entry);
    }

    /// What stands in the way of every forward move, if anything.
    pub(crate) fn no_forward(&self) -> Option<Refused> {
        if self.legacy_all {
            return Some(Refused::LegacyAll);
        }
        self.down.clone().map(Refused::StoreDown)
    }

    /// Why gates do not let a file move `spec` forward; `None`: they do, or it asks nothing of them
    /// and none would take it back. What they said of an earlier revision, or when other things were
    /// asked of them, is not about this step.
    pub(crate) fn closed(&self, spec: &RouteSpec, settings: &Settings) -> Option<String> {
        let revision = self.state(&spec.id).revision;
        let holds =
            |judged: &&Judged| judged.revision == revision && judged.basis.is_of(spec, settings);
        match self.gates.get(&spec.id).filter(holds) {
            None => spec.gates.is_some().then(|| "its gates have not been judged yet".into()),
            Some(judged) => judged.why.clone(),
        }
    }

    fn moved(&self, change: &cutover_store::Change) -> Moved {
        moved(&change.route, &self.state(&change.route), &change.after)
    }

    /// Whether the configuration in force here is the one that was accepted last on this store.
    /// If another process accepted a later one, the values of these files are outdated words.
    pub(crate) fn has_last_word(&self) -> bool {
        let hash = self.loaded.as_ref().map(|loaded| &loaded.hash);
        hash.is_some() && hash == self.config_hash.as_ref()
    }
}

/// Where a rollback takes a route: its safe phase, or where it is, if that is even before.
pub(crate) fn safe_target(state: &RouteState) -> Target {
    Target::phase(state.safe_phase().min(state.phase))
}

/// What happened to a route between two states.
pub(crate) fn moved(route: &str, before: &RouteState, after: &RouteState) -> Moved {
    let latch = match (&before.held, &after.held) {
        (Some(_), None) => Some(LatchChange::Released),
        (before, Some(after)) if before.as_ref() != Some(after) => Some(LatchChange::Held),
        _ => None,
    };
    Moved { route: route.to_owned(), from: before.target(), to: after.target(), latch }
}

/// The records after `new` was recorded as `revision`; the same as the store computes.
pub(crate) fn apply_changes(
    routes: &mut BTreeMap<String, RouteRecord>,
    new: &NewRevision,
    revision: u64,
) {
    for change in &new.changes {
        let before = routes.get(&change.route);
        let stays = before.filter(|before| before.state.target() == change.after.target());
        let changed_at_ms = stays.map_or(new.at_ms, |before| before.changed_at_ms);
        let declared = change.declared.or(before.and_then(|before| before.declared));
        let state = RouteState { revision, ..change.after.clone() };
        routes.insert(change.route.clone(), RouteRecord { state, declared, changed_at_ms });
    }
}

pub(crate) fn groups(declaration: &Declaration) -> Groups<'_> {
    declaration.groups.iter().map(|group| (group.id.as_str(), group)).collect()
}

// === impl Proposal ===

impl Proposal {
    /// There is nothing to record.
    pub(crate) fn is_empty(&self) -> bool {
        self.new.changes.is_empty() && self.loaded.is_none()
    }
}

// === impl TokenEdit ===

impl TokenEdit {
    /// Does it to `tokens`.
    pub(crate) fn apply(&self, tokens: &mut Vec<Token>) {
        match self {
            TokenEdit::Put(token) => {
                tokens.retain(|other| other.name != token.name);
                tokens.push(token.clone());
                tokens.sort_by(|a, b| a.name.cmp(&b.name));
            }
            TokenEdit::Remove(name) => tokens.retain(|token| token.name != *name),
        }
    }
}

// === impl Author ===

impl Author {
    /// A token.
    pub fn token(name: impl Into<String>, role: Role) -> Author {
        Author { name: name.into(), role: Some(role) }
    }

    /// The files on disk.
    pub fn files() -> Author {
        Author { name: "file".into(), role: None }
    }

    /// The file `legacy-all`.
    pub fn legacy_all() -> Author {
        Author { name: "legacy-all".into(), role: None }
    }

    /// Gates, which watch over new.
    pub fn guard() -> Author {
        Author { name: GUARD.into(), role: None }
    }

    /// The proxy itself.
    pub fn proxy() -> Author {
        Author { name: "cutover".into(), role: None }
    }

    /// What kind it is, closed, for metrics: `token`, `file`, `guard`, `proxy`.
    pub fn kind(&self) -> &'static str {
        match (self.role, self.name.as_str()) {
            (Some(_), _) => "token",
            (None, "file" | "legacy-all") => "file",
            (None, GUARD) => "guard",
            (None, _) => "proxy",
        }
    }

    pub(crate) fn may(&self, role: Role) -> bool {
        self.role.is_some_and(|own| own >= role)
    }
}
