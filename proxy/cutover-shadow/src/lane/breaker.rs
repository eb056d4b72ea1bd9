//! A candidate that keeps failing is left alone for a while.
//!
//! It opens when half of at least 20 calls within 10 s failed, or 10 in a row. After 10 s one
//! call is let through: if it succeeds the breaker closes, else it opens for twice as long, up to
//! 5 min. An answer is a success, whatever its status: to judge that is up to the comparison.

use std::{
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use cutover_domain::exchange::Dropped;
use parking_lot::Mutex;
use tokio::time::Instant;
use tower::Service;

use super::{Call, Calling, Failure, Reply};

/// Seconds that calls are counted over.
const WINDOW_SECONDS: usize = 10;
/// Calls within the window from which their share of failures says something.
const CALLS_MIN: u32 = 20;
/// Failures in a row that open it.
const IN_A_ROW_MAX: u32 = 10;
/// How long it stays open at first.
const OPEN_MIN: Duration = Duration::from_secs(10);
/// How long it stays open at most.
const OPEN_MAX: Duration = Duration::from_secs(300);

/// Lets calls through unless too many failed.
#[derive(Debug)]
pub(crate) struct Breaker<S> {
    inner: S,
    state: Arc<Mutex<State>>,
    admitted: Option<Admitted>,
}

/// A call that was let through; to be told how it ended.
#[derive(Debug)]
struct Admitted {
    state: Arc<Mutex<State>>,
    /// It is the one that decides whether to close.
    is_probe: bool,
}

#[derive(Debug)]
struct State {
    phase: Phase,
    window: Window,
    in_a_row: u32,
    /// How long it stays open next time.
    open_for: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Closed,
    Open {
        until: Instant,
    },
    /// One call is under way.
    Probing,
}

/// Calls and failures of the last seconds.
#[derive(Debug, Default)]
struct Window {
    seconds: [Second; WINDOW_SECONDS],
    start: Option<Instant>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Second {
    /// Seconds since the window's start.
    at: u64,
    calls: u32,
    failures: u32,
}

// === impl Breaker ===

impl<S> Breaker<S> {
    pub(super) fn new(inner: S) -> Breaker<S> {
        let state = State {
            phase: Phase::Closed,
            window: Window::default(),
            in_a_row: 0,
            open_for: OPEN_MIN,
        };
        Breaker { inner, state: Arc::new(Mutex::new(state)), admitted: None }
    }
}

impl<S> Service<Call> for Breaker<S>
where
    S: Service<Call, Response = Reply, Error = Failure, Future = Calling>,
{
    type Response = Reply;
    type Error = Failure;
    type Future = Calling;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        if self.admitted.is_none() {
            self.admitted = Some(Admitted::ask(&self.state)?);
        }
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, call: Call) -> Calling {
        let admitted = self.admitted.take().expect("a service is ready before it is called");
        let calling = self.inner.call(call);
        Box::pin(async move {
            let answered = calling.await;
            match &answered {
                Ok(_) => admitted.ended(true),
                Err(Failure::Theirs(_)) => admitted.ended(false),
                // It says nothing about the upstream.
                Err(Failure::Ours(_)) => drop(admitted),
            }
            answered
        })
    }
}

impl<S: Clone> Clone for Breaker<S> {
    fn clone(&self) -> Breaker<S> {
        Breaker { inner: self.inner.clone(), state: Arc::clone(&self.state), admitted: None }
    }
}

// === impl Admitted ===

impl Admitted {
    fn ask(state: &Arc<Mutex<State>>) -> Result<Admitted, Failure> {
        let is_probe = state.lock().admit(Instant::now())?;
        Ok(Admitted { state: Arc::clone(state), is_probe })
    }

    fn ended(mut self, well: bool) {
        let mut state = self.state.lock();
        match std::mem::take(&mut self.is_probe) {
            true => state.probed(Instant::now(), well),
            false => state.ended(Instant::now(), well),
        }
    }
}

impl Drop for Admitted {
    fn drop(&mut self) {
        if self.is_probe {
            // It was given up: the next one decides.
            self.state.lock().phase = Phase::Open { until: Instant::now() };
        }
    }
}

// === impl State ===

impl State {
    /// Lets a call through; says whether it is the probe.
    fn admit(&mut self, now: Instant) -> Result<bool, Failure> {
        match self.phase {
            Phase::Closed => Ok(false),
            Phase::Open { until } if now >= until => {
                self.phase = Phase::Probing;
                Ok(true)
            }
            Phase::Open { .. } | Phase::Probing => Err(Failure::Ours(Dropped::Breaker)),
        }
    }

    fn ended(&mut self, now: Instant, well: bool) {
        // Calls that began before it opened have had their say.
        if self.phase != Phase::Closed {
            return;
        }
        self.in_a_row = if well { 0 } else { self.in_a_row + 1 };
        self.window.count(now, well);
        let (calls, failures) = self.window.sums(now);
        if self.in_a_row >= IN_A_ROW_MAX || calls >= CALLS_MIN && 2 * failures >= calls {
            self.open(now);
        }
    }

    fn probed(&mut self, now: Instant, well: bool) {
        match well {
            true => {
                self.phase = Phase::Closed;
                self.open_for = OPEN_MIN;
            }
            false => self.open(now),
        }
    }

    fn open(&mut self, now: Instant) {
        self.phase = Phase::Open { until: now + self.open_for };
        self.open_for = (2 * self.open_for).min(OPEN_MAX);
        self.in_a_row = 0;
        self.window = Window::default();
    }
}

// === impl Window ===

impl Window {
    fn count(&mut self, now: Instant, well: bool) {
        let at = self.at(now);
        let second = &mut self.seconds[at as usize % WINDOW_SECONDS];
        if second.at != at {
            *second = Second { at, ..Second::default() };
        }
        second.calls += 1;
        second.failures += u32::from(!well);
    }

    /// Calls and failures within the window.
    fn sums(&mut self, now: Instant) -> (u32, u32) {
        let at = self.at(now);
        let recent = |second: &&Second| second.at + WINDOW_SECONDS as u64 > at;
        let recent = self.seconds.iter().filter(recent);
        recent.fold((0, 0), |(calls, failures), second| {
            (calls + second.calls, failures + second.failures)
        })
    }

    fn at(&mut self, now: Instant) -> u64 {
        let start = *self.start.get_or_insert(now);
        now.saturating_duration_since(start).as_secs()
    }
}

#[cfg(test)]
mod tests;
