//! The newest traces that were kept.

use std::{collections::HashMap, sync::Arc};

use super::{
    Admin,
    dispatch::{Call, Handling},
    failure::Failure,
    reply::Reply,
};
use crate::{
    api::{SpanRow, TraceAnswer, TraceRow, TracesAnswer},
    codes::Code,
    traces::{SpanSeen, TraceSeen},
};

/// Traces without `?limit`.
const DEFAULT: u64 = 50;
/// All that there can be, and more.
const MAX: u64 = 1_000;

pub(super) fn list(admin: Arc<Admin>, call: Call) -> Handling {
    Box::pin(async move {
        let limit = call.query.number("limit", MAX)?.unwrap_or(DEFAULT);
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        Ok(Reply::ok(traces_answer(&admin, call.query.get("route"), limit)))
    })
}

pub(super) fn one(admin: Arc<Admin>, call: Call) -> Handling {
    Box::pin(async move { Ok(Reply::ok(trace_answer(&admin, &call.id)?)) })
}

/// At most `limit` traces, the newest first, of this route if one is given.
pub(super) fn traces_answer(admin: &Admin, route: Option<&str>, limit: usize) -> TracesAnswer {
    let newest = admin.parts.traces.as_ref().map(|traces| traces.newest()).unwrap_or_default();
    let rows = newest.iter().filter_map(row);
    let rows = rows.filter(|row| route.is_none() || row.route.as_deref() == route);
    TracesAnswer {
        at_ms: admin.parts.controller.now_ms(),
        recording: admin.parts.traces.is_some(),
        traces: rows.take(limit).collect(),
    }
}

/// One trace, whole.
pub(super) fn trace_answer(admin: &Admin, id: &str) -> Result<TraceAnswer, Failure> {
    let found = admin.parts.traces.as_ref().and_then(|traces| traces.find(id));
    let answer = found.and_then(|seen| {
        Some(TraceAnswer { trace: row(&seen)?, spans: spans(&seen), cut: seen.is_cut })
    });
    answer.ok_or_else(|| {
        Failure::new(Code::UnknownTrace, format!("no trace `{id}` is kept in this process"))
    })
}

/// `None`: it has no span.
fn row(seen: &TraceSeen) -> Option<TraceRow> {
    let first = seen.spans.first()?;
    let is_copy = first.attribute("cutover.shadow") == Some("true");
    let own = |key: &str| first.attribute(key).map(str::to_owned);
    let (outcome, bad) = outcome(first);
    Some(TraceRow {
        trace_id: seen.trace_id.clone(),
        at_ms: begin(seen) / 1_000_000,
        name: first.name.clone(),
        copy: is_copy,
        route: own("cutover.route.id"),
        side: own("cutover.side"),
        outcome,
        bad,
        duration_ms: millis(first.start_nanos, first.end_nanos),
        reason: own("cutover.sampling.reason"),
        linked: linked(seen),
    })
}

/// What came of it, and whether that is bad.
fn outcome(first: &SpanSeen) -> (String, bool) {
    if let Some(verdict) = first.attribute("cutover.parity.verdict") {
        return (verdict.to_owned(), verdict == "mismatch");
    }
    if let Some(reason) = first.attribute("cutover.shadow.dropped") {
        return (format!("not compared: {reason}"), false);
    }
    let status = first.attribute("http.response.status_code");
    let failure = first.attribute("error.type").filter(|failure| Some(*failure) != status);
    let is_fallback = first.attribute("cutover.fallback") == Some("true");
    let parts = [status, failure, is_fallback.then_some("fallback")];
    let parts: Vec<&str> = parts.into_iter().flatten().collect();
    let told = if parts.is_empty() { "no answer".to_owned() } else { parts.join(", ") };
    (told, first.is_error || is_fallback)
}

/// Other traces that it names, each once.
fn linked(seen: &TraceSeen) -> Vec<String> {
    let mut linked: Vec<String> = Vec::new();
    for span in &seen.spans {
        let named = span.attribute("cutover.shadow.trace_id").into_iter();
        for id in named.chain(span.links.iter().map(|(id, _)| id.as_str())) {
            if id != seen.trace_id && !linked.iter().any(|known| known == id) {
                linked.push(id.to_owned());
            }
        }
    }
    linked
}

fn spans(seen: &TraceSeen) -> Vec<SpanRow> {
    let begin = begin(seen);
    let mut depths: HashMap<&str, usize> = HashMap::new();
    let rows = seen.spans.iter().map(|span| {
        // What is above stands before it.
        let above = span.parent.as_deref().and_then(|parent| depths.get(parent));
        let depth = above.map_or(0, |depth| depth + 1);
        depths.insert(&span.span_id, depth);
        SpanRow {
            span_id: span.span_id.clone(),
            parent: span.parent.clone(),
            depth,
            name: span.name.clone(),
            kind: span.kind.to_owned(),
            start_ms: millis(begin, span.start_nanos),
            duration_ms: millis(span.start_nanos, span.end_nanos),
            error: span.is_error,
            attributes: span.attributes.clone(),
        }
    });
    rows.collect()
}

/// When its first span began, in nanoseconds since 1970.
fn begin(seen: &TraceSeen) -> u64 {
    seen.spans.iter().map(|span| span.start_nanos).min().unwrap_or_default()
}

fn millis(from_nanos: u64, to_nanos: u64) -> f64 {
    to_nanos.saturating_sub(from_nanos) as f64 / 1e6
}
