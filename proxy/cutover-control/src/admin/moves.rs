//! Promote, roll back, hold, release: from JSON to the controller, and the wait for the data
//! plane.

use std::{sync::Arc, time::Duration};

use cutover_domain::{Percent, Phase, Route, Target};
use cutover_store::{LatchChange, Trigger};
use http::StatusCode;

use super::{
    Admin, consent,
    dispatch::{Call, Handling},
    failure::Failure,
    reply::Reply,
};
use crate::{
    api::{
        ErrorBody, LatchBody, LatchName, MoveAnswer, MovedRow, PresentRow, PromoteBody,
        RollbackBody, SkippedRow, TargetRow,
    },
    codes::Code,
    controller::Answered,
    refused::Refused,
    truth::{
        Moved, Skipped,
        moves::{Action, MoveAsk, Scope},
    },
};

/// Longest `?wait`.
const WAIT_MS_MAX: u64 = 60_000;

/// The largest share of requests without a subject with which a `canary` may step up.
const NO_SUBJECT_MAX: f64 = 0.05;

pub(super) fn promote(admin: Arc<Admin>, call: Call) -> Handling {
    Box::pin(async move {
        let body: PromoteBody = call.json()?;
        let percent = body.percent.map(percent).transpose()?;
        let scope = scope(&call.id);
        let action = Action::Promote { to: body.to.map(Phase::from), percent, force: body.force };
        moved(&admin, &call, scope, action, body.reason, body.expect).await
    })
}

pub(super) fn rollback(admin: Arc<Admin>, call: Call) -> Handling {
    Box::pin(async move {
        let scope = scope(&call.id);
        back(&admin, &call, scope).await
    })
}

pub(super) fn rollback_all(admin: Arc<Admin>, call: Call) -> Handling {
    Box::pin(async move { back(&admin, &call, Scope::All).await })
}

pub(super) fn hold(admin: Arc<Admin>, call: Call) -> Handling {
    Box::pin(async move { latch(&admin, &call, Action::Hold).await })
}

pub(super) fn release(admin: Arc<Admin>, call: Call) -> Handling {
    Box::pin(async move { latch(&admin, &call, Action::Release).await })
}

/// Answers what was done: at once, or with `?wait` when the data plane has it in force.
pub(super) async fn answer(
    admin: &Admin,
    call: &Call,
    answered: Answered,
) -> Result<Reply, Failure> {
    let wait_ms = call.query.number("wait", WAIT_MS_MAX)?;
    let answer = done(admin, answered, wait_ms.map(Duration::from_millis)).await;
    let is_pending = answer.pending.is_some();
    Ok(Reply::json(if is_pending { StatusCode::ACCEPTED } else { StatusCode::OK }, answer))
}

/// What was done, told at once or after the wait for the data plane.
async fn done(admin: &Admin, answered: Answered, wait: Option<Duration>) -> MoveAnswer {
    let Answered { done, published_at } = answered;
    let mut answer = MoveAnswer {
        revision: done.revision,
        recorded: done.recorded,
        routes: done.moved.iter().map(moved_row).collect(),
        skipped: skipped_rows(done.skipped),
        left_out: skipped_rows(done.left_out),
        applied: admin.applied_revision() >= done.revision,
        effective_ms: None,
        pending: None,
    };
    let Some(wait) = wait else { return answer };
    let mut applied = admin.parts.applied.clone();
    let in_force = applied.wait_for(|applied| applied.revision >= done.revision);
    match tokio::time::timeout(wait, in_force).await {
        Ok(Ok(applied)) => {
            let took = applied.at.saturating_duration_since(published_at);
            answer.applied = true;
            answer.effective_ms = Some(took.as_secs_f64() * 1_000.0);
        }
        _ => {
            answer.applied = false;
            answer.pending = Some(pending(done.revision));
        }
    }
    answer
}

fn skipped_rows(skipped: Vec<Skipped>) -> Vec<SkippedRow> {
    let row = |skipped: Skipped| SkippedRow { route: skipped.route, why: skipped.why };
    skipped.into_iter().map(row).collect()
}

pub(super) fn moved_row(moved: &Moved) -> MovedRow {
    MovedRow {
        route: moved.route.clone(),
        from: moved.from.into(),
        to: moved.to.into(),
        latch: moved.latch.map(latch_name),
    }
}

pub(super) fn latch_name(latch: LatchChange) -> LatchName {
    match latch {
        LatchChange::Held => LatchName::Held,
        LatchChange::Released => LatchName::Released,
    }
}

