//! A route moves there and back; who is served by whom at each point, and what happens when new
//! fails.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use cutover_domain::bucket;
use e2e::client::{self, Client};
use e2e::config::{GROUP, Route, device_read};
use e2e::load::{Load, Pace, Plan, Shot};
use e2e::rig::{HomePlan, Pair};
use e2e::upstream::{Fault, Upstream};
use e2e::{Config, Rig, eventually};
use http::Request;

fn path(id: u32) -> String {
    format!("/api/v1/devices/{id}")
}

/// Which of the first `count` devices new serves.
async fn served_by_new(pair: &Pair, count: u32) -> BTreeSet<u32> {
    let mut client = Client::http1(pair.proxy.addr()).await.unwrap();
    let mut devices = BTreeSet::new();
    for id in 0..count {
        let answer = client.get(&path(id)).await.unwrap();
        if answer.header("x-served-by") == Some("new") {
            devices.insert(id);
        }
    }
    devices
}

#[tokio::test]
async fn a_route_goes_there_and_back_and_everything_else_stays() {
    let pair = Pair::start("phase = \"legacy\"").await.unwrap();
    let count = 400;
    assert!(served_by_new(&pair, count).await.is_empty());
    let mut before = BTreeSet::new();
    let ladder: [(&[&str], u16); 6] = [
        (&["--to", "shadow"], 0),
        (&["--to", "canary", "--percent", "10"], 1_000),
        (&["--percent", "25"], 2_500),
        (&["--percent", "50"], 5_000),
        (&["--percent", "99.5"], 9_950),
        (&["--to", "live"], 10_000),
    ];
    for (to, below) in ladder {
        let args: Vec<&str> = ["promote", "device-read"].iter().chain(to).copied().collect();
        pair.proxy.flip(&args).await.unwrap();
        let now = served_by_new(&pair, count).await;
        let expected =
            (0..count).filter(|id| bucket("devices-1", &id.to_string()) < below).collect();
        assert_eq!(now, expected, "{to:?}");
        assert!(before.is_subset(&now), "someone left on the way up to {to:?}");
        before = now;
        assert_eq!(pair.side("/elsewhere").await.unwrap(), "legacy");
    }
    pair.proxy.flip(&["rollback", "device-read"]).await.unwrap();
    assert!(served_by_new(&pair, count).await.is_empty());
    let status: serde_json::Value = pair
        .proxy
        .cutover(&["status", "device-read", "--output", "json"])
        .await
        .unwrap()
        .json()
        .unwrap();
    assert!(
        status.to_string().contains("\"shadow\""),
        "a rollback leads to the safe phase: {status}"
    );
}

#[tokio::test]
async fn a_safe_request_that_new_fails_is_answered_by_legacy() {
    let pair = Pair::start_with("phase = \"live\"\ntimeouts = { first_byte_ms = 300 }", |_| {})
        .await
        .unwrap();
    assert_eq!(pair.side(&path(1)).await.unwrap(), "new");
    let faults = [
        Fault::Status(502),
        Fault::Status(503),
        Fault::Status(504),
        Fault::Reset,
        Fault::Hang,
        Fault::Refuse,
    ];
    for fault in faults {
        pair.new.set(fault).await;
        assert_eq!(pair.side(&path(1)).await.unwrap(), "legacy", "{fault:?}");
    }
    pair.new.set(Fault::None).await;
    assert_eq!(pair.side(&path(1)).await.unwrap(), "new");
    // What the application itself says is no reason to ask elsewhere.
    for status in [404, 500] {
        pair.new.set(Fault::Status(status)).await;
        let answer = pair.get(&path(1)).await.unwrap();
        assert_eq!((answer.status.as_u16(), answer.header("x-served-by")), (status, Some("new")));
    }
    let fallbacks = eventually("the fallbacks' count", async || {
        let metrics = pair.proxy.metrics().await.ok()?;
        let labels = [("cutover_route", "device-read"), ("outcome", "fallback")];
        (metrics.sum("cutover_requests_total", &labels) == 6.0).then_some(())
    });
    fallbacks.await.unwrap();
}

