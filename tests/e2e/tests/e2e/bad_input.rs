//! What bad input gets: a message with code, place and remedy, the right exit code, and a running
//! state that stays as it was.

use std::path::Path;
use std::time::Duration;

use e2e::cli::{self, Said};
use e2e::config::{PROCESS_FILE, TEAM_FILE, device_read};
use e2e::rig::Pair;
use e2e::{Config, Rig, client, eventually};

/// One mistake: what is wrong, in which file, and how the complaint is called.
struct Mistake {
    file: &'static str,
    find: &'static str,
    replace: &'static str,
    code: &'static str,
}

const fn process(find: &'static str, replace: &'static str, code: &'static str) -> Mistake {
    Mistake { file: PROCESS_FILE, find, replace, code }
}

const fn team(find: &'static str, replace: &'static str, code: &'static str) -> Mistake {
    Mistake { file: TEAM_FILE, find, replace, code }
}

const SECOND_ROUTE: &str = "[[route]]\nid = \"device-two\"\ngroup = \"devices\"\n\
    match = { methods = [\"GET\"], path = \"/api/v1/devices/{other}\" }\n\
    legacy = \"legacy\"\nnew = \"new\"\nwrites = \"safe\"\nphase = \"legacy\"\n\n[[route]]\nid = \"device-read\"";
const SAME_ID: &str = "[[route]]\nid = \"device-read\"\ngroup = \"devices\"\n\
    match = { methods = [\"GET\"], path = \"/elsewhere\" }\n\
    legacy = \"legacy\"\nnew = \"new\"\nwrites = \"safe\"\nphase = \"legacy\"\n\n[[route]]\nid = \"device-read\"";
const READ: &str = "methods = [\"GET\"], path = \"/api/v1/devices/{id}\" }
legacy = \"legacy\"
\
    new = \"new\"
writes = \"safe\"";
const UNCLASSED_WRITE: &str = "methods = [\"POST\"], path = \"/api/v1/devices/{id}\" }
\
    legacy = \"legacy\"
new = \"new\"";

const MISTAKES: &[Mistake] = &[
    process("[store]", "[store", "syntax"),
    process("protocol = \"http\"", "protocol = \"http\"\nprotocoll = 1", "unknown_key"),
    process("[store]", "[stoer]\nurl = \"\"\n[store]", "unknown_key"),
    process("sample_ratio = 1.0", "sample_ratio = \"all\"", "wrong_type"),
    process("sample_ratio = 1.0", "sample_ratio = 1.5", "out_of_range"),
    process("protocol = \"http\"", "protocol = \"gopher\"", "unknown_value"),
    process("default = \"legacy\"", "default = \"lagacy\"", "unknown_upstream"),
    process("[upstream.legacy]\nurl = \"http", "[upstream.legacy]\nurl = \"ftp", "bad_url"),
    process("[admin]\nlisten = \"127.0.0.1:", "[admin]\nlisten = \"0.0.0.0:", "admin_exposed"),
    process(
        "protocol = \"http\"",
        "protocol = \"http\"\ntls = { cert = \"none.pem\", key = \"none.key\" }",
        "tls_file",
    ),
    team("path = \"/api/v1/devices/{id}\"", "path = \"/api/v1/devices/{id\"", "bad_template"),
    team("legacy = \"legacy\"", "legacy = \"lagacy\"", "unknown_upstream"),
    team("group = \"devices\"", "group = \"device\"", "unknown_group"),
    team("phase = \"shadow\"", "phase = \"shadwo\"", "unknown_value"),
    team("phase = \"shadow\"", "phase = \"canary\"\npercent = 12.345", "bad_percent"),
    team("phase = \"shadow\"", "phase = \"canary\"\npercent = 101.0", "bad_percent"),
    team("id = \"device-read\"", "id = \"Device Read\"", "bad_name"),
    team("\"path:id\"", "\"pth:id\"", "bad_source"),
    team("[[route]]\nid = \"device-read\"", SAME_ID, "duplicate_id"),
    team("[[route]]\nid = \"device-read\"", SECOND_ROUTE, "overlap"),
    team("writes = \"safe\"\n", "", ""),
    team(READ, UNCLASSED_WRITE, "no_write_class"),
];

