//! `[gates]` and `gates` of routes: what can be proven, on a ladder that rises.

use cutover_domain::{
    Percent,
    compare::day_start,
    gate::{Approval, Days, Dwell, Gate, GateSpec, Ladder, Schedule, Settings, Window},
};

use super::{Context, route::percent};
use crate::config::{
    code::Code,
    diagnostic::Diagnostic,
    document::{self, GateSettings, Gates},
    node::Node,
};

const MINUTE_MS: f64 = 60_000.0;
const DAY_MS: u64 = 24 * 60 * 60_000;

/// What all routes' gates have in common, and the document it came from.
pub(super) fn settings(
    process: &Node,
    context: &mut Context<'_>,
) -> Option<(Settings, GateSettings)> {
    let doc: GateSettings = match process.get("gates") {
        Some(node) => context.read(node)?,
        None => GateSettings::default(),
    };
    let settings = Settings {
        evaluate_ms: doc.evaluate_ms.into(),
        windows_scale: doc.windows_scale,
        evidence_min: doc.evidence,
        difference_min: doc.difference_points / 100.0,
        latency_times_max: doc.latency_times,
        latency_above_ms_max: doc.latency_above_ms,
        parity_min: doc.parity / 100.0,
        comparisons_min: doc.comparisons.into(),
        coverage_min: doc.coverage / 100.0,
        blind_after_ms: (doc.blind_after_minutes * MINUTE_MS) as u64,
    };
    Some((settings, doc))
}

/// What a route asks of its gates; `None` if it asks nothing, or something is wrong.
pub(super) fn gates(
    doc: &document::Route,
    node: &Node,
    context: &mut Context<'_>,
) -> Option<GateSpec> {
    let gates = doc.gates.as_ref()?;
    let node = node.find(&["gates"]);
    check_provable(doc, gates, node, context);
    let ladder = ladder(&gates.steps, node.find(&["steps"]), context);
    let schedule = schedule(gates.schedule.as_ref(), node.find(&["schedule"]), context);
    let critical = gates.critical.iter().zip(node.find(&["critical"]).items());
    let critical: Vec<_> =
        critical.map(|(text, node)| context.parse(Code::BadRule, node, text)).collect();
    Some(GateSpec {
        automatic: gates.automatic,
        required: gates.require.iter().map(|gate| required(*gate)).collect(),
        ladder: ladder?,
        dwell: Dwell {
            ms: (gates.dwell_minutes * MINUTE_MS) as u64,
            requests: gates.dwell_requests.into(),
        },
        schedule: schedule?,
        approval: match gates.approval {
            document::Approval::Never => Approval::Never,
            document::Approval::Live => Approval::Live,
            document::Approval::Each => Approval::Each,
        },
        cool_down_ms: (gates.cool_down_minutes * MINUTE_MS) as u64,
        critical: critical.into_iter().collect::<Option<_>>()?,
    })
}

/// A gate that has nothing to look at would be waited for in vain.
fn check_provable(doc: &document::Route, gates: &Gates, node: &Node, context: &mut Context<'_>) {
    let promises =
        doc.slo.as_ref().is_some_and(|slo| slo.availability.is_some() || slo.latency.is_some());
    let is_copied = doc.shadow.is_some();
    for (gate, name, can, hint) in [
        (document::Gate::Burn, "burn", promises, "add `slo = { availability = 99.9 }`"),
        (document::Gate::Parity, "parity", is_copied, "add `shadow = {}`"),
    ] {
        if can || !gates.require.contains(&gate) {
            continue;
        }
        let place = gates.require.iter().position(|required| *required == gate);
        let place = place.and_then(|index| node.find(&["require"]).items().get(index));
        let message = format!("the gate `{name}` can never pass on this route");
        context.push(
            Diagnostic::error(Code::BadGates, message)
                .at(place.unwrap_or(node).place.clone())
                .why("it is required, and has nothing to look at")
                .hint(format!("{hint}, or leave `{name}` out of `gates.require`")),
        );
    }
}

