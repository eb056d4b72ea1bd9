use expect_test::expect;
use serde_json::json;

use super::*;

fn routes() -> Vec<RouteRow> {
    let device_read = json!({
        "id": "device-read", "group": "devices", "owner": "devices-team",
        "matches": "GET /api/v1/devices/{id}", "writes": "safe",
        "phase": "canary", "percent": 12.5, "revision": 7, "safe_phase": "shadow",
        "rps": 1234.56,
        "legacy": { "upstream": "monolith", "rps": 1000.0, "success": 0.999999, "p95_ms": 41.6 },
        "new": { "upstream": "registry", "rps": 234.56, "success": 0.98125, "p95_ms": 9.4 },
        "parity": 0.9999, "budget": 0.5,
        "gate": { "open": true, "next": { "phase": "canary", "percent": 25.0 } },
        "changed_at_ms": 1, "age_ms": 7_200_000,
        "file": { "phase": "live" },
        "blocked": { "target": { "phase": "live" }, "code": "skips_phase", "why": "one at a time" }
    });
    let home_write = json!({
        "id": "home-write", "group": "homes", "owner": "homes-team",
        "matches": "POST /api/v1/homes", "writes": "unsafe",
        "phase": "legacy", "revision": 0, "safe_phase": "legacy", "rps": 0.0,
        "legacy": { "upstream": "monolith", "rps": 0.0 },
        "gate": { "open": false, "code": "no_new", "why": "no `new`" },
        "held": "freeze", "file": { "phase": "legacy" }
    });
    [device_read, home_write].map(|row| serde_json::from_value(row).unwrap()).to_vec()
}

#[test]
fn a_table_for_people() {
    expect![[r#"
        ROUTE        PHASE    SPLIT     RPS  SUCCESS(L/N)   P95(L/N)  PARITY  BUDGET  GATE  AGE  OWNER
        device-read  canary  12.5 %  1234.6  99.99%/98.12%  42ms/9ms  99.99%  50.00%  open  2h   devices-team
        home-write   legacy     0 %     0.0  -/-            -/-       -       -       held  -    homes-team
    "#]].assert_eq(&format!("{}\n", table_text(&rows(&routes(), Output::Table))));
}

#[test]
fn a_wide_table() {
    expect![[r#"
        ROUTE        PHASE    SPLIT     RPS  SUCCESS(L/N)   P95(L/N)  PARITY  BUDGET  GATE  AGE  OWNER         GROUP    REV  FILE    MATCHES
        device-read  canary  12.5 %  1234.6  99.99%/98.12%  42ms/9ms  99.99%  50.00%  open  2h   devices-team  devices  7    live    GET /api/v1/devices/{id}
        home-write   legacy     0 %     0.0  -/-            -/-       -       -       held  -    homes-team    homes    0    legacy  POST /api/v1/homes
    "#]].assert_eq(&format!("{}\n", table_text(&rows(&routes(), Output::Wide))));
}

#[test]
fn what_everyone_should_know() {
    let notes: Vec<String> = routes().iter().flat_map(notes_of).collect();
    expect![[r#"
        device-read: its file asks for live, blocked: one at a time
        home-write is held: freeze"#]]
    .assert_eq(&notes.join("\n"));
}

#[test]
fn a_failure_never_vanishes_by_rounding() {
    assert_eq!(percent(1.0), "100%");
    assert_eq!(percent(0.99999), "99.99%");
    assert_eq!(percent(0.0), "0.00%");
}