/// Files of a sound configuration in a directory of its own.
fn files(rig: &Rig, name: &str) -> std::path::PathBuf {
    let dir = rig.subdir(name).unwrap();
    let upstreams = [("legacy", "http://127.0.0.1:9"), ("new", "http://127.0.0.1:9")];
    let config = Config::new(upstreams).routes(device_read("legacy", "new", "phase = \"shadow\""));
    config.write(&dir).unwrap();
    dir
}

async fn cutover(rig: &Rig, dir: &Path, args: &[&str]) -> Said {
    cli::run(&rig.binary("cutover").unwrap(), args, &[], dir).await.unwrap()
}

#[tokio::test]
async fn a_sound_configuration_passes() {
    let rig = Rig::new().unwrap();
    let dir = files(&rig, "sound");
    let said = cutover(&rig, &dir, &["check"]).await;
    assert_eq!(said.code, 0, "{said:?}");
}

#[tokio::test]
async fn every_mistake_is_named_placed_and_explained() {
    let rig = Rig::new().unwrap();
    let mut complaints = Vec::new();
    for (index, mistake) in MISTAKES.iter().enumerate() {
        let Mistake { file, find, replace, code } = mistake;
        let dir = files(&rig, &format!("mistake-{index}"));
        let path = dir.join(file);
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains(find), "{file} has no {find:?}:\n{text}");
        std::fs::write(&path, text.replacen(find, replace, 1)).unwrap();
        // A safe method without a class is no mistake: the class is known.
        let wanted = if code.is_empty() { 0 } else { 78 };
        let said = cutover(&rig, &dir, &["check"]).await;
        let text = format!("{}{}", said.stdout, said.stderr);
        // FILE:LINE:COLUMN
        let is_placed = text.contains(&format!("{file}:")) || said.code == 0;
        if said.code != wanted || !text.contains(code) || !is_placed {
            complaints.push(format!(
                "{find:?} -> {replace:?}: wanted {wanted} {code}, got {}\n{text}",
                said.code
            ));
        }
        if wanted == 78 {
            let binary = rig.binary("cutover").unwrap();
            match cli::run(&binary, ["run"], &[], &dir).await {
                Ok(ran) if ran.code == 78 => {}
                Ok(ran) => complaints.push(format!("run with {replace:?}: {ran:?}")),
                Err(error) => complaints.push(format!("run with {replace:?}: {error:#}")),
            }
        }
    }
    assert!(
        complaints.is_empty(),
        "{} of {}:\n{}",
        complaints.len(),
        MISTAKES.len(),
        complaints.join("\n")
    );
}

#[tokio::test]
async fn check_tells_machines_file_line_and_column() {
    let rig = Rig::new().unwrap();
    let dir = files(&rig, "json");
    let path = dir.join(TEAM_FILE);
    let text = std::fs::read_to_string(&path).unwrap();
    let line = text.lines().position(|line| line.starts_with("legacy = ")).unwrap() + 1;
    std::fs::write(&path, text.replacen("legacy = \"legacy\"", "legacy = \"lagacy\"", 1)).unwrap();
    let said = cutover(&rig, &dir, &["check", "--output", "json"]).await;
    assert_eq!(said.code, 78);
    let value: serde_json::Value = serde_json::from_str(&said.stdout).unwrap();
    let first = find_object(&value, "code").unwrap_or_else(|| panic!("no diagnostic in {value}"));
    assert_eq!(first["code"], "unknown_upstream", "{value}");
    assert_eq!(first["line"], line, "{value}");
    assert_eq!(first["column"], 10, "{value}");
    assert!(value.to_string().contains("legacy"), "it suggests what may be meant: {value}");
}

