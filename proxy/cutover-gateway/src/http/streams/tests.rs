use super::*;

const IDLE: Duration = Duration::from_secs(60);
const WRITE: Duration = Duration::from_secs(30);

#[test]
fn a_connection_is_idle_only_without_streams() {
    let start = Instant::now();
    let streams = Streams::new(start);
    let check = |seconds| streams.check(start + Duration::from_secs(seconds), IDLE, WRITE);
    assert_eq!(check(59), Patience::Fine);
    assert_eq!(check(61), Patience::Idle);
    let stream = streams.open();
    assert_eq!(check(1000), Patience::Fine);
    drop(stream);
    assert_eq!(check(59), Patience::Fine);
}

#[test]
fn an_answer_left_untaken_is_noticed_and_a_slow_upstream_is_not() {
    let start = Instant::now();
    let streams = Streams::new(start);
    let check = |seconds| streams.check(start + Duration::from_secs(seconds), IDLE, WRITE);
    let (one, other) = (streams.open(), streams.open());
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