#[tokio::test]
async fn a_write_that_new_owns_is_never_sent_to_legacy() {
    let pair = Pair::start_with("phase = \"live\"", |config| {
        config.routes = config.routes.replace("[[route]]", "shared_store = true\n\n[[route]]");
        config.routes.push_str(
            "\n[[route]]\nid = \"device-rename\"\ngroup = \"devices\"\n\
             match = { methods = [\"PUT\", \"POST\"], path = \"/api/v1/devices/{id}\" }\n\
             legacy = \"legacy\"\nnew = \"new\"\nwrites = \"idempotent\"\nphase = \"live\"\n",
        );
    })
    .await
    .unwrap();
    pair.new.set(Fault::Refuse).await;
    let request = Request::put(path(1)).body("name".into()).unwrap();
    let answer = Client::http1(pair.proxy.addr()).await.unwrap().ask(request).await.unwrap();
    assert_eq!(answer.status, 503, "{}", answer.text());
    assert!(answer.headers.contains_key("retry-after"));
    assert_eq!(pair.legacy.asked_for(&path(1)), 0, "legacy must not see a write that new owns");
}

#[tokio::test]
async fn a_retired_route_never_calls_legacy() {
    let pair = Pair::start("phase = \"live\"").await.unwrap();
    pair.proxy.flip(&["promote", "device-read", "--to", "retired"]).await.unwrap();
    pair.new.set(Fault::Status(503)).await;
    assert_eq!(pair.get(&path(1)).await.unwrap().status, 503);
    assert_eq!(pair.legacy.asked_for(&path(1)), 0);
    let back =
        pair.proxy.cutover(&["rollback", "device-read", "--reason", "no way back"]).await.unwrap();
    assert_eq!(back.code, 1, "{back:?}");
}

#[tokio::test]
async fn kill_9_of_new_under_load_costs_no_user_anything() {
    let rig = Rig::new().unwrap();
    let home = rig.home(HomePlan::default()).await.unwrap();
    let proxy = rig.proxy(home.config("phase = \"live\"")).await.unwrap();
    let login = Request::post("/login")
        .header("content-type", "application/x-www-form-urlencoded")
        .body("login=alice&password=sesame".into())
        .unwrap();
    let answer = Client::http1(proxy.addr()).await.unwrap().ask(login).await.unwrap();
    let cookie = answer.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
    let shots = Arc::new(move |n: u64| Shot {
        headers: vec![("cookie", cookie.clone())],
        ..Shot::get(path([3, 4, 5, 6, 7, 11, 12, 14][n as usize % 8]))
    });
    let load = Load::start(Plan { target: proxy.addr(), workers: 16, pace: Pace::Closed, shots });
    load.more(500).await.unwrap();
    assert!(
        home.registry.access_log().count(|line| line.status == 200).unwrap() > 100,
        "registry serves"
    );
    home.registry.process().kill().await.unwrap();
    load.more(1000).await.unwrap();
    let report = load.stop().await;
    report.assert_all_good();
}

#[tokio::test]
async fn hold_keeps_a_route_from_moving_forward_but_not_back() {
    let pair = Pair::start("phase = \"shadow\"").await.unwrap();
    let cutover = async |args: &[&str]| pair.proxy.cutover(args).await.unwrap();
    cutover(&["hold", "device-read", "--reason", "a drill"]).await.ok().unwrap();
    let refused =
        cutover(&["promote", "device-read", "--to", "canary", "--percent", "5", "--reason", "r"])
            .await;
    assert_eq!(refused.code, 1, "{refused:?}");
    assert!(refused.stderr.contains("release"), "says what to do: {}", refused.stderr);
    cutover(&["release", "device-read", "--reason", "it is over"]).await.ok().unwrap();
    pair.proxy
        .flip(&["promote", "device-read", "--to", "canary", "--percent", "100"])
        .await
        .unwrap();
    assert_eq!(pair.side(&path(1)).await.unwrap(), "new");
    cutover(&["hold", "device-read", "--reason", "again"]).await.ok().unwrap();
    pair.proxy.flip(&["rollback", "device-read"]).await.unwrap();
    assert_eq!(pair.side(&path(1)).await.unwrap(), "legacy");
}