/// The first object that has `key`.
fn find_object<'a>(value: &'a serde_json::Value, key: &str) -> Option<&'a serde_json::Value> {
    match value {
        serde_json::Value::Object(map) if map.contains_key(key) => Some(value),
        serde_json::Value::Object(map) => map.values().find_map(|value| find_object(value, key)),
        serde_json::Value::Array(items) => items.iter().find_map(|value| find_object(value, key)),
        _ => None,
    }
}

#[tokio::test]
async fn commands_end_as_they_promise() {
    let rig = Rig::new().unwrap();
    let dir = files(&rig, "usage");
    for (args, code) in [
        (&["frobnicate"][..], 2),
        (&["promote"][..], 2),
        (&["status", "--output", "yaml"][..], 2),
        (&["--version"][..], 0),
        (&["--help"][..], 0),
        (&["schema"][..], 0),
        (&["man"][..], 0),
        (&["completion", "bash"][..], 0),
        (&["explain", "GET", "/api/v1/devices/7"][..], 0),
        (&["explain", "--code", "group_split"][..], 0),
        (&["explain", "--code", "no_such_code"][..], 2),
        (&["check", "no/such/dir"][..], 78),
        // Nothing runs there.
        (&["status"][..], 1),
    ] {
        let said = cutover(&rig, &dir, args).await;
        assert_eq!(said.code, code, "{said:?}");
        if code != 0 {
            assert!(!said.stderr.is_empty(), "a failure says why: {said:?}");
        }
    }
}

#[tokio::test]
async fn a_port_in_use_is_named_and_nothing_is_served() {
    let rig = Rig::new().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    for which in ["http", "admin"] {
        let mut config = Config::new([("legacy", "http://127.0.0.1:9")]);
        let addr = taken.local_addr().unwrap();
        if which == "http" {
            config.http = addr
        } else {
            config.admin = addr
        }
        let dir = rig.subdir(&format!("taken-{which}")).unwrap();
        config.write(&dir).unwrap();
        let said = cutover(&rig, &dir, &["run"]).await;
        assert_eq!(said.code, 1, "{which}: {said:?}");
        assert!(said.stderr.contains(&addr.to_string()), "{which}: {}", said.stderr);
    }
}

#[tokio::test]
async fn without_a_store_and_without_a_last_state_it_ends_before_it_listens() {
    let rig = Rig::new().unwrap();
    let dir = files(&rig, "no-store");
    std::fs::create_dir(dir.join("cutover.db")).unwrap();
    let said = cutover(&rig, &dir, &["run"]).await;
    assert_eq!(said.code, 1, "{said:?}");
    assert!(said.stderr.contains("cutover.db"), "{}", said.stderr);
}

#[tokio::test]
async fn an_invalid_change_leaves_the_running_state_and_a_valid_one_is_taken() {
    let pair = Pair::start("phase = \"live\"").await.unwrap();
    let path = pair.proxy.dir().join(TEAM_FILE);
    let good = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, good.replace("phase = \"live\"", "phase = \"lvie\"")).unwrap();
    pair.proxy.process().signal(rustix::process::Signal::HUP);
    let invalid = eventually("a metric that is on", async || {
        let metrics = pair.proxy.metrics().await.ok()?;
        (metrics.sum("cutover_config_last_reload_failed", &[]) == 1.0).then_some(())
    });
    invalid.await.unwrap();
    let said = pair.proxy.process().stderr();
    assert!(said.contains("unknown_value") && said.contains(TEAM_FILE), "{said}");
    assert_eq!(pair.side("/api/v1/devices/1").await.unwrap(), "new");
    // The watch alone finds the correction; its value is back in the file, so nothing moves.
    std::fs::write(&path, good.replace("owner = \"devices-team\"", "owner = \"home-team\""))
        .unwrap();
    let valid = eventually("a metric that is off", async || {
        let metrics = pair.proxy.metrics().await.ok()?;
        (metrics.sum("cutover_config_last_reload_failed", &[]) == 0.0).then_some(())
    });
    valid.await.unwrap();
    assert_eq!(pair.side("/api/v1/devices/1").await.unwrap(), "new");
}

