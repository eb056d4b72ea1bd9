//! Promises across requests, with the real monolith and registry: a change is accepted by one side
//! and read from the other, which learns of it when the adapter brings it there.

use e2e::client::{Answer, Client};
use e2e::config::{GROUP, Route};
use e2e::rig::{Home, HomePlan};
use e2e::{Config, Proxy, Rig, eventually, session};
use http::{Method, Request};
use serde_json::{Value, json};

const READ: Route<'_> =
    Route { id: "device-read", methods: &["GET"], path: "/api/v1/devices/{id}" };
const CHANGE: Route<'_> = Route {
    id: "device-change",
    methods: &["PUT", "PATCH", "DELETE"],
    path: "/api/v1/devices/{id}",
};

struct House {
    rig: Rig,
    home: Home,
    proxy: Proxy,
    cookie: String,
}

#[tokio::test]
async fn a_change_that_readers_see_in_time_is_good_for_the_side_that_accepted_it() {
    let mut house = House::start(60_000, 120_000).await;
    house.change(3).await;
    house.read(3).await;
    house.until(json!({ "good": 1 }), json!({})).await;
    // Accepted by the monolith, read from registry, which is told in time.
    house.proxy.flip(&["promote", "device-read", "--to", "live", "--force"]).await.unwrap();
    let tag = house.change(4).await;
    assert_ne!(house.read(4).await, tag, "registry lags");
    house.home.catch_up(&house.rig).await.unwrap();
    assert_eq!(house.read(4).await, tag);
    house.until(json!({ "good": 2 }), json!({})).await;
    house.proxy.flip(&["promote", "device-change", "--to", "live", "--force"]).await.unwrap();
    house.change(5).await;
    house.read(5).await;
    house.until(json!({ "good": 2 }), json!({ "good": 1 })).await;
    // What was refused is no change.
    let stale = house.ask(Method::PATCH, 5, r#"{"name":"","version":1}"#).await;
    assert_eq!(stale.header("etag"), None, "{}", stale.text());
    house.until(json!({ "good": 2 }), json!({ "good": 1 })).await;
}

#[tokio::test]
async fn late_lost_and_unseen_changes_are_told_apart() {
    let mut house = House::start(1, 6_000).await;
    house.proxy.flip(&["promote", "device-read", "--to", "live", "--force"]).await.unwrap();
    // Registry is told of the first, but not in time.
    let tag = house.change(3).await;
    house.read(3).await;
    house.home.catch_up(&house.rig).await.unwrap();
    assert_eq!(house.read(3).await, tag);
    // Of these it is told nothing; somebody looks at the first.
    let tag = house.change(4).await;
    house.change(5).await;
    assert_ne!(house.read(4).await, tag);
    house.until(json!({ "late": 1, "lost": 1, "unseen": 1 }), json!({})).await;
    let journey = house.journey().await;
    assert_eq!(journey["legacy"]["kept"], 0.0, "{journey}");
    let metrics = house.proxy.metrics().await.unwrap();
    let total = |labels: &[(&str, &str)]| metrics.sum("cutover_journey_total", labels);
    assert_eq!(total(&[("journey", "device-state"), ("result", "lost"), ("side", "legacy")]), 1.0);
    assert_eq!(total(&[]), 3.0);
}

#[tokio::test]
async fn a_monolith_that_answers_slowly_is_late_for_whoever_asked_in_time() {
    let house = House::start(2_000, 60_000).await;
    house.change(3).await;
    let slow = r#"[{"kind":"latency","ms":2500,"methods":["GET"],"share":1.0}]"#;
    house.home.monolith.faults(slow).await.unwrap();
    house.read(3).await;
    house.until(json!({ "late": 1 }), json!({})).await;
    let journey = house.journey().await;
    let p50 = journey["legacy"]["p50_ms"].as_f64().unwrap();
    assert!(p50 > 2_000.0, "{journey}");
}

// === impl House ===

impl House {
    /// Everything in the monolith, which alone keeps what is written.
    async fn start(within_ms: u64, lost_ms: u64) -> House {
        let rig = Rig::new().unwrap();
        let home = rig.home(HomePlan::default()).await.unwrap();
        let upstreams = [("monolith", home.monolith.url()), ("registry", home.registry.url())];
        let routes = [(READ, "safe"), (CHANGE, "idempotent")];
        let routes = routes.map(|(route, writes)| route.text("monolith", "registry", writes, ""));
        // Nothing keeps both stores in step here; the phases have to be allowed all the same.
        let routes = format!(
            r#"{GROUP}shared_store = true
{}
[journey.device-state]
start = {{ route = "device-change" }}
end = {{ route = "device-read" }}
correlate = ["path:id", "answer:etag"]
within_ms = {within_ms}
lost_ms = {lost_ms}
target = 99.0
"#,
            routes.concat()
        );
        let proxy = rig.proxy(Config::new(upstreams).routes(routes)).await.unwrap();
        let cookie = session::alice(proxy.addr()).await.unwrap();
        House { rig, home, proxy, cookie }
    }

    /// Gives the tag of the new state.
    async fn change(&self, device: u32) -> String {
        let answer = self.ask(Method::PATCH, device, r#"{"state":{"on":true}}"#).await;
        tag(&answer)
    }

    /// Gives the tag of the state that is shown.
    async fn read(&self, device: u32) -> String {
        tag(&self.ask(Method::GET, device, "").await)
    }

    async fn ask(&self, method: Method, device: u32, body: &str) -> Answer {
        let request = Request::builder().method(method).uri(format!("/api/v1/devices/{device}"));
        let request = request.header("cookie", &self.cookie);
        let request = request.header("content-type", "application/json");
        let request = request.body(body.to_owned().into()).unwrap();
        Client::http1(self.proxy.addr()).await.unwrap().ask(request).await.unwrap()
    }

    /// Waits until each side's journeys have ended so, and no others.
    async fn until(&self, legacy: Value, new: Value) {
        let nothing = json!({ "good": 0, "late": 0, "lost": 0, "unseen": 0, "open": 0 });
        let wanted = [legacy, new].map(|side| {
            let mut wanted = nothing.clone();
            let (all, given) = (wanted.as_object_mut().unwrap(), side.as_object().unwrap());
            all.extend(given.clone());
            wanted
        });
        let mut last = Value::Null;
        let reached =
            eventually(format!("legacy {} and new {}", wanted[0], wanted[1]), async || {
                last = self.journey().await;
                let counts = |side: &str, wanted: &Value| {
                    wanted
                        .as_object()
                        .unwrap()
                        .iter()
                        .all(|(name, count)| last[side][name] == *count)
                };
                (counts("legacy", &wanted[0]) && counts("new", &wanted[1])).then_some(())
            });
        reached.await.unwrap_or_else(|late| panic!("{late}: {last}"));
    }

    async fn journey(&self) -> Value {
        let args = ["journey", "show", "device-state", "--output", "json"];
        self.proxy.cutover(&args).await.unwrap().json().unwrap()
    }
}

fn tag(answer: &Answer) -> String {
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.header("etag").unwrap_or_else(|| panic!("no tag: {}", answer.text())).to_owned()
}
