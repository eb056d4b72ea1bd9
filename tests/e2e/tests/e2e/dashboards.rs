//! Dashboards before a real Prometheus that scrapes a real Cutover: every query has an answer, a
//! fault moves the panels that are there to show it, and no metric goes unseen.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use cutover_domain::bucket;
use e2e::config::{GROUP, PROCESS_FILE, Route};
use e2e::load::{Load, Pace, Plan, Shot};
use e2e::monitoring::{Monitoring, Watch};
use e2e::rig::{Home, HomePlan};
use e2e::{Config, Proxy, Rig, client, session, wait};
use http::Method;
use serde::Deserialize;

const READ: Route<'_> =
    Route { id: "device-read", methods: &["GET"], path: "/api/v1/devices/{id}" };
const CHANGE: Route<'_> =
    Route { id: "device-change", methods: &["PATCH"], path: "/api/v1/devices/{id}" };
const LIST: Route<'_> = Route { id: "device-list", methods: &["GET"], path: "/api/v1/devices" };

/// Half of the devices are served by new, under a promise.
const CANARY: &str = r#"phase = "canary"
percent = 50.0
slo = { availability = 99.9, latency = { target = 95.0, under_ms = 250 } }
"#;

/// Copied, compared, served by legacy.
const COPIED: &str = r#"phase = "shadow"
shadow = { percent = 100, max_rps = 0, credentials = "forward" }

[[route.rule]]
path = "body.request_id"
reason = "made anew for each answer"
shape = "non-empty"
"#;

/// What is changed is to be shown.
const JOURNEY: &str = r#"
[journey.device-state]
start = { route = "device-change" }
end = { route = "device-read" }
correlate = ["path:id", "answer:etag"]
within_ms = 2000
lost_ms = 6000
target = 99.0
"#;

/// Devices of Alice's.
const DEVICES: [u32; 8] = [3, 4, 5, 6, 7, 8, 11, 12];

/// What new does when it fails: everything.
const FAILS: &str = r#"{"kind":"status","status":503}"#;

/// Queries that have an answer neither in peace nor under the fault: nothing that they show occurs
/// here.
const NEVER: &[(&str, &str)] =
    &[("Configuration, store, telemetry / Telemetry", "B"), ("marks / Configuration", "mark")];

/// Panels that a failing new side moves, the value of theirs to look at, and its least then.
const MOVED: &[(&str, &str, &str, &str, f64)] = &[
    ("route", "Requests, errors, duration / Failures", "A", "max", 0.5),
    ("route", "Between the sides / Rescues", "A", "max", 0.5),
    ("route", "Objectives / Burn rate", "A", "max", 14.4),
    ("overview", "Traffic / Failures", "A", "max", 0.2),
    ("slo", "Budgets / Events", "B", "sum", 0.5),
];

/// How names of our metrics begin.
const OURS: &[&str] = &["cutover_", "http_", "process_"];

/// Labels that rules put on.
const LABELS: &[&str] = &["cutover_owner", "cutover_slo"];

/// One query of `cutover dashboards verify`.
#[derive(Debug, Deserialize)]
struct Finding {
    dashboard: String,
    panel: String,
    query: String,
    state: String,
    expr: String,
}

#[derive(Deserialize)]
struct Findings {
    items: Vec<Finding>,
}

/// A house with two routes, users, and who watches them.
struct Watched {
    load: Load,
    monitoring: Monitoring,
    proxy: Proxy,
    home: Home,
    _rig: Rig,
}

#[tokio::test]
async fn every_query_has_an_answer_and_a_fault_moves_the_panels() {
    let watched = Watched::start().await;
    let peace = watched.until_nothing_is_empty().await;
    for (dashboard, panel, query, value, least) in MOVED {
        let expr = format!("{value}({})", expr_of(&peace, dashboard, panel, query));
        let now = watched.monitoring.query(&expr).await.unwrap().unwrap_or_default();
        assert!(now < *least, "{panel} {query} is at {now} in peace");
    }

    watched.home.registry.fault(FAILS).await.unwrap();
    for (dashboard, panel, query, value, least) in MOVED {
        let expr = format!("{value}({})", expr_of(&peace, dashboard, panel, query));
        watched.monitoring.until(&expr, |now| now >= Some(*least)).await.unwrap();
    }
    // New fails, and users notice nothing: it is all in the panels of new.
    let users = expr_of(&peace, "route", "Now / Users are served", "A");
    assert_eq!(watched.monitoring.query(users).await.unwrap(), Some(1.0));
    let fault = watched.until_nothing_is_empty().await;

    watched.proxy.flip(&["rollback", "device-read", "--reason", "new fails"]).await.unwrap();
    let moves =
        expr_of(&peace, "overview", "Where the migration stands / Routes that went back", "A");
    watched.monitoring.until(moves, |now| now > Some(0.5)).await.unwrap();
    let back = watched.until_marked("Phases").await;

    let seen: BTreeSet<_> = [&peace, &fault, &back]
        .into_iter()
        .flatten()
        .filter(|finding| finding.state == "ok")
        .map(|finding| (&*finding.panel, &*finding.query))
        .collect();
    for Finding { panel, query, .. } in &peace {
        let was_seen = seen.contains(&(&**panel, &**query));
        let never = NEVER.contains(&(&**panel, &**query));
        assert!(was_seen != never, "{panel} {query}: seen {was_seen}, said to be never {never}");
    }
    watched.metrics_and_files_agree().await;
    watched.load.stop().await.assert_all_good();
}

