//! How ready a route is to leave legacy for good: checks, each met or with what to do.

use std::sync::Arc;

use cutover_domain::{Credentials, Phase, Route, WriteClass, parity::Coverage};

use super::{
    Admin,
    dispatch::{Call, Handling},
    failure::Failure,
    gates::last_decision,
    parity::{COMPARISONS_MIN, COVERAGE_MIN, TARGET, route},
    reply::Reply,
};
use crate::{
    Evidence,
    api::{DecisionRow, ReadinessAnswer, ReadinessRow, ReadinessState},
    gates::Kind,
    words::counted,
};

/// For how long a rehearsal counts.
const REHEARSED_MS: u64 = 7 * 24 * 60 * 60_000;

pub(super) fn ready(admin: Arc<Admin>, call: Call) -> Handling {
    Box::pin(async move { Ok(Reply::ok(readiness_answer(&admin, &call.id).await?)) })
}

/// How ready a route is; fails where there is none of this id.
pub(super) async fn readiness_answer(admin: &Admin, id: &str) -> Result<ReadinessAnswer, Failure> {
    let view = admin.parts.controller.view();
    let route = route(&view, id)?;
    let now_ms = admin.parts.controller.now_ms();
    let evidence = admin.parts.comparisons.as_ref();
    let evidence = evidence.and_then(|known| known.evidence(id, TARGET, now_ms / 1_000));
    // Without the store nothing is known of any rehearsal; the other checks answer all the same.
    let rehearsed = last_decision(admin, id, Kind::Rehearsal).await.ok().flatten();
    let mut checks = vec![writes(route), objectives(admin, route)];
    checks.extend(parity(route, evidence.as_ref()));
    checks.extend(data(route));
    checks.extend([rehearsal(rehearsed.as_ref(), now_ms, id), runbook(), owner(route, now_ms)]);
    checks.push(credentials(route));
    Ok(answer(id, checks))
}

fn answer(id: &str, checks: Vec<ReadinessRow>) -> ReadinessAnswer {
    let applies = |row: &&ReadinessRow| row.state != ReadinessState::NotApplicable;
    let applying = checks.iter().filter(applies).count();
    let met = checks.iter().filter(|row| row.state == ReadinessState::Met).count();
    let score = if applying == 0 { 1.0 } else { met as f64 / applying as f64 };
    ReadinessAnswer { route: id.to_owned(), ready: met == applying, score, checks }
}

fn writes(route: &Route) -> ReadinessRow {
    let check = "write class";
    match (route.spec.writes, route.spec.write_class()) {
        (Some(class), _) => met(check, format!("declared as `{}`", class.as_str())),
        (None, WriteClass::Safe) => met(check, "it only reads".into()),
        (None, _) => unmet(check, "add `writes = \"…\"` to the route".into()),
    }
}

fn objectives(admin: &Admin, route: &Route) -> ReadinessRow {
    let check = "objectives with data";
    if route.spec.objectives.is_empty() {
        return unmet(
            check,
            "add `slo = { availability = …, latency = { … } }` to the route".into(),
        );
    }
    let standings = admin.parts.gates.standings();
    let answer = standings
        .routes
        .get(&route.spec.id)
        .and_then(|standing| standing.assessment.answer(cutover_domain::gate::Gate::Observability));
    match answer.map(|answer| &answer.outcome) {
        Some(cutover_domain::gate::Outcome::Pass) => met(check, "measured, traced, scraped".into()),
        Some(outcome) => unmet(check, outcome.to_string()),
        None => unmet(check, "wait for the first look".into()),
    }
}

