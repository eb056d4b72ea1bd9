//! Faults planted in registry, one after the other, are found where and as what they are; what is
//! no fault is not found.

use std::collections::{BTreeMap, BTreeSet};

use e2e::client::Client;
use e2e::config::{GROUP, Route};
use e2e::parity::Account;
use e2e::rig::{Home, HomePlan};
use e2e::{Config, Proxy, Rig, cli, session};
use http::Request;
use serde_json::Value;

const READ: Route<'_> =
    Route { id: "device-read", methods: &["GET"], path: "/api/v1/devices/{id}" };
const LIST: Route<'_> = Route { id: "device-list", methods: &["GET"], path: "/api/v1/devices" };
const REGISTER: Route<'_> =
    Route { id: "device-register", methods: &["POST"], path: "/api/v1/devices" };
const ROUTES: [Route<'_>; 3] = [READ, LIST, REGISTER];

/// All requests are copied, with who asks. Each answer has an id of its own, on both sides.
const COPIED: &str = r#"phase = "shadow"
shadow = { percent = 100, max_rps = 0, credentials = "forward" }

[[route.rule]]
path = "body.request_id"
reason = "made anew for each answer"
shape = "non-empty"
"#;

/// Devices of Alice's, one of each kind and two more.
const DEVICES: [u32; 8] = [3, 4, 5, 6, 7, 8, 11, 12];

/// Legacy's own noise: every eleventh read of a device has its firmware wrong.
const NOISE: &str = r#"[{"kind":"wrong_field","field":"firmware","path_prefix":"/api/v1/devices/","methods":["GET"],"share":0.09}]"#;

/// A line of `registry --plant help`.
struct Plant {
    name: String,
    path: String,
    kind: String,
    every: u64,
}

/// Differences by route, path and kind.
type Flagged = BTreeMap<(&'static str, String, String), u64>;

struct House {
    rig: Rig,
    home: Home,
    proxy: Proxy,
    client: Client,
    cookie: String,
    seen: BTreeMap<&'static str, Account>,
}

#[tokio::test]
async fn twenty_mutants_are_flagged_each_with_its_path_and_kind_and_noise_is_not() {
    let mut house = House::start().await;
    judge_all(&mut house, 1).await;
}

#[tokio::test]
#[ignore = "slow tier: twenty times the requests"]
async fn twenty_mutants_are_flagged_under_many_requests() {
    let mut house = House::start().await;
    judge_all(&mut house, 20).await;
}

/// Rounds in which what strikes one in `every` answers strikes twice, and so many `times` over.
fn rounds(every: u64, times: u64) -> u64 {
    times * (2 * every).div_ceil(DEVICES.len() as u64)
}

/// All plants, each for as long as it takes to strike twice, `times` over.
async fn judge_all(house: &mut House, times: u64) {
    let plants = house.plants().await;
    let (benign, faults): (Vec<_>, Vec<_>) = plants.iter().partition(|it| it.kind == "benign");
    assert_eq!((faults.len(), benign.len()), (20, 5));

    house.fill_in_a_form().await;
    house.ask_all(2).await;
    assert_eq!(house.flagged().await, Flagged::new(), "registry answers as the monolith does");
    let sound = house.straight().await;
    house.learn_noise().await;
    for Plant { name, every, .. } in benign {
        house.home.replant(&house.rig, name).await.unwrap();
        assert_ne!(house.straight().await, sound, "{name} strikes");
        house.ask_all(rounds(*every, times)).await;
        assert_eq!(house.flagged().await, Flagged::new(), "{name} is no difference");
    }
    house.home.monolith.faults("[]").await.unwrap();
    for plant in faults {
        house.home.replant(&house.rig, &plant.name).await.unwrap();
        house.find(plant, times).await;
    }
}

// === impl House ===

impl House {
    async fn start() -> House {
        let rig = Rig::new().unwrap();
        let home = rig.home(HomePlan::default()).await.unwrap();
        let upstreams = [("monolith", home.monolith.url()), ("registry", home.registry.url())];
        let writes = |id| if id == REGISTER.id { "dry_run" } else { "safe" };
        let routes = ROUTES.map(|it| it.text("monolith", "registry", writes(it.id), COPIED));
        let config = Config::new(upstreams).routes(format!("{GROUP}{}", routes.concat()));
        let proxy = rig.proxy(config).await.unwrap();
        let cookie = session::alice(proxy.addr()).await.unwrap();
        let client = Client::http1(proxy.addr()).await.unwrap();
        House { rig, home, proxy, client, cookie, seen: BTreeMap::new() }
    }

    /// What `cutover diffs` says of this build's answers on a route, by path and kind.
    async fn told(&self, id: &str) -> Vec<(String, String)> {
        let args = ["diffs", id, "--limit", "200", "--output", "json"];
        let diffs: Value = self.proxy.cutover(&args).await.unwrap().json().unwrap();
        let clusters = diffs["clusters"].as_array().unwrap_or_else(|| panic!("{diffs}"));
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let mut told: Vec<_> =
            clusters.iter().map(|it| (text(&it["path"]), text(&it["kind"]))).collect();
        // Devices of several kinds look different in the same place.
        told.dedup();
        told
    }

    /// What registry itself answers, as bytes; without what is made anew for each answer.
    async fn straight(&self) -> BTreeSet<String> {
        let mut client = Client::http1(self.home.registry.addr()).await.unwrap();
        let mut answers = BTreeSet::new();
        for _ in 0..11 {
            let request = Request::get("/api/v1/devices/3").header("cookie", &self.cookie);
            let answer = client.ask(request.body("".into()).unwrap()).await.unwrap();
            let id = answer.header("x-request-id").unwrap().to_owned();
            let fields = answer.headers.iter().filter(|(name, _)| *name != "date");
            let fields: Vec<_> = fields.map(|(name, it)| format!("{name} {it:?}")).collect();
            answers.insert(format!("{fields:?} {}", answer.text()).replace(&id, ""));
        }
        answers
    }

    /// What registry says it can be wrong in.
    async fn plants(&self) -> Vec<Plant> {
        let binary = self.rig.binary("registry").unwrap();
        let said = cli::run(&binary, ["--plant", "help"], &[], self.rig.dir()).await.unwrap();
        let plant = |line: &str| {
            let mut words = line.split_whitespace().map(str::to_owned);
            let mut word = || words.next().unwrap_or_else(|| panic!("a word of {line:?}"));
            let (name, path, kind) = (word(), word(), word());
            Plant { name, path, kind, every: word().parse().unwrap() }
        };
        said.ok().unwrap().stdout.lines().map(plant).collect()
    }

    /// The plant strikes, and is all that is found.
    async fn find(&mut self, Plant { name, path, kind, every }: &Plant, times: u64) {
        match kind.as_str() {
            "text" => self.fill_in_a_form().await,
            _ => self.ask_all(rounds(*every, times)).await,
        }
        let flagged = self.flagged().await;
        let places: Vec<_> =
            flagged.keys().map(|(_, path, kind)| (path.as_str(), kind.as_str())).collect();
        let is_right = |place: &(&str, &str)| *place == (path.as_str(), kind.as_str());
        let is_found = !places.is_empty() && places.iter().all(is_right);
        assert!(is_found, "{name} is {kind} at {path}, flagged was {flagged:#?}");
        for (id, _, _) in flagged.keys() {
            let told = self.told(id).await;
            assert_eq!(told, [(path.clone(), kind.clone())], "{name}: `cutover diffs {id}`");
        }
        if *every > 1 {
            let struck: u64 = flagged.values().sum();
            let asked = rounds(*every, times) * DEVICES.len() as u64;
            assert_eq!(struck, asked / every, "{name} strikes one answer in {every}");
        }
    }

    /// So many times each device and the list of all.
    async fn ask_all(&mut self, times: u64) {
        for _ in 0..times {
            for id in DEVICES {
                self.get(READ.id, &format!("/api/v1/devices/{id}")).await;
            }
            self.get(LIST.id, "/api/v1/devices").await;
            self.settle().await;
        }
    }

    async fn get(&mut self, id: &'static str, target: &str) {
        let request = Request::get(target).header("cookie", &self.cookie);
        let answer = self.client.ask(request.body("".into()).unwrap()).await.unwrap();
        assert_eq!(answer.status, 200, "{target}: {}", answer.text());
        self.seen.entry(id).or_default().eligible += 1;
    }

    /// Registers a device by the form of the monolith's page. Registry only rehearses that, and is
    /// told of it afterwards.
    async fn fill_in_a_form(&mut self) {
        let request = Request::post("/api/v1/devices")
            .header("cookie", &self.cookie)
            .header("content-type", "application/x-www-form-urlencoded");
        let form = "home_id=1&name=Hall&kind=lamp".into();
        let answer = self.client.ask(request.body(form).unwrap()).await.unwrap();
        assert!(answer.text().contains("Saved."), "{} {}", answer.status, answer.text());
        self.seen.entry(REGISTER.id).or_default().eligible += 1;
        self.settle().await;
        self.home.catch_up(&self.rig).await.unwrap();
    }

    /// Asks until it is known what legacy disagrees with itself about.
    async fn learn_noise(&mut self) {
        self.home.monolith.faults(NOISE).await.unwrap();
        // Two calls a request, of which chance has it which comes first: only where the caller's is
        // the one that is struck, the request is noisy. Three make noise known.
        for _ in 0..20 {
            self.ask_all(6).await;
            let flagged = self.flagged().await;
            assert_eq!(flagged, Flagged::new(), "legacy's noise is not the candidate's fault");
            if self.seen[READ.id].verdict("noisy") >= 3 {
                return;
            }
        }
        panic!("legacy is not known to be noisy: {:#?}", self.seen[READ.id]);
    }

    /// Copies must not pile up: what is dropped is not compared.
    async fn settle(&mut self) {
        for (id, seen) in &self.seen {
            self.proxy.settled(id, seen.eligible).await.unwrap();
        }
    }

    /// What was found since it was asked last. Every copy was compared, and each is a mismatch
    /// only for what is found.
    async fn flagged(&mut self) -> Flagged {
        let mut flagged = Flagged::new();
        for (id, seen) in &mut self.seen {
            let now = self.proxy.settled(id, seen.eligible).await.unwrap();
            let new = now.since(seen);
            assert_eq!((now.given_up(), now.verdict("incomparable")), (0, 0), "{id}: {now:#?}");
            assert_eq!(new.verdict("mismatch"), new.fields.values().sum::<u64>(), "{new:#?}");
            for ((path, kind), count) in new.fields {
                flagged.insert((*id, path, kind), count);
            }
            *seen = now;
        }
        flagged
    }
}
