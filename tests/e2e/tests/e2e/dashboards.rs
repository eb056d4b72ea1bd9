//! Dashboards before a real Prometheus that scrapes a real Cutover: every query has an answer, a
//! fault moves the panels that are there to show it, dots lead to traces that were kept, and no
//! metric goes unseen.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use e2e::client;
use e2e::sink::{Kind, Mood};

mod house;

use house::{Finding, House};

/// What new does when it fails: everything.
const FAILS: &str = r#"{"kind":"status","status":503}"#;

/// Panels that a failing new side moves: dashboard, panel, query, the number to take of it, and what
/// that is at least then, and not before.
const MOVED: &[(&str, &str, &str, &str, f64)] = &[
    ("overview", "Where the migration stands / Alerts", "A", "max", 0.5),
    ("overview", "Traffic / Failures", "A", "max", 0.2),
    ("overview", "Trust / Parity by route", "A", "1 - min", 0.5),
    ("route", "Requests, errors, duration / Failures", "A", "max", 0.5),
    ("route", "Between the sides / Rescues", "A", "max", 0.5),
    ("route", "Objectives and gates / Burn rate", "A", "max", 14.4),
    ("route", "Objectives and gates / Alerts", "A", "max", 0.5),
    ("slo", "Budgets / Events", "B", "max", 2.0),
    ("slo", "How fast they burn / Page, fast: 14.4 over 1 h and 5 m", "B", "max", 14.4),
];

/// How names of our metrics begin.
const OURS: &[&str] = &["cutover_", "http_", "process_"];

/// What begins like a metric and is none: labels that rules put on, a setting of Alertmanager.
const NO_METRICS: &[&str] = &["cutover_owner", "cutover_slo", "http_config"];

#[tokio::test]
async fn every_query_has_an_answer_and_a_fault_moves_the_panels() {
    let house = House::start().await;
    links_lead_to_the_console(&house).await;
    let bare = house.until_nothing_is_empty().await;
    let of_journeys = || bare.iter().filter(|finding| finding.dashboard == "journeys");
    let said = |finding: &Finding| finding.detail.as_deref() == Some("no journey is declared");
    assert!(of_journeys().filter(|finding| finding.query != "mark").all(said), "{bare:#?}");

    house.declare_a_journey();
    let peace = house.until("journeys", |findings| {
        let mut of_journeys = findings.iter().filter(|finding| finding.dashboard == "journeys");
        of_journeys.all(|finding| finding.state == "ok" || finding.query == "mark")
    });
    let peace = peace.await;
    let declared = house.until_marked("Configuration").await;
    for (number, least) in numbers(&peace) {
        let now = house.monitoring.query(&number).await.unwrap().unwrap_or_default();
        assert!(now < least, "{number} is {now} in peace");
    }

    house.home.registry.fault(FAILS).await.unwrap();
    for (number, least) in numbers(&peace) {
        house.monitoring.until(&number, |now| now >= Some(least)).await.unwrap();
    }
    // New fails, and users notice nothing: it is all in the panels of new.
    let users = expr_of(&peace, "route", "Now / Users are served", "A");
    assert_eq!(house.monitoring.query(users).await.unwrap(), Some(1.0));
    let fault = house.until_nothing_is_empty().await;
    dots_lead_to_kept_traces(&house, &peace).await;

    // Nothing is left in peace: the receiver of traces turns away what it is sent.
    house.sink.set_mood(Mood::Refusing);
    house.proxy.flip(&["rollback", "device-read"]).await.unwrap();
    let moves =
        expr_of(&peace, "overview", "Where the migration stands / Routes that went back", "A");
    house.monitoring.until(moves, |now| now > Some(0.5)).await.unwrap();
    let back = house.until_marked("Phases").await;
    let rolled = house.until_marked("Rollbacks").await;
    let deaf = house.until("spans that were dropped", |findings| {
        let place = ("Configuration, store, telemetry / Telemetry", "B");
        findings.iter().any(|it| (&*it.panel, &*it.query) == place && it.state == "ok")
    });
    let deaf = deaf.await;

    nothing_is_always_empty(&[peace, declared, fault, back, rolled, deaf]);
    metrics_and_files_agree(&house).await;
    house.load.stop().await.assert_all_good();
}

/// What [`MOVED`] asks, and the least that it is under the fault.
fn numbers(findings: &[Finding]) -> impl Iterator<Item = (String, f64)> {
    MOVED.iter().map(|(dashboard, panel, query, number, least)| {
        (format!("{number}({})", expr_of(findings, dashboard, panel, query)), *least)
    })
}

/// The dots over a route's durations are requests that new failed, and each has a trace that took
/// as long as the dot says.
async fn dots_lead_to_kept_traces(house: &House, findings: &[Finding]) {
    let query = expr_of(findings, "route", "Requests, errors, duration / Duration", "B");
    let dots = house.monitoring.exemplars(query).await.unwrap();
    let mut of_fallbacks = 0;
    for dot in &dots {
        let kept = |spans: &[e2e::sink::Span]| spans.iter().any(|it| it.kind == Kind::Server);
        let trace = house.sink.until_trace(&dot.trace_id, kept).await.unwrap();
        let span = trace.iter().find(|span| span.span_id == dot.span_id);
        let span = span.unwrap_or_else(|| panic!("{dot:?} is no span of {trace:#?}"));
        let took = (span.end_ns - span.start_ns) as f64 / 1e9;
        assert!((took - dot.value).abs() < 1e-3, "{dot:?} took {took} s");
        of_fallbacks += usize::from(span.attributes["cutover.sampling.reason"] == "fallback");
    }
    assert!(of_fallbacks > 0, "{dots:?}");
    let page = console_page_of(&dots[0].trace_id);
    let page = client::get(house.proxy.admin(), &page).await.unwrap();
    assert!(asks_for_login(&page), "{} {}", page.status, page.text());
}

