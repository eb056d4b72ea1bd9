//! Commands against a proxy that runs; they find it and its token by the files in the directory.

use std::fs;

use crate::rig::Proxy;

#[test]
fn a_route_there_and_back() {
    let proxy = Proxy::start();
    assert_eq!(proxy.side(), "legacy");
    let moved =
        proxy.cutover(&["promote", "device-read", "--percent", "100", "--reason", "r", "--wait"]);
    let moved = moved.ends_with(0);
    assert!(moved.out.contains("device-read: shadow → canary 100 %"), "{}", moved.out);
    assert!(moved.out.contains("in force after"), "{}", moved.out);
    assert!(moved.err.contains("undo: cutover rollback device-read --to shadow"), "{}", moved.err);
    assert_eq!(proxy.side(), "new");
    let status = proxy.cutover(&["status", "device-read", "-o", "json"]).ends_with(0).json();
    assert_eq!(status["route"]["phase"], "canary");
    let back = proxy.cutover(&["rollback", "--all", "--reason", "drill", "--wait", "-o", "json"]);
    let back = back.ends_with(0).json();
    assert!(back["effective_ms"].as_f64().is_some_and(|ms| ms < 2_000.0), "{back}");
    assert_eq!(proxy.side(), "legacy");
    let history = proxy.cutover(&["history", "-o", "jsonl"]).ends_with(0);
    let lines: Vec<serde_json::Value> =
        history.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines[0]["reason"], "drill");
    assert_eq!(lines[1]["reason"], "r");
    let table = proxy.cutover(&["history", "device-read"]).ends_with(0);
    assert!(table.out.contains("canary 100 % → shadow"), "{}", table.out);
}

