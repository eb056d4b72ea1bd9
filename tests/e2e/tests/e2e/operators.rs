//! Operators and their tools: who may do what, on which state, and the way through files.

use std::path::Path;

use e2e::config::TEAM_FILE;
use e2e::rig::Pair;
use e2e::{cli, client};

use super::bad_input::find_object;

#[tokio::test]
async fn tokens_and_roles_are_asked_for() {
    let pair = Pair::start("phase = \"shadow\"").await.unwrap();
    let admin = format!("http://{}", pair.proxy.admin());
    let binary = pair.rig.binary("cutover").unwrap();
    let elsewhere = pair.rig.subdir("elsewhere").unwrap();
    let with = async |token: &Path, args: &[&str]| {
        let token = token.display().to_string();
        let reach = ["--admin", admin.as_str(), "--token-file", token.as_str()];
        cli::run(&binary, args.iter().chain(&reach), &[], &elsewhere).await.unwrap()
    };
    let wrong = elsewhere.join("wrong");
    std::fs::write(&wrong, "x".repeat(40)).unwrap();
    let rollback = ["rollback", "device-read", "--to", "legacy", "--reason", "r"];
    let said = with(&wrong, &rollback).await;
    assert_eq!(said.code, 4, "{said:?}");

    let made = pair
        .proxy
        .cutover(&["token", "create", "--role", "operator", "--name", "pager", "--output", "json"])
        .await
        .unwrap();
    let made: serde_json::Value = made.json().unwrap();
    let operator = elsewhere.join("operator");
    let text = made["token"].as_str().unwrap_or_else(|| panic!("no token in {made}"));
    std::fs::write(&operator, text).unwrap();
    let said = with(
        &operator,
        &["promote", "device-read", "--to", "canary", "--percent", "5", "--reason", "r"],
    )
    .await;
    assert_eq!(said.code, 4, "an operator moves nothing forward: {said:?}");
    assert!(said.stderr.contains("migrator"), "it says which role may: {}", said.stderr);
    with(&operator, &rollback).await.ok().unwrap();
    let bare = client::get(pair.proxy.admin(), "/api/v1/status").await.unwrap();
    assert_eq!(bare.status, 401);
}

#[tokio::test]
async fn a_stale_revision_is_refused_with_the_present_state() {
    let pair = Pair::start("phase = \"shadow\"").await.unwrap();
    let first = pair
        .proxy
        .flip(&["promote", "device-read", "--to", "canary", "--percent", "5"])
        .await
        .unwrap();
    let expect = (first.revision - 1).to_string();
    let said = pair
        .proxy
        .cutover(&[
            "promote",
            "device-read",
            "--percent",
            "25",
            "--expect",
            &expect,
            "--reason",
            "r",
        ])
        .await
        .unwrap();
    assert_eq!(said.code, 1, "{said:?}");
    assert!(
        said.stderr.contains("stale_revision") && said.stderr.contains(&first.revision.to_string()),
        "{}",
        said.stderr
    );
    let expect = first.revision.to_string();
    pair.proxy
        .flip(&["promote", "device-read", "--percent", "25", "--expect", &expect])
        .await
        .unwrap();
}

#[tokio::test]
async fn plan_apply_and_export_go_round() {
    let pair = Pair::start("phase = \"shadow\"").await.unwrap();
    let run = async |args: &[&str]| pair.proxy.cutover(args).await.unwrap();
    let deploy = pair.rig.subdir("deploy").unwrap();
    let target = deploy.display().to_string();
    run(&["export", "--dir", &target]).await.ok().unwrap();
    let plan = run(&["plan", &target, "--output", "json"]).await;
    assert_eq!(plan.code, 0, "nothing differs from what was exported: {plan:?}");
    let path = deploy.join(TEAM_FILE);
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.contains("phase = \"shadow\""), "{text}");
    std::fs::write(
        &path,
        text.replace("phase = \"shadow\"", "phase = \"canary\"\npercent = 100.0"),
    )
    .unwrap();
    let plan = run(&["plan", &target, "--output", "json"]).await;
    assert_eq!(plan.code, 3, "{plan:?}");
    let plan: serde_json::Value = serde_json::from_str(&plan.stdout).unwrap();
    let expect =
        find_object(&plan, "expect").map_or(plan["revision"].clone(), |it| it["expect"].clone());
    let expect =
        expect.as_u64().unwrap_or_else(|| panic!("no revision to expect in {plan}")).to_string();
    let wrong = run(&["apply", &target, "--expect", "999999", "--reason", "r"]).await;
    assert_eq!(wrong.code, 1, "{wrong:?}");
    run(&["apply", &target, "--expect", &expect, "--reason", "release", "--wait"])
        .await
        .ok()
        .unwrap();
    assert_eq!(pair.side("/api/v1/devices/1").await.unwrap(), "new");
    assert_eq!(run(&["plan", &target]).await.code, 0);
}

#[tokio::test]
async fn doctor_finds_what_is_wrong_with_a_running_proxy() {
    let pair = Pair::start("phase = \"live\"").await.unwrap();
    assert_eq!(pair.proxy.cutover(&["doctor"]).await.unwrap().code, 0);
    pair.new.set(e2e::upstream::Fault::Refuse).await;
    let said = pair.proxy.cutover(&["doctor"]).await.unwrap();
    assert!(format!("{}{}", said.stdout, said.stderr).contains("new"), "{said:?}");
    assert_eq!(said.code, 1, "{said:?}");
}
