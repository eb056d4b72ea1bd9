use std::sync::atomic::{AtomicBool, Ordering};

use tower::ServiceExt;

use super::*;
use crate::lane::{
    Fault,
    tests::{Scripted, call},
};

const FAILED: Failure = Failure::Theirs(Fault::Reset);
const REFUSED: Failure = Failure::Ours(Dropped::Breaker);

/// A breaker before a candidate whose health can be set.
fn breaker() -> (Breaker<Scripted>, Scripted, Arc<AtomicBool>) {
    let is_well = Arc::new(AtomicBool::new(false));
    let now = Arc::clone(&is_well);
    let answers = move || if now.load(Ordering::Relaxed) { Ok(()) } else { Err(FAILED) };
    let scripted = Scripted::new(answers, Duration::from_millis(1));
    (Breaker::new(scripted.clone()), scripted, is_well)
}

async fn ask(breaker: &Breaker<Scripted>) -> Result<(), Failure> {
    breaker.clone().oneshot(call(Duration::from_secs(1))).await.map(|_| ())
}

#[tokio::test(start_paused = true)]
async fn ten_failures_in_a_row_open_it() {
    let (breaker, candidate, _) = breaker();
    for _ in 0..10 {
        assert_eq!(ask(&breaker).await, Err(FAILED));
    }
    for _ in 0..100 {
        assert_eq!(ask(&breaker).await, Err(REFUSED));
    }
    assert_eq!(candidate.calls(), 10);
}

#[tokio::test(start_paused = true)]
async fn half_of_twenty_failures_open_it() {
    let (breaker, candidate, is_well) = breaker();
    for at in 0..20 {
        is_well.store(at % 2 == 0, Ordering::Relaxed);
        assert_ne!(ask(&breaker).await, Err(REFUSED), "call {at}");
    }
    assert_eq!(ask(&breaker).await, Err(REFUSED));
    assert_eq!(candidate.calls(), 20);
}

#[tokio::test(start_paused = true)]
async fn fewer_failures_than_half_leave_it_closed() {
    let (breaker, candidate, is_well) = breaker();
    for at in 0..300 {
        is_well.store(at % 5 != 0, Ordering::Relaxed);
        assert_ne!(ask(&breaker).await, Err(REFUSED), "call {at}");
    }
    assert_eq!(candidate.calls(), 300);
}

#[tokio::test(start_paused = true)]
async fn failures_older_than_the_window_are_forgotten() {
    let (breaker, candidate, is_well) = breaker();
    for _ in 0..9 {
        assert_eq!(ask(&breaker).await, Err(FAILED));
    }
    tokio::time::advance(Duration::from_secs(11)).await;
    for at in 0..20 {
        is_well.store(at % 3 != 1, Ordering::Relaxed);
        // Some of these fail; with the nine before, more than half of all would have.
        assert_ne!(ask(&breaker).await, Err(REFUSED), "call {at}");
    }
    assert_eq!(candidate.calls(), 29);
}

#[tokio::test(start_paused = true)]
async fn one_good_answer_closes_it_after_ten_seconds() {
    let (breaker, candidate, is_well) = breaker();
    for _ in 0..10 {
        let _ = ask(&breaker).await;
    }
    is_well.store(true, Ordering::Relaxed);
    tokio::time::advance(Duration::from_millis(9_900)).await;
    assert_eq!(ask(&breaker).await, Err(REFUSED));
    tokio::time::advance(Duration::from_millis(200)).await;
    // While one is under way, others are refused.
    let (probe, other) = tokio::join!(ask(&breaker), ask(&breaker));
    assert_eq!((probe, other), (Ok(()), Err(REFUSED)));
    assert_eq!(ask(&breaker).await, Ok(()));
    assert_eq!(candidate.calls(), 12);
}

#[tokio::test(start_paused = true)]
async fn each_bad_probe_doubles_the_time_up_to_five_minutes() {
    let (breaker, _, _) = breaker();
    for _ in 0..10 {
        let _ = ask(&breaker).await;
    }
    for seconds in [10, 20, 40, 80, 160, 300, 300] {
        tokio::time::advance(Duration::from_millis(1_000 * seconds - 100)).await;
        assert_eq!(ask(&breaker).await, Err(REFUSED), "before {seconds} s");
        tokio::time::advance(Duration::from_millis(200)).await;
        assert_eq!(ask(&breaker).await, Err(FAILED), "after {seconds} s");
    }
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_was_given_up_leaves_the_decision_to_the_next() {
    let (breaker, _, is_well) = breaker();
    for _ in 0..10 {
        let _ = ask(&breaker).await;
    }
    tokio::time::advance(Duration::from_secs(11)).await;
    let mut given_up = breaker.clone();
    given_up.ready().await.unwrap();
    assert_eq!(ask(&breaker).await, Err(REFUSED));
    drop(given_up);
    is_well.store(true, Ordering::Relaxed);
    assert_eq!(ask(&breaker).await, Ok(()));
}

#[tokio::test(start_paused = true)]
async fn what_was_given_up_by_us_says_nothing_about_the_candidate() {
    let exhausted = Failure::Ours(Dropped::Budget);
    let candidate = Scripted::new(move || Err(exhausted), Duration::ZERO);
    let breaker = Breaker::new(candidate.clone());
    for _ in 0..50 {
        assert_eq!(ask(&breaker).await, Err(exhausted));
    }
    assert_eq!(candidate.calls(), 50);
}
