//! Receivers that are dead, slow, hanging, full or not receivers at all.
//! Requests must not notice, spans must be counted, the end must come in time.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use cutover_telemetry::export::{ExportConfig, Unsent};
use cutover_telemetry::metrics::DropReason;

use crate::fixture::Fixture;
use crate::sink::{Answer, Sink};

/// Batches of two, so that a request is one.
fn impatient(endpoint: String) -> ExportConfig {
    ExportConfig {
        batch_spans_max: 2,
        delay: Duration::from_secs(3600),
        timeout: Duration::from_secs(1),
        ..ExportConfig::new(endpoint)
    }
}

/// Every span of one request is dropped for this reason.
fn check(answer: Answer, reason: DropReason) -> Fixture {
    let sink = Sink::start(answer);
    let fixture = Fixture::with(impatient(sink.endpoint()));
    fixture.requests(1);
    fixture.flush();
    assert_eq!(fixture.dropped(reason), 2);
    assert_eq!(fixture.dropped_in_all(), 2);
    assert_eq!(fixture.exported(), 0);
    fixture
}

/// A port where nothing listens.
fn dead_endpoint() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

#[test]
fn a_dead_receiver_is_counted() {
    let fixture = Fixture::with(impatient(dead_endpoint()));
    fixture.requests(1);
    fixture.flush();
    assert_eq!(fixture.dropped(DropReason::Unreachable), 2);
    assert_eq!(fixture.dropped_in_all(), 2);
}

#[test]
fn a_hanging_receiver_is_given_up() {
    check(Answer::Hang, DropReason::Timeout);
}

#[test]
fn a_refusing_receiver_is_not_asked_again() {
    for status in [400, 401, 404, 413, 500] {
        let sink = Sink::start(Answer::Status(status));
        let fixture = Fixture::with(impatient(sink.endpoint()));
        fixture.requests(1);
        fixture.flush();
        assert_eq!(fixture.dropped(DropReason::Refused), 2, "{status}");
        assert_eq!(sink.shared().requests(), 1, "{status}");
    }
}

#[test]
fn an_overloaded_receiver_is_asked_again_within_the_time() {
    for status in [429, 502, 503, 504] {
        let sink = Sink::start(Answer::StatusFirst(status, 1));
        let fixture = Fixture::with(ExportConfig {
            timeout: Duration::from_secs(30),
            ..impatient(sink.endpoint())
        });
        fixture.requests(1);
        fixture.flush();
        assert_eq!(sink.shared().requests(), 2, "{status}");
        assert_eq!((fixture.exported(), fixture.dropped_in_all()), (2, 0));
    }
    check(Answer::Status(503), DropReason::Overloaded);
}

#[test]
fn garbage_is_no_acknowledgement() {
    check(Answer::Garbage, DropReason::BadAnswer);
    check(Answer::Endless, DropReason::BadAnswer);
}

#[test]
fn spans_refused_in_part_are_counted_apart() {
    let sink = Sink::start(Answer::Reject(1));
    let fixture = Fixture::with(impatient(sink.endpoint()));
    fixture.requests(1);
    fixture.flush();
    assert_eq!(fixture.dropped(DropReason::Rejected), 1);
    assert_eq!(fixture.exported(), 1);
}

/// The promise to requests: no wait, bounded memory, every span accounted for.
#[test]
fn requests_do_not_notice_a_hanging_receiver() {
    let sink = Sink::start(Answer::Hang);
    let fixture = Fixture::with(ExportConfig {
        queue_spans_max: 64,
        timeout: Duration::from_secs(3600),
        ..impatient(sink.endpoint())
    });
    fixture.requests(1);
    sink.shared().wait_for_requests(1);

    let start = Instant::now();
    fixture.requests(10_000);
    let took = start.elapsed();
    // 10 ms each would be the receiver's doing; they take microseconds.
    assert!(took < Duration::from_secs(10), "{took:?}");
    assert_eq!(fixture.exporter.spans().length(), 64);
    assert_eq!(fixture.dropped(DropReason::QueueFull), 20_000 - 64);

    // The end comes in time, whatever the receiver does.
    let start = Instant::now();
    let unsent = fixture.exporter.shutdown(Duration::from_millis(200));
    assert!(start.elapsed() < Duration::from_secs(5));
    assert_eq!(unsent, Err(Unsent::GivenUp(66)));
    assert_eq!(fixture.dropped(DropReason::Shutdown), 66);
    assert_eq!(fixture.dropped_in_all(), 20_002);
}

#[test]
fn the_end_does_not_wait_for_retries() {
    let fixture = Fixture::with(ExportConfig {
        timeout: Duration::from_secs(3600),
        ..impatient(dead_endpoint())
    });
    fixture.requests(3);
    let start = Instant::now();
    let unsent = fixture.exporter.shutdown(Duration::from_secs(3600));
    assert!(start.elapsed() < Duration::from_secs(60));
    assert_eq!(unsent, Err(Unsent::GivenUp(6)));
    assert_eq!(fixture.dropped(DropReason::Unreachable), 6);
}

#[test]
fn a_flush_ends_at_its_deadline() {
    let sink = Sink::start(Answer::Hang);
    let fixture = Fixture::with(ExportConfig {
        timeout: Duration::from_secs(3600),
        ..impatient(sink.endpoint())
    });
    fixture.requests(1);
    let within = Duration::from_millis(50);
    let flushed = fixture.exporter.flush(within);
    assert_eq!(flushed, Err(Unsent::DeadlinePassed(within)));
}

#[test]
fn a_receiver_that_comes_back_is_used_again() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let fixture = Fixture::with(impatient(format!("http://{address}")));
    fixture.requests(1);
    fixture.flush();
    assert_eq!(fixture.dropped(DropReason::Unreachable), 2);

    let sink = Sink::start_at(address, Answer::Accept);
    fixture.requests(1);
    fixture.flush();
    assert_eq!(sink.spans().len(), 2);
    // And again, on a connection that its end has closed meanwhile.
    drop(sink);
    let sink = Sink::start_at(address, Answer::Accept);
    fixture.requests(1);
    fixture.flush();
    assert_eq!(sink.spans().len(), 2);
}

/// Without shutdown the thread ends too, and what waited is counted.
#[test]
fn dropping_the_exporter_counts_what_waits() {
    let sink = Sink::start(Answer::Accept);
    let fixture = Fixture::new(&sink.endpoint());
    fixture.requests(5);
    let metrics = fixture.metrics.clone();
    drop(fixture);
    let by = Instant::now() + Duration::from_secs(30);
    let accounted = || {
        use cutover_telemetry::metrics::Signal::Traces;
        metrics.dropped_total(Traces, DropReason::Shutdown) + metrics.exported_total(Traces)
    };
    while accounted() < 10 {
        assert!(Instant::now() < by, "{} of 10", accounted());
        std::thread::yield_now();
    }
}