/// Where Grafana leads from a dot with this label `trace_id`.
fn console_page_of(trace_id: &str) -> String {
    let files = files();
    let (_, link) = files.split_once("- name: trace_id\n").expect("the data source has a link");
    let link = link.trim().lines().next().and_then(|line| line.strip_prefix("url: ")).unwrap();
    let path = link.strip_prefix("http://127.0.0.1:9900").expect("the console is here");
    path.replace("$${__value.raw}", trace_id)
}

/// Whether it is a page of the console, which strangers do not see.
fn asks_for_login(page: &client::Answer) -> bool {
    page.header("location").is_some_and(|to| to.starts_with("/login"))
}

/// Each dashboard leads to a page of the console, which asks a stranger to log in.
async fn links_lead_to_the_console(house: &House) {
    let files = files();
    let mut links = files.split("\"${console}").skip(1).map(|rest| rest.split('"').next().unwrap());
    let lost = client::get(house.proxy.admin(), "/lost").await.unwrap();
    assert_eq!(lost.status, 404);
    let mut count = 0;
    for path in &mut links {
        let path = path.replace("${route}", "device-read");
        let page = client::get(house.proxy.admin(), &path).await.unwrap();
        assert!(asks_for_login(&page), "{path}: {} {}", page.status, page.text());
        count += 1;
    }
    assert_eq!(count, 5);
}

/// What may be empty in peace is there to show something: it did, at some time.
fn nothing_is_always_empty(looks: &[Vec<Finding>]) {
    let is_seen = |finding: &&Finding| finding.state == "ok";
    let place = |finding: &Finding| (finding.panel.clone(), finding.query.clone());
    let seen: BTreeSet<_> = looks.iter().flatten().filter(is_seen).map(place).collect();
    let all: BTreeSet<_> = looks.iter().flatten().map(place).collect();
    assert!(seen.len() > 100, "{}", seen.len());
    let unseen: Vec<_> = all.difference(&seen).collect();
    assert!(unseen.is_empty(), "never with an answer: {unseen:?}");
}

/// No metric that nobody shows and nobody explains, no name that nobody exposes.
async fn metrics_and_files_agree(house: &House) {
    let exposition = client::get(house.proxy.admin(), "/metrics").await.unwrap().text();
    let exposed = families(&exposition);
    assert!(exposed.len() > 40, "{exposed:?}");
    let named: BTreeSet<String> = words(&files()).map(str::to_owned).collect();
    let named: BTreeSet<&str> = named.iter().map(|word| family(word, &exposed)).collect();
    let unseen: Vec<_> = exposed.difference(&named).collect();
    assert!(unseen.is_empty(), "no dashboard, rule or dashboards/README.md has {unseen:?}");
    let labels: BTreeSet<&str> = words(&exposition)
        .filter(|word| exposition.contains(&format!("{word}=\"")))
        .chain(NO_METRICS.iter().copied())
        .collect();
    let is_ours = |word: &&&str| OURS.iter().any(|start| word.starts_with(start));
    let gone = named.difference(&exposed).filter(is_ours);
    let gone: Vec<_> = gone.filter(|word| !labels.contains(**word)).collect();
    assert!(gone.is_empty(), "named in dashboards/ and not exposed: {gone:?}");
}

fn expr_of<'f>(findings: &'f [Finding], dashboard: &str, panel: &str, query: &str) -> &'f str {
    let is_it = |finding: &&Finding| {
        (&*finding.dashboard, &*finding.panel, &*finding.query) == (dashboard, panel, query)
    };
    let found = findings.iter().find(is_it);
    &found.unwrap_or_else(|| panic!("no {query} of {panel} on {dashboard}")).expr
}

/// Names of all metrics, a histogram's parts as one.
fn families(exposition: &str) -> BTreeSet<&str> {
    let types = exposition.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    types.filter_map(|line| line.split(' ').next()).collect()
}

/// The metric that `word` is of, if it is the name of one or of a histogram's part.
fn family<'w>(word: &'w str, exposed: &BTreeSet<&str>) -> &'w str {
    let parts = ["_bucket", "_count", "_sum"].iter().filter_map(|end| word.strip_suffix(end));
    parts.into_iter().find(|family| exposed.contains(family)).unwrap_or(word)
}

/// Everything that names metrics.
fn files() -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../dashboards");
    let in_dir = |dir: PathBuf| fs::read_dir(dir).into_iter().flatten().flatten();
    let paths = in_dir(root.clone()).chain(in_dir(root.join("rules"))).map(|entry| entry.path());
    paths.filter_map(|path| fs::read_to_string(path).ok()).collect()
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    let is_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | ':');
    // A key of YAML ends in a colon, a recorded series has some within.
    text.split(move |c| !is_word(c))
        .map(|word| word.trim_matches(':'))
        .filter(|word| !word.is_empty())
}
