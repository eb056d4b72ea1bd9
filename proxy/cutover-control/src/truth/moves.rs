//! What operators, the guard and `legacy-all` ask for, worked out into a proposal.

use cutover_domain::{
    Group, Held, Move, MoveRefused, Percent, Phase, RouteSpec, RouteState, Target,
};
use cutover_store::{Change, Listing, NewRevision, Trigger};

use super::{Author, Groups, LEGACY_ALL_CAUSE, Proposal, Skipped, Truth, groups, safe_target};
use crate::{
    refused::{Refused, told},
    token::Role,
};

/// Longest reason, in characters.
pub const REASON_CHARS_MAX: usize = 500;

/// A wanted move.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MoveAsk {
    /// Which routes.
    pub scope: Scope,
    /// What with them.
    pub action: Action,
    /// The revision that the decision is based on: the highest among the routes concerned (for
    /// [`Scope::All`] the head). `None`: whatever it is.
    pub expect: Option<u64>,
    /// Why: 1 to [`REASON_CHARS_MAX`] characters, no control characters.
    pub reason: String,
    /// Who.
    pub author: Author,
    /// What set it off.
    pub trigger: Trigger,
}

/// Which routes a move concerns. A move of many happens to all or none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// One route.
    Route(String),
    /// Every route of a group.
    Group(String),
    /// Every route.
    All,
}

/// What to do with a route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Forward: to `to`; by default the next step, within `canary` that of the
    /// [`Ladder`](cutover_domain::gate::Ladder) of the route's gates, or the default one.
    Promote {
        /// The phase.
        to: Option<Phase>,
        /// The share; alone it means `canary`.
        percent: Option<Percent>,
        /// Skip phases: needs an approver, and is recorded.
        force: bool,
    },
    /// Back: to `to`; by default to the safe phase. Nothing happens to a route that is there.
    Rollback {
        /// Where to.
        to: Option<Target>,
    },
    /// Back and latched at once, as gates do; a route that is there, or further back, is only
    /// latched. Over another latch it is put without its build, so that a person must release it.
    TakeBack {
        /// Where to.
        to: Target,
        /// Why, and for which build.
        held: Held,
    },
    /// Put the latch on.
    Hold,
    /// Take the latch off.
    Release,
}

impl Truth {
    /// What the move would record; an empty proposal where every route is there already.
    pub(crate) fn propose_move(&self, ask: &MoveAsk, now_ms: u64) -> Result<Proposal, Refused> {
        check_reason(&ask.reason)?;
        let specs = self.scope(&ask.scope)?;
        self.check_expect(ask, &specs)?;
        let groups =
            self.loaded.as_ref().map(|loaded| groups(&loaded.declaration)).unwrap_or_default();
        let step = match ask.action {
            Action::Promote { to, percent, .. } => self.step(&specs, to, percent)?,
            _ => None,
        };
        let mut draft =
            Draft { step, changes: Vec::new(), skipped: Vec::new(), left_out: Vec::new() };
        for spec in specs {
            self.draft(&mut draft, ask, spec, &groups)?;
        }
        let forced = matches!(ask.action, Action::Promote { force: true, .. });
        let new = NewRevision {
            at_ms: now_ms,
            actor: ask.author.name.clone(),
            reason: ask.reason.clone(),
            trigger: ask.trigger,
            forced: forced && draft.changes.iter().any(|change| self.skips(change)),
            above: self.head,
            config_hash: None,
            listing: Listing::default(),
            changes: std::mem::take(&mut draft.changes),
        };
        let cautious = self.is_cautious(&new.changes);
        let Draft { skipped, left_out, .. } = draft;
        Ok(Proposal { new, loaded: None, cautious, skipped, left_out })
    }

    /// What `legacy-all` records: every route that can go back is sent to its safe phase and
    /// latched.
    pub(crate) fn propose_legacy_all(&self, now_ms: u64) -> Proposal {
        let held = Held::because(LEGACY_ALL_CAUSE);
        let (mut changes, mut left_out) = (Vec::new(), Vec::new());
        for spec in self.declared() {
            let state = self.state(&spec.id);
            if state.phase == Phase::Retired {
                let why = told(&MoveRefused::Retired);
                left_out.push(Skipped { route: spec.id.clone(), why });
                continue;
            }
            let safe = state.at(safe_target(&state), 0);
            let after = RouteState { held: Some(held.clone()), revision: state.revision, ..safe };
            if after != state {
                changes.push(self.change(spec, after));
            }
        }
        let author = Author::legacy_all();
        let new = NewRevision {
            at_ms: now_ms,
            actor: author.name,
            reason: "the file `legacy-all` appeared".into(),
            trigger: Trigger::KillSwitch,
            forced: false,
            above: self.head,
            config_hash: None,
            listing: Listing::default(),
            changes,
        };
        Proposal { new, loaded: None, cautious: true, skipped: Vec::new(), left_out }
    }

