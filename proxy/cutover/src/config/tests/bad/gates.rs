//! `gates` of a route, and `[gates]` of the process.

use super::*;

/// A route that promises something and is copied, with these gates.
fn gates(gates: &str, expected: Expect) {
    let team =
        format!("{TEAM}slo = {{ availability = 99.9 }}\nshadow = {{}}\ngates = {{ {gates} }}\n");
    check(PROCESS, &team, expected);
}

#[test]
fn a_gate_without_anything_to_look_at() {
    let team = format!("{TEAM}gates = {{}}\n");
    check(
        PROCESS,
        &team,
        expect![[r#"
        error[bad_gates]: the gate `burn` can never pass on this route
          --> routes/devices.toml:10:9
           |
        10 | gates = {}
           |         ^^ it is required, and has nothing to look at
           |
           = help: add `slo = { availability = 99.9 }`, or leave `burn` out of `gates.require`

        error[bad_gates]: the gate `parity` can never pass on this route
          --> routes/devices.toml:10:9
           |
        10 | gates = {}
           |         ^^ it is required, and has nothing to look at
           |
           = help: add `shadow = {}`, or leave `parity` out of `gates.require`
    "#]],
    );
    let team = format!("{TEAM}gates = {{ require = [\"latency\", \"parity\"] }}\n");
    check(
        PROCESS,
        &team,
        expect![[r#"
        error[bad_gates]: the gate `parity` can never pass on this route
          --> routes/devices.toml:10:33
           |
        10 | gates = { require = ["latency", "parity"] }
           |                                 ^^^^^^^^ it is required, and has nothing to look at
           |
           = help: add `shadow = {}`, or leave `parity` out of `gates.require`
    "#]],
    );
}

#[test]
fn no_gate() {
    gates(
        "require = [\"luck\"]",
        expect![[r#"
        error[unknown_value]: `luck` is no value of an item of `require`
          --> routes/devices.toml:12:22
           |
        12 | gates = { require = ["luck"] }
           |                      ^^^^^^
           |
           = help: use `burn`, `regression`, `latency`, `parity` or `observability`
    "#]],
    );
}

#[test]
fn steps_that_do_not_rise() {
    gates(
        "steps = [1, 25, 5]",
        expect![[r#"
        error[bad_gates]: steps rise: 5 % does not follow 25 %
          --> routes/devices.toml:12:19
           |
        12 | gates = { steps = [1, 25, 5] }
           |                   ^^^^^^^^^^
           |
           = help: write shares in percent that rise, like `[1, 5, 25, 50, 100]`
    "#]],
    );
    gates(
        "steps = []",
        expect![[r#"
        error[out_of_range]: `steps` must not be empty
          --> routes/devices.toml:12:19
           |
        12 | gates = { steps = [] }
           |                   ^^
    "#]],
    );
    gates(
        "steps = [0, 5]",
        expect![[r#"
        error[bad_gates]: 0 % is no step: nobody would meet new
          --> routes/devices.toml:12:19
           |
        12 | gates = { steps = [0, 5] }
           |                   ^^^^^^
           |
           = help: write shares in percent that rise, like `[1, 5, 25, 50, 100]`
    "#]],
    );
    gates(
        "steps = [0.125, 5]",
        expect![[r#"
        error[bad_percent]: `0.125` is no percentage: use 0 to 100 with at most two decimals
          --> routes/devices.toml:12:20
           |
        12 | gates = { steps = [0.125, 5] }
           |                    ^^^^^
    "#]],
    );
}

#[test]
fn times_below_zero() {
    gates(
        "dwell_minutes = -1",
        expect![[r#"
        error[out_of_range]: `dwell_minutes` must be between 0 and 43200
          --> routes/devices.toml:12:27
           |
        12 | gates = { dwell_minutes = -1 }
           |                           ^^
    "#]],
    );
    gates(
        "cool_down_minutes = -0.5",
        expect![[r#"
        error[out_of_range]: `cool_down_minutes` must be between 0 and 43200
          --> routes/devices.toml:12:31
           |
        12 | gates = { cool_down_minutes = -0.5 }
           |                               ^^^^
    "#]],
    );
    gates(
        "dwell_requests = -1",
        expect![[r#"
        error[out_of_range]: `dwell_requests` must be at least 0
          --> routes/devices.toml:12:28
           |
        12 | gates = { dwell_requests = -1 }
           |                            ^^
    "#]],
    );
}

#[test]
fn no_approval() {
    gates(
        "approval = \"always\"",
        expect![[r#"
        error[unknown_value]: `always` is no value of `approval`
          --> routes/devices.toml:12:22
           |
        12 | gates = { approval = "always" }
           |                      ^^^^^^^^
           |
           = help: use `never`, `live` or `each`
    "#]],
    );
}

#[test]
fn no_time_of_the_day() {
    gates(
        "schedule = { from = \"9 am\" }",
        expect![[r#"
        error[bad_gates]: `9 am` is no time of the day
          --> routes/devices.toml:12:31
           |
        12 | gates = { schedule = { from = "9 am" } }
           |                               ^^^^^^
           |
           = help: write it like `09:00`
    "#]],
    );
    gates(
        "schedule = { until = \"25:00\" }",
        expect![[r#"
        error[bad_gates]: `25:00` is no time of the day
          --> routes/devices.toml:12:32
           |
        12 | gates = { schedule = { until = "25:00" } }
           |                                ^^^^^^^
           |
           = help: write it like `09:00`
    "#]],
    );
}

#[test]
fn no_day() {
    gates(
        "schedule = { days = [\"someday\"] }",
        expect![[r#"
        error[unknown_value]: `someday` is no value of an item of `days`
          --> routes/devices.toml:12:32
           |
        12 | gates = { schedule = { days = ["someday"] } }
           |                                ^^^^^^^^^
           |
           = help: use `mon`, `tue`, `wed`, `thu`, `fri`, `sat` or `sun`
    "#]],
    );
    gates(
        "schedule = { days = [] }",
        expect![[r#"
        error[out_of_range]: `days` must not be empty
          --> routes/devices.toml:12:31
           |
        12 | gates = { schedule = { days = [] } }
           |                               ^^
    "#]],
    );
    gates(
        "schedule = { blackout = [\"24 December\"] }",
        expect![[r#"
        error[bad_gates]: `24 December` is no day and no span of days
          --> routes/devices.toml:12:36
           |
        12 | gates = { schedule = { blackout = ["24 December"] } }
           |                                    ^^^^^^^^^^^^^
           |
           = help: write a day like `2026-12-24`, or `2026-12-24..2027-01-02`
    "#]],
    );
    gates(
        "schedule = { blackout = [\"2027-01-02..2026-12-24\"] }",
        expect![[r#"
        error[bad_gates]: `2027-01-02..2026-12-24` is no day and no span of days
          --> routes/devices.toml:12:36
           |
        12 | gates = { schedule = { blackout = ["2027-01-02..2026-12-24"] } }
           |                                    ^^^^^^^^^^^^^^^^^^^^^^^^
           |
           = help: write a day like `2026-12-24`, or `2026-12-24..2027-01-02`
    "#]],
    );
    gates(
        "schedule = { utc_offset_minutes = 1000 }",
        expect![[r#"
        error[out_of_range]: `utc_offset_minutes` must be between -840 and 840
          --> routes/devices.toml:12:45
           |
        12 | gates = { schedule = { utc_offset_minutes = 1000 } }
           |                                             ^^^^
    "#]],
    );
}

#[test]
fn no_place() {
    gates(
        "critical = [\"lock.state\"]",
        expect![[r#"
        error[bad_rule]: `lock.state` is no path: start with `status`, `header.NAME`, `trailer.NAME` or `body`
          --> routes/devices.toml:12:23
           |
        12 | gates = { critical = ["lock.state"] }
           |                       ^^^^^^^^^^^^
    "#]],
    );
}

#[test]
fn settings_out_of_range() {
    for setting in [
        "evaluate_ms = 10",
        "windows_scale = 0",
        "evidence = 1",
        "difference_points = 0",
        "latency_times = 0.9",
        "latency_above_ms = -1",
        "parity = 100",
        "comparisons = -1",
        "coverage = 101",
        "blind_after_minutes = 0",
    ] {
        let process =
            PROCESS.replacen("[[listener]]", &format!("[gates]\n{setting}\n\n[[listener]]"), 1);
        let loaded = load(&process, TEAM, Environment::default());
        assert_eq!(loaded.report.errors(), 1, "{setting}: {}", loaded.render(false));
        let rendered = loaded.render(false);
        assert!(rendered.starts_with("error[out_of_range]"), "{setting}: {rendered}");
    }
}
