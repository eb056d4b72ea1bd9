//! Every error code that the API can answer with, provoked.

use std::collections::BTreeSet;

use super::*;
use crate::codes::CODES;

/// Codes that need more than a request; each is provoked in the test named.
const ELSEWHERE: &[(&str, &str)] = &[
    ("no_subject", "e2e's phases::a_canary_whose_requests_name_no_subject_does_not_step_up"),
    ("cooling_down", "gates::a_latch_of_gates_stays_for_the_cool_down"),
    ("needs_second", "gates::after_two_rollbacks_within_a_day_two_persons_must_agree"),
    ("unknown_sample", "parity::samples_whole_by_path_and_by_id"),
    ("unknown_trace", "traces::one_trace_is_a_tree_of_spans"),
    ("unknown_runbook", "console::runbooks::pages_and_blocks_are_rendered"),
    ("sample_unusable", "parity::an_answer_is_judged_and_nothing_counted"),
    ("not_compared", "parity::a_process_that_compares_nothing_says_so"),
    ("not_yet_applied", "answers::a_move_that_is_not_in_force_in_time_is_pending"),
    ("too_many_failures", "access::guessing_is_slowed_down_and_does_not_lock_others_out"),
    ("host_refused", "access::names_and_origins_are_checked_on_loopback_too"),
    ("origin_refused", "access::names_and_origins_are_checked_on_loopback_too"),
    ("form_expired", "console::guard::forms_of_other_sessions_do_nothing"),
    ("too_many_pages", "console::events::so_many_pages_and_no_more"),
    ("token_expired", "access::expired_and_removed_tokens_stop_at_once"),
    ("store_unreachable", "codes::without_the_store_nothing_moves_forward"),
    ("stopping", "codes::a_stopped_controller_says_so"),
    ("request_timeout", "connections::a_body_that_does_not_come_is_not_waited_for"),
    ("not_ready", "answers::readiness_tells_what_is_missing, by its body"),
    ("internal", "a mistake of ours: nothing to provoke"),
    ("store_unwritable", "in rows: cutover-store's tests"),
    ("store_reserve", "in rows: cutover-store's tests"),
    ("store_corrupt", "in rows: cutover-store's tests"),
    ("store_busy", "in rows: cutover-store's tests"),
    ("store_gone", "in rows: answers::readiness_tells_what_is_missing"),
    ("store_silent", "in rows: a store that hangs"),
    ("store_failed", "in rows: anything else"),
];

const FILES: &str = "read shadow\n canary canary 5\n lone legacy no-new\n wild legacy post\n \
                     write shadow post writes=unsafe\n gone retired\n first legacy\n latched shadow\n gated shadow gated\n \
                     short shadow gated steps=5";

#[tokio::test]
async fn every_code_has_a_request_that_gets_it() {
    let rig = Rig::new(FILES).await;
    let body = json!({ "reason": "x" });
    rig.post("/api/v1/routes/latched/hold", "operator", body).await;
    let body = json!({ "reason": "x" });
    rig.post("/api/v1/routes/gone/promote", "approver", body).await;
    let mut seen = BTreeSet::new();
    for (token, path, body, expected) in cases() {
        let got = rig.post(&format!("/api/v1/{path}"), token, body.clone()).await;
        check(&got, expected, &format!("{path} {body}"));
        seen.insert(expected);
    }
    for (method, path, token, expected) in [
        ("GET", "/api/v1/routes/nowhere", "viewer", "unknown_route"),
        ("GET", "/api/v1/status", "", "unauthenticated"),
        ("GET", "/api/v1/status", "wrong", "token_unknown"),
        ("GET", "/api/v1/tokens", "viewer", "role_too_low"),
        ("GET", "/nowhere", "admin", "not_found"),
        ("PUT", "/api/v1/status", "admin", "method_not_allowed"),
        ("GET", "/api/v1/history?limit=many", "viewer", "bad_request"),
        ("GET", "/api/v1/history?limt=1", "viewer", "bad_request"),
        ("GET", "/api/v1/explain?path=x", "viewer", "bad_request"),
        ("DELETE", "/api/v1/tokens/nobody", "admin", "unknown_token"),
        ("DELETE", "/api/v1/tokens/root", "admin", "ok"),
        ("POST", "/api/v1/reload", "operator", "unsupported_media_type"),
    ] {
        let got = rig.send(method, path, token, None).await;
        check(&got, expected, path);
        seen.insert(expected);
    }
    let admin = fs::read_to_string(rig.house.path("admin-token")).unwrap();
    let got = rig.send("DELETE", "/api/v1/tokens/admin", admin.trim(), None).await;
    check(&got, "last_admin", "removing the last admin");
    seen.insert("last_admin");
    let large = json!({ "reason": "x".repeat(65 * 1_024) });
    let got = rig.post("/api/v1/rollback", "operator", large).await;
    check(&got, "body_too_large", "a large body");
    seen.insert("body_too_large");
    rig.house.loader.unwritable.store(true, Ordering::Relaxed);
    let head = rig.controller.tables().borrow().revision;
    let files = json!([{ "path": "cutover.toml", "text": format!("{FILES}\n more legacy") }]);
    let body = json!({ "expect": head, "reason": "x", "files": files });
    let got = rig.post("/api/v1/apply", "migrator", body).await;
    check(&got, "files_not_written", "an unwritable directory");
    seen.insert("files_not_written");
    let legacy_all = rig.controller.set_legacy_all(true).await;
    assert!(legacy_all.is_ok());
    let body = json!({ "reason": "x" });
    check(&rig.post("/api/v1/routes/read/promote", "migrator", body).await, "legacy_all", "on");
    seen.insert("legacy_all");

    let elsewhere: BTreeSet<_> = ELSEWHERE.iter().map(|(code, _)| *code).collect();
    let unseen: Vec<_> = CODES
        .iter()
        .filter(|doc| doc.status.is_some())
        .map(|doc| doc.code)
        .filter(|code| !seen.contains(code) && !elsewhere.contains(code))
        .collect();
    assert!(unseen.is_empty(), "no request gets {unseen:?}");
    rig.end().await;
}

