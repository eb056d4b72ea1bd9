//! Copies of writes are rehearsals: nothing of them stays, legacy never gets one; and what was
//! copied is what the other side says it was asked.

use std::collections::BTreeMap;

use e2e::access_log::Line;
use e2e::client::{Answer, Client};
use e2e::config::{GROUP, Route};
use e2e::rig::{Home, HomePlan, Server};
use e2e::{Config, Proxy, Rig, eventually, session};
use http::{Method, Request};
use serde_json::Value;

const READ: Route<'_> =
    Route { id: "device-read", methods: &["GET"], path: "/api/v1/devices/{id}" };
const REGISTER: Route<'_> =
    Route { id: "device-register", methods: &["POST"], path: "/api/v1/devices" };
const CHANGE: Route<'_> = Route {
    id: "device-change",
    methods: &["PUT", "PATCH", "DELETE"],
    path: "/api/v1/devices/{id}",
};
const COMMAND: Route<'_> =
    Route { id: "device-command", methods: &["POST"], path: "/api/v1/devices/{id}/commands" };
const ROUTES: [(Route<'_>, &str); 4] =
    [(READ, "safe"), (REGISTER, "dry_run"), (CHANGE, "dry_run"), (COMMAND, "unsafe")];

const COPIED: &str = r#"shadow = { percent = 100, max_rps = 0, credentials = "forward" }

[[route.rule]]
path = "body.request_id"
reason = "made anew for each answer"
shape = "non-empty"
"#;

/// Both clocks stand still, so that what is written now is written at the same time.
const CLOCK: i64 = 1_800_000_000;

/// Writes to devices of Alice's: route, method, path, body.
const WRITES: [(&str, Method, &str, &str); 10] = [
    (REGISTER.id, Method::POST, "", r#"{"home_id":1,"name":"Lämp","kind":"lamp"}"#),
    (CHANGE.id, Method::PATCH, "/3", r#"{"name":"New name"}"#),
    (CHANGE.id, Method::PUT, "/4", r#"{"name":"Whole","firmware":"9.9","state":{"a":[1,2.50]}}"#),
    (CHANGE.id, Method::PATCH, "/5", r#"{"state":{"on":false},"version":1000}"#),
    (CHANGE.id, Method::DELETE, "/6", ""),
    (CHANGE.id, Method::DELETE, "/9", ""),
    (CHANGE.id, Method::PATCH, "/7", "{oops"),
    (CHANGE.id, Method::PATCH, "/999", r#"{"name":"Nobody"}"#),
    (COMMAND.id, Method::POST, "/8/commands", r#"{"name":"blink","args":{"times":2}}"#),
    (COMMAND.id, Method::POST, "/11/commands", r#"{"name":"blink","args":{"times":3}}"#),
];

struct House {
    rig: Rig,
    home: Home,
    proxy: Proxy,
    cookie: String,
    /// Requests that were asked, by route.
    asked: BTreeMap<&'static str, u64>,
}

#[tokio::test]
async fn writes_in_shadow_are_rehearsed_and_leave_no_trace() {
    let mut house = House::start("phase = \"shadow\"").await;
    let twin = Twin::start().await;
    let before = house.home.registry.digest().await.unwrap();
    for (route, method, path, body) in &WRITES {
        let through = house.ask(route, method, path, body).await;
        let straight = ask(&twin.monolith, &twin.cookie, method, path, body).await;
        assert_eq!(lasting(&through), lasting(&straight), "{method} {path}");
    }
    let asked = house.asked.clone();
    for id in [REGISTER.id, CHANGE.id] {
        let account = house.proxy.settled(id, asked[id]).await.unwrap();
        assert_eq!(account.verdict("match"), asked[id], "{account:#?}");
    }
    let command = house.proxy.settled(COMMAND.id, 0).await.unwrap();
    assert_eq!(command.eligible, 0, "an unsafe write is never copied");

    assert_eq!(house.home.registry.digest().await.unwrap(), before, "nothing stays of a copy");
    let copies = asked[REGISTER.id] + asked[CHANGE.id];
    let candidate = lines(&house.home.registry, copies).await;
    assert!(candidate.iter().all(|line| line.is_shadow), "{candidate:#?}");
    let legacy = lines(&house.home.monolith, WRITES.len() as u64 + 1).await;
    let writes = legacy.iter().filter(|line| line.path != "/login");
    let writes: Vec<_> = writes.map(|line| (line.method.as_str(), line.path.as_str())).collect();
    let wanted = WRITES.each_ref().map(|(_, method, path, _)| (method.as_str(), target(path)));
    let wanted: Vec<_> = wanted.iter().map(|(method, path)| (*method, path.as_str())).collect();
    assert_eq!(writes, wanted, "legacy gets each write once");
}

#[tokio::test]
async fn a_rehearsal_that_answers_otherwise_is_a_mismatch() {
    let mut house = House::start("phase = \"shadow\"").await;
    house.home.replant(&house.rig, "type").await.unwrap();
    let before = house.home.registry.digest().await.unwrap();
    house.ask(CHANGE.id, &Method::PATCH, "/3", r#"{"name":"New name"}"#).await;
    let account = house.proxy.settled(CHANGE.id, 1).await.unwrap();
    assert_eq!(account.places(), [("body.device.id", "type")]);
    assert_eq!(house.home.registry.digest().await.unwrap(), before);
}

#[tokio::test]
async fn in_shadow_each_side_is_asked_as_often_as_the_account_says() {
    let mut house = House::start("phase = \"shadow\"").await;
    house.read_all().await;
    let (asked, pairs) = house.compared(READ.id).await;
    let copies = lines(&house.home.registry, asked).await;
    assert!(copies.iter().all(|line| line.is_shadow && line.method == "GET"), "{copies:#?}");
    let legacy = gets(&house.home.monolith, asked + pairs).await;
    assert_eq!((pairs, legacy), (asked, 2 * asked), "all of the first 500 have a second answer");
}

#[tokio::test]
async fn in_canary_each_copy_goes_to_the_side_that_did_not_serve() {
    let mut house = House::start("phase = \"canary\"\npercent = 50.0").await;
    house.read_all().await;
    let (asked, _) = house.compared(READ.id).await;
    let candidate = lines(&house.home.registry, asked).await;
    let copied = candidate.iter().filter(|line| line.is_shadow).count() as u64;
    assert!(copied > 0 && copied < asked, "{copied} of {asked} were served by legacy");
    // Legacy serves those that new gets copies of, and gets copies of those that new serves; and
    // each of the first 500 a second time.
    assert_eq!(gets(&house.home.monolith, 2 * asked).await, 2 * asked);

    let before = candidate.len() as u64;
    for n in 0..20 {
        let name = format!(r#"{{"name":"Name {n}"}}"#);
        house
            .ask(CHANGE.id, &Method::PATCH, &format!("/{}", DEVICES[n % DEVICES.len()]), &name)
            .await;
    }
    let candidate = lines(&house.home.registry, before + 20).await;
    let patches = candidate.iter().filter(|line| line.method == "PATCH");
    let (copies, served): (Vec<_>, Vec<_>) = patches.partition(|line| line.is_shadow);
    assert!(!copies.is_empty() && !served.is_empty(), "both kinds of subjects wrote");
    house.proxy.settled(CHANGE.id, copies.len() as u64).await.unwrap();
    let log = house.home.monolith.access_log();
    let legacy = log.count(|line| line.method == "PATCH").unwrap();
    assert_eq!(legacy, copies.len() as u64, "the cohort's writes are not copied to legacy");
}

#[tokio::test]
async fn in_live_reads_go_back_to_legacy_and_writes_do_not() {
    let mut house = House::start("phase = \"live\"").await;
    house.read_all().await;
    let (asked, pairs) = house.compared(READ.id).await;
    let served = lines(&house.home.registry, asked).await;
    assert!(served.iter().all(|line| !line.is_shadow), "new serves");
    assert_eq!(gets(&house.home.monolith, asked + pairs).await, asked + pairs);
    let account = house.proxy.settled(READ.id, asked).await.unwrap();
    assert_eq!(account.verdict("match"), asked, "{account:#?}");

    for (route, method, path, body) in &WRITES {
        house.ask(route, method, path, body).await;
    }
    for id in [REGISTER.id, CHANGE.id, COMMAND.id] {
        house.proxy.settled(id, 0).await.unwrap();
    }
    // A read behind the writes, so that a copy of one of them would be in the log before its own.
    house.ask(READ.id, &Method::GET, "/8", "").await;
    house.proxy.settled(READ.id, asked + 1).await.unwrap();
    gets(&house.home.monolith, asked + pairs + 1).await;
    let legacy = house.home.monolith.access_log().lines().unwrap();
    let wrote: Vec<_> = legacy.iter().filter(|line| line.method != "GET").collect();
    assert_eq!(wrote.len(), 1, "nothing but the login: {wrote:#?}");
}

/// Devices of Alice's that [`WRITES`] leaves alone or changes late.
const DEVICES: [u32; 8] = [3, 4, 5, 7, 8, 11, 12, 14];

// === impl House ===

impl House {
    async fn start(phase: &str) -> House {
        let rig = Rig::new().unwrap();
        let plan = HomePlan { clock: Some(CLOCK), ..HomePlan::default() };
        let home = rig.home(plan).await.unwrap();
        let upstreams = [("monolith", home.monolith.url()), ("registry", home.registry.url())];
        let text = |(it, writes): (Route<'_>, &str)| {
            it.text("monolith", "registry", writes, &format!("{phase}\n{COPIED}"))
        };
        // Nothing keeps both stores in step here; the route's phase has to be allowed all the same.
        let routes = format!("{GROUP}shared_store = true\n{}", ROUTES.map(text).concat());
        let proxy = rig.proxy(Config::new(upstreams).routes(routes)).await.unwrap();
        let cookie = session::alice(proxy.addr()).await.unwrap();
        House { rig, home, proxy, cookie, asked: BTreeMap::new() }
    }

    async fn ask(
        &mut self,
        route: &'static str,
        method: &Method,
        path: &str,
        body: &str,
    ) -> Answer {
        *self.asked.entry(route).or_default() += 1;
        ask_at(self.proxy.addr(), &self.cookie, method, path, body).await
    }

    async fn read_all(&mut self) {
        for _ in 0..5 {
            for id in DEVICES {
                let answer = self.ask(READ.id, &Method::GET, &format!("/{id}"), "").await;
                assert_eq!(answer.status, 200, "{}", answer.text());
            }
        }
    }

    /// How many requests were compared, all that were asked, and how many of them with a second
    /// answer of legacy.
    async fn compared(&self, id: &'static str) -> (u64, u64) {
        let asked = self.asked[id];
        let account = self.proxy.settled(id, asked).await.unwrap();
        assert_eq!(account.compared(), asked, "{account:#?}");
        let parity: Value = self.proxy.api(&format!("/api/v1/routes/{id}/parity")).await.unwrap();
        (asked, parity["parity"]["pairs"].as_u64().unwrap_or_else(|| panic!("{parity}")))
    }
}

/// A monolith that nobody stands in front of.
struct Twin {
    monolith: Server,
    cookie: String,
    _rig: Rig,
}

impl Twin {
    async fn start() -> Twin {
        let rig = Rig::new().unwrap();
        let plan = HomePlan { clock: Some(CLOCK), ..HomePlan::default() };
        let monolith = rig.monolith(&plan).await.unwrap();
        let cookie = session::alice(monolith.addr()).await.unwrap();
        Twin { monolith, cookie, _rig: rig }
    }
}

async fn ask(server: &Server, cookie: &str, method: &Method, path: &str, body: &str) -> Answer {
    ask_at(server.addr(), cookie, method, path, body).await
}

async fn ask_at(
    addr: std::net::SocketAddr,
    cookie: &str,
    method: &Method,
    path: &str,
    body: &str,
) -> Answer {
    let request = Request::builder().method(method).uri(target(path));
    let request = request.header("cookie", cookie).header("content-type", "application/json");
    let request = request.body(body.to_owned().into()).unwrap();
    Client::http1(addr).await.unwrap().ask(request).await.unwrap()
}

fn target(path: &str) -> String {
    format!("/api/v1/devices{path}")
}

/// The answer without what is made anew for each.
fn lasting(answer: &Answer) -> (u16, Vec<(String, String)>, String) {
    let id = answer.header("x-request-id").unwrap_or_default();
    let fields =
        answer.headers.iter().filter(|(name, _)| *name != "x-request-id" && *name != "date");
    let fields = fields.map(|(name, value)| (name.to_string(), format!("{value:?}")));
    (answer.status.as_u16(), fields.collect(), answer.text().replace(id, "req-"))
}

/// The lines of a server's log, once there are `count`. Logs are written by and by.
async fn lines(server: &Server, count: u64) -> Vec<Line> {
    let log = server.access_log();
    let whole = async || log.lines().ok().filter(|lines| lines.len() as u64 >= count);
    let lines = eventually(format!("{count} lines in {}", log.path().display()), whole).await;
    let lines = lines.unwrap_or_else(|late| panic!("{late}: {:#?}", log.lines()));
    assert_eq!(lines.len() as u64, count, "more was asked: {lines:#?}");
    lines
}

/// How many GETs a server was asked, once there are `count`.
async fn gets(server: &Server, count: u64) -> u64 {
    let log = server.access_log();
    let gets = async || log.count(|line| line.method == "GET").ok().filter(|gets| *gets >= count);
    eventually(format!("{count} reads in {}", log.path().display()), gets).await.unwrap()
}
