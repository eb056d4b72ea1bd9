//! A store that is held, full, gone or silent: comparing and counting go on, and what can be kept
//! is kept once it is back.

use super::*;

#[tokio::test]
async fn while_another_process_holds_the_store_counting_goes_on() {
    let place = Place::new().await;
    let node = place.start().await;
    node.compare(1).await;
    place.has(&node.parity()).await;
    let lock = WriteLock::take(&place.store).await.unwrap();
    node.compare(30).await;
    until(async || !node.is_up()).await;
    node.compare(30).await;
    assert_eq!(node.parity().counters.matches, 61);
    assert_eq!(place.kept("read").await.unwrap().counters.matches, 1);
    lock.give_back().await;
    place.has(&node.parity()).await;
    until(async || node.is_up()).await;
    assert_eq!(node.dropped("store_busy"), 0, "nothing was given up");
}

#[tokio::test]
async fn a_store_that_is_held_at_the_start_delays_nobody_and_loses_nothing() {
    let place = Place::new().await;
    let before = place.start().await;
    before.compare(20).await;
    before.differ(1).await;
    before.end().await;
    let lock = WriteLock::take(&place.store).await.unwrap();
    let within = Duration::from_millis(300);
    let started = Instant::now();
    let node = place.start_with(Terms { restore_within: within, ..terms() }).await;
    assert!(started.elapsed() < within + Duration::from_secs(5));
    node.compare(7).await;
    assert_eq!(node.parity().counters.matches, 7);
    lock.give_back().await;
    until(async || node.parity().history.len() == 1).await;
    let parity = node.parity();
    assert_eq!((parity.counters.matches, parity.history[0].counters.matches), (7, 20));
    assert_eq!((parity.history[0].cause, eligible(&parity)), (Cause::Store, 28));
    // Its samples can still be looked at, but none counts as one of today's.
    assert_eq!((node.report().mismatches.clusters[0].count, node.samples().len()), (0, 1));
    place.has(&parity).await;
}

#[tokio::test]
async fn a_store_that_is_held_at_the_end_holds_nobody_and_the_loss_is_counted() {
    let place = Place::new().await;
    let last_flush_within = Duration::from_millis(500);
    let node = place.start_with(Terms { last_flush_within, ..terms() }).await;
    let lock = WriteLock::take(&place.store).await.unwrap();
    node.differ(3).await;
    let (registry, ended) = node.end_and_scrape().await;
    assert!(ended < Duration::from_secs(5), "{ended:?}");
    let lost = ["store_busy", "store_silent"].map(|code| rig::dropped(&registry, code));
    assert_eq!(lost.iter().sum::<u64>(), 1 + 3, "the route and its samples: {lost:?}");
    assert_eq!(place.kept("read").await, None);
    lock.give_back().await;
}

#[tokio::test]
async fn a_full_disk_costs_the_keeping_only() {
    let place = Place::new().await;
    let full = Bounds { disk_bytes_free_min: u64::MAX, ..Bounds::default() };
    let node =
        place.start_with(Terms { bounds: full, restore_within: Duration::ZERO, ..terms() }).await;
    node.compare(5).await;
    until(async || !node.is_up()).await;
    assert_eq!(node.parity().counters.matches, 5);
    let (registry, _) = node.end_and_scrape().await;
    assert_eq!(rig::dropped(&registry, "store_reserve"), 1);
    assert_eq!(place.kept("read").await, None);
    place.store.probe().await.expect("revisions can still be written");
}

#[tokio::test]
async fn a_file_that_may_not_grow_is_full_for_parity_only() {
    let place = Place::new().await;
    // A document that needs pages of its own.
    let mut large = Snapshot::default();
    large.basis.build = "x".repeat(64 * 1024).into();
    let file = place.dir.path().join("cutover.db");
    place.store.close().await;
    let bounds = Bounds { file_bytes_max: fs::metadata(&file).unwrap().len(), ..Bounds::default() };
    let node = place.start_with(Terms { bounds, ..terms() }).await;
    assert!(node.shadow.resume("read", large));
    node.compare(5).await;
    until(async || !node.is_up()).await;
    node.compare(5).await;
    assert_eq!(node.parity().counters.matches, 10);
    let (registry, _) = node.end_and_scrape().await;
    assert_eq!(rig::dropped(&registry, "store_unwritable"), 1);
    let store = Store::open(&place.url()).await.unwrap();
    store.probe().await.expect("revisions can still be written");
}

#[tokio::test]
async fn a_new_file_gets_all_that_is_known() {
    let place = Place::new().await;
    let node = place.start().await;
    node.compare(9).await;
    place.has(&node.parity()).await;
    for end in ["", "-wal", "-shm"] {
        let _ = fs::remove_file(place.dir.path().join(format!("cutover.db{end}")));
    }
    until(async || !node.is_up()).await;
    node.differ(1).await;
    // As the control plane does.
    let _store = Store::open(&place.url()).await.unwrap();
    place.has(&node.parity()).await;
    assert_eq!(place.kept("read").await.unwrap().counters.matches, 9);
    node.compare(1).await;
    place.has(&node.parity()).await;
    let again = place.start().await;
    assert_eq!((again.parity(), again.samples()), (node.parity(), node.samples()));
}

#[tokio::test(start_paused = true)]
async fn a_store_that_never_answers_is_asked_one_thing_at_a_time() {
    let metrics = RecorderMetrics::register(&mut Default::default());
    let mut session = Session::new("sqlite://none".into(), Bounds::default(), metrics, None);
    let (answer, frozen) = tokio::sync::oneshot::channel::<()>();
    let frozen = async move { frozen.await.map_err(|_| Trouble::too_slow()) };
    let started = Instant::now();
    assert!(session.ask(frozen).await.is_err());
    assert_eq!(started.elapsed(), Duration::from_secs(3));
    assert!(session_asks(&mut session).await.is_err(), "a second thing was asked");
    answer.send(()).unwrap();
    until(async || session_asks(&mut session).await.is_ok()).await;
}

async fn session_asks(session: &mut Session) -> Result<(), Trouble> {
    session.ask(async { Ok::<_, Trouble>(()) }).await
}
