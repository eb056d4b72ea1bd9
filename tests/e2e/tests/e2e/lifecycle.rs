//! Starting, stopping, handing over, and going on without a store.

use std::sync::Arc;
use std::time::Duration;

use e2e::client::{self, Client};
use e2e::load::{Load, Pace, Plan, Shot};
use e2e::rig::Pair;
use e2e::upstream::Fault;
use e2e::{Proxy, eventually};
use rustix::process::Signal;

fn plan(pair: &Pair, workers: usize) -> Plan {
    let shots = Arc::new(|n: u64| Shot::get(format!("/api/v1/devices/{n}")));
    Plan { target: pair.proxy.addr(), workers, pace: Pace::Closed, shots }
}

#[tokio::test]
async fn sigterm_finishes_what_is_in_flight_and_ends_as_soon_as_it_is() {
    let pair = Pair::start("phase = \"legacy\"").await.unwrap();
    pair.legacy.set(Fault::Slow(Duration::from_secs(1))).await;
    let in_flight: Vec<_> = (0..50)
        .map(|n| {
            let addr = pair.proxy.addr();
            tokio::spawn(async move { client::get(addr, &format!("/slow/{n}")).await })
        })
        .collect();
    eventually("50 requests upstream", async || (pair.legacy.asked() == 50).then_some(()))
        .await
        .unwrap();
    // An idle connection must not hold the end back.
    let mut idle = Client::http1(pair.proxy.addr()).await.unwrap();
    let began = std::time::Instant::now();
    pair.proxy.terminate(Duration::from_secs(10)).await.unwrap();
    let took = began.elapsed();
    for request in in_flight {
        assert_eq!(request.await.unwrap().unwrap().status, 200);
    }
    assert!(took < Duration::from_secs(4), "it ended {took:?} after SIGTERM");
    assert!(idle.get("/").await.is_err());
}

#[tokio::test]
async fn a_request_that_outlasts_the_drain_is_cut_and_the_process_still_ends() {
    let pair =
        Pair::start_with("phase = \"legacy\"", |config| config.server.push_str("drain_ms = 500\n"))
            .await
            .unwrap();
    pair.legacy.set(Fault::Hang).await;
    let addr = pair.proxy.addr();
    let request = tokio::spawn(async move { client::get(addr, "/hangs").await });
    eventually("the request upstream", async || (pair.legacy.asked() == 1).then_some(()))
        .await
        .unwrap();
    pair.proxy.process().signal(Signal::TERM);
    pair.proxy.process().exit(Duration::from_secs(5)).await.unwrap();
    assert!(request.await.unwrap().is_err());
}

#[tokio::test]
async fn a_new_process_takes_over_under_load_and_no_connection_is_refused() {
    let mut pair = Pair::start("phase = \"live\"").await.unwrap();
    let load = Load::start(plan(&pair, 4));
    // Each of these needs a connection of its own at any moment of the hand-over.
    let addr = pair.proxy.addr();
    let (stop, mut stopped) = tokio::sync::oneshot::channel::<()>();
    let visitors = tokio::spawn(async move {
        let mut count = 0;
        while stopped.try_recv().is_err() {
            let answer = client::get(addr, "/api/v1/devices/1").await;
            assert_eq!(
                answer.unwrap_or_else(|error| panic!("visitor {count}: {error:#}")).status,
                200
            );
            count += 1;
        }
        count
    });
    load.more(200).await.unwrap();
    for _ in 0..3 {
        let config = pair.proxy.config().clone();
        let dir = pair.proxy.dir().to_owned();
        let old = pair.proxy.process().id();
        let start = Proxy::start_in(&pair.rig, config, &dir, &["--upgrade"]);
        let signal = async {
            // An operator sees the socket appear: the new process waits for the listeners.
            let socket = dir.join("cutover-upgrade.sock");
            eventually("the new process", async || socket.exists().then_some(())).await.unwrap();
            pair.proxy.process().signal(Signal::QUIT);
        };
        let (new, ()) = tokio::join!(start, signal);
        let new = new.unwrap();
        assert_ne!(new.process().id(), old);
        let old = std::mem::replace(&mut pair.proxy, new);
        assert!(old.process().exit(Duration::from_secs(40)).await.unwrap().success());
        load.more(200).await.unwrap();
    }
    let _ = stop.send(());
    assert!(visitors.await.unwrap() > 100);
    let report = load.stop().await;
    report.assert_all_good();
    // Only an idle connection may be closed under a client's hands: one of each worker's, a process.
    assert!(report.resent() <= 3 * 4, "{} requests had to be sent again", report.resent());
}