#[tokio::test]
async fn a_changed_phase_in_the_file_moves_the_route_and_an_unchanged_one_does_not() {
    let pair = Pair::start("phase = \"shadow\"").await.unwrap();
    let path = pair.proxy.dir().join(TEAM_FILE);
    let good = std::fs::read_to_string(&path).unwrap();
    std::fs::write(
        &path,
        good.replace("phase = \"shadow\"", "phase = \"canary\"\npercent = 100.0"),
    )
    .unwrap();
    e2e::wait::within(Duration::from_secs(5), "the file's phase", async || {
        (pair.side("/api/v1/devices/1").await.ok()? == "new").then_some(())
    })
    .await
    .unwrap();
    pair.proxy.flip(&["rollback", "device-read"]).await.unwrap();
    // A change of something else must not undo the operator's move.
    let changed = std::fs::read_to_string(&path).unwrap().replace("devices-team", "home-team");
    std::fs::write(&path, changed).unwrap();
    eventually("the new owner", async || {
        let said = pair.proxy.cutover(&["status", "--output", "json"]).await.ok()?;
        said.stdout.contains("home-team").then_some(())
    })
    .await
    .unwrap();
    assert_eq!(pair.side("/api/v1/devices/1").await.unwrap(), "legacy");
}

#[tokio::test]
async fn tokens_and_roles_are_asked_for() {
    let pair = Pair::start("phase = \"shadow\"").await.unwrap();
    let admin = format!("http://{}", pair.proxy.admin());
    let binary = pair.rig.binary("cutover").unwrap();
    let elsewhere = pair.rig.subdir("elsewhere").unwrap();
    let with = async |token: &Path, args: &[&str]| {
        let token = token.display().to_string();
        let reach = ["--admin", admin.as_str(), "--token-file", token.as_str()];
        cli::run(&binary, args.iter().chain(&reach), &[], &elsewhere).await.unwrap()
    };
    let wrong = elsewhere.join("wrong");
    std::fs::write(&wrong, "x".repeat(40)).unwrap();
    let rollback = ["rollback", "device-read", "--to", "legacy", "--reason", "r"];
    let said = with(&wrong, &rollback).await;
    assert_eq!(said.code, 4, "{said:?}");

    let made = pair
        .proxy
        .cutover(&["token", "create", "--role", "operator", "--name", "pager", "--output", "json"])
        .await
        .unwrap();
    let made: serde_json::Value = made.json().unwrap();
    let operator = elsewhere.join("operator");
    let text = made["token"].as_str().unwrap_or_else(|| panic!("no token in {made}"));
    std::fs::write(&operator, text).unwrap();
    let said = with(
        &operator,
        &["promote", "device-read", "--to", "canary", "--percent", "5", "--reason", "r"],
    )
    .await;
    assert_eq!(said.code, 4, "an operator moves nothing forward: {said:?}");
    assert!(said.stderr.contains("migrator"), "it says which role may: {}", said.stderr);
    with(&operator, &rollback).await.ok().unwrap();
    let bare = client::get(pair.proxy.admin(), "/api/v1/status").await.unwrap();
    assert_eq!(bare.status, 401);
}

#[tokio::test]
async fn a_stale_revision_is_refused_with_the_present_state() {
    let pair = Pair::start("phase = \"shadow\"").await.unwrap();
    let first = pair
        .proxy
        .flip(&["promote", "device-read", "--to", "canary", "--percent", "5"])
        .await
        .unwrap();
    let expect = (first.revision - 1).to_string();
    let said = pair
        .proxy
        .cutover(&[
            "promote",
            "device-read",
            "--percent",
            "25",
            "--expect",
            &expect,
            "--reason",
            "r",
        ])
        .await
        .unwrap();
    assert_eq!(said.code, 1, "{said:?}");
    assert!(
        said.stderr.contains("stale_revision") && said.stderr.contains(&first.revision.to_string()),
        "{}",
        said.stderr
    );
    let expect = first.revision.to_string();
    pair.proxy
        .flip(&["promote", "device-read", "--percent", "25", "--expect", &expect])
        .await
        .unwrap();
}

