//! What buttons do.

use super::*;

#[tokio::test]
async fn a_route_goes_forward_and_back_by_its_buttons() {
    let rig = Rig::new("read shadow").await;
    let mut browser = Browser::of(&rig, "migrator").await;
    let page = "/routes/read";
    let got = browser.post(page, "/routes/read/promote", "reason=parity+holds&expect=1").await;
    assert_eq!((got.status, got.header("location")), (303, Some("/routes/read?done=2")));
    assert_eq!(at(&rig).await, "canary 1");
    let done = browser.get("/routes/read?done=2").await.body;
    assert!(done.contains("Done, revision 2: shadow → canary 1 %"), "{done}");
    assert!(done.contains("cutover rollback read --to shadow --reason ..."), "{done}");

    let got = browser.post(page, "/routes/read/promote", "reason=x&expect=2&percent=12.5").await;
    assert_eq!(got.status, 303, "{}", got.body);
    assert_eq!(at(&rig).await, "canary 12.5");

    let got = browser.post(page, "/routes/read/rollback", "reason=p95").await;
    assert_eq!(got.header("location"), Some("/routes/read?done=4"));
    assert_eq!(at(&rig).await, "shadow");
    let done = browser.get("/routes/read?done=4").await.body;
    assert!(done.contains("click → in force") && done.contains(" ms</strong>"), "{done}");
    let history = browser.get("/audit").await.body;
    assert!(history.contains("p95") && history.contains("canary 12.5 % → shadow"), "{history}");
    rig.end().await;
}

#[tokio::test]
async fn a_page_that_is_old_promotes_nothing_and_still_rolls_back() {
    let rig = Rig::new("read canary 5").await;
    let mut browser = Browser::of(&rig, "migrator").await;
    rig.post("/api/v1/routes/read/promote", "migrator", json!({ "reason": "another" })).await;
    let page = "/routes/read";
    let got = browser.post(page, "/routes/read/promote", "reason=x&expect=1").await;
    assert_eq!((got.status, told(&got)), (409, Some("stale_revision")));
    assert!(got.body.contains("canary 25 %"), "it says where the route is: {}", got.body);
    assert_eq!(at(&rig).await, "canary 25");
    let got = browser.post(page, "/routes/read/rollback", "reason=now").await;
    assert_eq!(got.status, 303);
    let again = browser.post(page, "/routes/read/rollback", "reason=now").await;
    let done = browser.get(again.header("location").unwrap()).await.body;
    assert!(done.contains("Done, revision 3") || done.contains("Nothing to do"), "{done}");
    rig.end().await;
}

#[tokio::test]
async fn latches_are_put_on_and_taken_off() {
    let rig = Rig::new("read canary 5").await;
    let mut browser = Browser::of(&rig, "migrator").await;
    browser.post("/routes/read", "/routes/read/hold", "reason=exam+week").await;
    let page = browser.get("/routes/read").await.body;
    assert!(
        page.contains("exam week") && page.contains("action=\"/routes/read/release\""),
        "{page}"
    );
    let got = browser.post("/routes/read", "/routes/read/promote", "reason=x").await;
    assert_eq!(told(&got), Some("held"));
    browser.post("/routes/read", "/routes/read/release", "reason=over&expect=2").await;
    let route = rig.get("/api/v1/routes/read").await.json();
    assert!(route["route"]["held"].is_null(), "{route}");
    rig.end().await;
}

#[tokio::test]
async fn everything_goes_back_only_if_it_was_meant() {
    let rig = Rig::new("read canary 5\n list live").await;
    let mut browser = Browser::of(&rig, "operator").await;
    let got = browser.post("/", "/rollback", "reason=incident&confirm=yes").await;
    assert_eq!((got.status, told(&got)), (400, Some("bad_request")));
    assert_eq!(at(&rig).await, "canary 5");
    let got = browser.post("/", "/rollback", "reason=incident&confirm=all").await;
    assert_eq!((got.status, got.header("location")), (303, Some("/")));
    let status = rig.get("/api/v1/status").await.json();
    for route in status["routes"].as_array().unwrap() {
        assert_eq!(route["phase"], route["safe_phase"], "{route}");
    }
    rig.end().await;
}

#[tokio::test]
async fn skipping_takes_an_approver_here_too() {
    let rig = Rig::new("read legacy").await;
    let fields = "reason=x&to=live&force=yes";
    let mut migrator = Browser::of(&rig, "migrator").await;
    let got = migrator.post("/routes/read", "/routes/read/promote", fields).await;
    assert_eq!(told(&got), Some("needs_approver"));
    let mut approver = Browser::of(&rig, "approver").await;
    assert_eq!(approver.post("/routes/read", "/routes/read/promote", fields).await.status, 303);
    assert_eq!(at(&rig).await, "live");
    rig.end().await;
}
