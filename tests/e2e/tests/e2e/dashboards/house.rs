//! Two routes between monolith and registry, users, and everything that watches them.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use cutover_domain::bucket;
use e2e::certs::Authority;
use e2e::config::{GROUP, PROCESS_FILE, Route, TEAM_FILE};
use e2e::load::{Load, Pace, Plan, Shot};
use e2e::monitoring::{Monitoring, Watch};
use e2e::rig::{Home, HomePlan};
use e2e::sink::Sink;
use e2e::{Config, Proxy, Rig, cli, ports, session, wait};
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

/// Copied, compared, served by legacy; alike in peace.
const COPIED: &str = r#"phase = "shadow"
shadow = { percent = 100, max_rps = 0, credentials = "forward" }

[[route.rule]]
path = "body.request_id"
reason = "made anew for each answer"
shape = "non-empty"

[[route.rule]]
path = "body.devices[].*"
reason = "changes reach the monolith alone here"
ignore = ["value"]
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

/// Nobody takes the route back before the fault was seen everywhere: gates look once.
const LOOK_ONCE: &str = "[gates]\nevaluate_ms = 600000\n";

/// Devices of Alice's.
const DEVICES: [u32; 8] = [3, 4, 5, 6, 7, 8, 11, 12];

/// How long a look may take to show what is waited for, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// One query of `cutover dashboards verify`.
#[derive(Debug, Deserialize)]
pub(super) struct Finding {
    pub(super) dashboard: String,
    pub(super) panel: String,
    pub(super) query: String,
    pub(super) state: String,
    pub(super) detail: Option<String>,
    pub(super) expr: String,
}

#[derive(Deserialize)]
struct Findings {
    items: Vec<Finding>,
}

/// All of it. Of traces only those are kept that say something.
pub(super) struct House {
    pub(super) load: Load,
    pub(super) monitoring: Monitoring,
    pub(super) sink: Sink,
    pub(super) proxy: Proxy,
    pub(super) home: Home,
    _rig: Rig,
    _certs: tempfile::TempDir,
}

// === impl House ===

impl House {
    /// Without a journey yet.
    pub(super) async fn start() -> House {
        let rig = Rig::new().unwrap();
        let home = rig.home(HomePlan::default()).await.unwrap();
        let sink = Sink::start().await.unwrap();
        let upstreams = [("monolith", home.monolith.url()), ("registry", home.registry.url())];
        let mut config = Config::new(upstreams).routes(routes());
        (config.otlp, config.sample_ratio) = (sink.url(), 0.0);
        let certs = tempfile::tempdir().unwrap();
        config.more = format!("{LOOK_ONCE}\n{}", tls(certs.path()));
        let proxy = rig.proxy(config).await.unwrap();
        let load = load(&proxy).await;
        let watch = Watch {
            targets: vec![proxy.admin()],
            config: proxy.dir().join(PROCESS_FILE),
            scale: 60,
            past: None,
            receivers: Vec::new(),
        };
        let monitoring = Monitoring::start(&rig, &watch).await.unwrap();
        House { load, monitoring, sink, proxy, home, _rig: rig, _certs: certs }
    }

    /// From the next reload on, which comes by itself.
    pub(super) fn declare_a_journey(&self) {
        let path = self.proxy.dir().join(TEAM_FILE);
        std::fs::write(path, routes() + JOURNEY).unwrap();
    }

    /// Rates need some scrapes; then every query that has to has an answer.
    pub(super) async fn until_nothing_is_empty(&self) -> Vec<Finding> {
        self.until("dashboards without an empty panel", |findings| {
            findings.iter().all(|finding| finding.state == "ok" || finding.state == "empty_ok")
        })
        .await
    }

    pub(super) async fn until_marked(&self, mark: &str) -> Vec<Finding> {
        let panel = format!("marks / {mark}");
        self.until(&format!("a mark of {mark}"), |findings| {
            findings.iter().any(|finding| finding.panel == panel && finding.state == "ok")
        })
        .await
    }

    /// Looks until it is as wanted; that a query is refused is never wanted.
    pub(super) async fn until(
        &self,
        what: &str,
        is_it: impl Fn(&[Finding]) -> bool,
    ) -> Vec<Finding> {
        let mut last = String::new();
        let found = wait::within(PATIENCE, what, async || {
            let said = self.verify().await;
            assert!(!said.stdout.contains("\"error\""), "a query is refused:\n{}", said.stdout);
            last.clone_from(&said.stderr);
            let findings: Findings = serde_json::from_str(&said.stdout).ok()?;
            is_it(&findings.items).then_some(findings.items)
        })
        .await;
        found.unwrap_or_else(|late| panic!("{late}\n{last}"))
    }

    async fn verify(&self) -> cli::Said {
        let prometheus = format!("http://{}", self.monitoring.prometheus());
        let args = ["dashboards", "verify", "--prometheus", &prometheus];
        let terms = ["--range", "30s", "--scrape", "1s", "--output", "json"];
        self.proxy.cutover(&[&args[..], &terms].concat()).await.unwrap()
    }
}

/// Another listener, whose certificate ends some day.
fn tls(dir: &Path) -> String {
    let server = Authority::new(dir).unwrap().server("server", 100).unwrap();
    let (cert, key, address) = (server.cert.display(), server.key.display(), ports::free());
    format!(
        "[[listener]]\nprotocol = \"http\"\nlisten = \"{address}\"\ntls = {{ cert = \"{cert}\", key = \"{key}\" }}\n"
    )
}

fn routes() -> String {
    let routes = [(READ, "safe", CANARY), (LIST, "safe", COPIED), (CHANGE, "idempotent", "")]
        .map(|(route, writes, target)| route.text("monolith", "registry", writes, target));
    // Nothing keeps both stores in step here; the phases have to be allowed all the same.
    format!("{GROUP}shared_store = true\n{}", routes.concat())
}

async fn load(proxy: &Proxy) -> Load {
    let (of_new, of_legacy): (Vec<u32>, Vec<u32>) =
        DEVICES.iter().partition(|id| bucket("devices-1", &id.to_string()) < 5_000);
    assert!(!of_new.is_empty(), "new serves someone");
    // Read from where it was written, a change is shown at once.
    let changed = *of_legacy.first().expect("so does legacy");
    let cookie = session::alice(proxy.addr()).await.unwrap();
    Load::start(Plan {
        target: proxy.addr(),
        workers: 4,
        pace: Pace::PerSecond(40.0),
        shots: Arc::new(move |n| shot(n, changed, &cookie)),
    })
}

/// Reads of devices and of their list by turns; now and then a change.
fn shot(n: u64, changed: u32, cookie: &str) -> Shot {
    let device = |id: u32| format!("/api/v1/devices/{id}");
    let shot = match n % 8 {
        0 => Shot {
            method: Method::PATCH,
            body: Bytes::from_static(br#"{"name":"Seen"}"#),
            ..Shot::get(device(changed))
        },
        odd if odd % 2 == 1 => Shot::get("/api/v1/devices"),
        _ => Shot::get(device(DEVICES[n as usize / 2 % DEVICES.len()])),
    };
    let json = ("content-type", "application/json".to_owned());
    Shot { headers: vec![("cookie", cookie.to_owned()), json], ..shot }
}
