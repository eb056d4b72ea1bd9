//! What pages show.

use super::*;

#[tokio::test]
async fn every_page_names_the_command_that_tells_the_same() {
    let rig = Rig::new(FILES).await;
    let mut browser = Browser::of(&rig, "viewer").await;
    for (path, command) in [
        ("/", "cutover status --watch"),
        ("/?team=devices-team", "cutover status --watch"),
        ("/routes/read", "cutover status read"),
        ("/routes/read/diffs", "cutover diffs read"),
        ("/routes/read/samples/7", "cutover diffs read --sample 7"),
        ("/audit", "cutover history --limit 50"),
        ("/audit?route=read", "cutover history read --limit 50"),
        ("/slos", "cutover slo status"),
        ("/decisions?route=read", "cutover audit read --limit 50"),
        ("/journeys", "cutover journey list"),
        ("/alerts", "cutover alert list"),
        ("/traces", "cutover trace list"),
        ("/traces?route=read", "cutover trace list --route read"),
        (
            "/traces/000000000000000000000000000000aa",
            "cutover trace show 000000000000000000000000000000aa",
        ),
        ("/runbooks", "cutover runbook list"),
        ("/runbooks/Burn?route=read", "cutover runbook show Burn"),
        ("/config", "cutover plan DIR"),
    ] {
        let got = browser.get(path).await;
        assert_eq!(got.status, 200, "{path}: {}", got.body);
        let (_, foot) = got.body.split_once("<footer>").unwrap();
        assert!(foot.contains(command), "{path}: {foot}");
        assert!(foot.contains(&format!("href=\"{}\"", path.replace('&', "&amp;"))), "{foot}");
    }
    rig.end().await;
}

#[tokio::test]
async fn the_map_has_a_column_a_phase_and_a_card_a_route() {
    let rig = Rig::new("read shadow copied\n list canary 5 group=other").await;
    let mut browser = Browser::of(&rig, "viewer").await;
    let page = browser.get("/").await.body;
    let column = |name: &str| {
        let (_, rest) = page.split_once(&format!("aria-labelledby=\"phase-{name}\"")).unwrap();
        rest.split_once("</section>").unwrap().0.to_owned()
    };
    assert!(column("shadow").contains("href=\"/routes/read\""));
    assert!(column("canary").contains("legacy serves 95 %, new 5 %"), "{}", column("canary"));
    assert!(!column("live").contains("<article"));
    let one = browser.get("/?team=other-team").await.body;
    assert!(one.contains("/routes/list") && !one.contains("href=\"/routes/read\""), "{one}");
    rig.end().await;
}

#[tokio::test]
async fn a_route_tells_why_it_may_not_move() {
    let rig = Rig::new(FILES).await;
    let mut browser = Browser::of(&rig, "viewer").await;
    let page = browser.get("/routes/read").await.body;
    assert!(page.contains("new regressed at <code>body.name</code>"), "{page}");
    assert!(page.contains("/routes/read/samples/7"), "{page}");
    assert!(page.contains("Your role viewer may look"), "{page}");
    assert_eq!(browser.get("/routes/nowhere").await.status, 404);
    assert_eq!(told(&browser.get("/routes/read/samples/9").await), Some("unknown_sample"));
    rig.end().await;
}

#[tokio::test]
async fn objectives_come_with_the_budget_that_they_leave() {
    let rig = Rig::new("read shadow promised\n list shadow").await;
    let mut browser = Browser::of(&rig, "viewer").await;
    let page = browser.get("/slos").await.body;
    assert!(page.contains("99.9 % answered"), "{page}");
    assert!(page.contains("0.1 %, or 43 min in 30 days"), "{page}");
    let (_, without) = page.split_once("Without an objective").unwrap();
    assert!(without.contains("/routes/list") && !without.contains("/routes/read"), "{without}");
    rig.end().await;
}

#[tokio::test]
async fn what_people_write_stays_text() {
    let rig = Rig::new("read shadow").await;
    let evil = "</code><script>alert(1)</script>\"'&";
    rig.post("/api/v1/routes/read/hold", "operator", json!({ "reason": evil })).await;
    let mut browser = Browser::of(&rig, "admin").await;
    let encoded = "%3Cscript%3Ealert(1)";
    for path in [
        "/".to_owned(),
        "/routes/read".to_owned(),
        "/audit".to_owned(),
        format!("/audit?route={encoded}"),
        format!("/?team={encoded}"),
        format!("/routes/read/diffs?path={encoded}"),
        format!("/login?next={encoded}"),
        format!("/routes/{encoded}"),
        format!("/runbooks/{encoded}"),
        format!("/traces/{encoded}"),
        format!("/traces?route={encoded}"),
        format!("/runbooks/Burn?route={encoded}"),
    ] {
        let got = browser.get(&path).await;
        assert!(!got.body.contains("<script>alert"), "{path}: {}", got.body);
        assert!(!got.body.contains("</code><script"), "{path}");
    }
    let page = browser.get("/routes/read").await.body;
    assert!(page.contains("&lt;script&gt;alert(1)"), "it is shown, as text: {page}");
    rig.end().await;
}

#[tokio::test]
async fn assets_are_named_by_what_they_hold() {
    let rig = Rig::new("read shadow").await;
    let mut browser = Browser::new(&rig);
    let page = browser.get("/login").await.body;
    let paths: Vec<&str> = page.split('"').filter(|part| part.starts_with("/assets/")).collect();
    assert_eq!(paths.len(), 3, "{paths:?}");
    for path in paths {
        let got = browser.get(path).await;
        assert_eq!(got.status, 200, "{path}");
        assert_eq!(got.header("cache-control"), Some("public, max-age=31536000, immutable"));
        assert_eq!(got.header("x-content-type-options"), Some("nosniff"));
        assert!(!path.ends_with(".js") || got.body.len() < 10_000, "{}", got.body.len());
    }
    assert_eq!(browser.get("/assets/console.css").await.status, 404);
    rig.end().await;
}

#[tokio::test]
async fn files_that_are_refused_are_told_everywhere() {
    let rig = Rig::new("read shadow").await;
    let mut browser = Browser::of(&rig, "viewer").await;
    *rig.house.loader.text.lock().unwrap() = "broken".into();
    rig.post("/api/v1/reload", "operator", json!({})).await;
    for path in ["/", "/routes/read", "/audit", "/config"] {
        let page = browser.get(path).await.body;
        assert!(page.contains("The files on disk are not in force"), "{path}: {page}");
    }
    let page = browser.get("/config").await.body;
    assert!(page.contains("cutover.toml:3:7") && page.contains("did you mean"), "{page}");
    rig.end().await;
}
