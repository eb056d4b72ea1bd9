//! The console in a real browser: looked at, judged by axe, and used by keyboard and without
//! scripts.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use e2e::browser::{Browser, Look, key};
use e2e::client::Client;
use e2e::config::{GROUP, Route};
use e2e::load::{Load, Pace, Plan, Shot};
use e2e::rig::{Home, HomePlan};
use e2e::sink::Sink;
use e2e::{Config, Proxy, Rig, session};
use http::Request;
use serde_json::{Value, json};

/// What axe-core is kept as; `tests/all` installs it.
const AXE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../.node/node_modules/axe-core/axe.min.js");
/// Where pictures of pages go, for whoever wants to look.
const PICTURES: &str = concat!(env!("CARGO_TARGET_TMPDIR"), "/console");

/// Devices of Alice's.
const DEVICES: [u32; 6] = [3, 4, 5, 6, 7, 8];

/// Copied in full; each answer has an id of its own, on both sides.
const COPIED: &str = r#"
slo = { availability = 99.9, latency = { target = 95.0, under_ms = 300 } }
shadow = { percent = 100, max_rps = 0, credentials = "forward" }

[[route.rule]]
path = "body.request_id"
reason = "made anew for each answer"
shape = "non-empty"
"#;

/// Another team, with routes that nobody asks at the moment.
const OTHERS: &str = r#"
[group.commands]
owner = "control-team"
salt = "commands-1"
subject = ["path:id"]

[[route]]
id = "command-status"
group = "commands"
match = { methods = ["GET"], path = "/api/v1/commands/{id}" }
legacy = "monolith"
new = "registry"
writes = "safe"
phase = "legacy"

[[route]]
id = "firmware-notes"
group = "commands"
match = { methods = ["GET"], path = "/api/v1/firmware/{id}/notes" }
legacy = "monolith"
new = "registry"
writes = "safe"
phase = "live"
"#;

/// Monolith, registry with a mistake, Cutover, and users.
struct House {
    load: Load,
    proxy: Proxy,
    _home: Home,
    _sink: Sink,
    rig: Rig,
}

impl House {
    /// `device-read` stands where `target` says; `device-list` in `shadow`, with a mistake of new's.
    async fn start(target: &str) -> House {
        let rig = Rig::new().unwrap();
        let plants = "type_in_list,value_in_list".to_owned();
        let home = rig.home(HomePlan { plants, ..HomePlan::default() }).await.unwrap();
        let route = |id, path, target: &str| {
            Route { id, methods: &["GET"], path }.text("monolith", "registry", "safe", target)
        };
        let read = route("device-read", "/api/v1/devices/{id}", &format!("{target}{COPIED}"));
        let list = route("device-list", "/api/v1/devices", &format!("phase = \"shadow\"{COPIED}"));
        let upstreams = [("monolith", home.monolith.url()), ("registry", home.registry.url())];
        let sink = Sink::start().await.unwrap();
        let mut config = Config::new(upstreams).routes(format!("{GROUP}{read}{list}{OTHERS}"));
        config.otlp = sink.url();
        config.sample_ratio = 0.0;
        let proxy = rig.proxy(config).await.unwrap();
        let cookie = session::alice(proxy.addr()).await.unwrap();
        let shot = move |n: u64| {
            let device = DEVICES[usize::try_from(n).unwrap() % DEVICES.len()];
            let path = if n.is_multiple_of(4) {
                "/api/v1/devices".to_owned()
            } else {
                format!("/api/v1/devices/{device}")
            };
            Shot { headers: vec![("cookie", cookie.clone())], ..Shot::get(path) }
        };
        let plan = Plan {
            target: proxy.addr(),
            workers: 4,
            pace: Pace::PerSecond(40.0),
            shots: Arc::new(shot),
        };
        House { load: Load::start(plan), proxy, _home: home, _sink: sink, rig }
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.proxy.admin())
    }

    /// A browser whose user has logged in.
    async fn visit(&self, look: Look) -> Browser {
        let browser = Browser::start(&self.rig, look).await.unwrap();
        browser.open(&self.url("/")).await.unwrap();
        let token = std::fs::read_to_string(self.proxy.token_file()).unwrap();
        browser.type_into("#token", token.trim()).await.unwrap();
        browser.click("button[type=submit]").await.unwrap();
        browser.arrives(|url| url == self.url("/")).await.unwrap();
        browser
    }

    /// Where a route is, by the admin API.
    async fn at(&self, id: &str) -> String {
        let answer: Value = self.proxy.api(&format!("/api/v1/routes/{id}")).await.unwrap();
        answer["route"]["phase"].as_str().unwrap().to_owned()
    }

    /// Delivers an alert about a route, as Alertmanager does.
    async fn page(&self, route: &str, status: &str) {
        let alert = json!({
            "status": status,
            "startsAt": "2026-11-21T08:00:00Z",
            "fingerprint": format!("fingerprint-{route}"),
            "labels": {
                "alertname": "CutoverSLOErrorBudgetBurn", "severity": "page", "window": "1h",
                "cutover_route": route, "cutover_side": "new",
            },
            "annotations": { "summary": format!("The error budget of `{route}` is gone in 2 h") },
        });
        let body = json!({ "version": "4", "alerts": [alert] }).to_string();
        let token = std::fs::read_to_string(self.proxy.token_file()).unwrap();
        let request = Request::post("/api/v1/alerts")
            .header("host", self.proxy.admin().to_string())
            .header("authorization", format!("Bearer {}", token.trim()))
            .header("content-type", "application/json")
            .body(body.into())
            .unwrap();
        let mut client = Client::http1(self.proxy.admin()).await.unwrap();
        let answer = client.ask(request).await.unwrap();
        assert_eq!(answer.status, 200, "{}", answer.text());
    }

    /// The address of a request's trace, whose copy's is kept with it though no ratio chose it and
    /// its answers are alike.
    async fn trace(&self) -> String {
        let kept = async || {
            let found: Value = self.proxy.api("/api/v1/traces?route=device-read").await.ok()?;
            let rows = found["traces"].as_array()?;
            let row = rows.iter().find(|row| row["copy"] == false && !row["linked"].is_null())?;
            let linked = row["linked"][0].as_str()?;
            let copy: Value = self.proxy.api(&format!("/api/v1/traces/{linked}")).await.ok()?;
            let reason = copy["trace"]["reason"].as_str()?;
            (reason == "live").then(|| format!("/traces/{}", row["trace_id"].as_str().unwrap()))
        };
        e2e::eventually("a trace, and its copy's", kept).await.unwrap()
    }

    /// The address of a sample of `device-list`.
    async fn sample(&self) -> String {
        let seen = async || {
            let path = "/api/v1/routes/device-list/samples?limit=1";
            let samples: Value = self.proxy.api(path).await.ok()?;
            samples["samples"][0]["id"].as_str().map(str::to_owned)
        };
        let id = e2e::eventually("a mismatch of device-list", seen).await.unwrap();
        format!("/routes/device-list/samples/{id}")
    }
}