#[tokio::test]
async fn plan_apply_and_export_go_round() {
    let pair = Pair::start("phase = \"shadow\"").await.unwrap();
    let run = async |args: &[&str]| pair.proxy.cutover(args).await.unwrap();
    let deploy = pair.rig.subdir("deploy").unwrap();
    let target = deploy.display().to_string();
    run(&["export", "--dir", &target]).await.ok().unwrap();
    let plan = run(&["plan", &target, "--output", "json"]).await;
    assert_eq!(plan.code, 0, "nothing differs from what was exported: {plan:?}");
    let path = deploy.join(TEAM_FILE);
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.contains("phase = \"shadow\""), "{text}");
    std::fs::write(
        &path,
        text.replace("phase = \"shadow\"", "phase = \"canary\"\npercent = 100.0"),
    )
    .unwrap();
    let plan = run(&["plan", &target, "--output", "json"]).await;
    assert_eq!(plan.code, 3, "{plan:?}");
    let plan: serde_json::Value = serde_json::from_str(&plan.stdout).unwrap();
    let expect =
        find_object(&plan, "expect").map_or(plan["revision"].clone(), |it| it["expect"].clone());
    let expect =
        expect.as_u64().unwrap_or_else(|| panic!("no revision to expect in {plan}")).to_string();
    let wrong = run(&["apply", &target, "--expect", "999999", "--reason", "r"]).await;
    assert_eq!(wrong.code, 1, "{wrong:?}");
    run(&["apply", &target, "--expect", &expect, "--reason", "release", "--wait"])
        .await
        .ok()
        .unwrap();
    assert_eq!(pair.side("/api/v1/devices/1").await.unwrap(), "new");
    assert_eq!(run(&["plan", &target]).await.code, 0);
}

#[tokio::test]
async fn a_changed_listener_is_refused_with_the_way_to_do_it() {
    let pair = Pair::start("phase = \"live\"").await.unwrap();
    let path = pair.proxy.dir().join(PROCESS_FILE);
    let text = std::fs::read_to_string(&path).unwrap();
    let (old, new) = (pair.proxy.addr().to_string(), e2e::ports::free().to_string());
    std::fs::write(&path, text.replace(&old, &new)).unwrap();
    pair.proxy.process().signal(rustix::process::Signal::HUP);
    eventually("a refusal", async || {
        pair.proxy.process().stderr().contains("listener_changed").then_some(())
    })
    .await
    .unwrap();
    assert_eq!(pair.side("/api/v1/devices/1").await.unwrap(), "new");
}

/// Environment variables override keys, and only keys that exist.
#[tokio::test]
async fn the_environment_overrides_the_process_file() {
    let rig = Rig::new().unwrap();
    let dir = files(&rig, "environment");
    let binary = rig.binary("cutover").unwrap();
    let with = async |env: &[(&str, &str)]| {
        cli::run(&binary, ["check", "--explain"], env, &dir).await.unwrap()
    };
    let said = with(&[("CUTOVER__TELEMETRY__SAMPLE_RATIO", "0.25")]).await;
    assert!(said.code == 0 && said.stdout.contains("0.25"), "{said:?}");
    let said = with(&[("CUTOVER__TELEMETRY__SAMPEL_RATIO", "0.25")]).await;
    assert_eq!(said.code, 78, "{said:?}");
    let said = with(&[("CUTOVER__TELEMETRY__SAMPLE_RATIO", "much")]).await;
    assert_eq!(said.code, 78, "{said:?}");
}

#[tokio::test]
async fn doctor_finds_what_is_wrong_with_a_running_proxy() {
    let pair = Pair::start("phase = \"live\"").await.unwrap();
    assert_eq!(pair.proxy.cutover(&["doctor"]).await.unwrap().code, 0);
    pair.new.set(e2e::upstream::Fault::Refuse).await;
    let said = pair.proxy.cutover(&["doctor"]).await.unwrap();
    assert!(format!("{}{}", said.stdout, said.stderr).contains("new"), "{said:?}");
    assert_eq!(said.code, 1, "{said:?}");
}
