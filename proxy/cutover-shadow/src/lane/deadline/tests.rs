use tower::ServiceExt;

use super::*;
use crate::lane::tests::{Scripted, call};

const ALLOWED: Duration = Duration::from_millis(240);

/// A call to somebody who answers after `takes`.
fn asked(takes: Duration) -> tokio::task::JoinHandle<Result<(), Failure>> {
    let candidate = Deadline::new(Scripted::new(|| Ok(()), takes));
    tokio::spawn(async move { candidate.oneshot(call(ALLOWED)).await.map(|_| ()) })
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_late_is_none() {
    let late = asked(ALLOWED + Duration::from_millis(1)).await.unwrap();
    assert_eq!(late, Err(Failure::Theirs(Fault::Deadline)));
    assert_eq!(asked(ALLOWED - Duration::from_millis(1)).await.unwrap(), Ok(()));
}

#[tokio::test(start_paused = true)]
async fn time_that_we_had_not_is_given_once_more() {
    let asked = asked(Duration::from_millis(700));
    tokio::task::yield_now().await;
    // Nobody looked at the clock for half a second.
    tokio::time::advance(Duration::from_millis(500)).await;
    assert_eq!(asked.await.unwrap(), Ok(()));
}

#[tokio::test(start_paused = true)]
async fn whoever_never_answers_is_given_up_however_late_we_are() {
    let (began, asked) = (Instant::now(), asked(Duration::from_secs(3_600)));
    while !asked.is_finished() {
        tokio::task::yield_now().await;
        tokio::time::advance(Duration::from_millis(100)).await;
        assert!(began.elapsed() < EXTENDED_MAX + Duration::from_secs(1));
    }
    assert_eq!(asked.await.unwrap(), Err(Failure::Theirs(Fault::Deadline)));
}
