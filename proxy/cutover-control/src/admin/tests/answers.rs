//! What is answered, and what it does.

use super::*;
use crate::api::{
    API_VERSION, ExplainAnswer, HistoryAnswer, JourneysAnswer, MoveAnswer, PlanAnswer, PlanChange,
    StatusAnswer, Versioned,
};

pub(super) fn read<T: serde::de::DeserializeOwned>(got: &Got) -> T {
    assert_eq!(got.status, 200, "{}", got.body);
    assert_eq!(got.header("cache-control"), Some("no-store"));
    let answer: Versioned<T> = serde_json::from_str(&got.body).unwrap();
    assert_eq!(answer.api_version, API_VERSION);
    answer.body
}

fn reason() -> Value {
    json!({ "reason": "a test" })
}

#[tokio::test]
async fn status_shows_every_route_in_order() {
    let rig = Rig::new("read canary 12.5\n write shadow post writes=unsafe\n gone retired").await;
    rig.post("/api/v1/routes/write/hold", "operator", reason()).await;
    rig.post("/api/v1/routes/gone/promote", "approver", reason()).await;
    let status: StatusAnswer = read(&rig.get("/api/v1/status").await);
    let ids: Vec<_> = status.routes.iter().map(|route| route.id.as_str()).collect();
    assert_eq!(ids, ["read", "write", "gone"]);
    let [read, write, gone] = &status.routes[..] else { panic!() };
    assert_eq!((read.at.percent, read.owner.as_str()), (Some(12.5), "devices-team"));
    assert_eq!(read.matches, "GET /read/{id}");
    assert!(read.gate.open && read.gate.next.unwrap().percent == Some(25.0));
    assert_eq!(read.age_ms, Some(0));
    assert_eq!(write.held.as_deref(), Some("operator: a test"));
    assert_eq!(write.gate.code.as_deref(), Some("held"));
    assert!(!gone.gate.open && gone.gate.next.is_none());
    assert_eq!((status.revision, status.applied_revision), (3, 3));
    assert_eq!(status.degraded, None);
    rig.end().await;
}

#[tokio::test]
async fn journeys_are_those_of_the_files() {
    let rig = Rig::new("read shadow\n write shadow post writes=unsafe journey").await;
    let answer: JourneysAnswer = read(&rig.get("/api/v1/journeys").await);
    let [journey] = &answer.journeys[..] else { panic!("{answer:?}") };
    assert_eq!(
        (&*journey.name, &*journey.starts[0], &*journey.ends[0]),
        ("state", "write", "read")
    );
    assert_eq!((journey.new.kept, journey.legacy.kept), (Some(0.75), None));
    rig.end().await;
}

#[tokio::test]
async fn one_route_and_its_history() {
    let rig = Rig::new("read shadow\n list shadow").await;
    rig.post("/api/v1/routes/read/promote", "migrator", reason()).await;
    let route = rig.get("/api/v1/routes/read").await.json();
    assert_eq!(
        (route["route"]["phase"].clone(), route["route"]["revision"].clone()),
        ("canary".into(), 2.into())
    );
    let history: HistoryAnswer = read(&rig.get("/api/v1/history?route=read&limit=1").await);
    assert_eq!((history.revisions[0].actor.as_str(), history.before), ("migrator", Some(2)));
    let history: HistoryAnswer = read(&rig.get("/api/v1/history?route=read&before=2").await);
    assert_eq!((history.revisions.len(), history.before), (1, None));
    assert_eq!(history.revisions[0].routes.len(), 1, "of this route only");
    rig.end().await;
}

#[tokio::test]
async fn a_move_says_what_it_did_and_when_it_was_in_force() {
    let rig = Rig::new("read shadow").await;
    let moved = rig.post("/api/v1/routes/read/promote?wait=5000", "migrator", reason()).await;
    let moved: MoveAnswer = read(&moved);
    assert!(moved.applied && moved.recorded && moved.pending.is_none());
    let effective_ms = moved.effective_ms.unwrap();
    assert!((0.0..2_000.0).contains(&effective_ms), "{effective_ms}");
    assert_eq!(moved.routes[0].to.percent, Some(1.0));
    let back: MoveAnswer =
        read(&rig.post("/api/v1/routes/read/rollback", "operator", reason()).await);
    assert_eq!(back.effective_ms, None, "nobody asked");
    let again: MoveAnswer = read(&rig.post("/api/v1/rollback", "operator", reason()).await);
    assert_eq!((again.routes.len(), again.revision), (0, 3), "it may be repeated");
    rig.end().await;
}

