//! How candidates answer: parity and what stands against it.

mod rows;

use std::sync::Arc;

use cutover_domain::{
    Phase, Route, WriteClass,
    parity::{Counters, Inconclusive, Outlook, Report},
};

use super::{
    Admin,
    dispatch::{Call, Handling},
    failure::Failure,
    reply::Reply,
};
use crate::{
    api::{BlockRow, CopiesRow, ParityAnswer},
    codes::Code,
    refused::Refused,
    view::View,
};

pub(super) use rows::{accounting_row, noise_rows, since_ms, standing, suggestion_row, unjudged};

/// What gates ask of parity before new may serve: a lower bound …
pub(super) const TARGET: f64 = 0.995;
/// … so many comparisons …
pub(super) const COMPARISONS_MIN: u64 = 1_000;
/// … and this share of the shapes of requests.
pub(super) const COVERAGE_MIN: f64 = 0.9;

pub(super) fn parity(admin: Arc<Admin>, call: Call) -> Handling {
    Box::pin(async move {
        let target = target(&call)?;
        Ok(Reply::ok(parity_answer(&admin, &call.id, target)?))
    })
}

/// How a route's candidate answers, held against the lower bound `target`.
pub(super) fn parity_answer(admin: &Admin, id: &str, target: f64) -> Result<ParityAnswer, Failure> {
    let view = admin.parts.controller.view();
    let route = route(&view, id)?;
    let at_ms = admin.parts.controller.now_ms();
    let seen = admin.seen(id);
    let report = seen.as_ref().map(|seen| seen.parity.report(target, at_ms / 1_000));
    let copies = copies(admin, route);
    let blocks = blocks(&copies, report.as_ref(), target);
    let parity = seen.as_ref().zip(report.as_ref());
    Ok(ParityAnswer {
        route: id.to_owned(),
        at_ms,
        copies,
        accounting: seen.as_ref().map(|seen| accounting_row(&seen.accounting)),
        parity: parity.map(|(seen, report)| rows::parity_row(seen, report, target, at_ms / 1_000)),
        blocks,
    })
}

/// The lower bound that `status` shows; `None`: nothing was judged.
pub(super) fn bound(counters: &Counters) -> Option<f64> {
    (counters.judged() > 0).then(|| counters.bound())
}

/// The route of this id.
pub(super) fn route<'v>(view: &'v View, id: &str) -> Result<&'v Route, Failure> {
    let unknown = || Failure::from(Refused::UnknownRoute(id.to_owned()));
    Ok(view.table.route(id).ok_or_else(unknown)?.1)
}

/// Whether requests of a route are copied: [`cutover_domain::exchange::candidate`], told in words.
pub(super) fn copies(admin: &Admin, route: &Route) -> CopiesRow {
    let (spec, phase) = (&route.spec, route.state.phase);
    let not = |code: &str, why: &str| CopiesRow {
        taken: false,
        code: Some(code.to_owned()),
        why: Some(why.to_owned()),
    };
    let class = spec.write_class();
    if admin.parts.comparisons.is_none() {
        return not("off", "nothing compares sides in this process: its log says why");
    }
    match &spec.shadow {
        _ if spec.new.is_none() => not("no_new", "the route declares no `new` upstream: add one"),
        None => {
            not("no_shadow", "its file does not ask for copies: add `shadow = {}` to the route")
        }
        Some(shadow) if shadow.percent.basis_points() == 0 => not(
            "percent",
            "its file asks for copies of 0 % of its requests: raise `shadow.percent`",
        ),
        Some(_) if class == WriteClass::Unsafe => {
            not("writes", "its writes are `unsafe`, or of no class, and those are never copied")
        }
        Some(_) => match phase {
            Phase::Legacy => {
                not("phase", "nothing is copied in phase `legacy`: promote it to `shadow`")
            }
            Phase::Retired => not("phase", "nothing is copied in phase `retired`"),
            Phase::Live if class != WriteClass::Safe => not(
                "writes",
                "legacy gets copies of `safe` requests only, and new serves all of these",
            ),
            Phase::Shadow | Phase::Canary | Phase::Live => {
                CopiesRow { taken: true, code: None, why: None }
            }
        },
    }
}

/// What stands against trusting new, most telling first.
fn blocks(copies: &CopiesRow, report: Option<&Report>, target: f64) -> Vec<BlockRow> {
    let block = |code: &str, why: String| BlockRow { code: code.to_owned(), why };
    let Some(report) = report.filter(|report| report.counters.eligible() > 0) else {
        let why = copies.why.clone();
        let why = why.unwrap_or_else(|| "nothing has been compared yet".to_owned());
        return vec![block("no_copies", why)];
    };
    let mut blocks = Vec::new();
    for path in &report.regressions {
        let (counted, place) = (&path.counted, &path.place);
        blocks.push(block(
            "regression",
            format!(
                "new regressed at `{place}`: it alone differs in {} of {} pairs, legacy alone in {}",
                counted.only_candidate, report.pairs, counted.only_reference
            ),
        ));
    }
    for path in &report.untestable {
        let rate = path.noise_rate.unwrap_or_default() * 100.0;
        blocks.push(block(
            "untestable",
            format!(
                "legacy differs from itself at `{}` in {rate:.0} % of pairs: it needs a rule",
                path.place
            ),
        ));
    }
    if let Some(Inconclusive { eligible, unjudged }) = report.inconclusive {
        let reasons = rows::unjudged(&report.counters);
        let reasons: Vec<String> =
            reasons.iter().map(|(reason, count)| format!("{reason} {count}")).collect();
        let why = format!(
            "{unjudged} of {eligible} requests could not be judged, more than 5 %: {}",
            reasons.join(", ")
        );
        blocks.push(block("inconclusive", why));
    }
    let judged = report.counters.judged();
    match report.outlook {
        Outlook::Reached => {}
        Outlook::Below => blocks.push(block(
            "bound",
            format!("parity is below {}, as sure as 95 %: waiting does not help", percent(target)),
        )),
        Outlook::Ahead { comparisons, .. } => blocks.push(block(
            "bound",
            format!(
                "parity is {} at least, {} is wanted: {comparisons} more comparisons if all agree",
                percent(report.bound),
                percent(target)
            ),
        )),
    }
    if judged < COMPARISONS_MIN {
        let why = format!("{judged} requests were judged, {COMPARISONS_MIN} are wanted");
        blocks.push(block("comparisons", why));
    }
    let coverage = &report.coverage;
    if coverage.share().is_some_and(|share| share < COVERAGE_MIN) {
        let (compared, seen) = (coverage.compared, coverage.seen);
        let why = format!("{compared} of {seen} shapes of request were compared, 90 % are wanted");
        blocks.push(block("coverage", why));
    }
    blocks
}

/// Cut, never rounded up: what is not reached must not look reached.
fn percent(share: f64) -> String {
    format!("{} %", (share * 10_000.0).floor() / 100.0)
}

fn target(call: &Call) -> Result<f64, Failure> {
    let Some(text) = call.query.get("target") else { return Ok(TARGET) };
    let target = text.parse::<f64>().ok().filter(|target| *target > 0.0 && *target < 1.0);
    target.ok_or_else(|| {
        Failure::new(Code::BadRequest, "`target` is a share between 0 and 1, such as 0.995")
            .at("query parameter `target`")
    })
}
