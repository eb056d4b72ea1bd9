mod environment;
mod gates;
mod journeys;
mod process;
mod rules;
mod slos;
mod team;

use std::path::Path;

use expect_test::{Expect, expect};

use super::super::*;

/// A process file that is right.
pub(super) const PROCESS: &str = r#"default = "monolith"
include = ["routes/*.toml"]

[[listener]]
listen = "127.0.0.1:8080"

[upstream.monolith]
url = "http://127.0.0.1:9000"

[upstream.registry]
url = "http://127.0.0.1:9101"
"#;

/// A team file that is right.
pub(super) const TEAM: &str = r#"[group.devices]
owner = "devices-team"
subject = ["path:id", "header:x-device-id"]

[[route]]
id = "device-read"
group = "devices"
match = { methods = ["GET"], path = "/devices/{id}" }
new = "registry"
"#;

pub(super) fn load(process: &str, team: &str, environment: Environment) -> Loaded {
    let texts = [("cutover.toml", process), ("routes/devices.toml", team)];
    let texts = texts.map(|(path, text)| (path.to_owned(), text.to_owned()));
    load_texts(Path::new("cutover.toml"), &texts, &environment, Depth::Whole)
}

fn check(process: &str, team: &str, expected: Expect) {
    let loaded = load(process, team, Environment::default());
    assert_eq!(loaded.config.is_some(), loaded.report.errors() == 0);
    let rendered = match loaded.report.diagnostics() {
        [] => "nothing".to_owned(),
        _ => loaded.render(false),
    };
    expected.assert_eq(&format!("{rendered}\n"));
}

fn process(from: &str, to: &str, expected: Expect) {
    assert!(PROCESS.contains(from), "{from:?} is not in the file");
    check(&PROCESS.replacen(from, to, 1), TEAM, expected);
}

fn team(from: &str, to: &str, expected: Expect) {
    assert!(TEAM.contains(from), "{from:?} is not in the file");
    check(PROCESS, &TEAM.replacen(from, to, 1), expected);
}

#[test]
fn nothing_wrong() {
    check(
        PROCESS,
        TEAM,
        expect![[r#"
            nothing
        "#]],
    );
}
