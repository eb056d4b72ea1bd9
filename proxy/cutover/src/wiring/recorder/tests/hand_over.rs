//! One process keeps at a time, and every comparison is counted by one of them.

use super::*;

#[tokio::test]
async fn the_new_process_goes_on_where_the_old_one_ended() {
    let place = Place::new().await;
    let old = place.start().await;
    old.compare(20).await;
    let new = place.take_over(terms()).await;
    // Both serve now: the old one still compares, the new one does not yet.
    old.compare(5).await;
    new.compare(3).await;
    assert_eq!(new.parity().counters.dropped[&Dropped::Shutdown], 3);
    assert_eq!(new.parity().counters.matches, 0);

    old.recorder.hand_over().begin();
    until(async || new.is_up()).await;
    assert_eq!(new.parity().counters.matches, 25);
    new.compare(10).await;
    // What still drains through the old one is in nobody's counters.
    old.compare(2).await;
    let parity = new.parity();
    assert_eq!((parity.counters.matches, parity.history.len()), (35, 0));
    assert_eq!(parity.counters.dropped[&Dropped::Shutdown], 3);
    assert_eq!(eligible(&parity), 38);
    place.has(&parity).await;
    old.end().await;
    new.end().await;
    assert_eq!(place.kept("read").await.unwrap(), parity, "the old one wrote over it");
}

#[tokio::test]
async fn an_old_process_that_does_not_end_is_shut_out() {
    let place = Place::new().await;
    let old = place.start().await;
    old.compare(20).await;
    place.has(&old.parity()).await;
    let brief = Terms { predecessor_within: Duration::from_millis(100), ..terms() };
    let new = place.take_over(brief).await;
    until(async || new.is_up()).await;
    assert_eq!(new.parity().counters.matches, 20);
    new.compare(1).await;
    place.has(&new.parity()).await;
    // It goes on comparing, and says that nothing of it is kept.
    old.compare(4).await;
    until(async || old.dropped("superseded") == 1 && !old.is_up()).await;
    old.end().await;
    assert_eq!(place.kept("read").await, Some(new.parity()));
}

#[tokio::test]
async fn a_hand_over_without_an_old_recorder_waits_for_nobody() {
    let place = Place::new().await;
    let new = place.take_over(terms()).await;
    until(async || new.is_up()).await;
    new.compare(2).await;
    place.has(&new.parity()).await;
}

#[tokio::test]
async fn a_process_that_was_killed_is_not_waited_for() {
    let place = Place::new().await;
    let killed = place.start().await;
    killed.compare(2).await;
    place.has(&killed.parity()).await;
    let started = Instant::now();
    let next = place.start().await;
    assert_eq!(next.parity(), killed.parity());
    assert!(started.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn a_new_process_without_a_store_compares_once_the_old_one_had_time() {
    let place = Place::new().await;
    fs::remove_file(place.dir.path().join("cutover.db")).unwrap();
    let brief = Terms { predecessor_within: Duration::from_millis(300), ..terms() };
    let new = place.take_over(brief).await;
    until(async || {
        new.compare(1).await;
        new.parity().counters.matches > 0
    })
    .await;
    assert!(!new.is_up());
}
