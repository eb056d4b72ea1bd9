use std::time::Duration;

use super::*;

#[test]
fn a_cap_holds_in_every_second_and_forgets_the_one_before() {
    let start = Instant::now();
    let cap = RateCap::new(3, start);
    let at = |millis| start + Duration::from_millis(millis);
    let admitted = |millis| (0..10).filter(|_| cap.admits(at(millis))).count();
    assert_eq!([admitted(0), admitted(999), admitted(1_000), admitted(5_500)], [3, 0, 3, 3]);
    // A clock reading of another thread that came late.
    assert_eq!(admitted(4_000), 0);
    assert_eq!(admitted(u64::from(u32::MAX)), 3);
    assert!(!RateCap::new(0, start).admits(start));
}

#[test]
fn a_cap_is_one_for_all_threads() {
    let start = Instant::now();
    let cap = RateCap::new(100, start);
    let admitted = std::thread::scope(|scope| {
        let count = || (0..1_000).filter(|_| cap.admits(start)).count();
        let threads = [(); 4].map(|()| scope.spawn(count));
        threads.map(|thread| thread.join().unwrap()).into_iter().sum::<usize>()
    });
    assert_eq!(admitted, 100);
}

#[test]
fn half_of_the_room_is_kept_for_what_matters_more() {
    let start = Instant::now();
    let cap = RateCap::new(5, start);
    assert_eq!((0..10).filter(|_| cap.admits_to_half(start)).count(), 2);
    assert_eq!((0..10).filter(|_| cap.admits(start)).count(), 3);
    assert!(!cap.admits_to_half(start));
}
