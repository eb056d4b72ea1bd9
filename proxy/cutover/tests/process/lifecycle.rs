//! Start, end and hand-over.

use std::{fs, net::TcpListener, os::unix::fs::PermissionsExt};

use crate::rig::{Proxy, get, until};

#[test]
fn sigterm_drains_and_ends_with_zero() {
    let mut proxy = Proxy::start();
    assert_eq!(proxy.side(), "legacy");
    proxy.signal("-TERM");
    assert_eq!(proxy.exit(), 0);
    assert!(get(proxy.http, "/devices/7").is_none());
}

#[test]
fn the_sockets_are_handed_over_without_a_refused_connection() {
    let mut old = Proxy::start();
    old.cutover(&["promote", "device-read", "--percent", "100", "--reason", "r", "--wait"])
        .ends_with(0);
    let new = old.upgrade();
    old.signal("-QUIT");
    let mut answered = 0;
    let code = until("the old process ends", || {
        assert_eq!(get(old.http, "/devices/7"), Some((200, "new".to_owned())));
        answered += 1;
        old.exited()
    });
    assert_eq!(code, 0);
    assert!(answered > 0);
    new.ready();
    assert_eq!(new.side(), "new");
    let history = new.cutover(&["history", "-o", "json"]).ends_with(0).json();
    assert_eq!(history["items"][0]["reason"], "r", "the new process knows what the old one did");
    new.cutover(&["rollback", "device-read", "--reason", "after", "--wait"]).ends_with(0);
    assert_eq!(new.side(), "legacy");
}

#[test]
fn a_hand_over_to_nobody_changes_nothing() {
    let proxy = Proxy::start();
    proxy.signal("-QUIT");
    proxy.wait_for_log("cutover run --upgrade");
    assert_eq!(proxy.side(), "legacy");
}

#[test]
fn a_port_in_use_ends_the_start_before_the_store_is_touched() {
    let first = Proxy::start();
    let before = first.cutover(&["history", "-o", "json"]).ends_with(0).out;
    let second = first.cutover(&["run"]).ends_with(1);
    assert!(second.err.contains(&first.admin.to_string()), "{}", second.err);
    assert!(second.err.contains("in use"), "{}", second.err);
    assert_eq!(first.cutover(&["history", "-o", "json"]).ends_with(0).out, before);
    assert_eq!(first.side(), "legacy");
}

#[test]
fn a_listeners_port_in_use_is_told_with_its_address() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let mut proxy = Proxy::start_unready(&format!("[[listener]]\nlisten = \"{address}\"\n"));
    assert_eq!(proxy.exit(), 1);
    let log = proxy.log();
    assert!(log.contains(&format!("cannot listen on {address}")), "{log}");
    assert!(log.contains("--upgrade"), "says what to do: {log}");
    assert!(!proxy.file("cutover.db").exists());
}

#[test]
fn without_store_and_last_good_state_nothing_listens() {
    let mut proxy = Proxy::start_unready("[store]\nurl = \"sqlite://no/such/dir/cutover.db\"\n");
    assert_eq!(proxy.exit(), 1);
    assert!(proxy.log().contains("no_state"), "{}", proxy.log());
    assert!(get(proxy.http, "/").is_none());
}

#[test]
fn the_first_start_writes_a_private_token() {
    let proxy = Proxy::start();
    let metadata = fs::metadata(proxy.file("cutover-admin.token")).unwrap();
    assert_eq!(metadata.permissions().mode() & 0o777, 0o600);
}

#[test]
fn a_store_in_no_directory_says_which_to_make() {
    let mut proxy = Proxy::start_unready("[store]\nurl = \"sqlite://nowhere/cutover.db\"\n");
    assert_eq!(proxy.exit(), 1);
    assert!(
        proxy.log().contains("mkdir -p ./nowhere") || proxy.log().contains("mkdir -p nowhere"),
        "{}",
        proxy.log()
    );
}

#[test]
fn a_damaged_store_without_a_last_good_state_names_both_ways_out() {
    let mut proxy = Proxy::start_unready("[store]\nurl = \"sqlite://cutover.toml\"\n");
    assert_eq!(proxy.exit(), 1);
    let log = proxy.log();
    assert!(log.contains("error[no_state]") && log.contains("restore a backup"), "{log}");
    assert!(log.contains("every route starts where its file says"), "{log}");
    assert!(!log.contains("writes a new one"), "there is nothing to write it from: {log}");
}
