use super::*;

#[test]
fn waiting_stops_it_and_a_fail_begins_anew() {
    let dwell = Dwell { ms: 3_000, requests: 10 };
    let mut clock = DwellClock::default();
    let mut look = |look, requests| {
        clock.look(look, 1_000, requests);
        let dwelt = clock.dwelt(dwell);
        (dwelt.passed_ms, dwelt.requests, dwelt.is_over())
    };
    assert_eq!(look(Look::Passes, 4), (1_000, 4, false));
    assert_eq!(look(Look::Waits, 4), (1_000, 8, false));
    assert_eq!(look(Look::Passes, 1), (2_000, 9, false));
    assert_eq!(look(Look::Passes, 0), (3_000, 9, false));
    assert_eq!(look(Look::Passes, 1), (4_000, 10, true));
    assert_eq!(look(Look::Fails, 100), (0, 0, false));
}
