//! What the files' values do to routes: routing.md §4, "Who owns the phase".
//!
//! The latest word wins. A value that changed since it was last taken note of moves the route, if
//! the rules let it; until then it is *blocked*, and moves the route as soon as they do. A move by
//! an operator, the guard or `legacy-all` is a later word: it takes note of the file's value
//! without following it.

use std::{collections::HashSet, sync::Arc};

use cutover_domain::{
    Declaration, Group, Held, Move, Phase, RouteSpec, RouteState, Target, gate::Settings,
};
use cutover_store::{Change, Listing, NewRevision, Trigger};

use super::{Author, Blocked, LEGACY_ALL_CAUSE, Proposal, Truth, groups};
use crate::{
    codes::Code,
    loader::Loaded,
    refused::{Refused, move_code, told},
};

/// What a file's value does to its route now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum FileVerdict {
    /// Nothing: it was taken note of before.
    Settled,
    /// It moves the route here (or is only taken note of, where the route is there already).
    Apply(RouteState),
    /// It must wait.
    Blocked(Blocked),
}

/// What loading a configuration amounts to.
#[derive(Debug)]
pub(crate) enum Load {
    /// There is something to record.
    Record(Box<Proposal>),
    /// Nothing new: it is only put in force.
    Accept(Arc<Loaded>),
}

impl Truth {
    /// Judges the value of every route's file that is neither settled nor followed.
    pub(crate) fn blocked(&self) -> Vec<(String, Blocked)> {
        let Some(loaded) = &self.loaded else { return Vec::new() };
        let groups = groups(&loaded.declaration);
        let settings = &loaded.declaration.gates;
        let judge = |spec: &RouteSpec| match self.verdict(spec, groups.get(&*spec.group)?, settings)
        {
            FileVerdict::Blocked(blocked) => Some((spec.id.clone(), blocked)),
            _ => None,
        };
        loaded.declaration.routes.iter().filter_map(judge).collect()
    }

    /// What accepting `loaded` would record. Fails if it makes no table, or if the head is not
    /// `expect`.
    pub(crate) fn propose_load(
        &self,
        loaded: Arc<Loaded>,
        author: &Author,
        reason: &str,
        expect: Option<u64>,
        now_ms: u64,
    ) -> Result<Load, Refused> {
        if let Some(expected) = expect.filter(|expected| *expected != self.head) {
            return Err(Refused::Stale { place: "the store".into(), expected, found: self.head });
        }
        self.check_fit(&loaded.declaration)?;
        let changes = self.file_changes(&loaded.declaration);
        let is_known = self.config_hash.as_deref() == Some(&loaded.hash);
        if is_known && changes.is_empty() {
            return Ok(Load::Accept(loaded));
        }
        let new = NewRevision {
            config_hash: Some(loaded.hash.clone()),
            listing: self.listing(&loaded.declaration),
            ..self.by_file(author, reason, changes, now_ms)
        };
        Ok(Load::Record(Box::new(Proposal {
            cautious: self.is_cautious(&new.changes),
            new,
            loaded: Some(loaded),
            skipped: Vec::new(),
            left_out: Vec::new(),
        })))
    }

    /// Whether `declaration` makes a table that fits where the routes are: no route may lose what
    /// its phase needs, and no salt may change under a cohort.
    pub(crate) fn check_fit(&self, declaration: &Declaration) -> Result<(), Refused> {
        self.table(declaration).map_err(Refused::Conflicts)?;
        let groups = groups(declaration);
        for spec in &declaration.routes {
            let Some(group) = groups.get(&*spec.group) else { continue };
            let target = match self.verdict(spec, group, &declaration.gates) {
                FileVerdict::Apply(after) => after.target(),
                _ => self.state(&spec.id).target(),
            };
            let place = format!("route `{}`", spec.id);
            target.check_declared(spec, group).map_err(|why| Refused::Unfit {
                place: place.clone(),
                why: format!(
                    "is in `{target}`, and that no longer fits: {why}; roll it back first"
                ),
            })?;
            if target.phase == Phase::Canary
                && let Some(before) = self.salt_of(&spec.id)
                && before != group.cohort.salt
            {
                let why = "is in `canary`, so its salt must stay, or subjects would change sides; \
                           roll it back first";
                return Err(Refused::Unfit { place, why: why.into() });
            }
        }
        self.check_gone(declaration)
    }

