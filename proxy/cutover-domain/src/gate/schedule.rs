//! When a route may go forward. It may go back at any time.

use std::iter;

const MINUTE_MS: u64 = 60_000;
const DAY_MINUTES: u64 = 24 * 60;

/// Times at which steps forward are allowed. Default: always.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Schedule {
    /// Windows of the week of which one must be open. Empty: always.
    pub open: Vec<Window>,
    /// Times in which nothing goes forward: (from, until), in ms since the Unix epoch.
    pub blackouts: Vec<(u64, u64)>,
    /// What the clock of `open` is ahead of UTC, in minutes. No rule moves it with the seasons.
    pub ahead_minutes: i16,
}

/// A time of some days of the week.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Which days it begins on.
    pub days: Days,
    /// From this minute of the day.
    pub from_minute: u16,
    /// Until this one, not included; up to 1,440. Not after `from_minute`: of the next day.
    pub until_minute: u16,
}

/// Days of the week.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Days(u8);

// === impl Schedule ===

impl Schedule {
    /// Whether steps forward are allowed at `now_ms`.
    pub fn is_open(&self, now_ms: u64) -> bool {
        let is_out = self.blackouts.iter().any(|(from, until)| (*from..*until).contains(&now_ms));
        let minute = self.minute(now_ms);
        !is_out && (self.open.is_empty() || self.open.iter().any(|window| window.holds(minute)))
    }

    /// The next moment at which it is open, in ms since the Unix epoch; `None`: never.
    pub fn opens_ms(&self, now_ms: u64) -> Option<u64> {
        let ends = self.blackouts.iter().map(|(_, until)| *until).filter(|end| *end > now_ms);
        let bases = iter::once(now_ms).chain(ends);
        let moments = bases.flat_map(|base| iter::once(base).chain(self.openings(base)));
        moments.filter(|at| self.is_open(*at)).min()
    }

    /// When windows open within the eight days after `base_ms`.
    fn openings(&self, base_ms: u64) -> impl Iterator<Item = u64> {
        let minute = self.minute(base_ms);
        let midnight = minute - minute % DAY_MINUTES;
        let of_day = move |day: u64| {
            self.open.iter().map(move |w| midnight + day * DAY_MINUTES + u64::from(w.from_minute))
        };
        let opening = move |at: u64| {
            let ahead = at.checked_sub(minute).filter(|ahead| *ahead > 0)?;
            Some((base_ms / MINUTE_MS + ahead) * MINUTE_MS)
        };
        (0..=7).flat_map(of_day).filter_map(opening)
    }

    /// The minute since Monday, 5 January 1970, 00:00 of the schedule's clock, plus whole weeks.
    fn minute(&self, now_ms: u64) -> u64 {
        // 1 January 1970 was a Thursday.
        let since_monday = now_ms / MINUTE_MS + 3 * DAY_MINUTES;
        since_monday.saturating_add_signed(i64::from(self.ahead_minutes))
    }
}

// === impl Window ===

impl Window {
    fn holds(&self, minute: u64) -> bool {
        let (day, of_day) = (minute / DAY_MINUTES, minute % DAY_MINUTES);
        let (from, until) = (u64::from(self.from_minute), u64::from(self.until_minute));
        if from < until {
            return self.days.has(day) && (from..until).contains(&of_day);
        }
        (self.days.has(day) && of_day >= from) || (self.days.has(day + 6) && of_day < until)
    }
}

// === impl Days ===

impl Days {
    /// Every day.
    pub const ALL: Days = Days(0b111_1111);

    /// None but these; 0 is Monday, 6 Sunday, others are no days.
    pub fn of(days: impl IntoIterator<Item = u8>) -> Days {
        Days(days.into_iter().filter(|day| *day < 7).fold(0, |days, day| days | 1 << day))
    }

    fn has(self, day: u64) -> bool {
        self.0 & 1 << (day % 7) != 0
    }
}

#[cfg(test)]
mod tests;
