//! Where everything is, and how it came there.

use std::{collections::HashMap, sync::Arc};

use cutover_domain::{Group, Move, Phase, Route, Target};
use cutover_store::Revision;

use super::{
    Admin,
    dispatch::{Call, Handling},
    failure::{Failure, down_body},
    moves::latch_name,
    reply::Reply,
};
use crate::{
    api::{
        BlockedRow, ConfigRow, GateRow, HistoryAnswer, MovedRow, RevisionRow, RouteAnswer,
        RouteRow, SideRow, StatusAnswer,
    },
    codes::Code,
    live::{LiveNumbers, SideNumbers},
    refused::{Refused, move_code, told},
    truth::moves::next_step,
    view::View,
};

/// Page of the history without `?limit`.
const HISTORY_DEFAULT: u32 = 50;
/// Longest page.
const HISTORY_MAX: u64 = 1_000;

pub(super) fn status(admin: Arc<Admin>, _: Call) -> Handling {
    Box::pin(async move { Ok(Reply::ok(status_answer(&admin))) })
}

pub(super) fn route(admin: Arc<Admin>, call: Call) -> Handling {
    Box::pin(async move { Ok(Reply::ok(route_answer(&admin, &call.id)?)) })
}

pub(super) fn history(admin: Arc<Admin>, call: Call) -> Handling {
    Box::pin(async move {
        let limit = call.query.number("limit", HISTORY_MAX)?.map_or(HISTORY_DEFAULT, |limit| {
            u32::try_from(limit).unwrap_or(HISTORY_DEFAULT).max(1)
        });
        let before = call.query.number("before", u64::MAX)?;
        let route = call.query.get("route");
        Ok(Reply::ok(history_answer(&admin, route, limit, before).await?))
    })
}

/// Every route, and the control plane itself.
pub(super) fn status_answer(admin: &Admin) -> StatusAnswer {
    let view = admin.parts.controller.view();
    let at_ms = admin.parts.controller.now_ms();
    let ids = view.table.routes.iter().map(|route| route.spec.id.as_str());
    let numbers = admin.numbers(ids);
    let row = |route: &Route| row(admin, &view, route, &numbers, at_ms);
    StatusAnswer {
        revision: view.truth.head,
        applied_revision: admin.applied_revision(),
        at_ms,
        legacy_all: view.truth.legacy_all,
        degraded: view.truth.down.as_ref().map(down_body),
        config: config(admin, &view),
        routes: view.table.routes.iter().map(row).collect(),
    }
}

/// One route; fails where there is none of this id.
pub(super) fn route_answer(admin: &Admin, id: &str) -> Result<RouteAnswer, Failure> {
    let view = admin.parts.controller.view();
    let unknown = || Failure::from(Refused::UnknownRoute(id.to_owned()));
    let (_, route) = view.table.route(id).ok_or_else(unknown)?;
    let numbers = admin.numbers([route.spec.id.as_str()].into_iter());
    let route = row(admin, &view, route, &numbers, admin.parts.controller.now_ms());
    Ok(RouteAnswer { applied_revision: admin.applied_revision(), route })
}

/// A page of the history, newest first, of this route if one is given; fails without the store.
pub(super) async fn history_answer(
    admin: &Admin,
    route: Option<&str>,
    limit: u32,
    before: Option<u64>,
) -> Result<HistoryAnswer, Failure> {
    let revisions = admin.parts.controller.history(route, limit, before).await?;
    let is_full = revisions.len() == limit as usize;
    let before = revisions.last().filter(|_| is_full).map(|revision| revision.revision);
    let revisions = revisions.into_iter().map(revision_row).collect();
    Ok(HistoryAnswer { revisions, before })
}

fn config(admin: &Admin, view: &View) -> ConfigRow {
    let loaded = view.truth.loaded.as_ref();
    let refused = admin.parts.controller.last_reload();
    ConfigRow {
        generation: view.truth.generation,
        hash: loaded.map(|loaded| loaded.hash.clone()).unwrap_or_default(),
        accepted_at_ms: view.accepted_at_ms,
        warnings: loaded.map(|loaded| loaded.warnings.clone()).unwrap_or_default(),
        refused: refused.map(|refused| Failure::from(refused).body()),
    }
}