/// A wait that cannot be read must not be noticed only after the move was made.
pub(super) fn check_wait(call: &Call) -> Result<(), Failure> {
    call.query.number("wait", WAIT_MS_MAX).map(drop)
}

async fn back(admin: &Admin, call: &Call, scope: Scope) -> Result<Reply, Failure> {
    let body: RollbackBody = call.json()?;
    let share = body.percent.map(percent).transpose()?;
    let to = match (body.to, share) {
        (None, None) => None,
        (phase, share) => Some(Target {
            phase: phase.map_or(Phase::Canary, Phase::from),
            percent: share.unwrap_or(Percent::ZERO),
        }),
    };
    moved(admin, call, scope, Action::Rollback { to }, body.reason, body.expect).await
}

async fn latch(admin: &Admin, call: &Call, action: Action) -> Result<Reply, Failure> {
    let body: LatchBody = call.json()?;
    moved(admin, call, scope(&call.id), action, body.reason, body.expect).await
}

async fn moved(
    admin: &Admin,
    call: &Call,
    scope: Scope,
    action: Action,
    reason: String,
    expect: Option<u64>,
) -> Result<Reply, Failure> {
    check_wait(call)?;
    let (author, trigger) = (call.author()?, Trigger::Operator);
    let answered = ask(admin, MoveAsk { scope, action, expect, reason, author, trigger }).await?;
    answer(admin, call, answered).await
}

/// Moves routes, on whatever way it was asked for, and waits for the data plane.
pub(super) async fn make(
    admin: &Admin,
    wanted: MoveAsk,
    wait: Duration,
) -> Result<MoveAnswer, Failure> {
    let answered = ask(admin, wanted).await?;
    Ok(done(admin, answered, Some(wait)).await)
}

pub(super) async fn ask(admin: &Admin, wanted: MoveAsk) -> Result<Answered, Failure> {
    if let Action::Promote { force: false, .. } = wanted.action {
        check_subjects(admin, &wanted.scope)?;
    }
    let passed = consent::check(admin, &wanted).await?;
    let scope = wanted.scope.clone();
    let answered = admin.parts.controller.move_routes(wanted).await.map_err(|refused| {
        let is_stale = matches!(refused, Refused::Stale { .. });
        let failure = Failure::from(refused);
        if is_stale { failure.with_present(present(admin, &scope)) } else { failure }
    })?;
    passed.record(admin, &answered);
    Ok(answered)
}

/// `group:ID` or a route's id.
fn scope(id: &str) -> Scope {
    match id.strip_prefix("group:") {
        Some(group) => Scope::Group(group.to_owned()),
        None => Scope::Route(id.to_owned()),
    }
}

pub(super) fn percent(number: f64) -> Result<Percent, Failure> {
    Percent::from_f64(number)
        .map_err(|error| Failure::new(Code::BadPercent, error.to_string()).at("percent"))
}

/// A larger share of a cohort means little where many requests belong to nobody.
fn check_subjects(admin: &Admin, scope: &Scope) -> Result<(), Failure> {
    let view = admin.parts.controller.view();
    let steps_up =
        |route: &&Route| route.state.phase == Phase::Canary && is_concerned(scope, route);
    let ids = view.table.routes.iter().filter(steps_up).map(|route| route.spec.id.as_str());
    for (id, numbers) in admin.numbers(ids) {
        if let Some(share) = numbers.no_subject.filter(|share| *share > NO_SUBJECT_MAX) {
            let percent = (share * 100.0).round();
            let message = format!("{percent} % of the requests of `{id}` name no subject");
            return Err(Failure::new(Code::NoSubject, message));
        }
    }
    Ok(())
}

pub(super) fn is_concerned(scope: &Scope, route: &Route) -> bool {
    match scope {
        Scope::All => true,
        Scope::Route(id) => route.spec.id == *id,
        Scope::Group(id) => route.spec.group == *id,
    }
}

/// Where the routes concerned are now.
fn present(admin: &Admin, scope: &Scope) -> Vec<PresentRow> {
    let view = admin.parts.controller.view();
    let concerned = |route: &&Route| is_concerned(scope, route);
    let row = |route: &Route| PresentRow {
        route: route.spec.id.clone(),
        at: TargetRow::from(route.state.target()),
        revision: route.state.revision,
        held: route.state.held.as_ref().map(|held| held.cause.clone()),
    };
    view.table.routes.iter().filter(concerned).map(row).collect()
}

fn pending(revision: u64) -> ErrorBody {
    let message = format!("revision {revision} is recorded, but not yet reported in force");
    Failure::new(Code::NotYetApplied, message).body()
}
