use super::*;

const DWELL: Dwell = Dwell { ms: 3_000, requests: 10 };
const SECOND: Elapsed = Elapsed { seen_ms: 1_000, unseen_ms: 0 };

/// A look a second; what the clock shows after each.
fn shown(looks: &[(Look, u64)]) -> Vec<(u64, u64, bool)> {
    let mut clock = DwellClock::default();
    let look = |(look, requests): &(Look, u64)| {
        clock.look(*look, SECOND, *requests, DWELL);
        let dwelt = clock.dwelt(DWELL);
        (dwelt.passed_ms, dwelt.requests, dwelt.is_over())
    };
    looks.iter().map(look).collect()
}

#[test]
fn waiting_stops_it_and_a_fail_begins_anew() {
    use Look::{Fails, Passes, Waits};
    let looks =
        [(Passes, 4), (Waits, 4), (Passes, 1), (Passes, 0), (Passes, 1), (Fails, 100), (Passes, 7)];
    let expected = [
        (1_000, 4, false),
        (1_000, 8, false),
        (2_000, 9, false),
        (3_000, 9, false),
        (4_000, 10, true),
        (0, 0, false),
        (1_000, 7, false),
    ];
    assert_eq!(shown(&looks), expected);
}

#[test]
fn a_wait_longer_than_the_dwell_begins_the_time_anew() {
    let mut looks = vec![(Look::Passes, 20); 3];
    looks.extend([(Look::Waits, 1); 3]);
    assert_eq!(shown(&looks).pop(), Some((3_000, 63, true)), "as long as it is short");
    looks.push((Look::Waits, 1));
    assert_eq!(shown(&looks).pop(), Some((0, 64, false)));
    looks.push((Look::Passes, 1));
    assert_eq!(shown(&looks).pop(), Some((1_000, 65, false)));
}

#[test]
fn waits_between_passes_are_no_long_one() {
    let looks = [(Look::Passes, 5), (Look::Waits, 0), (Look::Waits, 0)].repeat(3);
    assert_eq!(shown(&looks).pop(), Some((3_000, 15, true)));
}

#[test]
fn time_that_nobody_saw_is_waiting() {
    let mut clock = DwellClock::default();
    clock.look(Look::Passes, SECOND, 20, DWELL);
    clock.look(Look::Passes, Elapsed { unseen_ms: 3_000, ..SECOND }, 0, DWELL);
    assert_eq!(clock.dwelt(DWELL).passed_ms, 2_000);
    clock.look(Look::Passes, Elapsed { unseen_ms: 3_001, ..SECOND }, 0, DWELL);
    assert_eq!(clock.dwelt(DWELL).passed_ms, 1_000);
}
