//! What files would change, without changing it: the same judgements as loading them.

use std::{
    collections::{BTreeMap, HashSet},
    sync::Arc,
};

use cutover_domain::{Declaration, RouteSpec, Target};

use super::{
    Admin,
    dispatch::{Call, Handling},
    failure::Failure,
    reply::Reply,
};
use crate::{
    api::{PlanAnswer, PlanBody, PlanChange, PlanRow},
    loader::Loaded,
    refused::Refused,
    truth::{Truth, files::FileVerdict, groups},
};

pub(super) fn plan(admin: Arc<Admin>, call: Call) -> Handling {
    Box::pin(async move {
        let body: PlanBody = call.json()?;
        let controller = &admin.parts.controller;
        let (loaded, _) = controller.parse(body.files).await.map_err(Failure::from)?;
        let view = controller.view();
        Ok(Reply::ok(planned(&view.truth, loaded)?))
    })
}

/// What putting `loaded` in force would do.
fn planned(truth: &Truth, loaded: Loaded) -> Result<PlanAnswer, Refused> {
    let wanted = &loaded.declaration;
    truth.check_fit(wanted)?;
    let present = truth.loaded.as_ref().map(|loaded| &loaded.declaration);
    let before: BTreeMap<&str, &RouteSpec> =
        truth.declared().iter().map(|spec| (spec.id.as_str(), spec)).collect();
    let groups = groups(wanted);
    let mut routes = Vec::new();
    for spec in &wanted.routes {
        let Some(group) = groups.get(spec.group.as_str()) else { continue };
        let verdict = truth.verdict(spec, group, &wanted.gates);
        routes.extend(judged(truth, before.get(spec.id.as_str()).copied(), spec, verdict));
    }
    let kept: HashSet<&str> = wanted.routes.iter().map(|spec| spec.id.as_str()).collect();
    for id in before.keys().filter(|id| !kept.contains(**id)) {
        let from = Some(truth.state(id).target().into());
        let (route, change) = ((*id).to_owned(), PlanChange::Removed);
        routes.push(PlanRow { route, change, from, to: None, code: None, why: None });
    }
    let mut settings = present.map(|present| differences(present, wanted)).unwrap_or_default();
    let is_same = truth.loaded.as_ref().is_some_and(|present| present.meaning == loaded.meaning);
    let acts = |row: &PlanRow| !matches!(row.change, PlanChange::Blocked | PlanChange::Drifted);
    if !is_same && settings.is_empty() && !routes.iter().any(acts) {
        settings.push("other settings change".into());
    }
    let changes = !is_same || routes.iter().any(acts);
    let warnings = loaded.warnings;
    Ok(PlanAnswer { revision: truth.head, changes, routes, settings, warnings })
}

fn judged(
    truth: &Truth,
    before: Option<&RouteSpec>,
    spec: &RouteSpec,
    verdict: FileVerdict,
) -> Option<PlanRow> {
    let at = truth.state(&spec.id).target();
    let row = |change, code: Option<&str>, why: Option<String>| PlanRow {
        route: spec.id.clone(),
        change,
        from: before.is_some().then(|| at.into()),
        to: Some(spec.target.into()),
        code: code.map(str::to_owned),
        why,
    };
    let is_changed =
        before.is_some_and(|before| RouteSpec { target: spec.target, ..before.clone() } != *spec);
    match verdict {
        FileVerdict::Blocked(blocked) => {
            Some(row(PlanChange::Blocked, Some(blocked.code), Some(blocked.why)))
        }
        FileVerdict::Apply(after) if before.is_none() && after.target() != spec.target => {
            let why =
                format!("it starts in `{}`; the rest of the way is `promote`'s", after.target());
            Some(row(PlanChange::Added, None, Some(why)))
        }
        _ if before.is_none() => Some(row(PlanChange::Added, None, None)),
        FileVerdict::Apply(after) if after.target() != at => {
            Some(row(PlanChange::Moved, None, None))
        }
        _ if is_changed => Some(row(PlanChange::Changed, None, None)),
        FileVerdict::Settled if at != spec.target => {
            Some(row(PlanChange::Drifted, None, Some(drift(at))))
        }
        _ => None,
    }
}

fn drift(at: Target) -> String {
    format!("it was moved to `{at}` after its file last changed; the file's value is not new")
}

/// What differs beside routes, in words.
fn differences(present: &Declaration, wanted: &Declaration) -> Vec<String> {
    let mut differences = Vec::new();
    let ups = |d: &Declaration| {
        d.upstreams.iter().map(|up| (up.name.clone(), up.clone())).collect::<BTreeMap<_, _>>()
    };
    let groups = |d: &Declaration| {
        d.groups.iter().map(|group| (group.id.clone(), group.clone())).collect::<BTreeMap<_, _>>()
    };
    compare("upstream", &ups(present), &ups(wanted), &mut differences);
    compare("group", &groups(present), &groups(wanted), &mut differences);
    if present.default != wanted.default {
        let (from, to) = (&present.default, &wanted.default);
        differences.push(format!("the default upstream changes from `{from}` to `{to}`"));
    }
    differences
}

fn compare<T: PartialEq>(
    what: &str,
    present: &BTreeMap<String, T>,
    wanted: &BTreeMap<String, T>,
    differences: &mut Vec<String>,
) {
    for (name, value) in wanted {
        match present.get(name) {
            None => differences.push(format!("{what} `{name}` is added")),
            Some(before) if before != value => {
                differences.push(format!("{what} `{name}` changes"));
            }
            Some(_) => {}
        }
    }
    for name in present.keys().filter(|name| !wanted.contains_key(*name)) {
        differences.push(format!("{what} `{name}` is removed"));
    }
}