#[test]
fn exit_codes_of_refusals() {
    let proxy = Proxy::start();
    let refused = |args: &[&str]| {
        let said = proxy.cutover(args);
        let code = said.err.split(['[', ']']).nth(1).unwrap_or_default().to_owned();
        (said.code, code)
    };
    let promote = ["promote", "device-read", "--reason", "r"];
    let with =
        |more: &[&'static str]| promote.into_iter().chain(more.iter().copied()).collect::<Vec<_>>();
    assert_eq!(refused(&with(&["--expect", "999"])), (1, "stale_revision".into()));
    assert_eq!(refused(&with(&["--to", "live"])), (1, "skips_phase".into()));
    assert_eq!(refused(&["promote", "nobody", "--reason", "r"]), (1, "unknown_route".into()));
    let viewer =
        proxy.cutover(&["token", "create", "--role", "viewer", "--name", "eve"]).ends_with(0);
    fs::write(proxy.file("eve.token"), &viewer.out).unwrap();
    assert_eq!(refused(&with(&["--token-file", "eve.token"])), (4, "role_too_low".into()));
    assert_eq!(proxy.cutover(&["status", "--token-file", "eve.token"]).code, 0);
    proxy.cutover(&["token", "remove", "eve"]).ends_with(0);
    assert_eq!(refused(&["status", "--token-file", "eve.token"]), (4, "token_unknown".into()));
    proxy.cutover(&["hold", "device-read", "--reason", "freeze"]).ends_with(0);
    assert_eq!(refused(&promote), (1, "held".into()));
    proxy.cutover(&["release", "device-read", "--reason", "over"]).ends_with(0);
    proxy.cutover(&promote).ends_with(0);
}

#[test]
fn plan_apply_and_export_make_a_round() {
    let proxy = Proxy::start();
    let export = proxy.cutover(&["export", "--dir", "exported"]).ends_with(0);
    assert!(export.err.contains("exported/routes/devices.toml"), "{}", export.err);
    proxy.cutover(&["plan", "exported"]).ends_with(0);
    let team = proxy.file("exported/routes/devices.toml");
    let text = fs::read_to_string(&team).unwrap();
    fs::write(&team, text.replace("phase = \"shadow\"", "phase = \"canary\"\npercent = 100"))
        .unwrap();
    let plan = proxy.cutover(&["plan", "exported", "-o", "json"]).ends_with(3).json();
    assert_eq!(plan["routes"][0]["change"], "moved");
    let revision = plan["revision"].to_string();
    proxy.cutover(&["apply", "exported", "--expect", "999", "--reason", "r"]).ends_with(1);
    assert_eq!(proxy.side(), "legacy");
    proxy
        .cutover(&["apply", "exported", "--expect", &revision, "--reason", "r", "--wait"])
        .ends_with(0);
    assert_eq!(proxy.side(), "new");
    let on_disk = fs::read_to_string(proxy.file("routes/devices.toml")).unwrap();
    assert!(on_disk.contains("percent = 100"), "what is in force is on disk: {on_disk}");
    proxy.cutover(&["rollback", "device-read", "--reason", "r", "--wait"]).ends_with(0);
    let export = proxy.cutover(&["export"]).ends_with(0);
    assert!(export.out.contains("phase = \"shadow\""), "{}", export.out);
    fs::write(&team, text.replace("[\"GET\"]", "[\"get\"]")).unwrap();
    let invalid = proxy.cutover(&["plan", "exported"]).ends_with(78);
    assert!(invalid.err.contains("devices.toml:9:22"), "{}", invalid.err);
}

#[test]
fn a_plan_of_what_is_already_true_is_empty() {
    let proxy = Proxy::start();
    proxy.cutover(&["promote", "device-read", "--percent", "50", "--reason", "r"]).ends_with(0);
    proxy.cutover(&["export", "--dir", "exported"]).ends_with(0);
    let plan = proxy.cutover(&["plan", "exported"]).ends_with(0);
    assert!(plan.out.starts_with("no changes at revision "), "{}", plan.out);
    let team = proxy.file("exported/routes/devices.toml");
    let text = fs::read_to_string(&team).unwrap();
    assert!(text.contains("percent = 50"), "{text}");
    fs::write(&team, format!("# who, when\n{text}")).unwrap();
    proxy.cutover(&["plan", "exported"]).ends_with(0);
    fs::write(&team, format!("{text}slo = {{ availability = 99.9 }}\n")).unwrap();
    let plan = proxy.cutover(&["plan", "exported"]).ends_with(3);
    assert!(plan.out.contains("device-read  changed"), "{}", plan.out);
}

#[test]
fn explain_tells_the_running_truth() {
    let proxy = Proxy::start();
    proxy.cutover(&["promote", "device-read", "--percent", "50", "--reason", "r"]).ends_with(0);
    let admin = format!("http://{}", proxy.admin);
    let explain = |more: &[&str]| {
        let args = ["explain", "GET", "/devices/7", "-o", "json"];
        let args: Vec<&str> = args.iter().chain(more).copied().collect();
        proxy.cutover(&args).ends_with(0).json()
    };
    let files = explain(&["--files"]);
    assert_eq!(files["route"]["phase"], "shadow");
    assert_eq!(files["source"]["kind"], "files");
    for more in [&[][..], &["--admin", &admin]] {
        let running = explain(more);
        assert_eq!(running["route"]["phase"], "canary");
        assert_eq!(running["route"]["side"], proxy.side());
        assert_eq!(running["source"], serde_json::json!({ "kind": "proxy", "at": admin }));
    }
    assert_eq!(files["route"]["bucket"], explain(&[])["route"]["bucket"], "in every phase");
}

#[test]
fn explain_says_that_an_override_is_left_out() {
    let proxy = Proxy::start();
    for field in ["cutover-override: x", "Cookie: a=b; Cutover-Override=x"] {
        let said = proxy.cutover(&["explain", "GET", "/devices/7", "-H", field]).ends_with(0);
        assert!(said.err.contains("`Cutover-Override` is left out"), "{field}: {}", said.err);
    }
    let said = proxy.cutover(&["explain", "GET", "/devices/7", "-H", "Cookie: a=b"]).ends_with(0);
    assert_eq!(said.err, "");
}

#[test]
fn explain_falls_back_to_the_files_and_says_so() {
    let mut proxy = Proxy::start();
    proxy.signal("-TERM");
    assert_eq!(proxy.exit(), 0);
    let said = proxy.cutover(&["explain", "GET", "/devices/7", "--subject", "7"]).ends_with(0);
    assert!(said.out.contains("source    the files of cutover.toml"), "{}", said.out);
    assert!(said.err.contains("no proxy answers at"), "{}", said.err);
    assert!(said.err.contains("asking the files"), "{}", said.err);
    let admin = format!("http://{}", proxy.admin);
    proxy.cutover(&["explain", "GET", "/devices/7", "--admin", &admin]).ends_with(1);
}

#[test]
fn explain_does_not_pass_files_off_as_the_truth_of_a_proxy_that_refuses() {
    let proxy = Proxy::start();
    fs::write(proxy.file("eve.token"), "x".repeat(43)).unwrap();
    let said = proxy.cutover(&["explain", "GET", "/devices/7", "--token-file", "eve.token"]);
    let said = said.ends_with(4);
    assert!(said.out.is_empty() && said.err.contains("--files"), "{}", said.err);
}

#[test]
fn the_doctor_knows_its_own_proxy() {
    let proxy = Proxy::start();
    let said = proxy.cutover(&["doctor"]).ends_with(0);
    assert!(said.out.contains("held by the proxy that runs"), "{}", said.out);
    assert!(said.out.ends_with("ready\n"), "{}", said.out);
}

#[test]
fn an_off_switch_says_what_it_left_with_new() {
    let proxy = Proxy::start();
    let promote = |more: &[&str]| {
        let args = ["promote", "device-read", "--reason", "r", "--wait"];
        proxy.cutover(&args.iter().chain(more).copied().collect::<Vec<_>>()).ends_with(0)
    };
    promote(&["--to", "live", "--force"]);
    promote(&["--to", "retired"]);
    let said = proxy.cutover(&["rollback", "--all", "--reason", "drill"]).ends_with(1);
    assert!(said.err.contains("left out: device-read, "), "{}", said.err);
    assert!(said.err.contains("error[left_out]: device-read is still served by new"));
    assert!(!said.out.contains("left out"), "{}", said.out);
    let json =
        proxy.cutover(&["rollback", "--all", "--reason", "drill", "-o", "json"]).ends_with(1);
    assert_eq!(json.json()["left_out"][0]["route"], "device-read");
    assert_eq!(proxy.side(), "new");
}

#[test]
fn watching_goes_on_while_the_proxy_is_silent() {
    let proxy = Proxy::start();
    let mut watch = proxy.beside(&["status", "--watch", "--timeout", "300ms"]);
    watch.wait_for_data("device-read");
    proxy.signal("-STOP");
    watch.wait_for("gave no answer within 300ms; trying again");
    watch.wait_for("since 20");
    proxy.signal("-CONT");
    proxy.ready();
    assert!(watch.is_running());
}
