//! How a route may move: forwards one step and with proof of permission, backwards always.

use crate::{
    cohort::Percent,
    declaration::{Group, RouteSpec, Target, WriteClass},
    phase::Phase,
};

/// How far a route has come, as the store recorded it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouteState {
    /// Its phase.
    pub phase: Phase,
    /// The cohort's share; zero outside `canary`.
    pub percent: Percent,
    /// The store-wide revision of its last change; 0 if it never changed.
    pub revision: u64,
    /// It has been in `shadow`, so that is its safe phase.
    pub shadowed: bool,
    /// A latch against moving forward.
    pub held: Option<Held>,
}

/// Why a route may not move forward until someone releases it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// In words: who or what held it and why.
    pub cause: String,
    /// The candidate's build for which it holds; `None`: unknown, or it does not matter.
    pub build: Option<String>,
}

/// A wanted change of one route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Move {
    /// Where to.
    pub target: Target,
    /// Skip phases: asked for explicitly, recorded, needs an approver.
    pub force: bool,
    /// The actor has the role approver.
    pub approver: bool,
}

/// Why a move is refused. Nothing has changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MoveRefused {
    /// A latch is on.
    #[error("held: {0}")]
    Held(String),
    /// Forward by more than one phase.
    #[error("from `{from}` the next phase is `{next}`, not `{to}`")]
    Skips {
        /// The present phase.
        from: Phase,
        /// The only one that may follow.
        next: Phase,
        /// The one asked for.
        to: Phase,
    },
    /// There is no way back from `retired`.
    #[error("`retired` has no way back: legacy is no longer called")]
    Retired,
    /// The step needs the role approver.
    #[error("{0} needs an approver")]
    NeedsApprover(&'static str),
    /// No upstream `new` is declared.
    #[error("the route declares no `new` upstream")]
    NoNew,
    /// A write route whose class is not declared, so that its requests cannot be treated rightly.
    #[error("a route that writes needs a class before it leaves `legacy`: declare `writes`")]
    NoWriteClass,
    /// A write route whose group keeps the two stores apart.
    #[error(
        "a route that writes may pass `shadow` only if its group declares its sync or `shared_store = true`"
    )]
    WritesStay,
    /// A percentage outside `canary`, or none inside it.
    #[error("{0}")]
    Percent(&'static str),
    /// It is there already.
    #[error("it is in `{0}` already")]
    NoChange(Target),
}

// === impl Held ===

impl Held {
    /// Held for this cause, whatever the build.
    pub fn because(cause: impl Into<String>) -> Held {
        Held { cause: cause.into(), build: None }
    }
}

// === impl RouteState ===

impl RouteState {
    /// A route that no one has moved yet.
    pub const INITIAL: RouteState = RouteState {
        phase: Phase::Legacy,
        percent: Percent::ZERO,
        revision: 0,
        shadowed: false,
        held: None,
    };

    /// Where it is.
    pub fn target(&self) -> Target {
        Target { phase: self.phase, percent: self.percent }
    }

    /// The latest phase in which legacy serves everyone: where every rollback goes.
    pub fn safe_phase(&self) -> Phase {
        if self.shadowed { Phase::Shadow } else { Phase::Legacy }
    }

    /// Whether going to `target` hands users to new that legacy serves now.
    pub fn is_forward(&self, target: Target) -> bool {
        (target.phase, target.percent) > (self.phase, self.percent)
    }

    /// The state after `wanted`, at `revision`; or why it may not happen.
    pub fn moved(
        &self,
        route: &RouteSpec,
        group: &Group,
        wanted: Move,
        revision: u64,
    ) -> Result<RouteState, MoveRefused> {
        wanted.target.check_percent()?;
        if wanted.target == self.target() {
            return Err(MoveRefused::NoChange(wanted.target));
        }
        if self.phase == Phase::Retired {
            return Err(MoveRefused::Retired);
        }
        if self.is_forward(wanted.target) {
            self.check_forward(wanted)?;
            wanted.target.check_declared(route, group)?;
        }
        Ok(self.at(wanted.target, revision))
    }

    /// The state at `target` and `revision`, without asking whether it may be.
    pub fn at(&self, target: Target, revision: u64) -> RouteState {
        RouteState {
            phase: target.phase,
            percent: target.percent,
            revision,
            shadowed: self.shadowed || target.phase == Phase::Shadow,
            held: self.held.clone(),
        }
    }

    fn check_forward(&self, wanted: Move) -> Result<(), MoveRefused> {
        if let Some(held) = &self.held {
            return Err(MoveRefused::Held(held.cause.clone()));
        }
        let next = self.phase.next().unwrap_or(Phase::Retired);
        if wanted.target.phase > next {
            let (from, to) = (self.phase, wanted.target.phase);
            if !wanted.force {
                return Err(MoveRefused::Skips { from, next, to });
            }
            if !wanted.approver {
                return Err(MoveRefused::NeedsApprover("skipping a phase"));
            }
        }
        if wanted.target.phase == Phase::Retired && !wanted.approver {
            return Err(MoveRefused::NeedsApprover("entering `retired`"));
        }
        Ok(())
    }
}

// === impl Target ===

impl Target {
    /// Whether the percentage fits the phase: 0.01 to 100 in `canary`, none elsewhere.
    pub fn check_percent(self) -> Result<(), MoveRefused> {
        match (self.phase == Phase::Canary, self.percent == Percent::ZERO) {
            (true, true) => Err(MoveRefused::Percent("`canary` needs a percentage above 0")),
            (false, false) => Err(MoveRefused::Percent("only `canary` takes a percentage")),
            _ => Ok(()),
        }
    }

    /// Whether what is declared of a route allows it to be here at all.
    pub fn check_declared(self, route: &RouteSpec, group: &Group) -> Result<(), MoveRefused> {
        if self.phase == Phase::Legacy {
            return Ok(());
        }
        if route.new.is_none() {
            return Err(MoveRefused::NoNew);
        }
        let writes = route.write_class() != WriteClass::Safe;
        if writes && route.writes.is_none() {
            return Err(MoveRefused::NoWriteClass);
        }
        if writes && self.phase > Phase::Shadow && !group.writes_may_move() {
            return Err(MoveRefused::WritesStay);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