#[tokio::test]
async fn every_page_is_sound_in_every_look() {
    let house = House::start("phase = \"canary\"\npercent = 25.0").await;
    let sample = house.sample().await;
    house.load.more(200).await.unwrap();
    let browser = house.visit(Look::default()).await;
    browser.open(&house.url("/alerts")).await.unwrap();
    is_sound(&browser, "alerts-none-desktop-light", 1_280).await;
    house.page("device-read", "firing").await;
    house.page("device-list", "resolved").await;
    let trace = house.trace().await;
    let pages = [
        ("map", "/"),
        ("traces", "/traces"),
        ("trace", trace.as_str()),
        ("route", "/routes/device-read"),
        ("regression", "/routes/device-list"),
        ("diffs", "/routes/device-list/diffs"),
        ("sample", sample.as_str()),
        ("slos", "/slos"),
        ("journeys", "/journeys"),
        ("alerts", "/alerts"),
        ("runbooks", "/runbooks"),
        ("runbook", "/runbooks/CutoverSLOErrorBudgetBurn?route=device-read"),
        ("decisions", "/decisions"),
        ("audit", "/audit"),
        ("config", "/config"),
        ("refused", "/routes/nowhere"),
    ];
    for (kind, width) in [("desktop", 1_280), ("phone", 320)] {
        for (scheme, is_dark) in [("light", false), ("dark", true)] {
            let look = Look { width, height: 900, is_dark, scripts: true };
            browser.prefer(look).await.unwrap();
            for (name, path) in pages {
                browser.open(&house.url(path)).await.unwrap();
                if name == "trace" {
                    browser.says("#spans", "Where its time went").await.unwrap();
                }
                is_sound(&browser, &format!("{name}-{kind}-{scheme}"), width).await;
            }
        }
    }
    let stranger = Browser::start(&house.rig, Look::default()).await.unwrap();
    stranger.open(&house.url("/")).await.unwrap();
    is_sound(&stranger, "login-desktop-light", 1_280).await;
}

/// Nothing serious for axe, nothing to scroll sideways, and a picture for people.
async fn is_sound(browser: &Browser, name: &str, width: u32) {
    std::fs::create_dir_all(PICTURES).unwrap();
    let picture = browser.picture().await.unwrap();
    std::fs::write(Path::new(PICTURES).join(format!("{name}.png")), picture).unwrap();
    let found = findings(browser).await.with_context(|| name.to_owned()).unwrap();
    assert!(found.is_empty(), "{name}: {found:#?}");
    let wide = browser.run("return document.documentElement.scrollWidth").await.unwrap();
    assert!(wide.as_u64().unwrap() <= u64::from(width), "{name} is {wide} px wide");
}

