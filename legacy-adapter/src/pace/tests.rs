use super::*;

#[tokio::test(start_paused = true)]
async fn rows_take_their_time() {
    let begin = Instant::now();
    let mut pace = Pace::new(NonZeroU32::new(100));
    assert_eq!((pace.page(500), pace.page(50)), (100, 50));
    for _ in 0..5 {
        pace.take(100).await;
    }
    assert_eq!(begin.elapsed().as_secs(), 5);
    tokio::time::advance(Duration::from_secs(60)).await;
    let begin = Instant::now();
    pace.take(100).await;
    pace.take(100).await;
    assert_eq!(begin.elapsed().as_secs(), 2);
}

#[tokio::test(start_paused = true)]
async fn without_a_rate_nothing_waits() {
    let begin = Instant::now();
    let mut pace = Pace::new(None);
    pace.take(1_000_000).await;
    assert_eq!((begin.elapsed(), pace.page(500)), (Duration::ZERO, 500));
}
