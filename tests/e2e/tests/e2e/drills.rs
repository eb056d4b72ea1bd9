//! Drills: a fault, the page about it, and the page's own runbook, run block by block, until users
//! are well again. Each also without the block that mitigates: then users must not recover, or the
//! runbook would be praised for what went by itself.

use std::path::Path;
use std::time::{Duration, Instant};

use e2e::load::{Load, Outcome};
use e2e::monitoring::Page;

use super::alerts::{Fault, Stage, find, silent as wait_for_silence};

/// Longest that a page, or a recovery, may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// Longest from the fault to users who are well.
const RECOVERED_MAX: Duration = Duration::from_secs(120);
/// The same where the route asks to be taken back.
const AUTOMATIC_MAX: Duration = Duration::from_secs(12);
/// Users are well when so many of them in a row are.
const IN_A_ROW: usize = 20;
/// What a user takes for an answer.
const WELL_WITHIN: Duration = Duration::from_millis(250);

/// Faults of new on `device-read`, which its users feel.
const DRILLS: [&str; 3] = ["new_errors", "new_slow", "new_hangs"];

/// Moments of a drill, from the fault on.
#[derive(Debug)]
struct Took {
    fault: &'static str,
    runbook: String,
    detect: Duration,
    decide: Duration,
    mitigate: Duration,
    recover: Duration,
    silent: Duration,
}

#[tokio::test]
async fn new_fails_and_its_runbook_helps() {
    drill("new_errors", true).await;
}

#[tokio::test]
async fn new_is_slow_and_its_runbook_helps() {
    drill("new_slow", true).await;
}

#[tokio::test]
async fn new_fails_and_without_mitigation_nobody_recovers() {
    drill("new_errors", false).await;
}

#[tokio::test]
#[ignore = "slow tier (alerts): every drill, measured, its table written"]
async fn every_drill_with_and_without_mitigation() {
    let mut rows = Vec::new();
    for fault in DRILLS {
        let took = drill(fault, true).await.expect("a drill that mitigates measures");
        println!("{took:#?}");
        assert!(took.recover <= RECOVERED_MAX, "{took:?}");
        rows.push(took);
        drill(fault, false).await;
    }
    write_table(&rows);
}

#[tokio::test]
#[ignore = "slow tier (alerts): the way back without anybody, measured"]
async fn nobody_wakes_up_and_users_are_well() {
    let stage = Stage::rolling_back(60).await.unwrap();
    stage.more_load().await;
    let (fault, began) = (find("new_errors"), Instant::now());
    fault.inject(&stage).await;
    let page = paged(&stage, fault, began).await;
    let before = stage.load().done();
    let well = until_well(&stage, before).await - began;
    println!("automatic: page {:.1} s, users well {:.1} s", secs(page.at - began), secs(well));
    stage.end().await;
    assert!(well <= AUTOMATIC_MAX, "{well:?}");
}

/// With `mitigate`: until users are well and the alert is over. Without: as long as it would have
/// taken, and nobody may be well.
async fn drill(name: &'static str, mitigate: bool) -> Option<Took> {
    let stage = Stage::start(60).await.unwrap();
    stage.more_load().await;
    let fault = find(name);
    let began = Instant::now();
    fault.inject(&stage).await;
    let page = paged(&stage, fault, began).await;
    let (detect, runbook) = (page.at - began, runbook(&page));
    block(&stage, &runbook, "diagnose", &[]).await;
    let decide = began.elapsed();
    if !mitigate {
        let before = stage.load().done();
        stage.load().more(4 * IN_A_ROW).await.unwrap();
        let outcomes = stage.load().report_since(before).outcomes;
        assert!(well_since(stage.load(), &outcomes).is_none(), "users recovered by themselves");
        stage.end().await;
        return None;
    }
    let before = stage.load().done();
    block(&stage, &runbook, "mitigate", &["--yes"]).await;
    let mitigate = began.elapsed();
    let recover = until_well(&stage, before).await - began;
    block(&stage, &runbook, "verify", &[]).await;
    wait_for_silence(&stage, fault).await;
    let silent = began.elapsed();
    stage.end().await;
    Some(Took { fault: name, runbook, detect, decide, mitigate, recover, silent })
}

/// When users were well again, of those who came after `before`.
async fn until_well(stage: &Stage, before: usize) -> Instant {
    let well = e2e::wait::within(PATIENCE, "users who are well", async || {
        well_since(stage.load(), &stage.load().report_since(before).outcomes)
    });
    well.await.unwrap()
}

async fn paged(stage: &Stage, fault: &Fault, began: Instant) -> Page {
    let pager = stage.monitoring.pager();
    let page = pager.page(fault.alert, &fault.page_labels(), began, PATIENCE).await;
    page.unwrap_or_else(|late| panic!("{late}; arrived: {:#?}", pager.pages()))
}

/// The runbook that the page links to.
fn runbook(page: &Page) -> String {
    let url = &page.annotations["runbook_url"];
    url.rsplit('/').next().expect("a link has a last part").to_owned()
}

/// Runs one block as whoever was woken would.
async fn block(stage: &Stage, runbook: &str, block: &str, more: &[&str]) {
    let args = ["runbook", "run", runbook, "--var", "ROUTE=device-read", "--block", block];
    let args: Vec<&str> = args.iter().chain(more).copied().collect();
    stage.pair.proxy.cutover(&args).await.unwrap().ok().unwrap();
}

/// When the first of [`IN_A_ROW`] users who are well was.
fn well_since(load: &Load, outcomes: &[Outcome]) -> Option<Instant> {
    let reads: Vec<&Outcome> = outcomes.iter().filter(|outcome| outcome.kind == 0).collect();
    let row = reads.windows(IN_A_ROW).find(|row| row.iter().all(|outcome| is_well(outcome)))?;
    Some(load.began() + Duration::from_micros(row[0].done_us))
}

fn secs(time: Duration) -> f64 {
    time.as_secs_f64()
}

fn is_well(outcome: &Outcome) -> bool {
    outcome.good && Duration::from_micros(outcome.done_us - outcome.sent_us) < WELL_WITHIN
}

/// Between the markers of the runbooks' README.
fn write_table(rows: &[Took]) {
    const BEGIN: &str = "<!-- drills -->\n";
    const END: &str = "<!-- /drills -->";
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../runbooks/README.md");
    let text = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = text.split_once(BEGIN).expect("the README has the markers");
    let (_, after) = rest.split_once(END).expect("the README has both markers");
    let mut table = String::from(
        "| fault | runbook | page | decided | mitigated | users well | alert over | without mitigation |\n\
         |---|---|---|---|---|---|---|---|\n",
    );
    for row in rows {
        let seconds = |time: Duration| format!("{:.1}", secs(time));
        let Took { fault, runbook, detect, decide, mitigate, recover, silent } = row;
        let times = [detect, decide, mitigate, recover, silent].map(|time| seconds(*time));
        table += &format!(
            "| {fault} | [{runbook}]({runbook}.md) | {} | not well |\n",
            times.join(" | ")
        );
    }
    std::fs::write(&path, format!("{before}{BEGIN}{table}{END}{after}")).unwrap();
}