#[tokio::test]
async fn with_the_store_gone_it_starts_serves_and_says_so() {
    let mut pair = Pair::start("phase = \"shadow\"").await.unwrap();
    pair.proxy
        .flip(&["promote", "device-read", "--to", "canary", "--percent", "100"])
        .await
        .unwrap();
    pair.proxy.terminate(Duration::from_secs(10)).await.unwrap();
    let dir = pair.proxy.dir().to_owned();
    for entry in std::fs::read_dir(&dir).unwrap().map(Result::unwrap) {
        if entry.file_name().to_string_lossy().starts_with("cutover.db") {
            std::fs::remove_file(entry.path()).unwrap();
        }
    }
    // A directory in its place can be neither opened nor made.
    std::fs::create_dir(dir.join("cutover.db")).unwrap();
    let config = pair.proxy.config().clone();
    pair.proxy = Proxy::start_degraded(&pair.rig, config, &dir).await.unwrap();
    assert_eq!(pair.side("/api/v1/devices/1").await.unwrap(), "new", "the last state is kept");
    let ready = client::get(pair.proxy.admin(), "/readyz").await.unwrap();
    assert!(ready.text().contains("degraded"), "{} {}", ready.status, ready.text());
    let forward = pair
        .proxy
        .cutover(&["promote", "device-read", "--to", "live", "--reason", "r"])
        .await
        .unwrap();
    assert_eq!(forward.code, 1, "{forward:?}");
    // The way back stays open.
    pair.proxy.cutover(&["rollback", "device-read", "--reason", "r"]).await.unwrap().ok().unwrap();
    assert_eq!(pair.side("/api/v1/devices/1").await.unwrap(), "legacy");
}

#[tokio::test]
async fn an_operators_move_outlives_a_restart_and_the_unchanged_file() {
    let mut pair = Pair::start("phase = \"shadow\"").await.unwrap();
    pair.proxy
        .flip(&["promote", "device-read", "--to", "canary", "--percent", "100"])
        .await
        .unwrap();
    pair.proxy.terminate(Duration::from_secs(10)).await.unwrap();
    let (config, dir) = (pair.proxy.config().clone(), pair.proxy.dir().to_owned());
    pair.proxy = Proxy::start_in(&pair.rig, config, &dir, &[]).await.unwrap();
    assert_eq!(pair.side("/api/v1/devices/1").await.unwrap(), "new");
}

#[tokio::test]
async fn a_killed_proxy_comes_back_as_it_was() {
    let mut pair = Pair::start("phase = \"shadow\"").await.unwrap();
    for round in 0..5 {
        let percent = (10 + round).to_string();
        let args: &[&str] = if round == 0 { &["--to", "canary"] } else { &[] };
        let args = [&["promote", "device-read", "--percent", &percent][..], args].concat();
        pair.proxy.flip(&args).await.unwrap();
        pair.proxy.process().kill().await.unwrap();
        let (config, dir) = (pair.proxy.config().clone(), pair.proxy.dir().to_owned());
        pair.proxy = Proxy::start_in(&pair.rig, config, &dir, &[]).await.unwrap();
        let said = pair
            .proxy
            .cutover(&["status", "device-read", "--output", "json"])
            .await
            .unwrap()
            .ok()
            .unwrap();
        assert!(said.stdout.contains(&percent), "an acknowledged move is kept: {}", said.stdout);
    }
}

/// What systemd hears of a `Type=notify-reload` service (sd_notify(3)).
#[tokio::test]
async fn the_service_manager_hears_of_start_reload_and_stop() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("notify");
    let manager = tokio::net::UnixDatagram::bind(&path).unwrap();
    let hear = async |wanted: &str| {
        let mut told = vec![0; 4096];
        loop {
            let length = manager.recv(&mut told).await.unwrap();
            let told = String::from_utf8_lossy(&told[..length]);
            if told.lines().any(|line| line == wanted) {
                return told.into_owned();
            }
        }
    };
    let within = Duration::from_secs(20);
    let pair = Pair::start_with("phase = \"live\"", |config| {
        config.env.push(("NOTIFY_SOCKET".to_owned(), path.display().to_string()));
    })
    .await
    .unwrap();
    tokio::time::timeout(within, hear("READY=1")).await.unwrap();
    pair.proxy.process().signal(Signal::HUP);
    let told = tokio::time::timeout(within, hear("RELOADING=1")).await.unwrap();
    assert!(told.contains("MONOTONIC_USEC="), "{told}");
    tokio::time::timeout(within, hear("READY=1")).await.unwrap();
    pair.proxy.process().signal(Signal::TERM);
    tokio::time::timeout(within, hear("STOPPING=1")).await.unwrap();
}
