//! The gate of observability: nobody moves users where nobody looks.

use super::{Answer, Fact, Gate, Measure, Outcome, Reaction, Reason, Signals, Trouble};
use crate::Phase;

/// The answer of the gate. What is missing in `legacy` is waited for; later it has been lost.
pub(crate) fn answer(signals: Result<Signals, &Trouble>, phase: Phase) -> Answer {
    let (outcome, facts) = match signals {
        Err(trouble) => (Outcome::Error(trouble.clone()), Vec::new()),
        Ok(signals) => (outcome(signals, phase), facts(signals)),
    };
    Answer::new(Gate::Observability, outcome, facts)
}

fn outcome(signals: Signals, phase: Phase) -> Outcome {
    let parts = parts(signals);
    let missing: Vec<&str> = parts.iter().filter(|(_, has)| !has).map(|(name, _)| *name).collect();
    let missing = missing.join(", ");
    match (missing.is_empty(), phase) {
        (true, _) => Outcome::Pass,
        (false, Phase::Legacy) => {
            Outcome::inconclusive(Reason::NoData, format!("data of: {missing}"))
        }
        (false, _) => Outcome::fail(Reaction::Freeze, format!("no data of: {missing}")),
    }
}

fn facts(signals: Signals) -> Vec<Fact> {
    parts(signals).map(|(name, has)| Fact::new(name, Measure::Flag(has))).into()
}

fn parts(signals: Signals) -> [(&'static str, bool); 3] {
    [
        ("objectives", signals.objectives),
        ("traces", signals.traces),
        ("dashboards", signals.dashboards),
    ]
}

#[cfg(test)]
mod tests;
