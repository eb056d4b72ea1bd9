//! Our rules beside those that another generator, slokit, makes of the same OpenSLO files: from the
//! same series both record the same ratios and alert in the same minutes.
//!
//! What differs on purpose is kept out: periods other than 30 days, for which slokit scales windows
//! and we scale factors; traffic below the least number of bad events, and ratios above 1, which it
//! knows nothing of. Of an uneven month it averages moments where we weigh events, so traffic is even.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use e2e::config::{PROCESS_FILE, device_read};
use e2e::{Config, Rig, cli};

/// The objectives of route `device-read`.
const OF_ROUTE: &str = include_str!("rules/device-read.yaml");
/// One across routes, from the example.
const OF_FILE: &str = include_str!("../../../../proxy/cutover/examples/teams/slos/devices.yaml");
/// Names of all three.
const OBJECTIVES: [&str; 3] =
    ["device-read-availability", "device-read-latency", "devices-answered"];
const WINDOWS: [&str; 7] = ["5m", "30m", "1h", "2h", "6h", "1d", "3d"];
/// Its groups of rules, in the order in which they build on each other.
const GROUPS: [&str; 3] = ["sli-recordings", "meta-recordings", "alerts"];

/// Minutes, and in each of them good requests, slow ones and errors: an outage, a slow burn that
/// pages, one that does not.
const STAGES: [[u32; 4]; 6] = [
    [60, 600, 0, 0],
    [40, 0, 300, 300],
    [100, 600, 0, 0],
    [150, 576, 12, 12],
    [50, 600, 0, 0],
    [200, 598, 1, 1],
];
const MINUTES: u32 = 600;

#[tokio::test]
#[ignore = "slow tier (rules): builds slokit"]
async fn another_generator_finds_the_same() {
    let rig = Rig::new().unwrap();
    let dir = rig.subdir("rules").unwrap();
    ours(&rig, &dir).await;
    theirs(&rig, &dir).await;
    std::fs::write(dir.join("test.yaml"), test()).unwrap();
    let test = ["test", "rules", "test.yaml"];
    cli::run(Path::new("promtool"), test, &[], &dir).await.unwrap().ok().unwrap();
}

/// `objectives.yaml`: routes' objectives as `slo import` reads them, the other as it is.
async fn ours(rig: &Rig, dir: &Path) {
    let cutover = rig.binary("cutover").unwrap();
    std::fs::write(dir.join("route.yaml"), OF_ROUTE).unwrap();
    let import = cli::run(&cutover, ["slo", "import", "route.yaml"], &[], dir).await.unwrap();
    let slo = import.ok().unwrap().stdout;
    let target = format!("phase = \"shadow\"\n{slo}");
    let upstreams = [("monolith", "http://127.0.0.1:1"), ("registry", "http://127.0.0.1:2")];
    let config = Config::new(upstreams).routes(device_read("monolith", "registry", &target));
    config.write(dir).unwrap();
    let process = format!("slos = [\"file.yaml\"]\n{}", config.process_file());
    std::fs::write(dir.join(PROCESS_FILE), process).unwrap();
    std::fs::write(dir.join("file.yaml"), of_file()).unwrap();
    let rules = ["slo", "rules", "--out", "."];
    cli::run(&cutover, rules, &[], dir).await.unwrap().ok().unwrap();
}

/// `slokit.yaml`.
async fn theirs(rig: &Rig, dir: &Path) {
    std::fs::create_dir_all(dir.join("openslo")).unwrap();
    std::fs::write(dir.join("openslo/route.yaml"), OF_ROUTE).unwrap();
    std::fs::write(dir.join("openslo/file.yaml"), of_file()).unwrap();
    let generate = ["generate", "--input", "openslo", "--output", "slokit.yaml"];
    cli::run(&slokit(rig), generate, &[], dir).await.unwrap().ok().unwrap();
}

fn of_file() -> String {
    let text = OF_FILE.replace("duration: 28d", "duration: 30d");
    assert_ne!(text, OF_FILE);
    text
}

/// Where `tests/all --slow rules` installs it, beside what is built here.
fn slokit(rig: &Rig) -> PathBuf {
    let ours = rig.binary("cutover").unwrap();
    let target = ours.ancestors().nth(2).expect("binaries lie below the target directory");
    let path = target.join("tools/bin/slokit");
    assert!(path.exists(), "{} is missing: tests/all --slow rules installs it", path.display());
    path
}

