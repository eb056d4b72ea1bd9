//! The clocks of one connection, with `now` given: when must what have come?

use std::time::Duration;

use tokio::time::Instant;

use super::{Phase, Timeouts};

/// Which patience ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Clock {
    /// No request came on an idle connection.
    Idle,
    /// A head was not complete in time.
    Head,
    /// A body stood still.
    Body,
    /// A body came below the minimum rate.
    BodyRate,
    /// The client did not take its answer.
    Write,
}

impl Clock {
    /// Every clock.
    pub const ALL: [Self; 5] = [Self::Idle, Self::Head, Self::Body, Self::BodyRate, Self::Write];

    /// The position in [`ALL`](Self::ALL), for tables of counters.
    #[must_use]
    pub fn index(self) -> usize {
        self as usize
    }

    /// The stable name for metrics and logs.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Head => "head",
            Self::Body => "body",
            Self::BodyRate => "body_rate",
            Self::Write => "write",
        }
    }
}

/// What waiting means now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wait {
    /// No clock runs.
    Forever,
    Until(Instant),
    Expired(Clock),
}

#[derive(Debug)]
pub(crate) struct Clocks {
    timeouts: Timeouts,
    /// The phase waited in and since when; none while bytes flow.
    reading: Option<(Phase, Instant)>,
    writing: Option<Instant>,
    /// Of the present body: the time it was waited for, and its bytes.
    body_waited: Duration,
    body_bytes: u64,
}

impl Clocks {
    pub(crate) fn new(timeouts: Timeouts) -> Self {
        Self { timeouts, reading: None, writing: None, body_waited: Duration::ZERO, body_bytes: 0 }
    }

    /// The client is waited for in `phase`. Calling again changes nothing
    /// until bytes come or the phase changes.
    pub(crate) fn wait_read(&mut self, phase: Phase, now: Instant) -> Wait {
        let since = match self.reading {
            Some((waited_in, since)) if waited_in == phase => since,
            _ => now,
        };
        self.reading = Some((phase, since));
        match phase {
            Phase::Idle => until(Clock::Idle, since + self.timeouts.idle, now),
            Phase::Head => until(Clock::Head, since + self.timeouts.head, now),
            Phase::Body => self.wait_body(since, now),
            Phase::Held | Phase::Tunnel | Phase::Refused => Wait::Forever,
        }
    }

    fn wait_body(&self, since: Instant, now: Instant) -> Wait {
        let still = until(Clock::Body, since + self.timeouts.body, now);
        if self.timeouts.body_rate_min == 0 {
            return still;
        }
        let earned = Duration::from_secs(self.body_bytes / u64::from(self.timeouts.body_rate_min));
        let allowed = earned.max(self.timeouts.body_rate_grace).saturating_sub(self.body_waited);
        let slow = until(Clock::BodyRate, since + allowed, now);
        match (still, slow) {
            (Wait::Until(a), Wait::Until(b)) => Wait::Until(a.min(b)),
            (expired @ Wait::Expired(_), _) | (_, expired) => expired,
        }
    }

    /// `count` bytes have come in `phase`, `now` if it was waited for.
    pub(crate) fn on_read(&mut self, phase: Phase, count: usize, now: impl FnOnce() -> Instant) {
        if phase == Phase::Body {
            if let Some((Phase::Body, since)) = self.reading.take() {
                self.body_waited += now().saturating_duration_since(since);
            }
            self.body_bytes += count as u64;
        } else if phase != Phase::Head {
            self.reading = None;
        }
    }

    /// A head has passed: the next body and the next head start anew.
    pub(super) fn on_head(&mut self) {
        self.reading = None;
        self.body_waited = Duration::ZERO;
        self.body_bytes = 0;
    }

    /// No read is waited for any more (the client owes nothing).
    pub(super) fn stop_read(&mut self) {
        self.reading = None;
    }

    pub(super) fn is_idle_running(&self) -> bool {
        matches!(self.reading, Some((Phase::Idle, _)))
    }

    pub(super) fn wait_write(&mut self, now: Instant) -> Wait {
        let since = *self.writing.get_or_insert(now);
        until(Clock::Write, since + self.timeouts.write, now)
    }

    pub(super) fn on_write(&mut self) {
        self.writing = None;
    }
}

fn until(clock: Clock, deadline: Instant, now: Instant) -> Wait {
    if now >= deadline { Wait::Expired(clock) } else { Wait::Until(deadline) }
}
