//! Parity as rows of the API.

use std::collections::BTreeMap;

use cutover_domain::{
    compare::{Action, Kind, Kinds, Rule, Tolerance, day},
    exchange::Dropped,
    parity::{
        Basis, Counters, Epoch, KNOWN_AT, LatencyPercentiles, NoiseProfile, Outlook, Parity,
        PathNoise, PathReport, Place, Report, Standing,
    },
};

use super::COMPARISONS_MIN;
use crate::{
    api::{
        AccountingRow, BasisRow, CountersRow, CoverageRow, EpochRow, InconclusiveRow, LatencyRow,
        NoiseRow, OutlookName, OutlookRow, ParityRow, PathRow, RuleRow, StandingName,
        SuggestionRow, ToleranceRow,
    },
    comparisons::{Accounting, Seen, Suggestion},
};

/// Most paths of noise that are told.
const NOISE_MAX: usize = 100;

pub(in crate::admin) fn accounting_row(accounting: &Accounting) -> AccountingRow {
    AccountingRow {
        eligible: accounting.eligible,
        compared: accounting.compared(),
        matches: accounting.matches,
        mismatches: accounting.mismatches,
        noisy: accounting.noisy,
        incomparable: accounting.incomparable,
        dropped: reasons(accounting.dropped.iter().map(|(why, count)| (why.as_str(), *count))),
        open: accounting.open(),
    }
}

/// `now`: seconds since 1970.
pub(super) fn parity_row(seen: &Seen, report: &Report, target: f64, now: u64) -> ParityRow {
    let parity = &seen.parity;
    let snapshot = parity.snapshot();
    let path = |path: &PathReport| path_row(path, &snapshot.noise);
    let basis = BasisRow { noise: Some(report.noise_version), ..basis_row(&snapshot.basis) };
    ParityRow {
        since_ms: since_ms(parity),
        point: report.parity,
        bound: report.bound,
        counters: counters_row(&report.counters),
        outlook: outlook_row(
            report.outlook,
            target,
            report.counters.judged(),
            snapshot.pace.per_second(now),
        ),
        pairs: report.pairs,
        coverage: CoverageRow {
            share: report.coverage.share(),
            seen: report.coverage.seen as u64,
            compared: report.coverage.compared as u64,
            missing: report.coverage.missing.iter().map(ToString::to_string).collect(),
            overflow: report.coverage.overflow,
        },
        paths: report.paths as u64,
        ln_threshold: report.threshold,
        regressions: report.regressions.iter().map(path).collect(),
        untestable: report.untestable.iter().map(path).collect(),
        noise: noise_rows(parity, &seen.suggestions),
        latency: report.latency.map(latency_row),
        inconclusive: report.inconclusive.map(|inconclusive| InconclusiveRow {
            eligible: inconclusive.eligible,
            unjudged: inconclusive.unjudged,
        }),
        basis,
        history: snapshot.history.iter().rev().map(epoch_row).collect(),
    }
}

pub(in crate::admin) fn since_ms(parity: &Parity) -> u64 {
    parity.snapshot().since.saturating_mul(1_000)
}

/// What legacy disagrees with itself about, most often first.
pub(in crate::admin) fn noise_rows(parity: &Parity, suggestions: &[Suggestion]) -> Vec<NoiseRow> {
    let noise = &parity.snapshot().noise;
    let mut paths: Vec<(&Place, &PathNoise)> =
        noise.paths.iter().filter(|(_, at)| at.pairs > 0).collect();
    paths.sort_by_key(|(_, at)| std::cmp::Reverse(at.pairs));
    let row = |(place, at): &(&Place, &PathNoise)| NoiseRow {
        path: place.to_string(),
        rate: noise.rate(place),
        pairs: at.pairs,
        kinds: reasons(at.kinds.iter().map(|(kind, count)| (kind.as_str(), *count))),
        known: known(noise, place).iter().map(ToString::to_string).collect(),
        suggestion: suggestion_row(place.as_str(), suggestions),
    };
    paths.iter().take(NOISE_MAX).map(row).collect()
}

fn known(noise: &NoiseProfile, place: &Place) -> Vec<Kind> {
    let is_known = |kind: &Kind| noise.observations(place, *kind) >= KNOWN_AT;
    Kind::ALL.into_iter().filter(is_known).collect()
}

/// The rule suggested for a path.
pub(in crate::admin) fn suggestion_row(
    path: &str,
    suggestions: &[Suggestion],
) -> Option<SuggestionRow> {
    let found = suggestions.iter().find(|found| found.rule.pattern.as_str() == path)?;
    Some(SuggestionRow { rule: rule_row(&found.rule), why: found.why.clone() })
}

/// What the evidence at a path comes to.
pub(in crate::admin) fn standing(path: &PathReport, noise: &NoiseProfile) -> StandingName {
    match path.standing {
        Standing::Regression => StandingName::Regression,
        Standing::Untestable => StandingName::Untestable,
        Standing::Open if known(noise, &path.place).is_empty() => StandingName::Suspect,
        Standing::Open => StandingName::Noise,
    }
}