    fn scope(&self, scope: &Scope) -> Result<Vec<&RouteSpec>, Refused> {
        let routes = self.declared();
        match scope {
            Scope::All => Ok(routes.iter().collect()),
            Scope::Route(id) => routes
                .iter()
                .find(|spec| spec.id == *id)
                .map(|spec| vec![spec])
                .ok_or_else(|| Refused::UnknownRoute(id.clone())),
            Scope::Group(id) => {
                let of_group: Vec<_> = routes.iter().filter(|spec| spec.group == *id).collect();
                if of_group.is_empty() {
                    return Err(Refused::UnknownGroup(id.clone()));
                }
                Ok(of_group)
            }
        }
    }

    fn check_expect(&self, ask: &MoveAsk, specs: &[&RouteSpec]) -> Result<(), Refused> {
        let (place, found) = match &ask.scope {
            Scope::All => ("the store".to_owned(), self.head),
            Scope::Route(id) => (format!("route `{id}`"), self.highest(specs)),
            Scope::Group(id) => (format!("group `{id}`"), self.highest(specs)),
        };
        match ask.expect {
            Some(expected) if expected != found => Err(Refused::Stale { place, expected, found }),
            _ => Ok(()),
        }
    }

    fn highest(&self, specs: &[&RouteSpec]) -> u64 {
        specs.iter().map(|spec| self.state(&spec.id).revision).max().unwrap_or(0)
    }

    fn draft(
        &self,
        draft: &mut Draft,
        ask: &MoveAsk,
        spec: &RouteSpec,
        groups: &Groups<'_>,
    ) -> Result<(), Refused> {
        let state = self.state(&spec.id);
        let one = matches!(ask.scope, Scope::Route(_));
        match &ask.action {
            Action::Promote { force, .. } => {
                let (force, Some(target)) = (*force, draft.step) else { return Ok(()) };
                if target == state.target() && one {
                    return Ok(());
                }
                if !state.is_forward(target) && !one {
                    draft.skip(spec, format!("it is in `{}` already", state.target()));
                    return Ok(());
                }
                if let Some(refused) = self.no_forward() {
                    return Err(refused);
                }
                let approver = ask.author.may(Role::Approver);
                let group = groups.get(&*spec.group).copied();
                let after = self.forward(&state, spec, group, Move { target, force, approver })?;
                draft.changes.push(self.change(spec, after));
            }
            Action::TakeBack { to, held } => {
                let gone = match state.is_forward(*to) {
                    true => None,
                    false => back(&state, spec, Some(*to))?,
                };
                let after = gone.unwrap_or_else(|| state.clone());
                let after = RouteState { held: Some(over(state.held.as_ref(), held)), ..after };
                if after != state {
                    draft.changes.push(self.change(spec, after));
                }
            }
            Action::Rollback { to } => match back(&state, spec, *to) {
                Ok(Some(after)) => draft.changes.push(self.change(spec, after)),
                Ok(None) => {}
                Err(refused) if one => return Err(refused),
                Err(Refused::Move { why: why @ MoveRefused::Retired, .. }) => {
                    draft.left_out.push(Skipped { route: spec.id.clone(), why: told(&why) });
                }
                Err(refused) => draft.skip(spec, refused.to_string()),
            },
            Action::Hold => {
                let cause = format!("{}: {}", ask.author.name, ask.reason);
                draft.latch(spec, &state, Some(Held::because(cause)));
            }
            Action::Release => draft.latch(spec, &state, None),
        }
        Ok(())
    }

    /// Where a promotion takes the routes of `scope`, as [`Truth::propose_move`] has it.
    pub(crate) fn step_of(
        &self,
        scope: &Scope,
        to: Option<Phase>,
        percent: Option<Percent>,
    ) -> Result<Option<Target>, Refused> {
        self.step(&self.scope(scope)?, to, percent)
    }

    /// Where a promotion takes `specs`; `None`: there are none. The route decides that has come
    /// least far, and its ladder, so that the others are caught up with.
    fn step(
        &self,
        specs: &[&RouteSpec],
        to: Option<Phase>,
        percent: Option<Percent>,
    ) -> Result<Option<Target>, Refused> {
        let states = specs.iter().map(|spec| (spec, self.state(&spec.id)));
        let lowest = states.min_by_key(|(_, state)| (state.phase, state.percent));
        let Some((spec, state)) = lowest else { return Ok(None) };
        let ends = || Refused::LadderEnds { route: spec.id.clone(), present: state.target() };
        promoted(spec, &state, to, percent).ok_or_else(ends).map(Some)
    }

