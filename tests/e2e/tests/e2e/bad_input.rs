//! What bad files and bad command lines get: a message with code, place and remedy, and the right
//! exit code.

use std::path::Path;

use e2e::cli::{self, Said};
use e2e::config::{PROCESS_FILE, TEAM_FILE, device_read};
use e2e::{Config, Rig};

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
pub(crate) fn find_object<'a>(
    value: &'a serde_json::Value,
    key: &str,
) -> Option<&'a serde_json::Value> {
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
