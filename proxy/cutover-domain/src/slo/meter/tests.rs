use super::*;

const HOUR_MS: u64 = 60 * MINUTE_MS;

fn served(requests: u64) -> Tally {
    Tally { requests, ..Tally::default() }
}

#[test]
fn each_window_holds_its_own_time() {
    let mut meter = Meter::new(1.0, 0);
    for second in 1..=2 * 3600 {
        meter.add(&served(1), second * 1_000);
    }
    for (length_ms, whole) in
        [(MOMENT_MS, 10), (MINUTE_MS, 60), (5 * MINUTE_MS, 300), (HOUR_MS, 3600)]
    {
        let found = meter.tally(length_ms).requests;
        assert!(found <= whole && found >= whole * 22 / 24 - 1, "{length_ms} ms: {found}");
    }
    assert_eq!(meter.tally(BUDGET_MS).requests, 7200);
    assert_eq!(meter.filled(2 * HOUR_MS), 1.0);
    assert!((meter.filled(6 * HOUR_MS) - 1.0 / 3.0).abs() < 1e-9);
}

#[test]
fn what_is_over_is_forgotten_however_long_nobody_looked() {
    let mut meter = Meter::new(1.0, 0);
    meter.add(&served(100), 1_000);
    meter.add(&served(1), 30 * MINUTE_MS);
    assert_eq!(meter.tally(5 * MINUTE_MS).requests, 1);
    assert_eq!(meter.tally(HOUR_MS).requests, 101);
    meter.add(&served(1), 400 * 24 * HOUR_MS);
    assert_eq!(meter.tally(BUDGET_MS).requests, 1);
}

#[test]
fn windows_shrink_by_the_scale_and_moments_do_not() {
    let mut meter = Meter::new(60.0, 0);
    meter.add(&served(5), 1_000);
    meter.add(&served(1), 8_000);
    assert_eq!(meter.tally(5 * MINUTE_MS).requests, 1, "five seconds of it");
    assert_eq!(meter.tally(MOMENT_MS).requests, 6);
    assert!((meter.filled(HOUR_MS) - 8.0 / 60.0).abs() < 1e-9);
    assert_eq!(meter.scaled_ms(HOUR_MS), MINUTE_MS);
}

#[test]
fn a_meter_is_a_few_kibibytes() {
    let meter = Meter::new(1.0, 0);
    let bytes = size_of::<Meter>() + meter.windows.capacity() * size_of::<(u64, Ring)>();
    assert!(bytes <= 8 * 1024, "{bytes} bytes");
}
