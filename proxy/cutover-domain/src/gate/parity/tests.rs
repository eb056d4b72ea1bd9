use super::*;
use crate::parity::{Coverage, Inconclusive, Parity, PathEvidence, PathReport, Standing};

/// A report of so many matches and mismatches, all shapes compared.
fn report(matches: u64, mismatches: u64) -> Report {
    let mut report = Parity::default().report(0.995, 0);
    report.counters.matches = matches;
    report.counters.mismatches = mismatches;
    report.bound = report.counters.bound();
    report.coverage = Coverage { seen: 10, compared: 10, ..Coverage::default() };
    report
}

fn path(text: &str, standing: Standing) -> PathReport {
    PathReport {
        place: Place::At(text.parse().unwrap()),
        counted: PathEvidence::default(),
        ln_evidence: 0.0,
        noise_rate: None,
        standing,
    }
}

fn check(report: &Report, critical: &[&str]) -> Outcome {
    let critical: Vec<Pattern> = critical.iter().map(|text| text.parse().unwrap()).collect();
    answer(Ok(Some(report)), Phase::Canary, &critical, &Settings::default()).outcome
}

#[test]
fn the_bound_counts_and_not_the_share() {
    for (matches, mismatches, expected) in [
        (1_000, 0, "pass"),
        (999, 0, "inconclusive (few_comparisons): 1 more comparisons without a mismatch"),
        (1_000, 2, "inconclusive (few_comparisons): 256 more comparisons without a mismatch"),
        (1_256, 2, "pass"),
        (950, 50, "fail: 50 of 1000 comparisons differ: parity is below 99.50 %"),
        (0, 3, "fail: 3 of 3 comparisons differ: parity is below 99.50 %"),
    ] {
        let found = check(&report(matches, mismatches), &[]).to_string();
        assert_eq!(found, expected, "{matches} and {mismatches}");
    }
}

#[test]
fn a_regression_goes_one_step_back_and_a_critical_one_all_the_way() {
    let mut report = report(10_000, 0);
    report.regressions =
        ["body.name", "body.lock.state"].map(|text| path(text, Standing::Regression)).into();
    let outcome = check(&report, &["body.id"]);
    assert_eq!(outcome.to_string(), "fail: new differs from legacy at `body.name`");
    assert_eq!(outcome.reaction(), Some(Reaction::StepBack));
    let outcome = check(&report, &["body.lock.**"]);
    assert_eq!(outcome.to_string(), "fail: new differs from legacy at `body.lock.state`");
    assert_eq!(outcome.reaction(), Some(Reaction::SafePhase));
}

#[test]
fn what_was_not_judged_is_waited_for() {
    let why = |change: &dyn Fn(&mut Report)| {
        let mut report = report(10_000, 0);
        change(&mut report);
        check(&report, &[]).to_string()
    };
    let noisy = why(&|report| report.untestable = vec![path("body.at", Standing::Untestable)]);
    assert_eq!(
        noisy,
        "inconclusive (untestable): a rule for `body.at`, where legacy differs from itself"
    );
    let coverage = why(&|report| report.coverage.compared = 8);
    assert_eq!(
        coverage,
        "inconclusive (coverage): comparisons of more kinds of requests: 8 of 10 were compared"
    );
    let unjudged =
        why(&|report| report.inconclusive = Some(Inconclusive { eligible: 100, unjudged: 6 }));
    assert_eq!(
        unjudged,
        "inconclusive (few_comparisons): fewer requests that cannot be judged: 6 of 100"
    );
}

#[test]
fn without_copies_there_is_no_parity() {
    let settings = Settings::default();
    let none = |phase| answer(Ok(None), phase, &[], &settings).outcome.as_str();
    assert_eq!((none(Phase::Legacy), none(Phase::Shadow)), ("pass", "inconclusive"));
}
