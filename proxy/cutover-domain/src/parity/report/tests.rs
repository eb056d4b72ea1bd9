use crate::parity::{
    Outlook, Parity, Standing,
    tests::{place, value},
};

#[test]
fn a_healthy_candidate() {
    let mut parity = Parity::default();
    (0..598).for_each(|_| _ = parity.judge_simple(&[], true));
    let report = parity.report(0.995, 0);
    assert_eq!(report.parity, Some(1.0));
    assert!(report.bound >= 0.995);
    assert_eq!(report.outlook, Outlook::Reached);
    assert_eq!((report.regressions.len(), report.untestable.len()), (0, 0));
    assert_eq!(report.coverage.share(), Some(1.0));
    assert_eq!((report.inconclusive, report.latency), (None, None));
}

#[test]
fn an_unused_route() {
    let report = Parity::default().report(0.99, 0);
    assert_eq!((report.parity, report.bound, report.coverage.share()), (None, 0.0, None));
    assert_eq!(report.outlook, Outlook::Ahead { comparisons: 299, seconds: None });
}

#[test]
fn paths_stand_by_evidence_and_noise() {
    let mut parity = Parity::default();
    let differences = [
        value("body.broken", true, Some(false)),
        value("body.random", true, Some(true)),
        value("body.steady", false, Some(true)),
    ];
    (0..8).for_each(|_| _ = parity.judge_simple(&[], true));
    (0..7).for_each(|_| _ = parity.judge_simple(&differences[..2], true));
    (0..15).for_each(|_| _ = parity.judge_simple(&differences, true));
    let paths = parity.paths();
    let standings: Vec<_> = paths.iter().map(|path| (path.place.as_str(), path.standing)).collect();
    assert_eq!(
        standings,
        [
            ("body.broken", Standing::Regression),
            ("body.random", Standing::Untestable),
            ("body.steady", Standing::Untestable)
        ]
    );
    assert_eq!(paths.iter().map(|path| path.excess()).collect::<Vec<_>>(), [22, 0, -15]);
    let report = parity.report(0.995, 0);
    assert_eq!(report.regressions.len(), 1);
    assert_eq!(report.untestable.len(), 2);
    assert_eq!(report.untestable[0].noise_rate, Some(22.0 / 30.0));
}

/// The candidate's new build has no evidence yet; legacy is as noisy as before.
#[test]
fn untestable_stays_through_a_new_build() {
    let mut parity = Parity::default();
    let random = [value("body.random", true, Some(true))];
    (0..30).for_each(|_| _ = parity.judge_simple(&random, true));
    parity.reset(crate::parity::Cause::Build, 0);
    let report = parity.report(0.995, 0);
    assert_eq!(report.untestable[0].place, place("body.random"));
    assert_eq!((report.paths, report.untestable.len()), (0, 1));
}
