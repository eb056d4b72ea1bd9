//! Many subjects up the ladder and down again: nobody leaves on the way up, nobody joins on the
//! way down.

use std::collections::BTreeSet;
use std::sync::Arc;

use e2e::load::{Load, Pace, Plan, Shot};
use e2e::rig::Pair;

const UP: [&[&str]; 5] = [
    &["promote", "device-read", "--to", "canary", "--percent", "1"],
    &["promote", "device-read", "--percent", "5"],
    &["promote", "device-read", "--percent", "25"],
    &["promote", "device-read", "--percent", "50"],
    &["promote", "device-read", "--percent", "100"],
];
const DOWN: [&[&str]; 5] = [
    &["rollback", "device-read", "--percent", "50"],
    &["rollback", "device-read", "--percent", "25"],
    &["rollback", "device-read", "--percent", "5"],
    &["rollback", "device-read", "--percent", "1"],
    &["rollback", "device-read"],
];
const SHARES: [f64; 5] = [0.01, 0.05, 0.25, 0.5, 1.0];

#[tokio::test]
async fn two_thousand_subjects_climb_and_descend() {
    climb(2_000).await;
}

#[tokio::test]
#[ignore = "slow tier: ten thousand subjects, ten times over"]
async fn ten_thousand_subjects_climb_and_descend() {
    climb(10_000).await;
}

async fn climb(subjects: u32) {
    let pair = Pair::start("phase = \"shadow\"").await.unwrap();
    let mut before = BTreeSet::new();
    for (args, share) in UP.into_iter().zip(SHARES) {
        pair.proxy.flip(args).await.unwrap();
        let now = served_by_new(&pair, subjects).await;
        assert!(before.is_subset(&now), "someone left at {args:?}");
        // Six standard deviations of a fair draw: one false alarm in a billion.
        let (expected, count) = (share * f64::from(subjects), now.len() as f64);
        let bound = 6.0 * (expected * (1.0 - share)).sqrt();
        assert!((count - expected).abs() <= bound, "{count} of {subjects} at {share}");
        before = now;
    }
    for args in DOWN {
        pair.proxy.flip(args).await.unwrap();
        let now = served_by_new(&pair, subjects).await;
        assert!(now.is_subset(&before), "someone joined at {args:?}");
        before = now;
    }
    assert!(before.is_empty());
}

/// Asks for every subject at least once.
async fn served_by_new(pair: &Pair, subjects: u32) -> BTreeSet<u32> {
    let shots = Arc::new(move |n: u64| {
        let subject = u32::try_from(n % u64::from(subjects)).expect("below subjects");
        Shot { subject, ..Shot::get(format!("/api/v1/devices/{subject}")) }
    });
    let load =
        Load::start(Plan { target: pair.proxy.addr(), workers: 8, pace: Pace::Closed, shots });
    load.more(subjects as usize + 8).await.unwrap();
    let report = load.stop().await;
    report.assert_all_good();
    let sides = |side: &'static str| {
        let of_side =
            report.outcomes.iter().filter(move |it| it.served_by.as_deref() == Some(side));
        of_side.map(|it| it.subject).collect::<BTreeSet<u32>>()
    };
    let (legacy, new) = (sides("legacy"), sides("new"));
    assert_eq!(legacy.len() + new.len(), subjects as usize, "everyone was asked");
    assert!(legacy.is_disjoint(&new), "everyone stays on one side");
    new
}