fn required(gate: document::Gate) -> Gate {
    match gate {
        document::Gate::Burn => Gate::Burn,
        document::Gate::Regression => Gate::Regression,
        document::Gate::Latency => Gate::Latency,
        document::Gate::Parity => Gate::Parity,
        document::Gate::Observability => Gate::Observability,
    }
}

fn ladder(steps: &[f64], node: &Node, context: &mut Context<'_>) -> Option<Ladder> {
    let nodes = node.items();
    let percents = steps
        .iter()
        .enumerate()
        .map(|(index, step)| percent(*step, nodes.get(index).unwrap_or(node), context));
    let percents: Option<Vec<Percent>> = percents.collect::<Vec<_>>().into_iter().collect();
    Ladder::new(percents?)
        .map_err(|error| {
            let diagnostic = Diagnostic::error(Code::BadGates, error.to_string());
            context.push(
                diagnostic
                    .at(node.place.clone())
                    .hint("write shares in percent that rise, like `[1, 5, 25, 50, 100]`"),
            );
        })
        .ok()
}

fn schedule(
    doc: Option<&document::Schedule>,
    node: &Node,
    context: &mut Context<'_>,
) -> Option<Schedule> {
    let Some(doc) = doc else { return Some(Schedule::default()) };
    let from_minute = minute(&doc.from, node.find(&["from"]), context);
    let until_minute = minute(&doc.until, node.find(&["until"]), context);
    let days = Days::of(doc.days.iter().map(|day| *day as u8));
    let offset_ms = i64::from(doc.utc_offset_minutes) * MINUTE_MS as i64;
    let blackouts = doc.blackout.iter().zip(node.find(&["blackout"]).items());
    let blackouts: Vec<_> =
        blackouts.map(|(text, node)| blackout(text, offset_ms, node, context)).collect();
    Some(Schedule {
        open: vec![Window { days, from_minute: from_minute?, until_minute: until_minute? }],
        blackouts: blackouts.into_iter().collect::<Option<_>>()?,
        ahead_minutes: doc.utc_offset_minutes,
    })
}

/// The minute of the day.
fn minute(text: &str, node: &Node, context: &mut Context<'_>) -> Option<u16> {
    let number = |text: &str| {
        let is_number = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse::<u16>().ok().filter(|_| is_number)
    };
    let (hours, minutes) = text.split_once(':').unwrap_or((text, ""));
    let of_day = match (number(hours), number(minutes)) {
        (Some(24), Some(0)) => Some(24 * 60),
        (Some(hours @ 0..24), Some(minutes @ 0..60)) => Some(hours * 60 + minutes),
        _ => None,
    };
    if of_day.is_none() {
        bad_time(text, "is no time of the day", "write it like `09:00`", node, context);
    }
    of_day
}

/// First and last day, by the schedule's own clock, as (from, until) in ms since the Unix epoch.
fn blackout(
    text: &str,
    offset_ms: i64,
    node: &Node,
    context: &mut Context<'_>,
) -> Option<(u64, u64)> {
    let (first, last) = text.split_once("..").unwrap_or((text, text));
    let midnight = |day: &str| {
        let utc_ms = day_start(day)?.checked_mul(1_000)?;
        Some(utc_ms.saturating_add_signed(-offset_ms))
    };
    let days = midnight(first).zip(midnight(last)).filter(|(first, last)| first <= last);
    if days.is_none() {
        let hint = "write a day like `2026-12-24`, or `2026-12-24..2027-01-02`";
        bad_time(text, "is no day and no span of days", hint, node, context);
    }
    days.map(|(first, last)| (first, last.saturating_add(DAY_MS)))
}

fn bad_time(text: &str, what: &str, hint: &str, node: &Node, context: &mut Context<'_>) {
    let diagnostic = Diagnostic::error(Code::BadGates, format!("`{text}` {what}"));
    context.push(diagnostic.at(node.place.clone()).hint(hint));
}