#[tokio::test]
async fn a_move_that_is_not_in_force_in_time_is_pending() {
    let loopback = AdminConfig::new("127.0.0.1:0".parse().unwrap());
    let rig = Rig::with("read shadow", loopback).await;
    let got = rig.post("/api/v1/routes/read/promote?wait=20", "migrator", reason()).await;
    assert_eq!(got.status, 202, "{}", got.body);
    let moved = got.json();
    assert_eq!(moved["pending"]["code"], "not_yet_applied");
    assert_eq!((moved["applied"].clone(), moved["revision"].clone()), (false.into(), 2.into()));
    assert_eq!(rig.get("/readyz").await.status, 503, "the data plane has no table");
    rig.end().await;
}

#[tokio::test]
async fn a_group_and_all_routes_move_in_one_revision() {
    let rig = Rig::new("read shadow\n list shadow\n other live group=rest").await;
    let moved: MoveAnswer =
        read(&rig.post("/api/v1/routes/group:devices/promote", "migrator", reason()).await);
    assert_eq!((moved.routes.len(), moved.revision), (2, 2));
    let body = json!({ "reason": "off", "expect": 2 });
    let moved: MoveAnswer = read(&rig.post("/api/v1/rollback", "operator", body).await);
    assert_eq!((moved.routes.len(), moved.revision), (3, 3));
    rig.end().await;
}

#[tokio::test]
async fn a_stale_move_is_told_where_the_route_is() {
    let rig = Rig::new("read shadow\n list shadow").await;
    rig.post("/api/v1/routes/read/promote", "migrator", reason()).await;
    let body = json!({ "reason": "x", "expect": 1 });
    let got = rig.post("/api/v1/routes/read/rollback", "operator", body).await;
    assert_eq!((got.status, got.code().as_str()), (409, "stale_revision"));
    let error = got.json()["error"].clone();
    assert_eq!(error["present"].as_array().unwrap().len(), 1);
    assert_eq!(
        (error["present"][0]["phase"].clone(), error["present"][0]["revision"].clone()),
        ("canary".into(), 2.into())
    );
    assert_eq!(error["where"], "route `read`");
    assert!(error["hint"].as_str().unwrap().contains("revision"));
    rig.end().await;
}

#[tokio::test]
async fn plan_tells_what_apply_then_does() {
    let rig = Rig::new("read shadow\n list shadow\n old shadow").await;
    rig.post("/api/v1/routes/list/promote", "migrator", reason()).await;
    let files = |text: &str| json!([{ "path": "cutover.toml", "text": text }]);
    let wanted = "read canary 5\n list shadow\n fresh live\n far live\n";
    let plan = json!({ "files": files(wanted) });
    let plan: PlanAnswer = read(&rig.post("/api/v1/plan", "viewer", plan).await);
    let rows: Vec<_> = plan.routes.iter().map(|row| (row.route.as_str(), row.change)).collect();
    assert_eq!(
        rows,
        [
            ("read", PlanChange::Moved),
            ("list", PlanChange::Drifted),
            ("fresh", PlanChange::Added),
            ("far", PlanChange::Added),
            ("old", PlanChange::Removed),
        ]
    );
    assert!(plan.changes && plan.revision == 2);
    assert_eq!(rig.get("/api/v1/status").await.json()["revision"], 2, "a plan changes nothing");

    let apply = json!({ "expect": 2, "reason": "deploy", "files": files(wanted) });
    let moved: MoveAnswer = read(&rig.post("/api/v1/apply?wait=5000", "migrator", apply).await);
    assert_eq!((moved.revision, moved.applied), (3, true));
    let in_force = rig.get("/api/v1/files").await.json();
    assert_eq!(in_force["files"][0]["text"], wanted);
    assert_eq!(*rig.house.loader.text.lock().unwrap(), wanted);
    let plan = json!({ "files": files(wanted) });
    let plan: PlanAnswer = read(&rig.post("/api/v1/plan", "viewer", plan).await);
    assert!(!plan.changes, "{plan:?}");
    assert_eq!(plan.routes.len(), 1, "the drift is still told: {plan:?}");
    rig.end().await;
}

