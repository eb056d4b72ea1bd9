//! Moments as answers write them.

/// A moment, in nanoseconds since 1970-01-01T00:00:00Z. Finer fractions are cut off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Moment(i128);

const NANOS: i128 = 1_000_000_000;

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

/// The midnight in UTC at which a day begins, in seconds since 1970. `day` is written as RFC 3339
/// §5.6 `full-date` has it; `None` otherwise, and for days before 1970.
pub fn day_start(day: &str) -> Option<u64> {
    u64::try_from(days(day)? * 86_400).ok()
}

/// The day in UTC that a moment falls on, as [`day_start`] reads it. `seconds` since 1970, before
/// the year 10000. Howard Hinnant, "chrono-compatible low-level date algorithms",
/// `civil_from_days`.
pub fn day(seconds: u64) -> String {
    let days = seconds / 86_400 + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

// === impl Moment ===

impl Moment {
    /// Either form.
    pub(super) fn parse(text: &str) -> Option<Moment> {
        Moment::rfc3339(text).or_else(|| Moment::http(text))
    }

    /// Whether both lie at most this many milliseconds apart.
    pub(super) fn is_within(self, ms: u64, other: Moment) -> bool {
        self.0.abs_diff(other.0) <= u128::from(ms) * 1_000_000
    }

    /// RFC 3339 §5.6 `date-time`, with `t`, `z` or a space as its note allows, and second 60.
    pub(super) fn rfc3339(text: &str) -> Option<Moment> {
        let (date, rest) = text.split_at_checked(10)?;
        let day = days(date)?;
        let rest = rest.strip_prefix(['T', 't', ' '])?;
        let (clock, rest) = rest.split_at_checked(8)?;
        let seconds = seconds(clock)?;
        let (nanos, zone) = match rest.strip_prefix('.') {
            Some(rest) => fraction(rest)?,
            None => (0, rest),
        };
        let offset = offset(zone)?;
        Some(Moment((day * 86_400 + seconds - offset) as i128 * NANOS + nanos))
    }

    /// RFC 3339 §5.6 `full-date`: its midnight in UTC.
    pub(super) fn date(text: &str) -> Option<Moment> {
        Some(Moment(days(text)? as i128 * 86_400 * NANOS))
    }

    /// RFC 9110 §5.6.7 `IMF-fixdate`: `Sun, 06 Nov 1994 08:49:37 GMT`.
    pub(super) fn http(text: &str) -> Option<Moment> {
        let (weekday, rest) = text.split_once(", ")?;
        let rest = rest.strip_suffix(" GMT")?;
        if !DAYS.contains(&weekday) || rest.len() != 20 || !rest.is_ascii() {
            return None;
        }
        let month = MONTHS.iter().position(|month| *month == &rest[3..6])? as i64 + 1;
        let spaced = [2, 6, 11].iter().all(|at| rest.as_bytes()[*at] == b' ');
        let day = civil(number(&rest[7..11])?, month, number(&rest[..2])?)?;
        let seconds = seconds(&rest[12..])?;
        spaced.then_some(Moment((day * 86_400 + seconds) as i128 * NANOS))
    }
}

/// A number of digits alone.
fn number(text: &str) -> Option<i64> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

/// Days since 1970 of `2026-11-21`.
fn days(date: &str) -> Option<i64> {
    if date.len() != 10 || !date.is_ascii() || &date[4..5] != "-" || &date[7..8] != "-" {
        return None;
    }
    civil(number(&date[..4])?, number(&date[5..7])?, number(&date[8..])?)
}

/// Days since 1970 of a Gregorian date; `None` if there is no such day. Howard Hinnant,
/// "chrono-compatible low-level date algorithms", `days_from_civil`.
fn civil(year: i64, month: i64, day: i64) -> Option<i64> {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let length = match month {
        2 => 28 + i64::from(leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    if !(1..=length).contains(&day) {
        return None;
    }
    let year = year - i64::from(month <= 2);
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    Some(era * 146_097 + day_of_era - 719_468)
}

/// Seconds of `08:49:37`.
fn seconds(clock: &str) -> Option<i64> {
    if clock.len() != 8 || !clock.is_ascii() || &clock[2..3] != ":" || &clock[5..6] != ":" {
        return None;
    }
    let (hour, minute) = (number(&clock[..2])?, number(&clock[3..5])?);
    let second = number(&clock[6..])?;
    (hour < 24 && minute < 60 && second <= 60).then_some(hour * 3_600 + minute * 60 + second)
}

/// Nanoseconds of the digits behind a point, and what follows them.
fn fraction(text: &str) -> Option<(i128, &str)> {
    let end = text.bytes().position(|b| !b.is_ascii_digit())?;
    let (digits, rest) = text.split_at(end);
    let nanos = digits.bytes().chain([b'0'; 9]).take(9);
    let nanos = nanos.fold(0, |nanos, digit| nanos * 10 + i128::from(digit - b'0'));
    (!digits.is_empty()).then_some((nanos, rest))
}

/// Seconds that a zone is ahead of UTC.
fn offset(zone: &str) -> Option<i64> {
    if matches!(zone, "Z" | "z") {
        return Some(0);
    }
    let (sign, clock) = match zone.strip_prefix('-') {
        Some(clock) => (-1, clock),
        None => (1, zone.strip_prefix('+')?),
    };
    let (hour, minute) = clock.split_once(':')?;
    let two = hour.len() == 2 && minute.len() == 2;
    let (hour, minute) = (number(hour)?, number(minute)?);
    (two && hour < 24 && minute < 60).then_some(sign * (hour * 3_600 + minute * 60))
}

#[cfg(test)]
mod tests;