#[tokio::test]
async fn a_canary_whose_requests_name_no_subject_does_not_step_up() {
    let rig = Rig::new().unwrap();
    let upstream = Upstream::start("one").await.unwrap();
    let list = Route { id: "device-list", methods: &["GET"], path: "/api/v1/devices" };
    let target = "phase = \"canary\"\npercent = 5.0";
    let routes = format!("{GROUP}{}", list.text("legacy", "new", "safe", target));
    let urls =
        [("legacy", upstream.url()), ("new", upstream.url().replace("127.0.0.1", "localhost"))];
    let proxy = rig.proxy(Config::new(urls).routes(routes)).await.unwrap();
    let mut client = Client::http1(proxy.addr()).await.unwrap();
    let mut ask = async |named: u32, of: u32| {
        for n in 0..of {
            let request = Request::get("/api/v1/devices");
            let request = if n < named { request.header("x-device-id", n) } else { request };
            client.ask(request.body("".into()).unwrap()).await.unwrap();
        }
    };
    let promote = ["promote", "device-list", "--percent", "25", "--reason", "r"];
    ask(30, 40).await;
    eventually("a refusal", async || {
        let refused = proxy.cutover(&promote).await.ok()?;
        (refused.code == 1 && refused.stderr.contains("25 % of the requests")).then_some(())
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn the_file_legacy_all_brings_everything_home() {
    let pair = Pair::start("phase = \"live\"").await.unwrap();
    assert_eq!(pair.side(&path(1)).await.unwrap(), "new");
    std::fs::write(pair.proxy.dir().join("legacy-all"), "").unwrap();
    e2e::wait::within(Duration::from_secs(2), "legacy for everybody", async || {
        (pair.side(&path(1)).await.ok()? == "legacy").then_some(())
    })
    .await
    .unwrap();
    let refused = pair
        .proxy
        .cutover(&["promote", "device-read", "--to", "live", "--force", "--reason", "r"])
        .await
        .unwrap();
    assert_eq!(refused.code, 1, "{refused:?}");
}

#[tokio::test]
async fn rollback_all_is_one_step_for_every_route() {
    let pair = Pair::start_with("phase = \"live\"", |config| {
        config.routes.push_str(
            "\n[[route]]\nid = \"home-read\"\ngroup = \"devices\"\n\
             match = { methods = [\"GET\"], path = \"/api/v1/homes/{id}\" }\n\
             legacy = \"legacy\"\nnew = \"new\"\nwrites = \"safe\"\nphase = \"live\"\n",
        );
    })
    .await
    .unwrap();
    for path in ["/api/v1/devices/1", "/api/v1/homes/1"] {
        assert_eq!(pair.side(path).await.unwrap(), "new");
    }
    pair.proxy
        .cutover(&["rollback", "--all", "--reason", "night shift", "--wait"])
        .await
        .unwrap()
        .ok()
        .unwrap();
    for path in ["/api/v1/devices/1", "/api/v1/homes/1"] {
        assert_eq!(pair.side(path).await.unwrap(), "legacy");
    }
}

#[tokio::test]
async fn a_tester_with_a_signed_override_sees_new_before_everybody() {
    let rig = Rig::new().unwrap();
    let (legacy, new) =
        (Upstream::start("legacy").await.unwrap(), Upstream::start("new").await.unwrap());
    let dir = rig.subdir("cutover").unwrap();
    std::fs::write(dir.join("override.key"), "k".repeat(40)).unwrap();
    let mut config = Config::new([("legacy", legacy.url()), ("new", new.url())])
        .routes(device_read("legacy", "new", "phase = \"canary\"\npercent = 0.01"));
    config.admin_more = "override_key = \"file:override.key\"\n".to_owned();
    let proxy = rig.proxy(config).await.unwrap();
    let said =
        proxy.cutover(&["token", "--side", "new", "--ttl", "1h"]).await.unwrap().ok().unwrap();
    let token = said.stdout.trim().to_owned();
    let ask = async |name: &str, value: String| {
        let request = Request::get(path(1)).header(name, value).body("".into()).unwrap();
        let answer = Client::http1(proxy.addr()).await.unwrap().ask(request).await.unwrap();
        (answer.header("x-served-by").map(str::to_owned), answer.text())
    };
    let (side, asked) = ask("cutover-override", token.clone()).await;
    assert_eq!(side.as_deref(), Some("new"));
    assert!(
        !asked.to_lowercase().contains("cutover-override"),
        "our header is removed at the edge: {asked}"
    );
    assert_eq!(
        ask("cookie", format!("a=1; Cutover-Override={token}")).await.0.as_deref(),
        Some("new")
    );
    let forged = format!("{}x", &token[..token.len() - 1]);
    assert_eq!(ask("cutover-override", forged).await.0.as_deref(), Some("legacy"));
    assert_eq!(
        client::get(proxy.addr(), &path(1)).await.unwrap().header("x-served-by"),
        Some("legacy")
    );
}
