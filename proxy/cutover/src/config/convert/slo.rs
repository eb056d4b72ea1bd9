//! `slo` of routes: objectives that can be met, and thresholds that can be measured.

use std::collections::BTreeSet;

use cutover_telemetry::metrics::DURATION_SECONDS;

use super::{Context, Item};
use crate::config::{code::Code, diagnostic::Diagnostic, document, node::Node};

/// Most thresholds beside the histogram's own bounds. Each costs one series a route and side.
const THRESHOLDS_MAX: usize = 8;

/// Checks every objective, and gives the thresholds that the histograms need as bounds: a share
/// below a threshold can only be counted where a bucket ends.
pub(super) fn bounds(routes: &[Item<'_, document::Route>], context: &mut Context<'_>) -> Vec<f64> {
    let mut extra: BTreeSet<u32> = BTreeSet::new();
    for item in routes {
        let Some(slo) = &item.doc.slo else { continue };
        if let Some(availability) = slo.availability {
            objective(availability, item.node.find(&["slo", "availability"]), context);
        }
        let Some(latency) = &slo.latency else { continue };
        objective(latency.target, item.node.find(&["slo", "latency", "target"]), context);
        let seconds = f64::from(latency.under_ms) / 1000.0;
        if DURATION_SECONDS.contains(&seconds) || extra.contains(&latency.under_ms) {
            continue;
        }
        if extra.len() == THRESHOLDS_MAX {
            let node = item.node.find(&["slo", "latency", "under_ms"]);
            too_many(node, &extra, context);
            continue;
        }
        extra.insert(latency.under_ms);
    }
    extra.into_iter().map(|ms| f64::from(ms) / 1000.0).collect()
}

/// An objective that can be missed and met.
pub(super) fn objective(percent: f64, node: &Node, context: &mut Context<'_>) {
    if percent > 0.0 && percent < 100.0 {
        return;
    }
    let message = format!("an objective lies above 0 and below 100 %, {percent} does not");
    let diagnostic = Diagnostic::error(Code::SloObjective, message).at(node.place.clone());
    context.push(if percent == 100.0 {
        diagnostic.hint("100 % leaves no budget for a single failure; use 99.9 or 99.99")
    } else {
        diagnostic.hint("write it in percent, like 99.9")
    });
}

fn too_many(node: &Node, extra: &BTreeSet<u32>, context: &mut Context<'_>) {
    let message = format!("more than {THRESHOLDS_MAX} different latency thresholds");
    let standard = DURATION_SECONDS.map(|seconds| format!("{}", seconds * 1000.0));
    let known = extra.iter().map(u32::to_string).chain(standard).collect::<Vec<_>>();
    context.push(
        Diagnostic::error(Code::SloThresholds, message)
            .at(node.place.clone())
            .why("each becomes a bucket of every route's latency histogram")
            .hint(format!("use one that is there already, in ms: {}", known.join(", "))),
    );
}
