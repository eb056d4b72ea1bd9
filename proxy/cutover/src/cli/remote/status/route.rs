//! What there is to say of one route beside its row: its parity, and what stands against it.

use cutover_control::api::{
    AccountingRow, CoverageRow, EpochRow, LatencyRow, OutlookName, OutlookRow, ParityAnswer,
    ParityRow,
};

use crate::cli::{
    output::{age, utc},
    remote::{percent_in_words, reasons},
};

/// Lines, each with its name.
pub(super) fn lines(answer: &ParityAnswer) -> Vec<String> {
    let mut facts: Vec<(&str, String)> = Vec::new();
    match answer.parity.as_ref().filter(|parity| !is_empty(parity)) {
        Some(parity) => facts.extend(of_parity(parity)),
        None => facts.push(("parity", "unknown: nothing was compared yet".to_owned())),
    }
    let accounting = answer.accounting.as_ref().filter(|accounting| accounting.eligible > 0);
    facts.extend(accounting.map(|accounting| ("copies", copies(accounting))));
    facts.extend(answer.copies.why.iter().map(|why| ("copies", why.clone())));
    // The others are told above.
    let told = ["no_copies", "bound"];
    let blocks = answer.blocks.iter().filter(|block| !told.contains(&block.code.as_str()));
    facts.extend(blocks.map(|block| ("blocks", block.why.clone())));
    if answer.blocks.iter().any(|block| matches!(block.code.as_str(), "regression" | "untestable"))
    {
        facts.push(("see", format!("cutover diffs {}", answer.route)));
    }
    if answer.blocks.iter().any(|block| block.code == "regression") {
        let how = "parity begins anew with the first answer that has another `Cutover-Build` field";
        facts.push(("mended", how.to_owned()));
    }
    aligned(&facts)
}

/// No request came, and none did before.
fn is_empty(parity: &ParityRow) -> bool {
    parity.coverage.seen == 0 && parity.history.is_empty() && parity.counters == Default::default()
}

fn of_parity(parity: &ParityRow) -> Vec<(&'static str, String)> {
    let mut facts = vec![
        ("parity", bound(parity)),
        ("wanted", outlook(&parity.outlook)),
        ("coverage", coverage(&parity.coverage)),
    ];
    let loud = parity.noise.iter().filter(|row| !row.known.is_empty());
    let loud: Vec<String> = loud
        .take(5)
        .map(|row| match row.rate {
            Some(rate) => format!("{} ({} of pairs)", row.path, percent_in_words(rate)),
            None => row.path.clone(),
        })
        .collect();
    if !loud.is_empty() {
        facts.push(("noise", format!("legacy differs from itself at {}", loud.join(", "))));
    }
    let incomparable = &parity.counters.incomparable;
    // Of more than 5 % it is told what they stand against.
    if parity.inconclusive.is_none() && !incomparable.is_empty() {
        facts.push(("unjudged", format!("could not be compared: {}", reasons(incomparable))));
    }
    facts.extend(parity.latency.as_ref().map(|latency| ("latency", difference(latency))));
    facts.extend(parity.history.first().map(|epoch| ("before", before(epoch))));
    facts
}

fn bound(parity: &ParityRow) -> String {
    let counters = &parity.counters;
    let since = utc(parity.since_ms);
    match counters.matches + counters.mismatches {
        0 => format!("unknown: nothing was judged since {since}"),
        judged => format!(
            "{} at least: {} of {judged} answered alike since {since}",
            percent_in_words(parity.bound),
            counters.matches
        ),
    }
}

fn outlook(outlook: &OutlookRow) -> String {
    let target = percent_in_words(outlook.target);
    let seconds = outlook.seconds.map(|seconds| age((seconds * 1_000.0) as u64));
    let time = seconds.map(|time| format!(", {time} at today's rate")).unwrap_or_default();
    match (outlook.state, outlook.comparisons) {
        (OutlookName::Reached, None) => format!("{target}: reached"),
        (OutlookName::Reached, Some(comparisons)) => {
            format!("{target}: reached, but {comparisons} more comparisons are wanted{time}")
        }
        (OutlookName::Ahead, Some(comparisons)) => {
            format!("{target}: {comparisons} more comparisons if all agree{time}")
        }
        _ => format!("{target}: out of reach, waiting does not help"),
    }
}

fn coverage(coverage: &CoverageRow) -> String {
    let missing = match coverage.missing.as_slice() {
        [] => String::new(),
        shapes => format!("; not yet: {}", shapes.join(", ")),
    };
    let overflow = if coverage.overflow { " (it has more than are kept)" } else { "" };
    let CoverageRow { compared, seen, .. } = coverage;
    format!("{compared} of {seen} shapes of request{overflow}{missing}")
}

/// The identity that every copy is held to.
fn copies(accounting: &AccountingRow) -> String {
    let AccountingRow { eligible, compared, dropped, open, .. } = accounting;
    let why = if dropped.is_empty() { String::new() } else { format!(" ({})", reasons(dropped)) };
    let dropped: u64 = dropped.values().sum();
    format!(
        "{eligible} = {compared} compared + {dropped} dropped{why} + {open} under way, since the \
         proxy started"
    )
}

fn difference(latency: &LatencyRow) -> String {
    let LatencyRow { p50_ms, p95_ms, p99_ms, .. } = latency;
    format!("new − legacy: p50 {p50_ms:+.1} ms, p95 {p95_ms:+.1} ms, p99 {p99_ms:+.1} ms")
}

fn before(epoch: &EpochRow) -> String {
    let why = match epoch.cause.as_str() {
        "build" => "new has another build",
        "rules" => "the rules changed",
        "legacy" => "legacy changed",
        "profile" => "more of legacy's noise became known",
        other => other,
    };
    let judged = epoch.counters.matches + epoch.counters.mismatches;
    let (bound, until) = (percent_in_words(epoch.bound), utc(epoch.until_ms));
    format!("{bound} at least of {judged}, until {why} at {until}")
}

/// Names in a column of their own; one that repeats is told once.
fn aligned(facts: &[(&str, String)]) -> Vec<String> {
    let width = facts.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
    let before = std::iter::once("").chain(facts.iter().map(|(name, _)| *name));
    let line = |(last, (name, text)): (&str, &(&str, String))| {
        let shown = if *name == last { "" } else { name };
        format!("{shown:width$}  {text}")
    };
    before.zip(facts).map(line).collect()
}

#[cfg(test)]
mod tests;
