//! What was found at the last look.

use std::{collections::BTreeMap, sync::Arc};

use cutover_domain::{
    Route,
    gate::{Assessment, Obstacle, Settings},
};

use super::spent::{Spent, Whose};
use crate::truth::judged::{Basis, Judged};

/// Every route that is watched, at the last look.
#[derive(Clone, Debug, Default)]
pub struct Standings {
    /// When, in milliseconds since 1970; 0: never yet.
    pub at_ms: u64,
    /// How long after it the next look comes, in milliseconds.
    pub every_ms: u64,
    /// By route; those without objectives and gates are not watched.
    pub routes: BTreeMap<String, Arc<Standing>>,
}

/// One route at one look.
#[derive(Clone, Debug)]
pub struct Standing {
    /// When, in milliseconds since 1970.
    pub at_ms: u64,
    /// The route's revision then.
    pub revision: u64,
    /// What was found.
    pub assessment: Assessment,
    /// By what it was judged.
    pub(crate) basis: Arc<Basis>,
    /// The candidate's build, as it names itself.
    pub build: Option<String>,
    /// How fast its budgets burn.
    pub(crate) spent: Vec<Spent>,
}

impl Standing {
    /// Share of its users' error budget that is left, 0 to 1, of the objective that has least;
    /// `None`: there is no objective.
    pub(crate) fn budget(&self) -> Option<f64> {
        let users = self.spent.iter().filter(|spent| spent.whose == Whose::Users);
        users.map(|spent| spent.budget_left.max(0.0)).min_by(f64::total_cmp)
    }

    /// What gates said, for files to wait for; `None`: the route asks nothing of them, and none
    /// would take it back.
    pub(super) fn judged(&self) -> Option<Judged> {
        let (revision, basis) = (self.revision, Arc::clone(&self.basis));
        let why = self.closed().map(|closed| closed.brief());
        let is_asked = basis.gates.is_some() || why.is_some();
        is_asked.then_some(Judged { revision, basis, why })
    }

    /// Whether it is about `route` where it is now, judged by what is asked now.
    fn is_of(&self, route: &Route, settings: &Settings) -> bool {
        self.revision == route.state.revision && self.basis.is_of(&route.spec, settings)
    }

    /// What does not let the route go forward; `None`: nothing.
    fn closed(&self) -> Option<Closed> {
        Closed::of(&self.assessment)
    }
}

/// Why gates do not let a person's or a file's move pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Closed {
    /// A required gate does not pass.
    Gate {
        /// Which.
        gate: &'static str,
        /// What it says, in a word.
        word: &'static str,
        /// The same, with its figures.
        said: String,
    },
    /// A gate fails that would take the route back, whether the route requires it or not.
    TakenBack {
        /// Which.
        gate: &'static str,
        /// What it says, with its figures.
        said: String,
    },
    /// The route was not looked at lately.
    Unseen,
    /// It was looked at before it came here, or before other things were asked of it.
    Outdated,
}

/// Looks that may be missed before what was found counts no more.
const LOOKS_MISSED: u64 = 4;

// === impl Standings ===

impl Standings {
    /// Why gates do not let `route`, as `settings` have it judged, go forward at `now_ms`; `None`:
    /// they do, or the route asks nothing of them and none would take it back.
    pub(crate) fn closed(&self, route: &Route, settings: &Settings, now_ms: u64) -> Option<Closed> {
        let is_asked = route.spec.gates.is_some();
        let patience_ms = (self.every_ms * LOOKS_MISSED).max(5_000);
        let is_fresh =
            |standing: &&Arc<Standing>| now_ms.saturating_sub(standing.at_ms) <= patience_ms;
        match self.routes.get(&route.spec.id).filter(is_fresh) {
            None => is_asked.then_some(Closed::Unseen),
            Some(standing) if !standing.is_of(route, settings) => {
                is_asked.then_some(Closed::Outdated)
            }
            Some(standing) => standing.closed(),
        }
    }
}

// === impl Closed ===

impl Closed {
    fn of(assessment: &Assessment) -> Option<Closed> {
        let outcome = |gate| assessment.answer(gate).map(|answer| &answer.outcome);
        Some(match *assessment.unmet()? {
            Obstacle::TakenBack(gate) => {
                Closed::TakenBack { gate: gate.as_str(), said: outcome(gate)?.to_string() }
            }
            Obstacle::Gate(gate) => {
                let outcome = outcome(gate)?;
                let (word, said) = (outcome.as_str(), outcome.to_string());
                Closed::Gate { gate: gate.as_str(), word, said }
            }
            Obstacle::Silent(gate) => {
                let said = "it has not answered".to_owned();
                Closed::Gate { gate: gate.as_str(), word: "silent", said }
            }
            Obstacle::Held(_) | Obstacle::Dwell | Obstacle::Blind => return None,
        })
    }

    /// The same without figures, which change with every look.
    pub(crate) fn brief(&self) -> String {
        match self {
            Closed::Gate { gate, word, .. } => format!("gate `{gate}` does not pass: {word}"),
            Closed::TakenBack { gate, .. } => {
                format!("gate `{gate}` fails and would take the route back")
            }
            Closed::Unseen | Closed::Outdated => self.to_string(),
        }
    }
}

impl std::fmt::Display for Closed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Closed::Gate { gate, said, .. } => write!(f, "gate `{gate}` does not pass: {said}"),
            Closed::TakenBack { gate, said } => {
                write!(f, "gate `{gate}` would take the route back: {said}")
            }
            Closed::Unseen => f.write_str("its gates have not been judged lately"),
            Closed::Outdated => f.write_str(
                "its gates have not been judged since it was moved or configured: \
                 wait for the next look",
            ),
        }
    }
}

#[cfg(test)]
mod tests;
