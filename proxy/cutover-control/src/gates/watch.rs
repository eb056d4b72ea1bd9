//! One route under watch: its judge, what was last said, and what is to be told and done about it.
//! Synchronous, time is an argument.

use std::sync::Arc;

use cutover_domain::{
    Declaration, Phase, Route,
    gate::{Answer, Assessment, Judge, Observation, Outcome, Step},
};

use super::spent::{Meters, Spent};
use crate::{RouteCounters, truth::judged::Basis};

/// Most records of outcomes of one route within an hour: gates that waver must not fill the disk.
const RECORDS_AN_HOUR: u32 = 240;
const HOUR_MS: u64 = 60 * 60_000;

/// A route under watch.
#[derive(Debug)]
pub(super) struct Watch {
    basis: Arc<Basis>,
    judge: Judge,
    meters: Meters,
    /// What gates last said; `None`: nothing yet.
    said: Option<Said>,
    /// A move is under way.
    pub(super) is_asking: bool,
    /// Why the last proposal was refused, so that it is told once.
    refused: Option<(&'static str, Refusal)>,
    /// The hour, and records within it.
    hour: (u64, u32),
}

/// Words only: figures change with every look.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Said {
    answers: Vec<(&'static str, &'static str, Option<&'static str>)>,
    step: Option<&'static str>,
}

/// The name of what was refused.
type Refusal = &'static str;

/// What follows from a look.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Found {
    /// Gates that say something else than before. Empty: all as before.
    pub(super) changed: Vec<&'static str>,
    /// It is to be recorded.
    pub(super) tells: bool,
    /// The step is to be asked for now.
    pub(super) acts: bool,
}

// === impl Watch ===

impl Watch {
    /// Nothing is known yet.
    pub(super) fn new(route: &Route, declaration: &Declaration, now_ms: u64) -> Watch {
        let basis = Arc::new(Basis::of(&route.spec, declaration.gates));
        Watch {
            judge: judge(&basis),
            meters: Meters::new(basis.settings.windows_scale, now_ms),
            basis,
            said: None,
            is_asking: false,
            refused: None,
            hour: (0, 0),
        }
    }

    /// Begins anew if what is asked of the route has changed.
    pub(super) fn follow(&mut self, route: &Route, declaration: &Declaration, now_ms: u64) {
        if self.basis.is_of(&route.spec, &declaration.gates) {
            return;
        }
        let basis = Basis::of(&route.spec, declaration.gates);
        self.judge = judge(&basis);
        if basis.settings.windows_scale != self.basis.settings.windows_scale {
            self.meters = Meters::new(basis.settings.windows_scale, now_ms);
        }
        self.basis = Arc::new(basis);
    }

    /// What it judges by.
    pub(super) fn basis(&self) -> Arc<Basis> {
        Arc::clone(&self.basis)
    }

    /// Whether there is anything to judge.
    pub(super) fn is_watching(&self) -> bool {
        self.judge.is_watching()
    }

    /// Takes in what was served, and says how fast budgets burn.
    pub(super) fn meter(&mut self, counters: Option<&RouteCounters>, now_ms: u64) -> Vec<Spent> {
        if let Some(counters) = counters {
            self.meters.look(counters, now_ms);
        }
        self.meters.spent(&self.basis.objectives)
    }

    /// Judges, and says what follows.
    pub(super) fn look(&mut self, seen: &Observation<'_>) -> (Assessment, Found) {
        let assessment = self.judge.observe(seen);
        let said = Said::of(&assessment);
        let changed = said.changed(self.said.as_ref());
        let is_first = self.said.is_none();
        let step_changed = self.said.as_ref().is_some_and(|before| before.step != said.step);
        self.said = Some(said);
        // A start is no change, but where new serves it is worth knowing what was believed.
        let is_worth = match is_first {
            true => seen.state.phase > Phase::Shadow,
            false => !changed.is_empty() || step_changed,
        };
        let acts = !self.is_asking && assessment.proposal.as_ref().is_some_and(|p| moves(p.step));
        let tells = is_worth && self.may_tell(seen.now_ms);
        (assessment, Found { changed, tells, acts })
    }

    /// The step was not taken. True: that was not told yet.
    pub(super) fn was_refused(&mut self, step: Step, code: &'static str) -> bool {
        let refused = Some((step.as_str(), code));
        std::mem::replace(&mut self.refused, refused) != refused
    }

    /// The step was taken.
    pub(super) fn was_done(&mut self) {
        self.refused = None;
    }

    fn may_tell(&mut self, now_ms: u64) -> bool {
        let hour = now_ms / HOUR_MS;
        if self.hour.0 != hour {
            self.hour = (hour, 0);
        }
        self.hour.1 += 1;
        self.hour.1 <= RECORDS_AN_HOUR
    }
}

fn judge(basis: &Basis) -> Judge {
    Judge::new(basis.objectives, basis.gates.clone(), basis.settings)
}

fn moves(step: Step) -> bool {
    !matches!(step, Step::Freeze)
}

// === impl Said ===

impl Said {
    fn of(assessment: &Assessment) -> Said {
        let word = |answer: &Answer| {
            let detail = match &answer.outcome {
                Outcome::Pass => None,
                Outcome::Fail { reaction, .. } => Some(reaction.as_str()),
                Outcome::Inconclusive { reason, .. } => Some(reason.as_str()),
                Outcome::Error(trouble) => Some(trouble.asked.as_str()),
            };
            (answer.gate.as_str(), answer.outcome.as_str(), detail)
        };
        Said {
            answers: assessment.answers.iter().map(word).collect(),
            step: assessment.proposal.as_ref().map(|proposal| proposal.step.as_str()),
        }
    }

    /// Gates that say something else than `before`; all of them where nothing was said before.
    fn changed(&self, before: Option<&Said>) -> Vec<&'static str> {
        let known = |word: &_| before.is_some_and(|before| before.answers.contains(word));
        self.answers.iter().filter(|word| !known(word)).map(|word| word.0).collect()
    }
}

#[cfg(test)]
mod tests;
