//! Alerts, and what to do about them.

use super::*;

#[tokio::test]
async fn pages_and_blocks_are_rendered() {
    let rig = Rig::new(FILES).await;
    let mut browser = Browser::of(&rig, "viewer").await;
    let list = browser.get("/runbooks").await.body;
    let (alerts, procedures) = list.split_once("id=\"procedures\"").unwrap();
    assert!(alerts.contains("href=\"/runbooks/Burn\"") && alerts.contains("2026-11-21"), "{list}");
    assert!(procedures.contains("href=\"/runbooks/back\""), "{list}");

    let page = browser.get("/runbooks/Burn").await.body;
    assert_eq!(page.matches("<h1>").count(), 1, "{page}");
    for part in [
        "<h2 id=\"at-stop-it\">Stop it</h2>",
        "<a href=\"/runbooks/back#at-do-it\">back</a>",
        "See <a",
        ">back</a>, files.</p>",
        "<strong>look</strong> <span class=\"mark\">looks only</span>",
        "<strong>stop</strong> <span class=\"mark warn\">changes something</span>",
        "cutover runbook run Burn --block look --var ROUTE=…<",
        "cutover runbook run Burn --block stop --var ROUTE=… --yes<",
        "<figcaption class=\"muted\">promql</figcaption>",
        "cutover status &quot;$ROUTE&quot;",
    ] {
        assert!(page.contains(part), "{part} in {page}");
    }
    let got = browser.get("/runbooks/Bern").await;
    assert_eq!((got.status, told(&got)), (404, Some("unknown_runbook")));
    rig.end().await;
}

#[tokio::test]
async fn commands_are_filled_in_for_a_route() {
    let rig = Rig::new(FILES).await;
    let mut browser = Browser::of(&rig, "viewer").await;
    let page = browser.get("/runbooks/Burn?route=read").await.body;
    for part in [
        "cutover status read",
        "cutover rollback read --reason x",
        "--block stop --var ROUTE=read --yes<",
        "<option value=\"read\" selected>",
        "href=\"/routes/read\"",
        "/runbooks/back?route=read#at-do-it",
    ] {
        assert!(page.contains(part), "{part} in {page}");
    }
    let got = browser.get("/runbooks/Burn?route=%24(reboot)").await;
    assert_eq!((got.status, told(&got)), (404, Some("unknown_route")));
    rig.end().await;
}

#[tokio::test]
async fn alerts_show_what_was_done_and_what_to_do() {
    let rig = Rig::new("read live pages").await;
    let mut browser = Browser::of(&rig, "viewer").await;
    let page = browser.get("/alerts").await.body;
    assert!(page.contains("Nothing was delivered yet"), "{page}");
    assert!(page.contains(&format!("url: http://{}/api/v1/alerts", rig.address)), "{page}");

    let alert = |status: &str, fingerprint: &str, name: &str| {
        json!({
            "status": status, "startsAt": "t", "fingerprint": fingerprint,
            "labels": { "alertname": name, "severity": "page", "cutover_route": "read",
                "cutover_side": "new", "window": "<b>" },
            "annotations": { "summary": "Users of `read` suffer" },
        })
    };
    let alerts = [alert("firing", "a", "Burn"), alert("resolved", "b", "Other")];
    let delivery = json!({ "version": "4", "alerts": alerts });
    assert_eq!(rig.post("/api/v1/alerts", "operator", delivery).await.status, 200);
    let page = browser.get("/alerts").await.body;
    let (firing, over) = page.split_once("id=\"over\"").unwrap();
    for part in [
        "href=\"/runbooks/Burn?route=read\">Burn</a>",
        "Users of <code>read</code> suffer",
        "<span class=\"mark ok\">rolled back</span>",
        "<span class=\"new\">new</span>",
        "window=&lt;b&gt;",
        "href=\"/routes/read\"",
    ] {
        assert!(firing.contains(part), "{part} in {page}");
    }
    assert!(over.contains("Other") && over.contains("nothing: it was over"), "{page}");
    rig.end().await;
}
