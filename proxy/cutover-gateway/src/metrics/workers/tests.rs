use std::time::{Duration, Instant};

use prometheus_client::encoding::text;

use super::*;

#[test]
fn work_is_counted_and_waiting_is_not() {
    let workers = Workers::default();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let began = Instant::now();
    let waited = runtime.block_on(async {
        workers.join();
        let work = Instant::now();
        while work.elapsed() < Duration::from_millis(20) {
            std::hint::spin_loop();
        }
        let waiting = Instant::now();
        // Parked, the loop adds up what it did.
        tokio::task::spawn_blocking(|| std::thread::park_timeout(Duration::from_millis(40)))
            .await
            .unwrap();
        waiting.elapsed()
    });
    let busy = busy(&workers, "0").unwrap();
    assert!(busy >= 0.02, "{busy}");
    let at_most = began.elapsed() - waited;
    // The thread that waits ends a moment before this one is woken.
    assert!(busy <= at_most.as_secs_f64() + 0.02, "{busy} of {at_most:?}");
}

#[test]
fn there_is_a_series_for_each_worker_alone() {
    let workers = Workers::default();
    assert_eq!(busy(&workers, "0"), None);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async { [workers.join(), workers.join()] });
    assert!(busy(&workers, "1").is_some() && busy(&workers, "2").is_none());
}

fn busy(workers: &Workers, number: &str) -> Option<f64> {
    let mut registry = Registry::default();
    workers.register(&mut registry);
    let mut text = String::new();
    text::encode(&mut text, &registry).unwrap();
    let name = format!("cutover_worker_busy_seconds_total{{worker=\"{number}\"}} ");
    text.lines().find_map(|line| line.strip_prefix(&name)).map(|value| value.parse().unwrap())
}
