//! What was compared outlives the process, whether it ends or is replaced.

use crate::rig::{Proxy, get, until};

#[test]
fn mismatches_are_counted_on_after_a_restart() {
    let mut proxy = comparing();
    mismatch(&proxy, 12, 12);
    let before = diffs(&proxy);
    proxy.signal("-TERM");
    assert_eq!(proxy.exit(), 0);

    let again = proxy.again();
    let after = diffs(&again);
    for what in ["since_ms", "clusters", "bound"] {
        assert_eq!(after[what], before[what], "{what}");
    }
    mismatch(&again, 3, 15);
    assert_eq!(diffs(&again)["since_ms"], before["since_ms"]);
}

#[test]
fn mismatches_are_counted_on_after_a_hand_over() {
    let mut old = comparing();
    mismatch(&old, 12, 12);
    let before = diffs(&old);
    let new = old.upgrade();
    old.signal("-QUIT");
    assert_eq!(until("the old process ends", || old.exited()), 0);
    new.ready();
    // It has the turn a moment before it has what was kept.
    let after = until("the new process knows what was kept", || {
        let after = diffs(&new);
        (after["clusters"] == before["clusters"]).then_some(after)
    });
    for what in ["since_ms", "bound"] {
        assert_eq!(after[what], before[what], "{what}");
    }
    mismatch(&new, 2, 14);
}

/// A proxy that compares a route whose sides never agree.
fn comparing() -> Proxy {
    let proxy = Proxy::start();
    let (before, after) = ("phase = \"shadow\"", "phase = \"shadow\"\nshadow = {}");
    proxy.edit("routes/devices.toml", before, after);
    proxy.wait_for_log("configuration read again");
    until("copies are taken", || {
        let taken = diffs(&proxy)["copies"]["taken"].as_bool();
        (taken == Some(true)).then_some(())
    });
    proxy
}

/// Asks so many times, and waits until so many mismatches are counted in all.
fn mismatch(proxy: &Proxy, requests: u64, counted: u64) {
    for _ in 0..requests {
        get(proxy.http, "/devices/7").expect("an answer");
    }
    until(format_args!("{counted} mismatches"), || {
        let now = diffs(proxy)["clusters"][0]["count"].as_u64().unwrap_or(0);
        assert!(now <= counted, "{now}");
        (now == counted).then_some(())
    });
}

fn diffs(proxy: &Proxy) -> serde_json::Value {
    proxy.cutover(&["diffs", "device-read", "-o", "json"]).json()
}