fn parity(route: &Route, evidence: Option<&Evidence>) -> [ReadinessRow; 4] {
    let names = ["parity bound", "coverage", "no untestable path", "no regression"];
    if route.spec.shadow.is_none() {
        return names.map(|check| unmet(check, "add `shadow = {}` so that new gets copies".into()));
    }
    let Some(Evidence { report, .. }) = evidence else {
        return names.map(|check| unmet(check, "wait until something was compared".into()));
    };
    let judged = report.counters.matches + report.counters.mismatches;
    let bound = format!("{:.3} % at least of {judged} comparisons", report.bound * 100.0);
    let is_bound = report.bound >= TARGET && judged >= COMPARISONS_MIN;
    let Coverage { compared, seen, .. } = report.coverage;
    let covered = format!("{compared} of {seen} shapes of request");
    let wanted = format!("{} % wanted", COVERAGE_MIN * 100.0);
    let diffs = |found| format!("{}: `cutover diffs {}`", counted(found, "path"), route.spec.id);
    let none = |check, found: usize| match found {
        0 => met(check, "none".into()),
        found => unmet(check, diffs(found)),
    };
    [
        match is_bound {
            true => met(names[0], bound),
            false => unmet(names[0], format!("{bound}; 99.5 % of {COMPARISONS_MIN} are wanted")),
        },
        match report.coverage.share().is_some_and(|share| share >= COVERAGE_MIN) {
            true => met(names[1], covered),
            false => unmet(names[1], format!("{covered}; {wanted}")),
        },
        none(names[2], report.untestable.len()),
        none(names[3], report.regressions.len()),
    ]
}

fn data(route: &Route) -> [ReadinessRow; 2] {
    let names = ["sync lag", "verifier clean"];
    let (class, group) = (route.spec.write_class(), &route.group);
    names.map(|check| match (class, group.shared_store) {
        (WriteClass::Safe, _) => not_applicable(check, "it only reads"),
        (_, true) => not_applicable(check, "both sides share one store"),
        (_, false) => {
            unmet(check, "the group's stores are not kept in step: not in this release".into())
        }
    })
}

fn rehearsal(found: Option<&DecisionRow>, now_ms: u64, id: &str) -> ReadinessRow {
    let check = "rollback rehearsed";
    let how = format!("`cutover rehearse {id} --percent 1 --seconds 10 --reason …`");
    let Some(decision) = found else { return unmet(check, how) };
    let age_ms = now_ms.saturating_sub(decision.at_ms);
    let took = |name: &str| decision.document[name].as_f64();
    let words = match (took("effective_ms"), took("last_request_ms")) {
        (Some(effective), Some(last)) => {
            format!("in force after {effective:.0} ms, last request on new after {last:.0} ms")
        }
        (Some(effective), None) => format!("in force after {effective:.0} ms"),
        _ => "without a measured time".into(),
    };
    match age_ms <= REHEARSED_MS {
        true => met(check, words),
        false => ReadinessRow {
            check: check.into(),
            state: ReadinessState::Stale,
            words: format!("{} days ago; {how}", age_ms / 86_400_000),
        },
    }
}

/// Runbooks are held to alerts and commands when a release is built.
fn runbook() -> ReadinessRow {
    not_applicable("runbook checked", "runbooks are checked when the release is built")
}

fn owner(route: &Route, now_ms: u64) -> ReadinessRow {
    let check = "owner and expiry dates";
    let expired = route.spec.rules.iter().filter(|rule| !rule.holds(now_ms / 1_000)).count();
    match (route.group.owner.is_empty(), expired) {
        (true, _) => unmet(check, "add `owner = \"…\"` to the group".into()),
        (false, 0) => met(check, format!("{}; no rule has expired", route.group.owner)),
        (false, 1) => unmet(check, "1 rule has expired: renew or remove it".into()),
        (false, expired) => {
            unmet(check, format!("{expired} rules have expired: renew or remove them"))
        }
    }
}

fn credentials(route: &Route) -> ReadinessRow {
    let check = "credentials of copies";
    match &route.spec.shadow {
        Some(shadow) => met(check, format!("`{}`", policy(shadow.credentials))),
        None if route.state.phase == Phase::Retired => not_applicable(check, "nothing is copied"),
        None => not_applicable(check, "the route is not copied"),
    }
}

fn policy(credentials: Credentials) -> &'static str {
    match credentials {
        Credentials::Forward => "forward",
        Credentials::Drop => "drop",
        Credentials::Session => "session",
    }
}

fn met(check: &str, words: String) -> ReadinessRow {
    ReadinessRow { check: check.into(), state: ReadinessState::Met, words }
}

fn unmet(check: &str, words: String) -> ReadinessRow {
    ReadinessRow { check: check.into(), state: ReadinessState::Unmet, words }
}

fn not_applicable(check: &str, why: &str) -> ReadinessRow {
    ReadinessRow { check: check.into(), state: ReadinessState::NotApplicable, words: why.into() }
}
