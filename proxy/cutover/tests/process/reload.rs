//! Configuration that changes while the proxy runs: whole or not at all.

use std::fs;

use crate::rig::{Proxy, until};

#[test]
fn a_changed_file_is_in_force_without_a_signal() {
    let proxy = Proxy::start();
    proxy.edit("routes/devices.toml", "phase = \"shadow\"", "phase = \"canary\"\npercent = 100");
    proxy.wait_for_side("new");
}

#[test]
fn a_new_file_is_noticed() {
    let proxy = Proxy::start();
    let team = crate::rig::TEAM.replace("devices", "homes").replace("device-read", "home-read");
    fs::write(proxy.file("routes/homes.toml"), team).unwrap();
    until("the new route", || (proxy.cutover(&["status", "home-read"]).code == 0).then_some(()));
    fs::remove_file(proxy.file("routes/homes.toml")).unwrap();
    until("the route goes", || (proxy.cutover(&["status", "home-read"]).code == 1).then_some(()));
}

#[test]
fn an_invalid_file_changes_nothing_and_is_told_with_its_place() {
    let proxy = Proxy::start();
    proxy
        .cutover(&["promote", "device-read", "--percent", "100", "--reason", "r", "--wait"])
        .ends_with(0);
    proxy.edit("routes/devices.toml", "[\"GET\"]", "[\"get\"]");
    proxy.wait_for_log("routes/devices.toml:9:22");
    assert_eq!(proxy.side(), "new");
    let status = proxy.cutover(&["status"]).ends_with(0);
    assert!(status.err.contains("the files on disk are not in force"), "{}", status.err);
    assert!(status.err.contains("routes/devices.toml:9:22"), "{}", status.err);
    let metrics = crate::rig::get(proxy.admin, "/metrics").unwrap().1;
    let refused = metrics
        .lines()
        .find(|line| line.starts_with("cutover_config_reloads_total") && line.contains("refused"));
    assert!(refused.is_some_and(|line| !line.ends_with(" 0")), "{refused:?}");
    proxy.edit("routes/devices.toml", "[\"get\"]", "[\"GET\"]");
    until("told no more", || {
        let status = proxy.cutover(&["status"]).ends_with(0);
        (!status.err.contains("not in force")).then_some(())
    });
    assert_eq!(proxy.side(), "new", "an unchanged value never undoes an operator's move");
}

#[test]
fn sighup_reads_again() {
    let proxy = Proxy::start();
    proxy.signal("-HUP");
    proxy.wait_for_log("SIGHUP");
}

#[test]
fn another_listener_is_refused_with_the_way_out() {
    let proxy = Proxy::start();
    proxy.edit("cutover.toml", &proxy.http.to_string(), "127.0.0.1:1");
    proxy.wait_for_log("cutover run --upgrade");
    assert_eq!(proxy.side(), "legacy");
}

#[test]
fn upstreams_and_their_users_change_together() {
    let proxy = Proxy::start();
    let text = fs::read_to_string(proxy.file("cutover.toml")).unwrap();
    let text = text
        .replace("default = \"monolith\"", "default = \"old\"")
        .replace("[upstream.monolith]", "[upstream.old]")
        .replace("[[listener]]", "[[listener]]\ndefault = \"old\"");
    crate::rig::put(&proxy.file("cutover.toml"), &text);
    until("the new name", || {
        let status = proxy.cutover(&["status", "device-read", "-o", "json"]).ends_with(0).json();
        (status["route"]["legacy"]["upstream"] == "old").then_some(())
    });
    assert_eq!(proxy.side(), "legacy");
    // And on from there: the listener's default and its upstream change in one step.
    let text = text.replace("\"old\"", "\"older\"").replace("[upstream.old]", "[upstream.older]");
    crate::rig::put(&proxy.file("cutover.toml"), &text);
    until("the newer name", || {
        let status = proxy.cutover(&["status", "device-read", "-o", "json"]).ends_with(0).json();
        (status["route"]["legacy"]["upstream"] == "older").then_some(())
    });
    let (status, body) = crate::rig::get(proxy.http, "/elsewhere").unwrap();
    assert_eq!((status, body.as_str()), (200, "legacy"));
}

#[test]
fn the_off_switch_is_a_file() {
    let proxy = Proxy::start();
    proxy
        .cutover(&["promote", "device-read", "--percent", "100", "--reason", "r", "--wait"])
        .ends_with(0);
    assert_eq!(proxy.side(), "new");
    fs::write(proxy.file("legacy-all"), "").unwrap();
    proxy.wait_for_side("legacy");
    let refused = proxy.cutover(&["promote", "device-read", "--reason", "r"]).ends_with(1);
    assert!(refused.err.contains("legacy-all"), "{}", refused.err);
}

#[test]
fn doubts_about_an_accepted_file_are_logged() {
    let proxy = Proxy::start();
    proxy.edit("routes/devices.toml", "[\"GET\"], path", "[\"GET\", \"POST\"], path");
    proxy.edit("routes/devices.toml", "phase =", "writes = \"safe\"\nphase =");
    proxy.wait_for_log("safe_writes");
    let log = proxy.log();
    let lines: Vec<&str> = log.lines().filter(|line| line.contains("safe_writes")).collect();
    let [line] = lines[..] else { panic!("one line a doubt: {log}") };
    assert!(
        line.contains("WARN") && line.contains("configuration: routes/devices.toml:11:10: "),
        "{line}"
    );
}
