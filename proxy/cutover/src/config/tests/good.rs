use std::path::Path;

use cutover_domain::{Percent, Phase, Target};
use expect_test::expect;

use super::{
    super::*,
    bad::{PROCESS, TEAM, load},
};

/// Every example that the repository carries is valid without remarks.
#[test]
fn examples_are_valid() {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let mut seen = 0;
    for entry in std::fs::read_dir(examples).unwrap() {
        let path = entry.unwrap().path();
        let loaded = super::super::load(&path, &Environment::default(), Depth::WithoutFiles);
        assert!(loaded.report.diagnostics().is_empty(), "{}", loaded.render(false));
        seen += 1;
    }
    assert!(seen >= 2, "only {seen} examples");
}

#[test]
fn committed_schemas_are_those_of_the_types() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("schema");
    expect_test::expect_file![dir.join("cutover.schema.json")].assert_eq(&process_schema());
    expect_test::expect_file![dir.join("team.schema.json")].assert_eq(&team_schema());
}

#[test]
fn documented_defaults_are_those_in_force() {
    let config = load(PROCESS, TEAM, Environment::default()).config.unwrap();
    let listener = &config.settings.listeners[0];
    let plain = cutover_gateway::settings::ListenerSettings::http(listener.address);
    assert_eq!(format!("{listener:?}"), format!("{plain:?}"));
    let limits = cutover_gateway::settings::Limits {
        workers: config.settings.limits.workers,
        ..Default::default()
    };
    assert_eq!(config.settings.limits, limits);
    assert_eq!(config.store.url, "sqlite://cutover.db");
    assert_eq!(config.admin.listen.to_string(), "127.0.0.1:9900");
    assert_eq!(config.legacy_all, Path::new("legacy-all"));
}

#[test]
fn a_route_becomes_what_it_says() {
    let team = TEAM.replace(
        "new = \"registry\"",
        "new = \"registry\"\nphase = \"canary\"\npercent = 12.5\n\
         slo = { latency = { target = 95.0, under_ms = 300 } }",
    );
    let config = load(PROCESS, &team, Environment::default()).config.unwrap();
    let route = &config.declaration.routes[0];
    assert_eq!(route.legacy, "monolith");
    assert_eq!(
        route.target,
        Target { phase: Phase::Canary, percent: Percent::from_f64(12.5).unwrap() }
    );
    assert_eq!(config.declaration.groups[0].cohort.salt, "devices");
    assert_eq!(route.objectives.latency.map(|latency| latency.under_ms), Some(300));
}

