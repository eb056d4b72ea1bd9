//! The one clock, and time as the legacy world writes it.

use std::time::{SystemTime, UNIX_EPOCH};

/// Microseconds in a second.
pub const MICROS: i64 = 1_000_000;
const DAY_SECONDS: i64 = 86_400;

/// Where "now" comes from. A fixed clock makes every answer repeatable.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Clock {
    /// The machine's clock.
    #[default]
    System,
    /// Seconds since the Unix epoch, always the same.
    Fixed(i64),
}

impl Clock {
    /// Whole seconds since the Unix epoch.
    pub fn now_seconds(self) -> i64 {
        self.now_micros().div_euclid(MICROS)
    }

    /// Microseconds since the Unix epoch.
    pub fn now_micros(self) -> i64 {
        match self {
            Clock::System => SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .map_or(0, |since| i64::try_from(since.as_micros()).unwrap_or(i64::MAX)),
            Clock::Fixed(seconds) => seconds.saturating_mul(MICROS),
        }
    }
}

/// Reads `2024-03-01 12:34:56`, taken as UTC, into microseconds since the epoch.
///
/// `None` unless [`format_naive`] gives back the very same text, so that storing the number loses
/// nothing: no fractions, no zones, no 30th of February, years 0000 to 9999.
pub fn parse_naive(text: &str) -> Option<i64> {
    let bytes = text.as_bytes();
    let separators = [(4, b'-'), (7, b'-'), (10, b' '), (13, b':'), (16, b':')];
    let is_shaped = bytes.len() == 19
        && bytes.iter().enumerate().all(|(at, byte)| {
            let separator = separators.iter().find(|(place, _)| *place == at);
            separator.map_or(byte.is_ascii_digit(), |(_, expected)| byte == expected)
        });
    let field = |from: usize, to: usize| text.get(from..to)?.parse::<i64>().ok();
    let (year, month, day) = (field(0, 4)?, field(5, 7)?, field(8, 10)?);
    let (hour, minute, second) = (field(11, 13)?, field(14, 16)?, field(17, 19)?);
    let days = days_from_civil(year, month, day);
    let seconds = days * DAY_SECONDS + hour * 3600 + minute * 60 + second;
    let micros = seconds * MICROS;
    (is_shaped && format_naive(micros) == text).then_some(micros)
}

/// `2024-03-01 12:34:56` in UTC for microseconds since the epoch; the fraction is left out.
pub fn format_naive(micros: i64) -> String {
    let seconds = micros.div_euclid(MICROS);
    let (days, rest) = (seconds.div_euclid(DAY_SECONDS), seconds.rem_euclid(DAY_SECONDS));
    let (year, month, day) = civil_from_days(days);
    let (hour, minute, second) = (rest / 3600, rest % 3600 / 60, rest % 60);
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}")
}

/// Days since the epoch; Howard Hinnant, <https://howardhinnant.github.io/date_algorithms.html>.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let month_from_march = (month + 9) % 12;
    let day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// Year, month 1..=12, day 1..=31; from the same page.
fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests;
