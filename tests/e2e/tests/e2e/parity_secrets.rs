//! Secrets and personal values pass through a route whose sides differ, and are found nowhere.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use e2e::client::{self, Client};
use e2e::config::{GROUP, Route};
use e2e::sink::Sink;
use e2e::{Config, Proxy, Rig, eventually};
use serde_json::Value;

use needles::Needles;
use people::{Echo, FLOOR, request};

mod needles;
mod people;

/// More than 1,000 values.
const REQUESTS: usize = 80;

#[tokio::test]
async fn a_thousand_secrets_are_found_nowhere() {
    let (mut secrets, mut controls) = (Needles::default(), Needles::default());
    // Route ids are told everywhere; where theirs is found, the others would have been.
    let ids = ["read", "write"].map(|what| format!("{what}-{}", controls.text()));
    let sink = Sink::start().await.unwrap();
    let (legacy, new) = (Echo::start("old").await, Echo::start("newer").await);
    let (rig, proxy) = start(&ids, &sink, &legacy, &new).await;

    let requests: Vec<_> = (0..REQUESTS).map(|n| request(n, &mut secrets)).collect();
    assert!(secrets.len() >= 1000, "{} values", secrets.len());
    let mut client = Client::http1(proxy.addr()).await.unwrap();
    let reads = requests.iter().filter(|request| request.method() == "GET").count() as u64;
    for request in requests {
        let answer = client.ask(request).await.unwrap();
        let passed = secrets.found_in(format!("{answer:?}").as_bytes()).len();
        assert!(passed >= 3, "users get what they sent: {answer:?}");
    }
    for (id, count) in ids.iter().zip([reads, REQUESTS as u64 - reads]) {
        let account = proxy.settled(id, count).await.unwrap();
        assert_eq!(account.verdict("mismatch"), count, "{account:#?}");
    }
    let told = told(&proxy, &ids).await;
    eventually("the traces of all requests", async || {
        let live = |span: &&e2e::sink::Span| span.name.ends_with("/people/{id}");
        (sink.spans().iter().filter(live).count() >= 2 * REQUESTS).then_some(())
    })
    .await
    .unwrap();
    proxy.terminate(Duration::from_secs(10)).await.unwrap();

    let mut places = told;
    let tells =
        |text: &str| places.iter().any(|(_, it)| String::from_utf8_lossy(it).contains(text));
    for path in ["body.body.email", "body.body.shared_with{}.role", "header.x-customer"] {
        assert!(tells(path), "it was not compared at {path}");
    }
    places.push(("traces".to_owned(), sink.received()));
    files(proxy.dir(), &mut places);
    let mut found = BTreeSet::new();
    for (place, bytes) in &places {
        for needle in secrets.found_in(bytes) {
            found.insert(format!("{place}: {}", around(bytes, needle)));
        }
    }
    assert!(found.is_empty(), "{} of {} secrets: {found:#?}", found.len(), secrets.len());
    for wanted in ["/metrics", "/diffs", "traces", "cutover.db", "state", "cutover.err"] {
        let of_it = places.iter().filter(|(place, _)| place.contains(wanted));
        let controls = of_it.flat_map(|(_, bytes)| controls.found_in(bytes)).collect::<Vec<_>>();
        assert!(!controls.is_empty(), "nothing was scanned of {wanted}");
    }
    let is_kept = |bytes: &[u8]| String::from_utf8_lossy(bytes).contains(FLOOR);
    let kept = places.iter().filter(|(_, bytes)| is_kept(bytes));
    let kept: Vec<&str> = kept.map(|(place, _)| place.as_str()).collect();
    for wanted in ["/samples", "cutover.db", "exported"] {
        assert!(
            kept.iter().any(|place| place.contains(wanted)),
            "{wanted} has no samples: {kept:?}"
        );
    }
    drop(rig);
}

/// Two routes, all of whose requests are copied and traced; everything is logged.
async fn start(ids: &[String; 2], sink: &Sink, legacy: &Echo, new: &Echo) -> (Rig, Proxy) {
    let copied = "phase = \"shadow\"\nshadow = { percent = 100, max_rps = 0, credentials = \"forward\", keep = [\"header.x-floor\"] }";
    let [read, write] = ids;
    let route = |id: &str, methods: &[&str], writes: &str| {
        Route { id, methods, path: "/people/{id}" }.text("legacy", "new", writes, copied)
    };
    let mut config = Config::new([("legacy", legacy.url()), ("new", new.url())]).routes(format!(
        "{GROUP}{}{}",
        route(read, &["GET"], "safe"),
        route(write, &["POST"], "sandbox")
    ));
    config.otlp = sink.url();
    config.telemetry = "log = { level = \"debug\", canonical_ratio = 1.0 }\n".to_owned();
    let rig = Rig::new().unwrap();
    let proxy = rig.proxy(config).await.unwrap();
    (rig, proxy)
}

/// What the admin API tells to whoever may read.
async fn told(proxy: &Proxy, ids: &[String]) -> Vec<(String, Vec<u8>)> {
    let metrics = client::get(proxy.admin(), "/metrics").await.unwrap();
    let mut told = vec![("/metrics".to_owned(), metrics.body.to_vec())];
    for id in ids {
        for what in ["", "/parity", "/diffs?limit=200", "/samples?limit=100"] {
            let path = format!("/api/v1/routes/{id}{what}");
            let answer: Value = proxy.api(&path).await.unwrap();
            told.push((path, answer.to_string().into()));
        }
        let args = ["diffs", id, "--export", &format!("exported-{id}")];
        proxy.cutover(&args).await.unwrap().ok().unwrap();
    }
    told
}

/// Every file below `dir`: the store, its log of writes, the state, what was logged.
fn files(dir: &Path, into: &mut Vec<(String, Vec<u8>)>) {
    for entry in std::fs::read_dir(dir).unwrap().map(Result::unwrap) {
        match entry.file_type().unwrap().is_dir() {
            true => files(&entry.path(), into),
            false => {
                let bytes = std::fs::read(entry.path()).unwrap_or_default();
                into.push((entry.path().display().to_string(), bytes));
            }
        }
    }
}

/// What stands around a needle, if it is there as it is.
fn around(bytes: &[u8], needle: &str) -> String {
    let at = bytes.windows(needle.len()).position(|window| window == needle.as_bytes());
    let part = at.map(|at| &bytes[at.saturating_sub(80)..(at + 60).min(bytes.len())]);
    part.map_or(needle.to_owned(), |part| String::from_utf8_lossy(part).into_owned())
}