#[test]
fn a_journey_becomes_what_it_says() {
    let team = format!(
        "{TEAM}
[[route]]
id = \"device-write\"
group = \"devices\"
match = {{ methods = [\"PATCH\"], path = \"/devices/{{id}}\" }}

[journey.device-state]
start = {{ route = [\"device-write\"] }}
end = {{ route = \"device-read\" }}
correlate = [\"path:id\", \"answer:ETag\"]
within_ms = 2000
target = 99"
    );
    let config = load(PROCESS, &team, Environment::default()).config.unwrap();
    expect![[r#"
        [
            JourneySpec {
                name: "device-state",
                starts: [
                    "device-write",
                ],
                ends: [
                    "device-read",
                ],
                correlate: [
                    Path(
                        "id",
                    ),
                    Answer(
                        "etag",
                    ),
                ],
                within: 2s,
                lost_after: 30s,
                target_percent: 99.0,
            },
        ]
    "#]]
    .assert_debug_eq(&config.declaration.journeys);
}

#[test]
fn the_environment_stands_above_the_process_file() {
    let environment = Environment::from_iter([
        ("CUTOVER__STORE__URL", "sqlite:///var/lib/cutover/x.db"),
        ("CUTOVER__SERVER__WORKERS", "3"),
        ("CUTOVER__LISTENER__0__LISTEN", "127.0.0.1:1234"),
        ("CUTOVER__UPSTREAM__REGISTRY__URL", "http://registry:80"),
        ("CUTOVER_ADMIN", "http://elsewhere"),
        ("CUTOVER__TELEMETRY__TRACE__CIDRS", "[\"10.0.0.0/8\"]"),
        ("CUTOVER__TELEMETRY__TRACE__TRUST", "cidr"),
    ]);
    let config = load(PROCESS, TEAM, environment).config.unwrap();
    assert_eq!(config.store.url, "sqlite:///var/lib/cutover/x.db");
    assert_eq!(config.settings.limits.workers, 3);
    assert_eq!(config.settings.listeners[0].address.port(), 1234);
    assert_eq!(config.declaration.upstream("registry").unwrap().host, "registry");
    assert!(matches!(config.telemetry.trust, Trust::Cidrs(nets) if nets.len() == 1));
}

#[test]
fn secrets_are_read_and_never_shown() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("key"), "0123456789abcdef0123456789abcdef\n").unwrap();
    let path = dir.path().join("cutover.toml");
    let process = PROCESS.replace("include = [\"routes/*.toml\"]", "");
    let process = process.replace("[upstream.registry]\nurl = \"http://127.0.0.1:9101\"", "");
    std::fs::write(&path, format!("{process}\n[admin]\noverride_key = \"file:key\"\n")).unwrap();
    let loaded = super::super::load(dir.path(), &Environment::default(), Depth::Whole);
    let config = loaded.config.clone().unwrap_or_else(|| panic!("{}", loaded.render(false)));
    assert!(config.settings.override_key.is_some());
    let shown = format!("{config:?} {}", serde_json::to_string(&config.document).unwrap());
    assert!(!shown.contains("0123456789"), "{shown}");
}

#[test]
fn the_whole_document_shows_its_defaults() {
    let config = load(PROCESS, TEAM, Environment::default()).config.unwrap();
    let mut document = config.document;
    document.server.workers = Some(2);
    expect![[r#"
        default = "monolith"

        [server]
        workers = 2
        drain_ms = 30000
        forwarded = "off"

        [server.limits]
        connections_max = 8192
        connections_per_address_max = 2048
        replay_bytes_max = 65536

        [server.timeouts]
        tunnel_idle_ms = 3600000
        upstream_idle_ms = 10000
        upstream_fresh_ms = 1000

        [store]
        url = "sqlite://cutover.db"

        [admin]
        listen = "127.0.0.1:9900"

        [telemetry]
        otlp = ""
        sample_ratio = 0.05

        [telemetry.trace]
        trust = "never"
        respond = false

        [telemetry.log]
        format = "json"
        level = "info"
        canonical_ratio = 0.01

        [gates]
        evaluate_ms = 15000
        windows_scale = 1.0
        evidence = 1000.0
        difference_points = 0.2
        latency_times = 1.2
        latency_above_ms = 5.0
        parity = 99.5
        comparisons = 1000
        coverage = 90.0
        blind_after_minutes = 15.0

        [[listener]]
        protocol = "http"
        listen = "127.0.0.1:8080"
        half_close = false

        [listener.timeouts]
        head_ms = 10000
        idle_ms = 60000
        body_idle_ms = 30000
        write_ms = 30000

        [listener.limits]
        head_bytes_max = 32768
        head_fields_max = 100
        target_bytes_max = 8192
        body_rate_min = 128
        h2_streams_max = 100
        h2_resets_max = 20
        h2_header_list_bytes_max = 32768

        [upstream.monolith]
        url = "http://127.0.0.1:9000"
        connections_max = 1024

        [upstream.monolith.timeouts]
        connect_ms = 1000
        first_byte_ms = 30000
        idle_ms = 30000

        [upstream.registry]
        url = "http://127.0.0.1:9101"
        connections_max = 1024

        [upstream.registry.timeouts]
        connect_ms = 1000
        first_byte_ms = 30000
        idle_ms = 30000

        [group.devices]
        owner = "devices-team"
        subject = ["path:id", "header:x-device-id"]
        shared_store = false

        [[route]]
        id = "device-read"
        group = "devices"
        new = "registry"
        phase = "legacy"

        [route.match]
        methods = ["GET"]
        path = "/devices/{id}"
    "#]]
    .assert_eq(&toml::to_string(&document).unwrap());
}

#[test]
fn copies_and_rules_are_taken_over() {
    let team = format!(
        "{TEAM}{}",
        r#"
shadow = { percent = 12.5, credentials = "session", max_rps = 0, keep = ["body.status", "query.limit"] }
noise = { sample = 20 }

[[route.rule]]
path = "body.devices[].lastSeen"
tolerate = { time_ms = 1000 }
reason = "clocks"
expires = "1970-01-02"

[[route.rule]]
path = "body.id"
renamed = "ids"
reason = "new ids"

[[route.rule]]
path = "body.price"
tolerate = { number = "0.01" }
reason = "rounding"

[[route.rule]]
path = "body.tags"
unordered_by = ""
reason = "a set"

[[route.rule]]
path = "header.etag"
compare = true
reason = "clients use it"

[[route.rule]]
path = "body.meta.**"
ignore = ["extra", "value"]
reason = "internal"

[[route.rule]]
path = "body.name"
normalise = ["trim", "lower-case"]
reason = "legacy pads"

[[route.rule]]
path = "body.trace"
shape = "uuid"
reason = "made up by each side"
"#
    );
    let loaded = load(PROCESS, &team, Environment::default());
    let route = &loaded.config.unwrap().declaration.routes[0];
    let shadow = route.shadow.as_ref().unwrap();
    assert_eq!(shadow.percent.as_f64(), 12.5);
    assert_eq!(shadow.credentials, cutover_domain::Credentials::Session);
    assert_eq!((shadow.rps_max, shadow.noise.as_f64()), (None, 20.0));
    assert_eq!(shadow.keep.iter().collect::<Vec<_>>(), ["body.status", "query.limit"]);
    assert_eq!(route.rules.iter().count(), 8);
    let first = route.rules.iter().next().unwrap();
    // The end of that day.
    assert_eq!((&*first.reason, first.expires), ("clocks", Some(2 * 24 * 60 * 60)));
}

#[test]
fn gates_become_what_the_judge_reads() {
    use cutover_domain::gate::{Approval, Dwell, Gate, GateSpec, Settings};
    let loaded = load(PROCESS, TEAM, Environment::default());
    let declaration = loaded.config.unwrap().declaration;
    assert_eq!(declaration.gates, Settings::default(), "defaults are the domain's");
    assert_eq!(declaration.routes[0].gates, None);

    let process = PROCESS.replacen(
        "[[listener]]",
        "[gates]\nevaluate_ms = 1000\nwindows_scale = 60\nparity = 99\n\n[[listener]]",
        1,
    );
    let promised = format!("{TEAM}slo = {{ availability = 99.9 }}\nshadow = {{}}\n");
    let loaded = load(&process, &format!("{promised}gates = {{}}\n"), Environment::default());
    let declaration = loaded.config.unwrap().declaration;
    let settings = declaration.gates;
    assert_eq!((settings.evaluate_ms, settings.windows_scale), (1_000, 60.0));
    assert_eq!(settings.parity_min, 0.99);
    assert_eq!(declaration.routes[0].gates, Some(GateSpec::default()), "defaults are the domain's");

    let team = format!(
        "{promised}{}",
        r#"
[route.gates]
automatic = true
require = ["regression"]
steps = [0.5, 10]
dwell_minutes = 0.05
dwell_requests = 20
cool_down_minutes = 1
approval = "live"
schedule = { days = ["mon", "tue"], from = "09:00", until = "16:30", utc_offset_minutes = 60, blackout = ["1970-01-05", "1970-01-12..1970-01-13"] }
critical = ["body.lock.**"]
"#
    );
    let loaded = load(&process, &team, Environment::default());
    let gates = loaded.config.unwrap().declaration.routes[0].gates.clone().unwrap();
    assert!(gates.automatic);
    assert!(gates.requires(Gate::Regression) && !gates.requires(Gate::Burn));
    assert!(gates.requires(Gate::Schedule) && gates.requires(Gate::Approval));
    assert_eq!(gates.dwell, Dwell { ms: 3_000, requests: 20 });
    assert_eq!((gates.cool_down_ms, gates.approval), (60_000, Approval::Live));
    assert_eq!(
        gates.ladder.steps().iter().map(|step| step.as_f64()).collect::<Vec<_>>(),
        [0.5, 10.0]
    );
    // Mondays at nine, an hour ahead of UTC: the first is blacked out, the third is open.
    let monday_ms = |week: u64| ((4 + 7 * week) * 24 + 8) * 3_600_000;
    let open = [0, 1, 2].map(|week| gates.schedule.is_open(monday_ms(week)));
    assert_eq!(open, [false, false, true]);
    assert!(!gates.schedule.is_open(monday_ms(2) - 1));
}
