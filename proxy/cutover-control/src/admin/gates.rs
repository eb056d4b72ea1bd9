//! What gates say, what they decided, and whether the record of that holds.

use std::sync::Arc;

use cutover_domain::{
    RouteState,
    gate::{Assessment, Obstacle},
};
use cutover_store::{Decision, Verified};

use super::{
    Admin,
    dispatch::{Call, Handling},
    failure::Failure,
    parity::route,
    reply::Reply,
};
use crate::{
    api::{AuditAnswer, BrokenRow, DecisionRow, GateAnswer, GateVerdict, SloAnswer, VerifyAnswer},
    gates::{Kind, Standing, held_row, latch_of, look_row, slo_rows},
    refused::{Refused, StoreDown},
};

/// Page of the audit without `?limit`.
const AUDIT_DEFAULT: u64 = 50;
/// Longest page.
const AUDIT_MAX: u64 = 1_000;

pub(super) fn gate(admin: Arc<Admin>, call: Call) -> Handling {
    Box::pin(async move { Ok(Reply::ok(gate_answer(&admin, &call.id).await?)) })
}

pub(super) fn slo(admin: Arc<Admin>, call: Call) -> Handling {
    Box::pin(async move { Ok(Reply::ok(slo_answer(&admin, call.query.get("route"))?)) })
}

/// How fast budgets burn; fails where there is no such route.
pub(super) fn slo_answer(admin: &Admin, only: Option<&str>) -> Result<SloAnswer, Failure> {
    if let Some(id) = only {
        route(&admin.parts.controller.view(), id)?;
    }
    let standings = admin.parts.gates.standings();
    let of = standings.routes.iter().filter(|(id, _)| only.is_none_or(|only| only == id.as_str()));
    let objectives = of.flat_map(|(id, standing)| slo_rows(id, standing)).collect();
    Ok(SloAnswer { at_ms: standings.at_ms, objectives })
}

pub(super) fn audit(admin: Arc<Admin>, call: Call) -> Handling {
    Box::pin(async move {
        let limit = call.query.number("limit", AUDIT_MAX)?.unwrap_or(AUDIT_DEFAULT).max(1);
        let before = call.query.number("before", u64::MAX)?;
        Ok(Reply::ok(audit_answer(&admin, call.query.get("route"), limit, before).await?))
    })
}

pub(super) fn verify(admin: Arc<Admin>, _: Call) -> Handling {
    Box::pin(async move {
        let known = admin.parts.gates.anchor();
        let verified = admin.parts.controller.store()?.verify(known).await;
        let verified = verified.map_err(|fault| Refused::StoreDown(StoreDown::from(&fault)))?;
        Ok(Reply::ok(verify_row(&verified)))
    })
}

/// What the gates of a route say; fails where there is no such route.
pub(super) async fn gate_answer(admin: &Admin, id: &str) -> Result<GateAnswer, Failure> {
    let controller = &admin.parts.controller;
    let view = controller.view();
    let route = route(&view, id)?;
    let standings = admin.parts.gates.standings();
    let standing = standings.routes.get(id);
    let held = match &route.state.held {
        None => None,
        Some(held) => {
            // A store that is away does not keep anyone from seeing why a route is held.
            let latch = latch_of(controller, id, held, controller.now_ms()).await.ok().flatten();
            Some(held_row(held, latch.as_ref()))
        }
    };
    let (verdict, words) = verdict(standing.map(|standing| &**standing), &route.state);
    Ok(GateAnswer {
        route: id.to_owned(),
        at: route.state.target().into(),
        revision: route.state.revision,
        verdict,
        words,
        automatic: route.spec.gates.as_ref().is_some_and(|gates| gates.automatic),
        look: standing.map(|standing| look_row(standing)),
        held,
    })
}

/// The newest decision of `kind` about a route, any but [`Kind::Outcome`]; `None`: there is none.
pub(super) async fn last_decision(
    admin: &Admin,
    route: &str,
    kind: Kind,
) -> Result<Option<DecisionRow>, Failure> {
    let found = admin.parts.controller.store()?.last_decision(route, kind.as_str()).await;
    let found = found.map_err(|fault| Refused::StoreDown(StoreDown::from(&fault)))?;
    Ok(found.map(decision_row))
}

/// Decisions, newest first.
pub(super) async fn audit_answer(
    admin: &Admin,
    route: Option<&str>,
    limit: u64,
    before: Option<u64>,
) -> Result<AuditAnswer, Failure> {
    let page = u32::try_from(limit).unwrap_or(u32::MAX);
    let found = admin.parts.controller.store()?.decisions(route, page, before).await;
    let found = found.map_err(|fault| Refused::StoreDown(StoreDown::from(&fault)))?;
    let is_full = found.len() as u64 == limit;
    let before = found.last().filter(|_| is_full).map(|decision| decision.seq);
    Ok(AuditAnswer { decisions: found.into_iter().map(decision_row).collect(), before })
}

fn verdict(standing: Option<&Standing>, state: &RouteState) -> (GateVerdict, String) {
    if let Some(held) = &state.held {
        return (GateVerdict::Fail, format!("it is held by {}", held.cause));
    }
    let Some(standing) = standing else {
        return (
            GateVerdict::Pass,
            "it has neither objectives nor gates, or was not judged yet".into(),
        );
    };
    let assessment = &standing.assessment;
    let row = look_row(standing);
    let first = row.obstacles.first().map(|obstacle| obstacle.why.clone());
    match (first, assessment.next) {
        (Some(why), _) if fails(assessment) => (GateVerdict::Fail, why),
        (Some(why), _) => (GateVerdict::Waiting, why),
        (None, Some(next)) => (GateVerdict::Pass, format!("it may go to {next}")),
        (None, None) => (GateVerdict::Pass, "nothing is left to do but by an approver".into()),
    }
}

/// Whether an obstacle will not go away by waiting alone.
fn fails(assessment: &Assessment) -> bool {
    assessment.obstacles.iter().any(|obstacle| match obstacle {
        Obstacle::Held(_) | Obstacle::TakenBack(_) => true,
        Obstacle::Gate(gate) => {
            assessment.answer(*gate).is_some_and(|answer| answer.outcome.reaction().is_some())
        }
        Obstacle::Silent(_) | Obstacle::Dwell | Obstacle::Blind => false,
    })
}

fn decision_row(decision: Decision) -> DecisionRow {
    let Decision { seq, what, hash } = decision;
    // What somebody else wrote there may be no JSON; it is shown all the same.
    let document = serde_json::from_str(&what.document);
    DecisionRow {
        seq,
        at_ms: what.at_ms,
        route: what.route,
        kind: what.kind,
        actor: what.actor,
        document: document.unwrap_or(serde_json::Value::String(what.document)),
        hash: hex(&hash),
    }
}

fn verify_row(verified: &Verified) -> VerifyAnswer {
    VerifyAnswer {
        sound: verified.broken.is_none(),
        records: verified.sound,
        head: hex(&verified.head.hash),
        broken: verified.broken.map(|broken| BrokenRow { seq: broken.seq, why: broken.why.into() }),
    }
}

fn hex(hash: &[u8; 32]) -> String {
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}