fn cases() -> Vec<(&'static str, &'static str, Value, &'static str)> {
    let why = |more: Value| {
        let mut body = json!({ "reason": "x" });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    let to = |phase: &str| why(json!({ "to": phase }));
    let token =
        |name: &str, ttl: u64| json!({ "name": name, "role": "viewer", "ttl_seconds": ttl });
    let files = |text: &str| json!([{ "path": "cutover.toml", "text": text }]);
    vec![
        ("operator", "routes/read/hold", json!({ "reason": "" }), "bad_reason"),
        ("operator", "routes/read/hold", json!({}), "bad_request"),
        ("operator", "routes/read/hold", json!({ "reason": "x", "resaon": 1 }), "bad_request"),
        ("operator", "routes/read/hold?wait=99999", why(json!({})), "bad_request"),
        ("operator", "routes/read/rollback", why(json!({ "expect": 99 })), "stale_revision"),
        ("operator", "routes/nowhere/rollback", why(json!({})), "unknown_route"),
        ("operator", "routes/group:none/rollback", why(json!({})), "unknown_group"),
        ("operator", "routes/gone/rollback", why(json!({})), "retired"),
        ("operator", "routes/read/rollback", to("live"), "not_backward"),
        ("migrator", "routes/latched/promote", why(json!({})), "held"),
        ("migrator", "routes/first/promote", to("live"), "skips_phase"),
        (
            "migrator",
            "routes/first/promote",
            why(json!({ "to": "live", "force": true })),
            "needs_approver",
        ),
        ("migrator", "routes/gated/promote", why(json!({})), "gate_closed"),
        (
            "migrator",
            "routes/canary/rehearse",
            why(json!({ "percent": 1, "seconds": 1 })),
            "rehearsing",
        ),
        ("migrator", "routes/lone/promote", why(json!({})), "no_new"),
        ("migrator", "routes/wild/promote", why(json!({})), "no_write_class"),
        ("migrator", "routes/write/promote", why(json!({})), "writes_stay"),
        ("migrator", "routes/read/promote", why(json!({ "percent": 0.001 })), "bad_percent"),
        (
            "migrator",
            "routes/read/promote",
            why(json!({ "to": "canary", "percent": 101 })),
            "bad_percent",
        ),
        ("migrator", "routes/canary/promote", why(json!({ "percent": 5 })), "ok"),
        ("migrator", "routes/canary/promote", why(json!({ "percent": 1 })), "not_forward"),
        ("approver", "routes/short/promote", why(json!({ "force": true })), "ok"),
        ("migrator", "routes/short/promote", why(json!({})), "ladder_ends"),
        ("viewer", "plan", json!({ "files": files("broken") }), "invalid_config"),
        (
            "migrator",
            "apply",
            why(json!({ "expect": 0, "files": files("read live") })),
            "stale_revision",
        ),
        ("admin", "tokens", token("viewer", 60), "token_exists"),
        ("admin", "tokens", token("Ann", 60), "bad_token"),
        ("admin", "tokens", token("cutover", 60), "bad_token"),
        ("admin", "tokens", token("ann", 59), "bad_token"),
        ("admin", "tokens", json!({ "name": "ann", "role": "king" }), "bad_request"),
    ]
}

fn check(got: &Got, expected: &str, what: &str) {
    assert_eq!(got.code(), expected, "{what}: {}", got.body);
    if expected == "ok" {
        return;
    }
    let doc = CODES.iter().find(|doc| doc.code == expected).unwrap();
    assert_eq!(Some(got.status), doc.status, "{what}");
    let error = &got.json()["error"];
    assert!(!error["message"].as_str().unwrap().is_empty(), "{what}");
    assert!(!error["hint"].as_str().unwrap().is_empty(), "{what}");
    if expected == "method_not_allowed" {
        assert_eq!(got.header("allow"), Some("GET, HEAD"));
    }
}

#[tokio::test]
async fn without_the_store_nothing_moves_forward() {
    let rig = Rig::new("read shadow").await;
    fs::remove_file(rig.house.path("cutover.db")).unwrap();
    fs::create_dir(rig.house.path("cutover.db")).unwrap();
    let body = json!({ "reason": "x" });
    let got = rig.post("/api/v1/routes/read/promote", "migrator", body.clone()).await;
    check(&got, "store_unreachable", "forward");
    check(&rig.get("/api/v1/history").await, "store_unreachable", "history");
    let token = json!({ "name": "ann", "role": "viewer" });
    check(&rig.post("/api/v1/tokens", "admin", token).await, "store_unreachable", "a token");
    let got = rig.post("/api/v1/routes/read/hold", "operator", body).await;
    assert_eq!((got.status, got.json()["recorded"].clone()), (200, false.into()), "{}", got.body);
    rig.end().await;
}

#[tokio::test]
async fn a_stopped_controller_says_so() {
    let rig = Rig::new("read shadow").await;
    rig.controller.stop().await;
    let body = json!({ "reason": "x" });
    check(&rig.post("/api/v1/rollback", "operator", body).await, "stopping", "after the stop");
    assert_eq!(rig.get("/api/v1/status").await.status, 200, "looking still works");
    rig.end().await;
}