/// A rule as a file has it.
pub(in crate::admin) fn rule_row(rule: &Rule) -> RuleRow {
    let row = RuleRow {
        path: rule.pattern.to_string(),
        reason: rule.reason.to_string(),
        expires: rule.expires.map(last_day),
        ..RuleRow::default()
    };
    match &rule.action {
        Action::Ignore(Kinds::UNGUARDED) => RuleRow { ignore: Some(Vec::new()), ..row },
        Action::Ignore(kinds) => {
            RuleRow { ignore: Some(kinds.iter().map(|kind| kind.to_string()).collect()), ..row }
        }
        Action::Tolerate(allowed) => RuleRow { tolerate: Some(tolerance_row(allowed)), ..row },
        Action::Unordered { key } => RuleRow { unordered_by: Some(key.to_string()), ..row },
        Action::Shape(format) => RuleRow { shape: Some(format.to_string()), ..row },
        Action::Renamed { space } => RuleRow { renamed: Some(space.to_string()), ..row },
        Action::Normalise(steps) => {
            RuleRow { normalise: Some(steps.iter().map(ToString::to_string).collect()), ..row }
        }
        Action::Compare => RuleRow { compare: true, ..row },
    }
}

fn tolerance_row(tolerance: &Tolerance) -> ToleranceRow {
    let none = ToleranceRow::default();
    match tolerance {
        Tolerance::Order => ToleranceRow { order: true, ..none },
        Tolerance::Extra => ToleranceRow { extra: true, ..none },
        Tolerance::Number(distance) => ToleranceRow { number: Some(distance.to_string()), ..none },
        Tolerance::Time { within_ms } => ToleranceRow { time_ms: Some(*within_ms), ..none },
    }
}

fn last_day(expires: u64) -> String {
    day(expires.saturating_sub(1))
}

fn path_row(path: &PathReport, noise: &NoiseProfile) -> PathRow {
    PathRow {
        path: path.place.to_string(),
        standing: standing(path, noise),
        excess: path.excess(),
        only_new: path.counted.only_candidate,
        only_legacy: path.counted.only_reference,
        both: path.counted.both,
        unpaired: path.counted.unpaired,
        ln_evidence: path.ln_evidence,
        noise_rate: path.noise_rate,
        regressed_after: path.counted.regressed_after,
    }
}

/// Requests that could not be judged, by reason: what makes a bound inconclusive.
pub(in crate::admin) fn unjudged(counters: &Counters) -> BTreeMap<String, u64> {
    let incomparable = counters.incomparable.iter().map(|(why, n)| (why.as_str(), *n));
    let breaker = counters.dropped.get(&Dropped::Breaker).copied().unwrap_or_default();
    reasons(incomparable.chain([(Dropped::Breaker.as_str(), breaker)]))
}

fn counters_row(counters: &Counters) -> CountersRow {
    CountersRow {
        matches: counters.matches,
        mismatches: counters.mismatches,
        noisy: counters.noisy,
        incomparable: reasons(counters.incomparable.iter().map(|(why, n)| (why.as_str(), *n))),
        dropped: reasons(counters.dropped.iter().map(|(why, n)| (why.as_str(), *n))),
    }
}

/// `judged`: so many were already; `per_second`: so many are today.
fn outlook_row(outlook: Outlook, target: f64, judged: u64, per_second: f64) -> OutlookRow {
    let (state, comparisons) = match outlook {
        Outlook::Reached => (OutlookName::Reached, 0),
        Outlook::Ahead { comparisons, .. } => (OutlookName::Ahead, comparisons),
        Outlook::Below => {
            let state = OutlookName::Below;
            return OutlookRow { target, state, comparisons: None, seconds: None };
        }
    };
    // A verdict wants both, the bound and the number.
    let comparisons = comparisons.max(COMPARISONS_MIN.saturating_sub(judged));
    let comparisons = (comparisons > 0).then_some(comparisons);
    let seconds = comparisons.filter(|_| per_second > 0.0).map(|n| n as f64 / per_second);
    OutlookRow { target, state, comparisons, seconds }
}

fn latency_row(latency: LatencyPercentiles) -> LatencyRow {
    let ms = |micros: i64| micros as f64 / 1_000.0;
    LatencyRow {
        count: latency.count,
        p50_ms: ms(latency.p50_micros),
        p95_ms: ms(latency.p95_micros),
        p99_ms: ms(latency.p99_micros),
    }
}

fn epoch_row(epoch: &Epoch) -> EpochRow {
    EpochRow {
        since_ms: epoch.since.saturating_mul(1_000),
        until_ms: epoch.until.saturating_mul(1_000),
        cause: epoch.cause.as_str().to_owned(),
        basis: basis_row(&epoch.basis),
        counters: counters_row(&epoch.counters),
        bound: epoch.counters.bound(),
        pairs: epoch.pairs,
        regressions: epoch.regressions.iter().map(ToString::to_string).collect(),
    }
}

fn basis_row(basis: &Basis) -> BasisRow {
    let known = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    BasisRow {
        build: known(&basis.build),
        rules: known(&basis.rules),
        legacy: known(&basis.legacy),
        noise: None,
    }
}

/// What occurred, by name.
fn reasons<'n>(counts: impl Iterator<Item = (&'n str, u64)>) -> BTreeMap<String, u64> {
    let counts = counts.filter(|(_, count)| *count > 0);
    counts.map(|(name, count)| (name.to_owned(), count)).collect()
}

#[cfg(test)]
mod tests;