    fn forward(
        &self,
        state: &RouteState,
        spec: &RouteSpec,
        group: Option<&Group>,
        wanted: Move,
    ) -> Result<RouteState, Refused> {
        let group = group.ok_or(Refused::Internal("a route without a group was accepted"))?;
        let (route, target) = (spec.id.clone(), wanted.target);
        let refused = |why| Refused::Move { route: route.clone(), why };
        target.check_percent().map_err(refused)?;
        if state.phase != Phase::Retired && target != state.target() && !state.is_forward(target) {
            return Err(Refused::NotForward { route, present: state.target(), target });
        }
        state.moved(spec, group, wanted, 0).map_err(refused)
    }

    fn skips(&self, change: &Change) -> bool {
        let next = self.state(&change.route).phase.next();
        next.is_some_and(|next| change.after.phase > next)
    }

    /// A later word than the file's: its value is taken note of, and not followed.
    fn change(&self, spec: &RouteSpec, after: RouteState) -> Change {
        let before = self.state(&spec.id);
        let is_later = before.target() != after.target() && self.has_last_word();
        let declared = is_later.then_some(spec.target);
        Change { route: spec.id.clone(), expected: before.revision, after, declared }
    }
}

/// The step that `promote` takes by default; `None`: the route's ladder ends here.
pub(crate) fn next_step(spec: &RouteSpec, state: &RouteState) -> Option<Target> {
    promoted(spec, state, None, None)
}

/// Where `promote` takes a route, by the ladder of its gates or the default one; `None`: that ladder
/// ends here, below 100 %.
fn promoted(
    spec: &RouteSpec,
    state: &RouteState,
    to: Option<Phase>,
    percent: Option<Percent>,
) -> Option<Target> {
    let ladder = || spec.gates.as_ref().map(|gates| gates.ladder.clone()).unwrap_or_default();
    match (to, percent) {
        (to, Some(percent)) => Some(Target { phase: to.unwrap_or(Phase::Canary), percent }),
        (Some(Phase::Canary), None) if state.phase == Phase::Canary => ladder().next(state),
        (Some(Phase::Canary), None) => ladder().above(Percent::ZERO).map(Target::canary),
        (Some(phase), None) => Some(Target::phase(phase)),
        (None, None) if state.phase >= Phase::Live => Some(Target::phase(Phase::Retired)),
        (None, None) => ladder().next(state),
    }
}

/// The latch that gates put on over `present`. A person's opens by a person only, and so must what
/// takes its place: no build releases it.
fn over(present: Option<&Held>, held: &Held) -> Held {
    let is_alone = present.is_none_or(|present| present == held);
    Held { cause: held.cause.clone(), build: held.build.clone().filter(|_| is_alone) }
}

fn back(
    state: &RouteState,
    spec: &RouteSpec,
    to: Option<Target>,
) -> Result<Option<RouteState>, Refused> {
    let route = spec.id.clone();
    let target = to.unwrap_or_else(|| safe_target(state));
    let refused = |why| Refused::Move { route: route.clone(), why };
    target.check_percent().map_err(refused)?;
    if target == state.target() {
        return Ok(None);
    }
    if state.phase == Phase::Retired {
        return Err(refused(MoveRefused::Retired));
    }
    if state.is_forward(target) {
        return Err(Refused::NotBackward { route, present: state.target(), target });
    }
    Ok(Some(state.at(target, 0)))
}

/// Whether a reason can be recorded and shown.
pub(crate) fn check_reason(reason: &str) -> Result<(), Refused> {
    if reason.trim().is_empty() {
        return Err(Refused::Reason("is missing"));
    }
    if reason.chars().count() > REASON_CHARS_MAX {
        return Err(Refused::Reason("is longer than 500 characters"));
    }
    if reason.chars().any(char::is_control) {
        return Err(Refused::Reason("holds control characters"));
    }
    Ok(())
}

/// A move being worked out, route by route.
struct Draft {
    /// Where a promotion goes; `None`: it is none.
    step: Option<Target>,
    changes: Vec<Change>,
    skipped: Vec<Skipped>,
    /// Routes that new goes on serving though they were to go back.
    left_out: Vec<Skipped>,
}

// === impl Draft ===

impl Draft {
    fn skip(&mut self, spec: &RouteSpec, why: String) {
        self.skipped.push(Skipped { route: spec.id.clone(), why });
    }

    fn latch(&mut self, spec: &RouteSpec, state: &RouteState, held: Option<Held>) {
        if state.held != held {
            let after = RouteState { held, ..state.clone() };
            let (route, expected) = (spec.id.clone(), state.revision);
            self.changes.push(Change { route, expected, after, declared: None });
        }
    }
}