/// What axe-core finds serious or critical.
async fn findings(browser: &Browser) -> anyhow::Result<Vec<String>> {
    let axe = std::fs::read_to_string(PathBuf::from(AXE))
        .with_context(|| format!("{AXE} is not there: tests/all installs it"))?;
    browser.run(&axe).await?;
    let found = browser
        .run_async("axe.run().then(arguments[arguments.length - 1], error => { throw error })")
        .await?;
    let passes = found["passes"].as_array().map_or(0, Vec::len);
    anyhow::ensure!(passes > 5, "axe has looked at next to nothing: {found}");
    let violations = found["violations"].as_array().context("no violations in axe's answer")?;
    let is_bad = |it: &&Value| matches!(it["impact"].as_str(), Some("serious" | "critical"));
    let told = |it: &Value| format!("{} {} {}", it["impact"], it["id"], it["nodes"]);
    Ok(violations.iter().filter(is_bad).map(told).collect())
}

#[tokio::test]
async fn a_route_goes_forward_and_back_by_keyboard_alone() {
    let house = House::start("phase = \"shadow\"").await;
    let browser = house.visit(Look::default()).await;
    browser.tab_to("a[href='/routes/device-read']").await.unwrap();
    browser.strike([key::ENTER]).await.unwrap();
    browser.arrives(|url| url.ends_with("/routes/device-read")).await.unwrap();

    browser.tab_to("#promote-reason").await.unwrap();
    browser.strike("parity holds".chars().chain([key::ENTER])).await.unwrap();
    browser.arrives(|url| url.contains("?done=")).await.unwrap();
    browser.says(".notice", "shadow → canary 1 %").await.unwrap();
    assert_eq!(house.at("device-read").await, "canary");

    browser.tab_to("button.rollback").await.unwrap();
    browser.strike([key::ENTER]).await.unwrap();
    browser.says(".notice", "canary 1 % → shadow").await.unwrap();
    assert_eq!(house.at("device-read").await, "shadow");
}

#[tokio::test]
async fn a_click_takes_a_route_back_without_scripts_and_is_measured() {
    let house = House::start("phase = \"live\"").await;
    let look = Look { scripts: false, ..Look::default() };
    let browser = house.visit(look).await;
    house.load.more(40).await.unwrap();
    browser.open(&house.url("/routes/device-read")).await.unwrap();
    browser.click("button.rollback").await.unwrap();
    browser.says(".notice.ok", "live → ").await.unwrap();
    assert_eq!(house.at("device-read").await, "legacy", "it was never in shadow");
    let measured = async || {
        browser.open(&house.url("/routes/device-read")).await.ok()?;
        let text = browser.text(".effect").await.ok()?;
        (!text.contains("being watched")).then_some(text)
    };
    let text = e2e::eventually("the last answer of new", measured).await.unwrap();
    let after = |what: &str| {
        let (_, rest) = text.split_once(what).unwrap_or_else(|| panic!("{what} in {text}"));
        rest.split_whitespace().next().unwrap().parse::<f64>()
    };
    let in_force = after("click → in force").unwrap();
    assert!(in_force < 2_000.0, "{text}");
    // Forty requests a second, each of a few milliseconds: none, or one that was under way.
    let last = after("click → new's last answer").unwrap_or_default();
    assert!(last < 2_000.0, "{text}");
}

#[tokio::test]
async fn numbers_and_moves_show_by_themselves() {
    let house = House::start("phase = \"shadow\"").await;
    let browser = house.visit(Look::default()).await;
    browser.open(&house.url("/routes/device-read")).await.unwrap();
    browser.says("#live", "live").await.unwrap();
    let rate = async || {
        let text = browser.text("[data-live='device-read:rps.0']").await.ok()?;
        text.parse::<f64>().ok().filter(|rate| *rate > 5.0)
    };
    e2e::eventually("requests of users, on a page that was not loaded again", rate).await.unwrap();
    house
        .proxy
        .flip(&["promote", "device-read", "--to", "canary", "--percent", "5"])
        .await
        .unwrap();
    browser.says(".stepper", "canary 5 %").await.unwrap();

    // Whoever is typing is not disturbed.
    browser.type_into("#latch-reason", "exam").await.unwrap();
    house.proxy.flip(&["promote", "device-read", "--percent", "25"]).await.unwrap();
    browser.says(".offer", "is new").await.unwrap();
    let typed = browser.run("return document.querySelector('#latch-reason').value").await.unwrap();
    assert_eq!(typed, "exam");
}

#[tokio::test]
async fn a_link_in_a_chat_leads_to_its_page() {
    let house = House::start("phase = \"shadow\"").await;
    let browser = house.visit(Look::default()).await;
    let link = house.url("/routes/device-read");
    browser.open(&format!("data:text/html,<a href='{link}'>look</a>")).await.unwrap();
    browser.click("a").await.unwrap();
    browser.says("h1", "device-read").await.unwrap();
    assert_eq!(browser.url().await.unwrap(), link);
}
