//! Alerts: the committed rules by promtool, and the whole way from a fault to a page, through
//! Debian's Prometheus and Alertmanager.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use e2e::cli;

mod faults;
mod stage;

use faults::{FAULTS, PAGE};
pub(super) use faults::{Fault, find};
pub(super) use stage::Stage;

/// Longest that a page may take where nobody measures.
const PATIENCE: Duration = Duration::from_secs(30);
/// Longest that a page may take with windows divided by 60.
const PAGE_MAX: Duration = Duration::from_secs(5);
/// Longest that it may take with windows as they are.
const MINUTE: Duration = Duration::from_secs(60);

fn rules() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../dashboards/rules")
}

#[tokio::test]
async fn committed_rules_are_valid_and_pass_their_tests() {
    let promtool = Path::new("promtool");
    let check = ["check", "rules", "objectives.yaml", "process.yaml"];
    cli::run(promtool, check, &[], &rules()).await.unwrap().ok().unwrap();
    let test = ["test", "rules", "objectives_test.yaml", "process_test.yaml"];
    cli::run(promtool, test, &[], &rules()).await.unwrap().ok().unwrap();
    let example = ["check-config", "../alertmanager.yml"];
    cli::run(Path::new("amtool"), example, &[], &rules()).await.unwrap().ok().unwrap();
}

/// promtool has no command that only parses, so each query becomes a rule.
#[tokio::test]
async fn queries_of_runbooks_parse() {
    let runbooks = rules().join("../../runbooks");
    let mut rules = String::from("groups:\n  - name: runbooks\n    rules:\n");
    let mut count = 0;
    for entry in std::fs::read_dir(runbooks).unwrap() {
        let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        for block in text.split("```promql\n").skip(1) {
            let query = block.split("\n```").next().unwrap().replace('\n', " ");
            count += 1;
            rules += &format!("      - record: query:{count}\n        expr: {query:?}\n");
        }
    }
    assert!(count > 15, "only {count} queries found");
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("rules.yaml"), rules).unwrap();
    let check = ["check", "rules", "rules.yaml"];
    cli::run(Path::new("promtool"), check, &[], dir.path()).await.unwrap().ok().unwrap();
}

/// Three ways to fail: users get errors, users notice nothing, nobody is served otherwise.
#[tokio::test]
async fn faults_page_and_what_is_healed_falls_silent() {
    let stage = Stage::start(60).await.unwrap();
    for name in ["new_errors", "new_refuses", "files_with_a_mistake"] {
        let fault = find(name);
        page(&stage, fault, PATIENCE).await;
        fault.heal(&stage).await;
    }
    silent(&stage, find("new_errors")).await;
    stage.end().await;
}

/// Nobody has to be awake where a route asks for it.
#[tokio::test]
async fn a_page_takes_the_route_back_that_asks_for_it() {
    let stage = Stage::rolling_back(60).await.unwrap();
    page(&stage, find("new_errors"), PATIENCE).await;
    let legacy = e2e::eventually("legacy to serve", async || {
        (stage.pair.side("/api/v1/devices/1").await.ok()? == "legacy").then_some(())
    });
    legacy.await.unwrap();
    let said = stage.pair.proxy.cutover(&["history", "device-read", "-o", "json"]).await.unwrap();
    assert!(said.stdout.contains("\"trigger\": \"alert\""), "{}", said.stdout);
    let metrics = stage.pair.proxy.metrics().await.unwrap();
    let outcome = [("outcome", "rolled_back")];
    assert_eq!(metrics.sum("cutover_alerts_received_total", &outcome), 1.0);
    stage.end().await;
}

#[tokio::test]
#[ignore = "slow tier (alerts): every fault, each measured"]
async fn every_fault_pages_within_five_seconds() {
    let stage = Stage::start(60).await.unwrap();
    let mut late = Vec::new();
    for fault in FAULTS {
        let took = page(&stage, fault, PATIENCE).await;
        println!("{:24} {:28} {:5.2} s", fault.name, fault.alert, took.as_secs_f64());
        if took > PAGE_MAX {
            late.push((fault.name, took));
        }
        fault.heal(&stage).await;
        silent(&stage, fault).await;
    }
    stage.end().await;
    assert!(late.is_empty(), "later than {PAGE_MAX:?}: {late:?}");
}

#[tokio::test]
#[ignore = "slow tier (alerts): real windows"]
async fn real_windows_page_within_a_minute() {
    let stage = Stage::after_good_hours().await.unwrap();
    let events = "sum(increase(cutover_requests_total{cutover_route=\"device-read\"}[6h]))";
    let hours = |count: Option<f64>| count.is_some_and(|count| count > 900_000.0);
    stage.monitoring.until(events, hours).await.unwrap();
    let took = page(&stage, find("new_errors"), Duration::from_secs(90)).await;
    println!("real windows: {:.1} s", took.as_secs_f64());
    stage.end().await;
    // 14.4 times 0.1 % of an hour are 52 s; sooner, the good hours would not have counted.
    assert!((MINUTE - Duration::from_secs(15)..=MINUTE).contains(&took), "{took:?}");
}

/// Waits until the fault's page is over. Tickets look back for longer than anybody waits here.
pub(super) async fn silent(stage: &Stage, fault: &Fault) {
    let labels = if fault.is_burn() { &[PAGE][..] } else { &[] };
    stage.monitoring.quiet(fault.alert, labels, Duration::from_secs(90)).await.unwrap();
}

/// Injects the fault and waits for its page; gives the time between.
async fn page(stage: &Stage, fault: &Fault, deadline: Duration) -> Duration {
    stage.more_load().await;
    let began = Instant::now();
    fault.inject(stage).await;
    let pager = stage.monitoring.pager();
    let page = pager.page(fault.alert, &fault.page_labels(), began, deadline).await;
    let page =
        page.unwrap_or_else(|late| panic!("{}: {late}; arrived: {:#?}", fault.name, pager.pages()));
    for annotation in ["summary", "mitigation", "runbook_url", "dashboard_url"] {
        assert!(!page.annotations[annotation].is_empty(), "{annotation} of {}", fault.alert);
    }
    page.at.duration_since(began)
}
