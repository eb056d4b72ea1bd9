//! Moves under load: nobody fails, nobody is served by a side that is no longer in force.

use std::sync::Arc;
use std::time::Instant;

use cutover_domain::bucket;
use e2e::load::{Load, Outcome, Pace, Plan, Shot};
use e2e::rig::Pair;

const SUBJECTS: u32 = 1000;

/// A table that was in force for some time, in microseconds of the load's clock.
#[derive(Debug)]
struct InForce {
    /// New serves the buckets below this.
    below: u16,
    /// When it was asked for: nothing meets it earlier.
    asked_us: u64,
    /// When `--wait` said that it is obeyed: from then on nothing meets an earlier one.
    obeyed_us: u64,
}

/// There and back over every kind of step: into a cohort, growing, live, and home.
const CYCLE: [(&[&str], u16); 4] = [
    (&["promote", "device-read", "--to", "canary", "--percent", "10"], 1_000),
    (&["promote", "device-read", "--percent", "50"], 5_000),
    (&["promote", "device-read", "--to", "live"], 10_000),
    (&["rollback", "device-read"], 0),
];

#[tokio::test]
async fn moves_there_and_back_under_load_fail_nobody_and_misroute_nobody() {
    flip_under_load(200).await;
}

#[tokio::test]
#[ignore = "slow tier: a thousand moves take minutes"]
async fn a_thousand_moves_under_load_fail_nobody_and_misroute_nobody() {
    flip_under_load(1000).await;
}

async fn flip_under_load(count: usize) {
    let pair = Pair::start("phase = \"shadow\"").await.unwrap();
    let shots = Arc::new(|n: u64| {
        let subject = u32::try_from(n.wrapping_mul(7919) % u64::from(SUBJECTS)).unwrap();
        Shot { subject, ..Shot::get(format!("/api/v1/devices/{subject}")) }
    });
    let target = pair.proxy.addr();
    let load = Load::start(Plan { target, workers: 8, pace: Pace::PerSecond(2000.0), shots });
    let mut tables = vec![InForce { below: 0, asked_us: 0, obeyed_us: 0 }];
    let mut effective = Vec::new();
    for (args, below) in CYCLE.into_iter().cycle().take(count) {
        let asked_us = micros(load.began());
        let flip = pair.proxy.flip(args).await.unwrap();
        tables.push(InForce { below, asked_us, obeyed_us: micros(load.began()) });
        effective.push(flip.effective_ms.unwrap());
        // Something must be asked of every table, or it would prove nothing.
        load.more(10).await.unwrap();
    }
    let report = load.stop().await;
    report.assert_all_good();
    assert_eq!(report.resent(), 0, "a move closes no connection");
    let misrouted: Vec<&Outcome> =
        report.outcomes.iter().filter(|it| !is_right(it, &tables)).collect();
    assert!(misrouted.is_empty(), "{} misrouted, such as {:#?}", misrouted.len(), misrouted[0]);
    let decided = report.outcomes.iter().filter(|it| sides(it, &tables).len() == 1).count();
    assert!(
        decided > report.outcomes.len() / 4,
        "the check has to bite: {decided} of {}",
        report.requests()
    );
    let total = pair.legacy.answered() + pair.new.answered();
    assert_eq!(total, report.requests(), "the upstreams answered as often as users asked");
    effective.sort_by(f64::total_cmp);
    let p99 = effective[(effective.len() * 99).div_ceil(100) - 1];
    println!(
        "{count} moves, {} requests: 0 failed, 0 misrouted; in force after p50 {:.1} p99 {p99:.1} ms",
        report.requests(),
        effective[effective.len() / 2]
    );
    assert!(p99 <= 50.0, "in force after {p99} ms at p99");
}

fn is_right(outcome: &Outcome, tables: &[InForce]) -> bool {
    let served_by = outcome.served_by.as_deref().unwrap_or("nobody");
    sides(outcome, tables).contains(&served_by)
}

/// The sides that tables in force at some moment of the request name.
fn sides(outcome: &Outcome, tables: &[InForce]) -> Vec<&'static str> {
    let ends = tables.iter().skip(1).map(|next| next.obeyed_us).chain([u64::MAX]);
    let met = tables
        .iter()
        .zip(ends)
        .filter(|(table, end)| table.asked_us <= outcome.done_us && outcome.sent_us <= *end);
    let bucket = bucket("devices-1", &outcome.subject.to_string());
    let mut sides: Vec<_> =
        met.map(|(table, _)| if bucket < table.below { "new" } else { "legacy" }).collect();
    sides.dedup();
    sides
}

fn micros(began: Instant) -> u64 {
    u64::try_from(began.elapsed().as_micros()).unwrap()
}

/// What `explain` says is what the data plane does, for each phase and many subjects.
#[tokio::test]
async fn explain_names_the_side_that_answers() {
    let pair = Pair::start("phase = \"canary\"\npercent = 37.5").await.unwrap();
    for id in (0..40).map(|n| n * 13) {
        let path = format!("/api/v1/devices/{id}");
        let args = ["explain", "GET", &path, "--output", "json"];
        let said: serde_json::Value = pair.proxy.cutover(&args).await.unwrap().json().unwrap();
        let side = said["route"]["side"].as_str().unwrap_or_else(|| panic!("no side in {said}"));
        assert_eq!(pair.side(&path).await.unwrap(), side, "{said}");
    }
}

/// Operators who move at the same moment: each move is applied to the state that it names, or
/// refused; no revision is given twice.
#[tokio::test]
async fn ten_moves_at_once_end_in_one_order() {
    let pair = Pair::start("phase = \"shadow\"").await.unwrap();
    pair.proxy.flip(&["promote", "device-read", "--to", "canary", "--percent", "1"]).await.unwrap();
    let percents: Vec<String> = (1..=10).map(|n| (n * 5).to_string()).collect();
    let moves = percents.iter().map(async |percent| {
        let more = ["--reason", "race", "--output", "json"];
        let args = [&["promote", "device-read", "--percent", percent][..], &more].concat();
        pair.proxy.cutover(&args).await
    });
    let said = futures_util::future::join_all(moves).await;
    let won = said.iter().filter(|said| said.as_ref().is_ok_and(|said| said.code == 0)).count();
    assert!(won >= 1, "{said:?}");
    let history: serde_json::Value = pair
        .proxy
        .cutover(&["history", "device-read", "--output", "json"])
        .await
        .unwrap()
        .json()
        .unwrap();
    let revisions: Vec<u64> = revisions(&history);
    let mut sorted = revisions.clone();
    sorted.sort_unstable();
    sorted.dedup();
    assert_eq!(sorted.len(), revisions.len(), "each move has its own revision: {history}");
}

fn revisions(value: &serde_json::Value) -> Vec<u64> {
    match value {
        serde_json::Value::Array(items) => items.iter().flat_map(revisions).collect(),
        serde_json::Value::Object(map) => {
            match map.get("revision").and_then(serde_json::Value::as_u64) {
                Some(revision) => vec![revision],
                None => map.values().flat_map(revisions).collect(),
            }
        }
        _ => Vec::new(),
    }
}
