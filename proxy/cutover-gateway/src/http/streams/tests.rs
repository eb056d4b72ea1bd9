use super::*;

const IDLE: Duration = Duration::from_secs(60);
const WRITE: Duration = Duration::from_secs(30);

#[test]
fn a_connection_is_idle_only_without_streams() {
    let start = Instant::now();
    let streams = Streams::new(start, 2);
    let check = |seconds| streams.check(start + Duration::from_secs(seconds), IDLE, WRITE);
    assert_eq!(check(59), Patience::Fine);
    assert_eq!(check(61), Patience::Idle);
    let stream = streams.open(start);
    assert_eq!(check(1000), Patience::Fine);
    drop(stream);
    assert_eq!(check(59), Patience::Fine);
}

#[test]
fn an_answer_left_untaken_is_noticed_and_a_slow_upstream_is_not() {
    let start = Instant::now();
    let streams = Streams::new(start, 2);
    let check = |seconds| streams.check(start + Duration::from_secs(seconds), IDLE, WRITE);
    let (one, other) = (streams.open(start), streams.open(start));
    one.given(start + Duration::from_secs(10));
    other.given(start + Duration::from_secs(20));
    other.taken();
    assert_eq!(check(39), Patience::Fine);
    assert_eq!(check(41), Patience::Stalled);
    one.given(start + Duration::from_secs(41));
    assert_eq!(check(42), Patience::Fine);
    drop(one);
    assert_eq!(check(500), Patience::Fine);
}

fn is_abused(streams: &Streams) -> bool {
    use futures_util::FutureExt;
    streams.abused().now_or_never().is_some()
}

#[test]
fn streams_opened_only_to_be_reset_are_abuse() {
    let streams = Streams::new(Instant::now(), 2);
    for _ in 0..2 {
        drop(streams.open(Instant::now()));
    }
    assert!(!is_abused(&streams), "a few are allowed");
    drop(streams.open(Instant::now()));
    assert!(is_abused(&streams));
}

#[test]
fn answered_streams_make_up_for_some_that_were_reset() {
    let streams = Streams::new(Instant::now(), 2);
    for _ in 0..8 {
        streams.open(Instant::now()).answered();
    }
    for _ in 0..8 {
        drop(streams.open(Instant::now()));
    }
    assert!(!is_abused(&streams));
    drop(streams.open(Instant::now()));
    assert!(is_abused(&streams), "most were reset");
}

#[test]
fn marks_of_ended_streams_do_not_pile_up() {
    let streams = Streams::new(Instant::now(), usize::MAX);
    for _ in 0..10_000 {
        drop(streams.open(Instant::now()));
    }
    assert!(streams.waiting.lock().len() <= ENDED_MAX + 3);
}
