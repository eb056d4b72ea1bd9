//! Pages that Alertmanager delivers.

use super::{answers::read, *};
use crate::api::{AlertOutcome, AlertsAnswer, HistoryAnswer, ReceivedAnswer};

/// One page about `route`; `more` are further labels.
fn delivery(route: &str, status: &str, starts_at: &str, more: &[(&str, &str)]) -> Value {
    let mut labels = json!({ "alertname": "Burn", "severity": "page", "cutover_route": route });
    for (key, value) in more {
        labels[*key] = (*value).into();
    }
    json!({
        "version": "4",
        "groupKey": "{}:{}",
        "receiver": "cutover",
        "status": status,
        "externalURL": "http://127.0.0.1:9093",
        "alerts": [{
            "status": status,
            "labels": labels,
            "annotations": { "summary": "Users suffer" },
            "startsAt": starts_at,
            "endsAt": "0001-01-01T00:00:00Z",
            "generatorURL": "http://127.0.0.1:9090",
            "fingerprint": "6f2a",
        }],
    })
}

async fn outcome(rig: &Rig, delivery: Value) -> AlertOutcome {
    let answer: AlertsAnswer = read(&rig.post("/api/v1/alerts", "operator", delivery).await);
    assert_eq!(answer.alerts.len(), 1);
    answer.alerts[0].outcome
}

async fn phase(rig: &Rig, route: &str) -> String {
    let route = rig.get(&format!("/api/v1/routes/{route}")).await.json();
    route["route"]["phase"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_page_takes_its_route_back_once() {
    let rig = Rig::new("read live pages").await;
    let page = || delivery("read", "firing", "t1", &[]);
    assert_eq!(outcome(&rig, page()).await, AlertOutcome::RolledBack);
    assert_eq!(phase(&rig, "read").await, "legacy");
    let history: HistoryAnswer = read(&rig.get("/api/v1/history?limit=1").await);
    let newest = &history.revisions[0];
    assert_eq!((newest.trigger.as_str(), newest.actor.as_str()), ("alert", "operator"));
    assert_eq!(newest.reason, "page Burn: Users suffer");
    let received: ReceivedAnswer = read(&rig.get("/api/v1/alerts").await);
    let [row] = &received.alerts[..] else { panic!("{received:?}") };
    assert_eq!((row.name.as_str(), row.runbook.as_deref()), ("Burn", Some("Burn")));
    assert_eq!(row.outcome, Some(AlertOutcome::RolledBack));

    // Somebody moves it on: the same page, delivered again, does not act again.
    let on = json!({ "reason": "mended", "to": "live", "force": true });
    rig.post("/api/v1/routes/read/promote", "approver", on).await;
    assert_eq!(outcome(&rig, page()).await, AlertOutcome::SeenBefore);
    assert_eq!(phase(&rig, "read").await, "live");
    // It begins anew.
    let again = delivery("read", "firing", "t2", &[]);
    assert_eq!(outcome(&rig, again).await, AlertOutcome::RolledBack);
    rig.end().await;
}

#[tokio::test]
async fn whatever_is_no_reason_to_go_back_changes_nothing() {
    let rig = Rig::new("read live pages\n list live").await;
    let cases = [
        (delivery("read", "resolved", "t", &[]), AlertOutcome::Over),
        (delivery("read", "firing", "t", &[("severity", "ticket")]), AlertOutcome::NoPage),
        (delivery("reed", "firing", "t", &[]), AlertOutcome::UnknownRoute),
        (delivery("list", "firing", "t", &[]), AlertOutcome::NotAsked),
        (delivery("read", "firing", "t", &[("cutover_side", "legacy")]), AlertOutcome::LegacyFails),
    ];
    for (delivery, expected) in cases {
        assert_eq!(outcome(&rig, delivery).await, expected);
    }
    let mut nowhere = delivery("read", "firing", "t", &[]);
    nowhere["alerts"][0]["labels"].as_object_mut().unwrap().remove("cutover_route");
    assert_eq!(outcome(&rig, nowhere).await, AlertOutcome::NoRoute);
    assert_eq!(
        (phase(&rig, "read").await, phase(&rig, "list").await),
        ("live".into(), "live".into())
    );
    rig.end().await;
}

#[tokio::test]
async fn a_page_about_a_route_in_its_safe_phase_acts_once_it_goes_forward() {
    let rig = Rig::new("read shadow pages").await;
    let page = || delivery("read", "firing", "t", &[]);
    assert_eq!(outcome(&rig, page()).await, AlertOutcome::NothingToDo);
    let on = json!({ "reason": "go", "to": "canary", "percent": 10.0 });
    assert_eq!(rig.post("/api/v1/routes/read/promote", "migrator", on).await.status, 200);
    assert_eq!(outcome(&rig, page()).await, AlertOutcome::RolledBack, "it fires on");
    assert_eq!(outcome(&rig, page()).await, AlertOutcome::SeenBefore);
    rig.end().await;
}

#[tokio::test]
async fn a_page_that_nothing_can_be_done_about_does_not_stop_those_after_it() {
    let rig = Rig::new("gone retired pages\n read live pages").await;
    let on = json!({ "reason": "done", "to": "retired" });
    rig.post("/api/v1/routes/gone/promote", "approver", on).await;
    assert_eq!(phase(&rig, "gone").await, "retired");
    let mut both = delivery("gone", "firing", "t", &[]);
    let mut second = delivery("read", "firing", "t", &[])["alerts"][0].take();
    second["fingerprint"] = "77aa".into();
    both["alerts"].as_array_mut().unwrap().push(second);
    let answer: AlertsAnswer = read(&rig.post("/api/v1/alerts", "operator", both).await);
    let outcomes: Vec<_> = answer.alerts.iter().map(|alert| alert.outcome).collect();
    assert_eq!(outcomes, [AlertOutcome::Retired, AlertOutcome::RolledBack]);
    assert_eq!(phase(&rig, "read").await, "legacy");
    rig.end().await;
}

#[tokio::test]
async fn a_page_that_could_not_be_acted_on_comes_again() {
    let rig = Rig::new("read live pages").await;
    let page = delivery("read", "firing", "t", &[]);
    rig.controller.stop().await;
    let got = rig.post("/api/v1/alerts", "operator", page).await;
    assert_eq!(got.status, 503, "Alertmanager tries again after 5xx only: {}", got.body);
    rig.end().await;
}

#[tokio::test]
async fn deliveries_out_of_bounds_and_callers_without_the_role_are_refused() {
    let rig = Rig::new("read live pages").await;
    let page = || delivery("read", "firing", "t", &[]);
    assert_eq!(rig.post("/api/v1/alerts", "viewer", page()).await.status, 403);
    let mut old = page();
    old["version"] = "3".into();
    assert_eq!(rig.post("/api/v1/alerts", "operator", old).await.status, 400);
    let mut nameless = page();
    nameless["alerts"][0]["fingerprint"] = "".into();
    assert_eq!(rig.post("/api/v1/alerts", "operator", nameless).await.status, 400);
    let mut many = page();
    many["alerts"] = vec![many["alerts"][0].clone(); 1_001].into();
    assert_eq!(rig.post("/api/v1/alerts", "operator", many).await.status, 400);
    assert_eq!(phase(&rig, "read").await, "live");
    rig.end().await;
}
