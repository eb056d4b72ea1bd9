//! Sides that answer differently: found, allowed by a rule, counted anew.

use std::fs;

use serde_json::Value;

use crate::rig::{Proxy, get, until};

const LEGACY: &str = r#"{"id":7,"name":"pump","tags":["a","b"]}"#;
const NEW: &str = r#"{"id":7,"name":"Pump","tags":["a","b"]}"#;

/// Sides that differ in one field, and a route that is copied.
fn differing() -> Proxy {
    let proxy = Proxy::start_answering([LEGACY, NEW]);
    let said = proxy.cutover(&["diffs", "device-read"]).ends_with(0);
    assert!(said.out.contains("add `shadow = {}`"), "{}", said.out);
    proxy.edit("routes/devices.toml", "phase =", "shadow = {}\nphase =");
    proxy
}

/// Sends requests until `look` at this document of the proxy gives something.
fn ask_until<T>(proxy: &Proxy, command: &[&str], look: impl Fn(&Value) -> Option<T>) -> T {
    until(command.join(" "), || {
        assert_eq!(get(proxy.http, "/devices/7").unwrap(), (200, LEGACY.to_owned()));
        look(&proxy.cutover(&[command, &["-o", "json"]].concat()).ends_with(0).json())
    })
}

/// Clusters, once there are so many comparisons.
fn clusters(proxy: &Proxy) -> Vec<Value> {
    ask_until(proxy, &["diffs", "device-read"], |diffs| {
        let compared = diffs["accounting"]["compared"].as_u64()?;
        (compared >= 20).then(|| diffs["clusters"].as_array().unwrap().clone())
    })
}

#[test]
fn a_difference_is_found_allowed_and_counted_anew() {
    let proxy = differing();
    let found = clusters(&proxy);
    let [cluster] = &found[..] else { panic!("one field differs: {found:?}") };
    assert_eq!((&cluster["path"], &cluster["kind"]), (&"body.name".into(), &"value".into()));
    assert_eq!(cluster["standing"], "regression");
    proxy.cutover(&["diffs", "device-read", "--exit-code"]).ends_with(3);
    let table = proxy.cutover(&["diffs", "device-read"]).ends_with(0);
    assert!(table.out.contains("body.name") && table.out.contains("text→text"), "{}", table.out);
    assert!(!table.out.to_lowercase().contains("pump"), "values are not shown: {}", table.out);
    let status = proxy.cutover(&["status", "device-read"]).ends_with(0);
    assert!(status.out.contains("new regressed at `body.name`"), "{}", status.out);

    let rule = ["tolerate", "device-read", "body.name", "--normalise", "lower-case"];
    let said = proxy.cutover(&[&rule[..], &["--reason", "case", "--wait"]].concat()).ends_with(0);
    assert!(said.out.contains("routes/devices.toml:14\n+ [[route.rule]]"), "{}", said.out);
    let file = fs::read_to_string(proxy.file("routes/devices.toml")).unwrap();
    assert!(file.ends_with("normalise = [\"lower-case\"]\nreason = \"case\"\n"), "{file}");

    let parity = ask_until(&proxy, &["status", "device-read"], |status| {
        let parity = &status["parity"]["parity"];
        (parity["counters"]["matches"].as_u64()? >= 10).then(|| parity.clone())
    });
    assert_eq!(parity["history"][0]["cause"], "rules");
    assert_eq!(
        (&parity["counters"]["mismatches"], &parity["regressions"]),
        (&0.into(), &Value::Array(vec![]))
    );
    let (point, bound) = (parity["point"].as_f64().unwrap(), parity["bound"].as_f64().unwrap());
    assert!(point == 1.0 && (0.74..1.0).contains(&bound), "{point} {bound}");
    let none = proxy.cutover(&["diffs", "device-read", "--exit-code"]).ends_with(0);
    assert!(none.out.starts_with("no differences in "), "{}", none.out);
}

#[test]
fn kept_requests_are_judged_again_and_tried_elsewhere() {
    let proxy = differing();
    clusters(&proxy);
    let outcomes = || {
        let answer = proxy.cutover(&["rejudge", "device-read", "-o", "json"]).ends_with(0).json();
        let clusters = answer["clusters"].as_array().unwrap().iter();
        clusters.map(|cluster| cluster["outcome"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(outcomes(), ["stays"]);
    proxy.cutover(&["rejudge", "device-read", "--exit-code"]).ends_with(3);

    let [legacy, new] = proxy.upstreams.map(|address| format!("http://{address}"));
    let replay = |against: &str| proxy.cutover(&["replay", "device-read", "--against", against]);
    let said = replay(&new).ends_with(3);
    assert!(said.out.contains("GET /devices/7") && said.out.contains("mismatch"), "{}", said.out);
    assert!(said.out.contains("value body.name text→text"), "{}", said.out);
    let said = replay(&legacy).ends_with(0);
    assert!(said.out.contains("match") && !said.out.contains("mismatch"), "{}", said.out);
    let before = proxy.cutover(&["diffs", "device-read", "-o", "json"]).ends_with(0).json();
    assert_eq!(before["accounting"]["open"], 0, "what is replayed is not counted");
    replay("http://127.0.0.1:1").ends_with(1);

    proxy.cutover(&["diffs", "device-read", "--export", "found"]).ends_with(0);
    let dir = proxy.file("found/001-body.name-value");
    let samples: Vec<_> = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(samples.len(), 20, "as many as are kept of a cluster");
    let sample = fs::read_to_string(&samples[0]).unwrap();
    assert!(!sample.to_lowercase().contains("pump"), "values stay out: {sample}");
    let sample: Value = serde_json::from_str(&sample).unwrap();
    assert_eq!(sample["request"]["target"], "/devices/7");
    let id = sample["id"].as_str().unwrap();
    let said = proxy.cutover(&["diffs", "device-read", "--sample", id]).ends_with(0);
    assert!(said.out.contains("≠  body.name"), "{}", said.out);
    proxy.cutover(&["diffs", "device-read", "--sample", "0000000000000000"]).ends_with(1);

    proxy.edit(
        "routes/devices.toml",
        "phase =",
        "rule = [{ path = \"body.name\", ignore = [], reason = \"r\" }]\nphase =",
    );
    assert_eq!(outcomes(), ["gone"]);
}
