//! RFC 3339 in UTC with milliseconds, without a date library.

use std::time::{SystemTime, UNIX_EPOCH};

/// `2026-11-21T08:05:00.123Z`. Times before 1970 show as 1970, those after
/// 9999 as 9999's last.
pub(super) fn rfc3339_millis(at: SystemTime) -> [u8; 24] {
    const YEAR_9999_ENDS: u64 = 253_402_300_799_999;
    let since_epoch = at.duration_since(UNIX_EPOCH).unwrap_or_default();
    let millis = u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX).min(YEAR_9999_ENDS);
    let seconds = millis / 1000;
    let (year, month, day) = civil(seconds / 86_400);

    let mut text = *b"0000-00-00T00:00:00.000Z";
    put(&mut text[0..4], year);
    put(&mut text[5..7], month);
    put(&mut text[8..10], day);
    put(&mut text[11..13], seconds / 3600 % 24);
    put(&mut text[14..16], seconds / 60 % 60);
    put(&mut text[17..19], seconds % 60);
    put(&mut text[20..23], millis % 1000);
    text
}

/// Year, month and day of a day counted from 1970-01-01; Gregorian.
/// Source: H. Hinnant, "chrono-compatible low-level date algorithms",
/// `civil_from_days`.
fn civil(days: u64) -> (u64, u64, u64) {
    // Counted from 0000-03-01, leap days come last in their years.
    let days = days + 719_468;
    let era = days / 146_097;
    let day_of_era = days % 146_097;
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    (year, month, day)
}

fn put(digits: &mut [u8], mut number: u64) {
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
    }
}