impl Watched {
    async fn start() -> Watched {
        let (of_new, of_legacy): (Vec<u32>, Vec<u32>) =
            DEVICES.iter().partition(|id| bucket("devices-1", &id.to_string()) < 5_000);
        assert!(!of_new.is_empty(), "new serves someone");
        // Read from where it was written, a change is shown at once.
        let changed = *of_legacy.first().expect("so does legacy");
        let rig = Rig::new().unwrap();
        let home = rig.home(HomePlan::default()).await.unwrap();
        let upstreams = [("monolith", home.monolith.url()), ("registry", home.registry.url())];
        let routes = [(READ, "safe", CANARY), (LIST, "safe", COPIED), (CHANGE, "idempotent", "")]
            .map(|(route, writes, target)| route.text("monolith", "registry", writes, target));
        // Nothing keeps both stores in step here; the phases have to be allowed all the same.
        let routes = format!("{GROUP}shared_store = true\n{}{JOURNEY}", routes.concat());
        let config = Config::new(upstreams).routes(routes);
        let proxy = rig.proxy(config).await.unwrap();
        let cookie = session::alice(proxy.addr()).await.unwrap();
        let load = Load::start(Plan {
            target: proxy.addr(),
            workers: 4,
            pace: Pace::PerSecond(40.0),
            shots: Arc::new(move |n| shot(n, changed, &cookie)),
        });
        let watch = Watch {
            targets: vec![proxy.admin()],
            config: proxy.dir().join(PROCESS_FILE),
            scale: 60,
            receivers: Vec::new(),
        };
        let monitoring = Monitoring::start(&rig, &watch).await.unwrap();
        Watched { load, monitoring, proxy, home, _rig: rig }
    }

    /// Rates need some scrapes; then every query that has to has an answer.
    async fn until_nothing_is_empty(&self) -> Vec<Finding> {
        self.until("dashboards without an empty panel", |findings| {
            findings.iter().all(|finding| finding.state == "ok" || finding.state == "empty_ok")
        })
        .await
    }

    async fn until_marked(&self, mark: &str) -> Vec<Finding> {
        let panel = format!("marks / {mark}");
        self.until(&format!("a mark of {mark}"), |findings| {
            findings.iter().any(|finding| finding.panel == panel && finding.state == "ok")
        })
        .await
    }

    async fn until(&self, what: &str, is_it: impl Fn(&[Finding]) -> bool) -> Vec<Finding> {
        let mut last = String::new();
        let found = wait::within(Duration::from_secs(60), what, async || {
            let said = self.verify().await;
            assert!(!said.stdout.contains("\"error\""), "a query is refused:\n{}", said.stdout);
            last = said.stderr.clone();
            let findings: Findings = serde_json::from_str(&said.stdout).ok()?;
            is_it(&findings.items).then_some(findings.items)
        })
        .await;
        found.unwrap_or_else(|late| panic!("{late}\n{last}"))
    }

    async fn verify(&self) -> e2e::cli::Said {
        let prometheus = format!("http://{}", self.monitoring.prometheus());
        let args = ["dashboards", "verify", "--prometheus", &prometheus];
        let terms = ["--range", "30s", "--scrape", "1s", "--output", "json"];
        self.proxy.cutover(&[&args[..], &terms].concat()).await.unwrap()
    }

    /// No metric that nobody shows and nobody explains, no name that nobody exposes.
    async fn metrics_and_files_agree(&self) {
        let exposition = client::get(self.proxy.admin(), "/metrics").await.unwrap().text();
        let exposed = families(&exposition);
        assert!(exposed.len() > 40, "{exposed:?}");
        let named: BTreeSet<String> = words(&files()).map(str::to_owned).collect();
        let named: BTreeSet<&str> = named.iter().map(|word| family(word, &exposed)).collect();
        let unseen: Vec<_> = exposed.difference(&named).collect();
        assert!(unseen.is_empty(), "no dashboard, rule or dashboards/README.md has {unseen:?}");
        let labels: BTreeSet<&str> = words(&exposition)
            .filter(|word| exposition.contains(&format!("{word}=\"")))
            .chain(LABELS.iter().copied())
            .collect();
        let is_ours = |word: &&&str| OURS.iter().any(|start| word.starts_with(start));
        let gone = named.difference(&exposed).filter(is_ours);
        let gone: Vec<_> = gone.filter(|word| !labels.contains(**word)).collect();
        assert!(gone.is_empty(), "named in dashboards/ and not exposed: {gone:?}");
    }
}

/// Reads of devices and of their list by turns; now and then a change.
fn shot(n: u64, changed: u32, cookie: &str) -> Shot {
    let device = |id: u32| format!("/api/v1/devices/{id}");
    let shot = match n % 8 {
        0 => Shot {
            method: Method::PATCH,
            body: Bytes::from_static(br#"{"state":{"on":true}}"#),
            ..Shot::get(device(changed))
        },
        odd if odd % 2 == 1 => Shot::get("/api/v1/devices"),
        _ => Shot::get(device(DEVICES[n as usize / 2 % DEVICES.len()])),
    };
    let json = ("content-type", "application/json".to_owned());
    Shot { headers: vec![("cookie", cookie.to_owned()), json], ..shot }
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
    text.split(move |c| !is_word(c)).filter(|word| !word.is_empty())
}
