//! What gates say, as the API and the records tell it.

use cutover_domain::{
    Held,
    gate::{
        Answer, Assessment, Dwelt, Fact, Gate, Latch, LatchedBy, Measure, Obstacle, Outcome,
        Proposal,
    },
};

use super::{
    spent::{Spent, Window},
    standing::Standing,
};
use crate::api::{
    BurnRow, DweltRow, FactRow, GateAnswerRow, HeldRow, LookRow, ObstacleRow, ProposalRow, SloRow,
};

/// A route at one look.
pub(crate) fn look_row(standing: &Standing) -> LookRow {
    let assessment = &standing.assessment;
    LookRow {
        at_ms: standing.at_ms,
        gates: assessment.answers.iter().map(answer_row).collect(),
        next: assessment.next.map(Into::into),
        obstacles: obstacle_rows(assessment),
        dwelt: dwelt_row(assessment.dwelt),
        error_since_ms: assessment.error_since_ms,
        blind: assessment.is_blind,
        proposal: assessment.proposal.as_ref().map(proposal_row),
        build: standing.build.clone(),
    }
}

/// How fast the budgets of `route` burn.
pub(crate) fn slo_rows(route: &str, standing: &Standing) -> Vec<SloRow> {
    let row = |spent: &Spent| SloRow {
        route: route.to_owned(),
        indicator: spent.indicator.as_str().into(),
        whose: spent.whose.as_str().into(),
        target: spent.objective.percent(),
        budget_left: spent.budget_left,
        windows: spent.windows.iter().map(window_row).collect(),
    };
    standing.spent.iter().map(row).collect()
}

fn window_row(window: &Window) -> BurnRow {
    let Window { length_ms, seen, requests, bad, burn, limit } = *window;
    BurnRow { length_ms, seen, requests, bad, burn, limit }
}

/// A latch; `latch` is what the store knows of it.
pub(crate) fn held_row(held: &Held, latch: Option<&Latch>) -> HeldRow {
    HeldRow {
        cause: held.cause.clone(),
        build: held.build.clone(),
        since_ms: latch.map(|latch| latch.since_ms),
        by_gates: latch.is_some_and(|latch| latch.by == LatchedBy::Gates),
        rollbacks_ms: latch.map(|latch| latch.rollbacks_ms.clone()).unwrap_or_default(),
        asked: latch.map(|latch| latch.asked.clone()).unwrap_or_default(),
    }
}

pub(super) fn answer_row(answer: &Answer) -> GateAnswerRow {
    let (detail, why) = match &answer.outcome {
        Outcome::Pass => (None, None),
        Outcome::Fail { reaction, why } => (Some(reaction.as_str()), Some(why.clone())),
        Outcome::Inconclusive { reason, needed } => (Some(reason.as_str()), Some(needed.clone())),
        Outcome::Error(trouble) => (Some(trouble.asked.as_str()), Some(trouble.what.clone())),
    };
    GateAnswerRow {
        gate: answer.gate.as_str().into(),
        required: answer.required,
        outcome: answer.outcome.as_str().into(),
        detail: detail.map(Into::into),
        why,
        facts: answer.facts.iter().map(fact_row).collect(),
    }
}

pub(super) fn obstacle_rows(assessment: &Assessment) -> Vec<ObstacleRow> {
    assessment.obstacles.iter().map(|obstacle| obstacle_row(obstacle, assessment)).collect()
}

pub(super) fn dwelt_row(dwelt: Dwelt) -> DweltRow {
    let Dwelt { passed_ms, needed_ms, requests, needed_requests } = dwelt;
    DweltRow { passed_ms, needed_ms, requests, needed_requests }
}

pub(super) fn proposal_row(proposal: &Proposal) -> ProposalRow {
    ProposalRow {
        step: proposal.step.as_str().into(),
        target: proposal.step.target().map(Into::into),
        gate: proposal.gate.map(|gate| gate.as_str().into()),
        why: proposal.why.clone(),
    }
}

fn fact_row(fact: &Fact) -> FactRow {
    FactRow {
        name: fact.name.clone().into_owned(),
        value: fact.value.to_string(),
        limit: fact.limit.as_ref().map(ToString::to_string),
        number: number(&fact.value),
    }
}

fn number(measure: &Measure) -> Option<f64> {
    match measure {
        Measure::Count(number) | Measure::Time(number) => Some(*number as f64),
        // JSON has no infinity.
        Measure::Share(number) | Measure::Times(number) | Measure::Millis(number) => {
            Some(*number).filter(|number| number.is_finite())
        }
        Measure::Text(_) | Measure::Flag(_) => None,
    }
}

fn obstacle_row(obstacle: &Obstacle, assessment: &Assessment) -> ObstacleRow {
    let row = |code: &str, gate: Option<Gate>, why: String| ObstacleRow {
        code: code.into(),
        gate: gate.map(|gate| gate.as_str().into()),
        why,
    };
    let said =
        |gate| assessment.answer(gate).map(|answer| answer.outcome.to_string()).unwrap_or_default();
    match obstacle {
        Obstacle::Held(cause) => row("held", None, format!("it is held by {cause}")),
        Obstacle::TakenBack(gate) => {
            let why = format!("{gate} would take the route back: {}", said(*gate));
            row("taken_back", Some(*gate), why)
        }
        Obstacle::Gate(gate) => row("gate", Some(*gate), format!("{gate}: {}", said(*gate))),
        Obstacle::Silent(gate) => row("silent", Some(*gate), format!("{gate} has not answered")),
        Obstacle::Dwell => row("dwell", None, dwell_words(assessment.dwelt)),
        Obstacle::Blind => row(
            "blind",
            None,
            "nobody sees what it does: gates have been in error for too long".into(),
        ),
    }
}

fn dwell_words(dwelt: Dwelt) -> String {
    let seconds = |ms: u64| ms.div_ceil(1_000);
    let Dwelt { passed_ms, needed_ms, requests, needed_requests } = dwelt;
    let (left, wanted) =
        (needed_ms.saturating_sub(passed_ms), needed_requests.saturating_sub(requests));
    match (left, wanted) {
        (0, wanted) => format!("the step needs {wanted} more requests"),
        (left, 0) => format!("the step needs {} s more in which all gates pass", seconds(left)),
        (left, wanted) => format!(
            "the step needs {} s more in which all gates pass, and {wanted} more requests",
            seconds(left)
        ),
    }
}