#[tokio::test]
async fn plan_names_what_stands_in_the_way_and_what_else_changes() {
    let rig = Rig::new("read legacy").await;
    let wanted = "read live\n more legacy group=rest";
    let plan = json!({ "files": [{ "path": "cutover.toml", "text": wanted }] });
    let plan: PlanAnswer = read(&rig.post("/api/v1/plan", "viewer", plan).await);
    assert_eq!(plan.routes[0].change, PlanChange::Blocked);
    assert_eq!(plan.routes[0].code.as_deref(), Some("skips_phase"));
    assert_eq!(plan.settings, ["group `rest` is added"]);
    let got =
        rig.post("/api/v1/plan", "viewer", json!({ "files": [{ "path": "x", "text": "broken" }] }));
    let error = got.await.json()["error"].clone();
    assert_eq!(
        (error["code"].clone(), error["diagnostics"][0]["line"].clone()),
        ("invalid_config".into(), 3.into())
    );
    rig.end().await;
}

#[tokio::test]
async fn a_reload_that_is_refused_is_told_until_it_is_mended() {
    let rig = Rig::new("read shadow").await;
    *rig.house.loader.text.lock().unwrap() = "broken".into();
    assert_eq!(rig.post("/api/v1/reload", "operator", json!({})).await.code(), "invalid_config");
    let status: StatusAnswer = read(&rig.get("/api/v1/status").await);
    assert_eq!(status.config.refused.unwrap().diagnostics[0].column, Some(7));
    let ready = rig.get("/readyz").await;
    assert_eq!(ready.status, 200, "what was valid still is: {}", ready.body);
    *rig.house.loader.text.lock().unwrap() = "read canary 5".into();
    let moved: MoveAnswer = read(&rig.post("/api/v1/reload", "operator", json!({})).await);
    assert_eq!(moved.revision, 2);
    let status: StatusAnswer = read(&rig.get("/api/v1/status").await);
    assert!(status.config.refused.is_none());
    rig.end().await;
}

#[tokio::test]
async fn explain_decides_as_the_data_plane_does() {
    let rig = Rig::new("read canary 50\n list live").await;
    let explain = async |query: &str| -> ExplainAnswer {
        read(&rig.get(&format!("/api/v1/explain?{query}")).await)
    };
    // Golden buckets of salt `devices-1` are the domain's matter; here both sides must occur.
    let mut sides = Vec::new();
    for device in 0..20 {
        let answer = explain(&format!("path=/read/7&subject=dev-{device}")).await;
        let below = answer.bucket.unwrap() < answer.cohort_below.unwrap();
        let expected = if below { "cohort" } else { "outside_cohort" };
        assert_eq!((answer.reason.as_str(), answer.cohort_below), (expected, Some(5_000)));
        assert_eq!(answer.upstream, if below { "registry" } else { "monolith" });
        sides.push(below);
    }
    assert!(sides.contains(&true) && sides.contains(&false));

    let by_path = explain("path=/read/dev-3").await;
    let by_header = explain("path=/read/7&header=x-device-id=dev-3").await;
    let by_source = explain("path=/read/7&subject=header:x-device-id=dev-3").await;
    assert_eq!(by_path.subject.as_deref(), Some("dev-3"));
    assert_eq!((by_path.bucket, by_path.side), (by_header.bucket, by_header.side));
    assert_eq!(by_header, by_source);

    let live = explain("path=/list/7&method=HEAD").await;
    assert_eq!((live.reason.as_str(), live.on_failure.as_str()), ("phase", "answer_by_legacy"));
    let other = explain("path=/elsewhere").await;
    assert_eq!((other.route, other.reason.as_str()), (None, "default"));
    assert_eq!(other.upstream, "monolith");
    rig.end().await;
}

