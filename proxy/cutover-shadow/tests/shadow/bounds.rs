//! Queues, rates, budgets and the end.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use cutover_domain::exchange::Dropped;
use http::Response;
use http_body_util::Full;
use tokio::{io::AsyncWriteExt, sync::watch};

use crate::rig::{
    JSON, PATIENCE, Rig, Server, answer, asked, bytes, live, parts, refuses, sum, until,
};

const OK: &[u8] =
    b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}";

/// A candidate that answers once it may, and how many it has been asked.
async fn held() -> (Server, watch::Sender<bool>, Arc<AtomicUsize>) {
    let (go, may) = watch::channel(false);
    let count: Arc<AtomicUsize> = Arc::default();
    let counted = Arc::clone(&count);
    let server = bytes(move |stream| {
        let (mut may, counted) = (may.clone(), Arc::clone(&counted));
        async move {
            let mut stream = Some(stream);
            while let Some(open) = stream {
                let Some(mut open) = asked(open, b"").await else { return };
                counted.fetch_add(1, Ordering::Relaxed);
                if may.wait_for(|may| *may).await.is_err() || open.write_all(OK).await.is_err() {
                    return;
                }
                stream = Some(open);
            }
        }
    });
    (server.await, go, count)
}

#[tokio::test]
async fn so_many_run_so_many_wait_and_the_newest_are_dropped() {
    let (new, go, asked) = held().await;
    let rig = parts().patient().start(&refuses().await, &new);
    for _ in 0..400 {
        rig.take(rig.exchange("/api/x", Some(live(JSON, "{}"))));
    }
    until(|| rig.accounting().dropped(Dropped::QueueFull) == 80).await;
    until(|| asked.load(Ordering::Relaxed) == 64).await;
    go.send(true).unwrap();
    let accounting = rig.settled(400).await;
    assert_eq!((accounting.matches, accounting.dropped(Dropped::QueueFull)), (320, 80));
}

#[tokio::test]
async fn copies_that_come_faster_than_they_are_looked_at_are_dropped() {
    let (new, go, _) = held().await;
    let mut started = parts().patient();
    started.config.intake_max = 1;
    let rig = started.start(&refuses().await, &new);
    let exchanges: Vec<_> =
        (0..2_000).map(|_| rig.exchange("/api/x", Some(live(JSON, "{}")))).collect();
    for exchange in exchanges {
        rig.take(exchange);
    }
    go.send(true).unwrap();
    let accounting = rig.settled(2_000).await;
    assert!(accounting.dropped(Dropped::QueueFull) > 0, "{accounting:?}");
    assert!(accounting.matches > 0, "{accounting:?}");
}

#[tokio::test]
async fn a_limit_of_copies_a_second_holds() {
    let new = answer(|_| {
        Response::builder().header("content-type", JSON).body(Full::from("{}")).unwrap()
    });
    let new = new.await;
    let mut started = parts().patient();
    started.spec.rps_max = Some(10);
    let rig = started.start(&refuses().await, &new);
    let start = std::time::Instant::now();
    for _ in 0..200 {
        rig.take(rig.exchange("/api/x", Some(live(JSON, "{}"))));
    }
    let accounting = rig.settled(200).await;
    // A busy machine may take more than a second over it.
    let seconds = 1 + start.elapsed().as_secs();
    assert!((10..=10 * seconds).contains(&accounting.matches), "{accounting:?} in {seconds} s");
    assert_eq!(accounting.dropped(Dropped::Rate), 200 - accounting.matches);
}

#[tokio::test]
async fn what_was_given_up_is_missing_from_coverage_and_what_legacy_did_not_answer_is_not() {
    let new = answer(|_| {
        Response::builder().header("content-type", JSON).body(Full::from("{}")).unwrap()
    });
    let new = new.await;
    let mut started = parts().patient();
    started.spec.rps_max = Some(1);
    let rig = started.start(&refuses().await, &new);
    rig.take(rig.exchange("/api/x?never", None));
    for name in 'a'..='t' {
        rig.take(rig.exchange(&format!("/api/x?{name}=1"), Some(live(JSON, "{}"))));
    }
    let accounting = rig.settled(21).await;
    assert!(accounting.dropped(Dropped::Rate) > 0, "{accounting:?}");
    let coverage = rig.report().parity.coverage;
    assert_eq!((coverage.seen as u64, coverage.compared as u64), (20, accounting.matches));
}

