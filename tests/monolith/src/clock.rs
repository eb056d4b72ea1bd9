//! The one clock, and the two ways this house writes time.

use std::time::{SystemTime, UNIX_EPOCH};

/// Where "now" comes from. A fixed clock makes every answer repeatable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clock {
    /// The machine's clock.
    System,
    /// Seconds since the Unix epoch, always the same.
    Fixed(i64),
}

impl Clock {
    /// Seconds since the Unix epoch.
    pub fn now(self) -> i64 {
        match self {
            Clock::System => epoch_ms() / 1000,
            Clock::Fixed(seconds) => seconds,
        }
    }

    /// Now as `2024-03-01 12:34:56`: UTC, and the text does not say so.
    pub fn now_naive(self) -> String {
        naive(self.now())
    }
}

/// Milliseconds since the Unix epoch by the machine's clock, whatever [`Clock`] says.
pub(crate) fn epoch_ms() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// `2024-03-01 12:34:56` for seconds since the epoch.
pub(crate) fn naive(seconds: i64) -> String {
    let Civil { year, month, day, hour, minute, second, .. } = Civil::from_epoch(seconds);
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}")
}

/// `Fri, 01 Mar 2024 12:34:56 GMT` (RFC 9110 §5.6.7) for seconds since the epoch.
pub(crate) fn http_date(seconds: i64) -> String {
    const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let Civil { year, month, day, hour, minute, second, weekday } = Civil::from_epoch(seconds);
    let (weekday, month) = (DAYS[weekday], MONTHS[month as usize - 1]);
    format!("{weekday}, {day:02} {month} {year:04} {hour:02}:{minute:02}:{second:02} GMT")
}

struct Civil {
    year: i64,
    month: i64,
    day: i64,
    hour: i64,
    minute: i64,
    second: i64,
    /// 0 is Thursday, the day of the epoch.
    weekday: usize,
}

impl Civil {
    /// Howard Hinnant's `civil_from_days` (<https://howardhinnant.github.io/date_algorithms.html>).
    fn from_epoch(seconds: i64) -> Civil {
        let (days, rest) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
        let shifted = days + 719_468;
        let era = shifted.div_euclid(146_097);
        let day_of_era = shifted.rem_euclid(146_097);
        let year_of_era =
            (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month_from_march = (5 * day_of_year + 2) / 153;
        let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
        Civil {
            year: year_of_era + era * 400 + i64::from(month <= 2),
            month,
            day: day_of_year - (153 * month_from_march + 2) / 5 + 1,
            hour: rest / 3600,
            minute: rest % 3600 / 60,
            second: rest % 60,
            weekday: usize::try_from(days.rem_euclid(7)).unwrap_or(0),
        }
    }
}

#[cfg(test)]
mod tests;