fn row(
    admin: &Admin,
    view: &View,
    route: &Route,
    numbers: &HashMap<&str, LiveNumbers>,
    now_ms: u64,
) -> RouteRow {
    let (spec, state) = (&route.spec, &route.state);
    let numbers = numbers.get(spec.id.as_str()).cloned().unwrap_or_default();
    let changed_at_ms = view.truth.routes.get(&spec.id).map(|record| record.changed_at_ms);
    let blocked = view.blocked.get(&spec.id).map(|blocked| BlockedRow {
        target: blocked.target.into(),
        code: blocked.code.into(),
        why: blocked.why.clone(),
    });
    RouteRow {
        id: spec.id.clone(),
        group: spec.group.clone(),
        owner: route.group.owner.clone(),
        matches: matches(route),
        writes: spec.write_class().as_str().into(),
        at: state.target().into(),
        revision: state.revision,
        safe_phase: state.safe_phase().into(),
        rps: numbers.requests_per_second,
        legacy: side(&spec.legacy, numbers.legacy),
        new: spec.new.as_ref().map(|new| side(new, numbers.new)),
        parity: admin.bound(&spec.id),
        budget: budget(admin, &spec.id),
        gate: gate(admin, view, route),
        changed_at_ms,
        age_ms: changed_at_ms.map(|changed_at_ms| now_ms.saturating_sub(changed_at_ms)),
        held: state.held.as_ref().map(|held| held.cause.clone()),
        file: spec.target.into(),
        blocked,
    }
}

fn budget(admin: &Admin, id: &str) -> Option<f64> {
    admin.parts.gates.standings().routes.get(id)?.budget()
}

fn side(upstream: &str, numbers: SideNumbers) -> SideRow {
    SideRow {
        upstream: upstream.to_owned(),
        rps: numbers.requests_per_second,
        success: numbers.success,
        p95_ms: numbers.latency_ms_p95,
    }
}

fn matches(route: &Route) -> String {
    let endpoint = &route.spec.endpoint;
    let methods = match endpoint.methods.as_slice() {
        [] => "*".to_owned(),
        methods => methods.iter().map(|method| method.as_str()).collect::<Vec<_>>().join(","),
    };
    let host = endpoint.host.as_ref().map(ToString::to_string).unwrap_or_default();
    format!("{methods} {host}{}", endpoint.path)
}

/// Whether the step that `promote` takes by default would be accepted now, from an approver.
fn gate(admin: &Admin, view: &View, route: &Route) -> GateRow {
    let closed = |next: Option<Target>, code: &str, why: String| GateRow {
        open: false,
        next: next.map(Into::into),
        code: Some(code.to_owned()),
        why: Some(why),
    };
    let state = &route.state;
    if state.phase == Phase::Retired {
        return GateRow { open: false, next: None, code: None, why: None };
    }
    let next = next_step(&route.spec, state);
    if let Some(refused) = view.truth.no_forward() {
        return closed(next, refused.code().as_str(), refused.to_string());
    }
    let Some(next) = next else {
        let why = "it has the largest share of its ladder";
        return closed(None, Code::LadderEnds.as_str(), why.into());
    };
    let group: &Group = &route.group;
    let wanted = Move { target: next, force: false, approver: true };
    let now_ms = admin.parts.controller.now_ms();
    match state.moved(&route.spec, group, wanted, 0) {
        Ok(_)
            if let Some(why) =
                admin.parts.gates.standings().closed(route, &view.settings, now_ms) =>
        {
            closed(Some(next), Code::GateClosed.as_str(), why.to_string())
        }
        Ok(_) => GateRow { open: true, next: Some(next.into()), code: None, why: None },
        Err(why) => closed(Some(next), move_code(&why).as_str(), told(&why)),
    }
}

fn revision_row(revision: Revision) -> RevisionRow {
    let changes = revision.changes.into_iter().map(|change| MovedRow {
        route: change.route,
        from: change.from.into(),
        to: change.to.into(),
        latch: change.latch.map(latch_name),
    });
    RevisionRow {
        revision: revision.revision,
        at_ms: revision.at_ms,
        actor: revision.actor,
        reason: revision.reason,
        trigger: revision.trigger.as_str().into(),
        forced: revision.forced,
        config_hash: revision.config_hash,
        added: revision.listing.added,
        removed: revision.listing.removed,
        routes: changes.collect(),
    }
}
