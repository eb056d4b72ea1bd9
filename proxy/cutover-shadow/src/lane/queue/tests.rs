use std::time::Duration;

use tower::{ServiceBuilder, ServiceExt};

use super::*;
use crate::lane::tests::{Scripted, call};

const FULL: Failure = Failure::Ours(Dropped::QueueFull);

#[tokio::test(start_paused = true)]
async fn the_newest_is_given_up_when_too_many_wait() {
    let candidate = Scripted::new(|| Ok(()), Duration::from_secs(1));
    let stack = ServiceBuilder::new()
        .layer_fn(|inner| Queue::new(inner, 3))
        .concurrency_limit(2)
        .service(candidate.clone());
    let asking: Vec<_> =
        (0..8).map(|_| tokio::spawn(stack.clone().oneshot(call(Duration::from_secs(9))))).collect();
    let mut ended = Vec::new();
    for asked in asking {
        ended.push(asked.await.unwrap().map(|_| ()));
    }
    // Two run and three wait; those are served, later ones are not.
    let expected = [Ok(()), Ok(()), Ok(()), Ok(()), Ok(()), Err(FULL), Err(FULL), Err(FULL)];
    assert_eq!(ended, expected);
    assert_eq!(candidate.calls(), 5);
    assert_eq!(stack.waiting.load(Ordering::Relaxed), 0);
    assert!(stack.oneshot(call(Duration::from_secs(9))).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn who_stops_waiting_leaves_its_place() {
    let candidate = Scripted::new(|| Ok(()), Duration::from_secs(60));
    let stack = ServiceBuilder::new()
        .layer_fn(|inner| Queue::new(inner, 1))
        .concurrency_limit(1)
        .service(candidate);
    let _running = tokio::spawn(stack.clone().oneshot(call(Duration::from_secs(99))));
    tokio::task::yield_now().await;
    let waiting = tokio::spawn(stack.clone().oneshot(call(Duration::from_secs(99))));
    tokio::task::yield_now().await;
    assert_eq!(stack.waiting.load(Ordering::Relaxed), 1);
    waiting.abort();
    assert!(waiting.await.unwrap_err().is_cancelled());
    assert_eq!(stack.waiting.load(Ordering::Relaxed), 0);
}
