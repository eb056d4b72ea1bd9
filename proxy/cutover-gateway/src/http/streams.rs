//! What HTTP/2 clients owe: hyper watches frames, nobody watches patience.
//!
//! A client may open a stream and never read its answer, keep a connection without using it, or
//! open streams only to reset them. One look every few seconds finds the first two, since
//! requests only note the time; the last is told at once.

use std::{
    sync::{
        Arc, Weak,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use parking_lot::Mutex;
use tokio::sync::Notify;

/// A stream given up before its answer and within this time was hardly meant.
const PREMATURE: Duration = Duration::from_secs(1);

/// Marks of ended streams that may pile up before they are cleared away.
const ENDED_MAX: usize = 64;

/// The streams of one HTTP/2 connection.
#[derive(Debug)]
pub(crate) struct Streams {
    start: Instant,
    open: AtomicUsize,
    opened: AtomicUsize,
    premature: AtomicUsize,
    premature_max: usize,
    abused: Notify,
    /// When the last stream ended, in milliseconds since `start`.
    idle_since: AtomicU64,
    waiting: Mutex<Vec<Weak<AtomicU64>>>,
}

/// One stream; ends when dropped.
#[derive(Debug)]
pub(crate) struct Stream {
    streams: Arc<Streams>,
    /// When it was opened, in milliseconds since the connection's start.
    opened: u64,
    is_answered: bool,
    /// Since when the client has had something to take, in milliseconds since `start`, plus one;
    /// 0: nothing.
    waiting_since: Arc<AtomicU64>,
}

/// What a connection has come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Patience {
    /// It is used.
    Fine,
    /// No stream was open for too long.
    Idle,
    /// The client left an answer untaken for too long.
    Stalled,
}

// === impl Streams ===

impl Streams {
    pub(crate) fn new(start: Instant, premature_max: usize) -> Arc<Streams> {
        Arc::new(Streams {
            start,
            open: AtomicUsize::new(0),
            opened: AtomicUsize::new(0),
            premature: AtomicUsize::new(0),
            premature_max,
            abused: Notify::new(),
            idle_since: AtomicU64::new(0),
            waiting: Mutex::default(),
        })
    }

    /// A stream opens.
    pub(crate) fn open(self: &Arc<Streams>, now: Instant) -> Stream {
        let open = self.open.fetch_add(1, Ordering::Relaxed) + 1;
        self.opened.fetch_add(1, Ordering::Relaxed);
        let waiting_since = Arc::new(AtomicU64::new(0));
        let mut waiting = self.waiting.lock();
        if waiting.len() > 2 * open + ENDED_MAX {
            waiting.retain(|since| since.strong_count() > 0);
        }
        waiting.push(Arc::downgrade(&waiting_since));
        Stream {
            streams: Arc::clone(self),
            opened: self.millis(now),
            is_answered: false,
            waiting_since,
        }
    }

    /// Whether no stream was ever opened.
    pub(crate) fn is_unused(&self) -> bool {
        self.opened.load(Ordering::Relaxed) == 0
    }

    /// Looks after the connection.
    pub(crate) fn check(&self, now: Instant, idle: Duration, write: Duration) -> Patience {
        let now = self.millis(now);
        let longer = |since: u64, patience: Duration| {
            u128::from(now.saturating_sub(since)) >= patience.as_millis()
        };
        let mut waiting = self.waiting.lock();
        waiting.retain(|since| since.strong_count() > 0);
        let stalled = waiting.iter().filter_map(Weak::upgrade).any(|since| {
            let since = since.load(Ordering::Relaxed);
            since > 0 && longer(since - 1, write)
        });
        if stalled {
            Patience::Stalled
        } else if self.open.load(Ordering::Relaxed) == 0
            && longer(self.idle_since.load(Ordering::Relaxed), idle)
        {
            Patience::Idle
        } else {
            Patience::Fine
        }
    }

    /// Once too many streams were given up before they were answered (CVE-2023-44487).
    pub(crate) async fn abused(&self) {
        self.abused.notified().await;
    }

    fn ended(&self, now: u64, was_premature: bool) {
        if was_premature {
            let premature = self.premature.fetch_add(1, Ordering::Relaxed) + 1;
            let most = premature > self.opened.load(Ordering::Relaxed) / 2;
            if premature > self.premature_max && most {
                self.abused.notify_one();
            }
        }
        self.idle_since.store(now, Ordering::Relaxed);
        self.open.fetch_sub(1, Ordering::Relaxed);
    }

    fn millis(&self, now: Instant) -> u64 {
        u64::try_from(now.duration_since(self.start).as_millis()).unwrap_or(u64::MAX)
    }
}

// === impl Stream ===

impl Stream {
    /// Its answer has begun.
    pub(crate) fn answered(&mut self) {
        self.is_answered = true;
    }

    /// The client has been given something to take.
    pub(crate) fn given(&self, now: Instant) {
        self.waiting_since.store(self.streams.millis(now) + 1, Ordering::Relaxed);
    }

    /// The client took all there was.
    pub(crate) fn taken(&self) {
        self.waiting_since.store(0, Ordering::Relaxed);
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        let now = self.streams.millis(Instant::now());
        let is_early = u128::from(now.saturating_sub(self.opened)) < PREMATURE.as_millis();
        self.streams.ended(now, is_early && !self.is_answered);
    }
}

#[cfg(test)]
mod tests;