#[tokio::test]
async fn readiness_tells_what_is_missing() {
    let rig = Rig::new("read live").await;
    assert_eq!(rig.send("GET", "/livez", "", None).await.json()["live"], true);
    let ready = rig.send("GET", "/readyz", "", None).await.json();
    assert_eq!(
        (ready["ready"].clone(), ready["checks"].as_array().unwrap().len()),
        (true.into(), 6)
    );
    rig.lifecycle.set_listening(false);
    assert_eq!(rig.get("/readyz").await.status, 503);
    rig.lifecycle.set_listening(true);
    rig.lifecycle.set_draining(true);
    assert_eq!(rig.get("/readyz").await.status, 503);
    rig.lifecycle.set_draining(false);

    fs::remove_file(rig.house.path("cutover.db")).unwrap();
    fs::create_dir(rig.house.path("cutover.db")).unwrap();
    rig.post("/api/v1/routes/read/rollback", "operator", reason()).await;
    let degraded = rig.get("/readyz").await;
    assert_eq!(degraded.status, 200, "degraded is ready, and says so");
    assert_eq!(degraded.json()["degraded"]["code"], "store_gone");
    let status: StatusAnswer = read(&rig.get("/api/v1/status").await);
    assert!(status.degraded.unwrap().hint.is_some());
    rig.end().await;
}

#[tokio::test]
async fn metrics_come_in_the_format_asked_for() {
    let rig = Rig::new("read live").await;
    let text = rig.send("GET", "/metrics", "", None).await;
    assert!(text.header("content-type").unwrap().starts_with("text/plain; version=0.0.4"));
    assert!(!text.body.contains("# EOF"));
    let ask = format!(
        "GET /metrics HTTP/1.1\r\nhost: {}\r\naccept: application/openmetrics-text\r\n\r\n",
        rig.address
    );
    let open = rig.raw(&ask).await;
    assert!(open.header("content-type").unwrap().starts_with("application/openmetrics-text"));
    assert!(open.body.ends_with("# EOF\n"));
    rig.end().await;
}

#[tokio::test]
async fn the_document_describes_what_is_served() {
    let rig = Rig::new("read live").await;
    let document = rig.get("/api/v1/openapi.json").await.json();
    assert_eq!(document, openapi());
    for (path, methods) in document["paths"].as_object().unwrap() {
        for method in methods.as_object().unwrap().keys() {
            let path = path.replace("{id}", "x").replace("{name}", "x");
            let body = (method == "post").then(|| "{}".to_owned());
            let got = rig.send(&method.to_ascii_uppercase(), &path, "admin", body).await;
            assert!(
                !matches!(got.code_or_text().as_str(), "not_found" | "method_not_allowed"),
                "{method} {path}"
            );
        }
    }
    rig.end().await;
}

impl Got {
    fn code_or_text(&self) -> String {
        serde_json::from_str::<Value>(&self.body).map(|_| self.code()).unwrap_or_default()
    }
}

#[tokio::test]
async fn a_rollback_of_all_names_what_new_goes_on_serving() {
    let rig = Rig::new("read live\n gone retired").await;
    let status: StatusAnswer = read(&rig.get("/api/v1/status").await);
    let gone = &status.routes[1];
    assert_eq!(gone.at.phase, crate::api::PhaseName::Live);
    assert_eq!(gone.blocked.as_ref().unwrap().code, "needs_approver");
    rig.post("/api/v1/routes/gone/promote", "approver", reason()).await;
    for moved in [1, 0] {
        let answer: MoveAnswer = read(&rig.post("/api/v1/rollback", "operator", reason()).await);
        assert_eq!((answer.routes.len(), answer.skipped.len()), (moved, 0));
        let [left] = &answer.left_out[..] else { panic!("{answer:?}") };
        assert_eq!(left.route, "gone");
        assert!(left.why.contains("no way back"), "{}", left.why);
    }
    rig.end().await;
}