    /// A route that new serves may not go from the files: its requests would meet the default
    /// upstream at once, and so a store that does not know what new was told meanwhile. What the
    /// process did not know when it started is not held against it.
    fn check_gone(&self, declaration: &Declaration) -> Result<(), Refused> {
        let Some(loaded) = &self.loaded else { return Ok(()) };
        let stay: HashSet<&str> = declaration.routes.iter().map(|spec| spec.id.as_str()).collect();
        let mut gone =
            loaded.declaration.routes.iter().filter(|spec| !stay.contains(spec.id.as_str()));
        let served = gone.find(|spec| self.state(&spec.id).phase > Phase::Shadow);
        served.map_or(Ok(()), |spec| {
            let target = self.state(&spec.id).target();
            Err(Refused::Unfit {
                place: format!("route `{}`", spec.id),
                why: format!(
                    "is in `{target}` and gone from the files, so its requests would go to the \
                     default upstream; roll it back first, or put it back"
                ),
            })
        })
    }

    /// The salt that a declared route's cohort has now, if it has one.
    fn salt_of(&self, route: &str) -> Option<&str> {
        let declaration = &self.loaded.as_ref()?.declaration;
        let group = &declaration.routes.iter().find(|spec| spec.id == route)?.group;
        let is_canary = self.state(route).phase == Phase::Canary;
        declaration.group(group).filter(|_| is_canary).map(|group| group.cohort.salt.as_str())
    }

    /// What can be recorded now of the values that were blocked; `None`: nothing.
    pub(crate) fn propose_settle(&self, now_ms: u64) -> Option<Proposal> {
        let changes = self.file_changes(&self.loaded.as_ref()?.declaration);
        if changes.is_empty() || !self.has_last_word() {
            return None;
        }
        let reason = "nothing stands in the way of the file's value any more";
        let new = self.by_file(&Author::files(), reason, changes, now_ms);
        let cautious = self.is_cautious(&new.changes);
        Some(Proposal { new, loaded: None, cautious, skipped: Vec::new(), left_out: Vec::new() })
    }

    /// Which routes come and go with `declaration`; none with the process's first, since what was
    /// declared before it is not known.
    pub(crate) fn listing(&self, declaration: &Declaration) -> Listing {
        let Some(loaded) = &self.loaded else { return Listing::default() };
        Listing {
            added: missing(declaration, &loaded.declaration),
            removed: missing(&loaded.declaration, declaration),
        }
    }

    fn by_file(
        &self,
        author: &Author,
        reason: &str,
        changes: Vec<Change>,
        at_ms: u64,
    ) -> NewRevision {
        NewRevision {
            at_ms,
            actor: author.name.clone(),
            reason: reason.to_owned(),
            trigger: Trigger::File,
            forced: false,
            above: self.head,
            config_hash: None,
            listing: Listing::default(),
            changes,
        }
    }

    fn file_changes(&self, declaration: &Declaration) -> Vec<Change> {
        let groups = groups(declaration);
        let settings = &declaration.gates;
        let change =
            |spec: &RouteSpec| match self.verdict(spec, groups.get(&*spec.group)?, settings) {
                FileVerdict::Apply(after) => Some(Change {
                    route: spec.id.clone(),
                    expected: self.state(&spec.id).revision,
                    declared: (after.target() == spec.target).then_some(spec.target),
                    after,
                }),
                _ => None,
            };
        declaration.routes.iter().filter_map(change).collect()
    }