/// promtool's test: both files, the same series, and what has to agree.
fn test() -> String {
    let mut text = String::from(
        "rule_files: [objectives.yaml, slokit.yaml]\nevaluation_interval: 1m\ngroup_eval_order:\n",
    );
    for objective in OBJECTIVES {
        let _ = writeln!(text, "  - cutover-slo-{objective}");
        let service = if objective.starts_with("devices") { "devices" } else { "device-read" };
        for group in GROUPS {
            let _ = writeln!(text, "  - slokit-slo-{group}-{service}-{objective}");
        }
    }
    text += "tests:\n  - interval: 1m\n    input_series:\n";
    for (series, values) in series() {
        let _ = writeln!(text, "      - series: '{series}'\n        values: {values}");
    }
    text += "    promql_expr_test:\n";
    for (expr, value) in OBJECTIVES.into_iter().flat_map(expected) {
        let _ = writeln!(
            text,
            "      - expr: '{expr}'\n        eval_time: {MINUTES}m\n        exp_samples: \
             [{{ labels: '{{}}', value: {value} }}]"
        );
    }
    text
}

fn series() -> [(String, String); 4] {
    let requests = |outcome| {
        format!("cutover_requests_total{{cutover_route=\"device-read\",outcome=\"{outcome}\"}}")
    };
    let duration = |what: &str| {
        format!("cutover_request_duration_seconds_{what}cutover_route=\"device-read\"}}")
    };
    [
        (requests("ok"), counted(|[_, good, slow, _]| good + slow)),
        (requests("error"), counted(|[_, _, _, error]| error)),
        (duration("count{"), counted(|[_, good, slow, error]| good + slow + error)),
        // Errors are fast.
        (duration("bucket{le=\"0.25\","), counted(|[_, good, _, error]| good + error)),
    ]
}

/// A counter's values, in promtool's `start+stepxtimes`.
fn counted(per_minute: impl Fn([u32; 4]) -> u32) -> String {
    let mut value = 0;
    let mut text = "0".to_owned();
    for stage in STAGES {
        let step = per_minute(stage);
        let _ = write!(text, " {}+{step}x{}", value + step, stage[0] - 1);
        value += step * stage[0];
    }
    text
}

/// Queries about one objective, and what each gives.
fn expected(objective: &str) -> Vec<(String, u32)> {
    let recorded = |series: &str| {
        [("cutover", ",cutover_side=\"all\""), ("sloth", "")]
            .map(|(who, more)| format!("sum({series}{{{who}_slo=\"{objective}\"{more}}})"))
    };
    let constant = |series: &str| {
        ["cutover", "sloth"].map(|who| format!("sum({series}{{{who}_slo=\"{objective}\"}})"))
    };
    let mut expected = Vec::new();
    for window in WINDOWS {
        let [ours, theirs] = recorded(&format!("slo:sli_error:ratio_rate{window}"));
        expected.extend(same(&ours, &theirs, 1e-12));
        expected.push((format!("max_over_time(({ours})[{MINUTES}m:1m]) > bool 0.01"), 1));
    }
    let [ours, theirs] = recorded("slo:current_burn_rate:ratio");
    expected.extend(same(&ours, &theirs, 1e-9));
    // Of the first five minutes the rate is less than it was, so they weigh less: by 5 of 60 at
    // most when the first error comes.
    let [ours, theirs] = recorded("slo:period_burn_rate:ratio");
    expected.extend(same(&format!("({ours}) / ({theirs})"), "vector(1)", 0.08));
    for series in ["slo:objective:ratio", "slo:error_budget:ratio", "slo:time_period:days"] {
        let [ours, theirs] = constant(series);
        expected.extend(same(&ours, &theirs, 1e-12));
    }
    for severity in ["page", "ticket"] {
        let [ours, theirs] = alerts(objective, severity);
        expected.extend(same(&ours, &theirs, 0.0));
        for (extreme, value) in [("max", 1), ("min", 0)] {
            expected.push((format!("{extreme}_over_time(({ours})[{MINUTES}m:1m])"), value));
        }
    }
    expected
}

/// Both are there almost all of the time, and never further apart than `dust`.
fn same(ours: &str, theirs: &str, dust: f64) -> [(String, u32); 2] {
    let apart = format!("abs(({ours}) - ({theirs}))");
    let minutes = format!("[{MINUTES}m:1m]");
    [
        (format!("max_over_time(({apart}){minutes}) <= bool {dust}"), 1),
        (format!("count_over_time(({apart}){minutes}) > bool {}", MINUTES - 5), 1),
    ]
}

/// 1 in minutes in which the users' alert fires, else 0.
fn alerts(objective: &str, severity: &str) -> [String; 2] {
    [
        format!(
            "alertname=\"CutoverSLOErrorBudgetBurn\",cutover_slo=\"{objective}\",\
             cutover_side=\"all\",severity=\"{severity}\""
        ),
        format!("alertname=\"{objective}\",sloth_severity=\"{severity}\""),
    ]
    .map(|which| format!("count(ALERTS{{alertstate=\"firing\",{which}}}) > bool 0 or vector(0)"))
}
