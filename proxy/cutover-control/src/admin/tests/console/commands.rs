//! Every command that a page shows, in a file that the command line's own tests read.

use std::collections::BTreeSet;

use expect_test::expect_file;

use super::*;

/// Routes in different places, for what pages say there.
const ROUTES: &str = "read canary 5 copied promised gated pages\n list shadow copied\n \
                      write shadow post writes=unsafe journey\n lone legacy no-new\n \
                      wild legacy post\n held shadow\n done live writes=safe\n gone retired";

#[tokio::test]
async fn commands_on_pages_are_those_that_are_checked() {
    let rig = Rig::new(ROUTES).await;
    let body = json!({ "reason": "x" });
    rig.post("/api/v1/routes/held/hold", "operator", body.clone()).await;
    rig.post("/api/v1/routes/gone/promote", "approver", body).await;
    let mut browser = Browser::of(&rig, "admin").await;
    let mut commands = BTreeSet::new();
    let mut see = |got: Got| commands.extend(commands_of(&got.body));
    for page in pages().into_iter().filter(|page| page.method == "GET" && page.path != "/events") {
        see(browser.get(&filled(page.path)).await);
    }
    for route in ["list", "write", "lone", "wild", "held", "done", "gone", "nowhere"] {
        see(browser.get(&format!("/routes/{route}")).await);
    }
    for path in [
        "/traces?route=read",
        "/audit?route=read",
        "/decisions?route=read",
        "/runbooks/Burn?route=read",
    ] {
        see(browser.get(path).await);
    }
    for (path, fields) in [
        ("/routes/list/promote", "reason=x&to=canary&percent=1"),
        ("/routes/list/rollback", "reason=x"),
        ("/routes/held/release", "reason=x"),
        ("/routes/wild/promote", "reason=x"),
    ] {
        let got = browser.post("/routes/read", path, fields).await;
        let next = got.header("location").map(str::to_owned);
        see(got);
        if let Some(next) = next {
            see(browser.get(&next).await);
        }
    }
    let lines: Vec<String> = commands.into_iter().map(|command| command + "\n").collect();
    expect_file!["commands.txt"].assert_eq(&lines.concat());
    rig.end().await;
}

/// What a page shows as code and begins with `cutover `.
fn commands_of(page: &str) -> Vec<String> {
    let codes = page.split("<code").skip(1).filter_map(|rest| {
        let (_, rest) = rest.split_once('>')?;
        Some(rest.split_once("</code>")?.0)
    });
    let lines = codes.flat_map(str::lines).filter(|line| line.starts_with("cutover "));
    let plain = |text: &str| {
        let quoted = text.replace("&quot;", "\"").replace("&lt;", "<").replace("&gt;", ">");
        quoted.replace("&amp;", "&")
    };
    lines.map(plain).collect()
}