#[tokio::test]
async fn answers_are_paid_for_by_the_budget() {
    let new = answer(|_| Response::new(Full::new(Bytes::from(vec![b'x'; 600_000])))).await;
    let mut started = parts().patient();
    started.budget_bytes = 500_000;
    let rig = started.start(&refuses().await, &new);
    for _ in 0..5 {
        rig.take(rig.exchange("/api/x", Some(live(JSON, "{}"))));
    }
    assert_eq!(rig.settled(5).await.dropped(Dropped::Budget), 5);
}

#[tokio::test]
async fn at_the_end_what_is_under_way_may_finish() {
    let (new, go, asked) = held().await;
    let rig = parts().patient().start(&refuses().await, &new);
    for _ in 0..100 {
        rig.take(rig.exchange("/api/x", Some(live(JSON, "{}"))));
    }
    until(|| asked.load(Ordering::Relaxed) == 64).await;
    let ((), accounting) = tokio::join!(
        async {
            go.send(true).unwrap();
        },
        rig.shutdown(PATIENCE)
    );
    assert_eq!(accounting.matches, 100, "{accounting:?}");
    rig.take(rig.exchange("/api/x", Some(live(JSON, "{}"))));
    assert_eq!(rig.settled(101).await.dropped(Dropped::Shutdown), 1);
}

#[tokio::test]
async fn at_the_end_what_hangs_is_dropped_in_time() {
    let (new, _go, asked) = held().await;
    let rig = parts().patient().start(&refuses().await, &new);
    for _ in 0..100 {
        rig.take(rig.exchange("/api/x", Some(live(JSON, "{}"))));
    }
    until(|| asked.load(Ordering::Relaxed) == 64).await;
    let start = std::time::Instant::now();
    rig.shutdown(Duration::from_millis(100)).await;
    assert!(start.elapsed() < PATIENCE / 2, "{:?}", start.elapsed());
    assert_eq!(rig.settled(100).await.dropped(Dropped::Shutdown), 100);
}

#[tokio::test]
async fn without_a_handle_all_ends() {
    let (new, _go, asked) = held().await;
    let mut rig = parts().patient().start(&refuses().await, &new);
    for _ in 0..10 {
        rig.take(rig.exchange("/api/x", Some(live(JSON, "{}"))));
    }
    until(|| asked.load(Ordering::Relaxed) == 10).await;
    drop(rig.handle);
    drop(rig.copies);
    assert!(tokio::time::timeout(PATIENCE, rig.records.recv()).await.unwrap().is_none());
    until(|| rig.budget.used() == 0).await;
}

#[tokio::test]
async fn records_are_missed_by_a_reader_alone() {
    let new = answer(|_| {
        Response::builder().header("content-type", JSON).body(Full::from("{}")).unwrap()
    });
    let (legacy, new) = (refuses().await, new.await);
    let mut rig = parts().patient().start(&legacy, &new);
    let compared = async |rig: &Rig, count: u64| {
        let before = rig.accounting().eligible;
        for _ in 0..count {
            rig.take(rig.exchange("/api/x", Some(live(JSON, "{}"))));
        }
        assert_eq!(rig.settled(before + count).await.matches, before + count);
    };
    let missed = |rig: &Rig| sum(&rig.scrape(), "cutover_shadow_records_dropped_total");
    for _ in 0..8 {
        compared(&rig, 128).await;
    }
    assert_eq!(missed(&rig), 0, "1,024 may wait");
    compared(&rig, 20).await;
    assert_eq!(missed(&rig), 20);
    // Nobody reads any more.
    rig.records.close();
    while rig.records.recv().await.is_some() {}
    compared(&rig, 20).await;
    assert_eq!(missed(&rig), 20);
}