    /// Judges one file's value, whose files say `settings` of gates.
    pub(crate) fn verdict(
        &self,
        spec: &RouteSpec,
        group: &Group,
        settings: &Settings,
    ) -> FileVerdict {
        let Some(record) = self.routes.get(&spec.id) else {
            return self.first_sight(spec, group);
        };
        let state = &record.state;
        if record.declared == Some(spec.target) {
            return FileVerdict::Settled;
        }
        if state.target() == spec.target {
            return FileVerdict::Apply(state.clone());
        }
        if state.is_forward(spec.target)
            && let Some(refused) = self.no_forward()
        {
            return blocked(spec.target, refused.code(), refused.to_string());
        }
        let wanted = Move { target: spec.target, force: false, approver: false };
        match state.moved(spec, group, wanted, 0) {
            Ok(_)
                if state.is_forward(spec.target)
                    && let Some(why) = self.closed(spec, settings) =>
            {
                blocked(spec.target, Code::GateClosed, why)
            }
            Ok(after) => FileVerdict::Apply(after),
            Err(why) => blocked(spec.target, move_code(&why), told(&why)),
        }
    }

    /// A route starts where its file says, if it may be there at all. Until that can be recorded
    /// it is not seen, and legacy serves it. One that is to be `retired` starts in `live`, where
    /// the same side serves it: the last step needs an approver, which a file is not. One with gates
    /// starts in `shadow`, where they can judge it: of a route never seen they said nothing.
    fn first_sight(&self, spec: &RouteSpec, group: &Group) -> FileVerdict {
        let target = spec.target;
        if self.legacy_all {
            let held = Some(Held::because(LEGACY_ALL_CAUSE));
            return FileVerdict::Apply(RouteState { held, ..RouteState::INITIAL });
        }
        if let Some(down) = &self.down {
            return match target.phase {
                Phase::Legacy => FileVerdict::Settled,
                _ => blocked(
                    target,
                    Code::StoreUnreachable,
                    Refused::StoreDown(down.clone()).to_string(),
                ),
            };
        }
        if let Some(renamed) = self.renamed(spec) {
            return FileVerdict::Apply(renamed);
        }
        match target.check_percent().and_then(|()| target.check_declared(spec, group)) {
            Ok(()) if target.phase > Phase::Shadow && spec.gates.is_some() => {
                FileVerdict::Apply(RouteState::INITIAL.at(Target::phase(Phase::Shadow), 0))
            }
            Ok(()) if target.phase == Phase::Retired => {
                FileVerdict::Apply(RouteState::INITIAL.at(Target::phase(Phase::Live), 0))
            }
            Ok(()) => FileVerdict::Apply(RouteState::INITIAL.at(target, 0)),
            Err(why) => blocked(target, move_code(&why), told(&why)),
        }
    }

    /// Where a route starts that takes over the requests of another: where that one was, so that a
    /// new name is no way around a step or a latch.
    fn renamed(&self, spec: &RouteSpec) -> Option<RouteState> {
        let known = &self.loaded.as_ref()?.declaration.routes;
        let is_before = |known: &&RouteSpec| known.endpoint == spec.endpoint && known.id != spec.id;
        let before = self.state(&known.iter().find(is_before)?.id);
        Some(RouteState { held: before.held.clone(), ..RouteState::INITIAL.at(before.target(), 0) })
    }

    /// Whether nothing goes forward and no latch comes off.
    pub(crate) fn is_cautious(&self, changes: &[Change]) -> bool {
        changes.iter().all(|change| {
            let before = self.state(&change.route);
            let releases = before.held.is_some() && change.after.held.is_none();
            !before.is_forward(change.after.target()) && !releases
        })
    }
}

/// Ids of the routes of `of` that `other` does not declare, in order.
fn missing(of: &Declaration, other: &Declaration) -> Vec<String> {
    let others: HashSet<&str> = other.routes.iter().map(|spec| spec.id.as_str()).collect();
    let mut ids: Vec<String> = of.routes.iter().map(|spec| spec.id.clone()).collect();
    ids.retain(|id| !others.contains(id.as_str()));
    ids.sort_unstable();
    ids
}

fn blocked(target: Target, code: Code, why: String) -> FileVerdict {
    FileVerdict::Blocked(Blocked { target, code: code.as_str(), why })
}
