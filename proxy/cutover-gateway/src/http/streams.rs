//! What HTTP/2 clients owe: hyper watches frames, nobody watches patience.
//!
//! A client may open a stream and never read its answer, or keep a connection without using it.
//! One look every few seconds finds both; requests only note the time.

use std::{
    sync::{
        Arc, Weak,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use parking_lot::Mutex;

/// The streams of one HTTP/2 connection.
#[derive(Debug)]
pub(crate) struct Streams {
    start: Instant,
    open: AtomicUsize,
    /// When the last stream ended, in milliseconds since `start`.
    idle_since: AtomicU64,
    waiting: Mutex<Vec<Weak<AtomicU64>>>,
}

/// One stream; ends when dropped.
#[derive(Debug)]
pub(crate) struct Stream {
    streams: Arc<Streams>,
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
    pub(crate) fn new(start: Instant) -> Arc<Streams> {
        Arc::new(Streams {
            start,
            open: AtomicUsize::new(0),
            idle_since: AtomicU64::new(0),
            waiting: Mutex::default(),
        })
    }

    /// A stream opens.
    pub(crate) fn open(self: &Arc<Streams>) -> Stream {
        self.open.fetch_add(1, Ordering::Relaxed);
        let waiting_since = Arc::new(AtomicU64::new(0));
        self.waiting.lock().push(Arc::downgrade(&waiting_since));
        Stream { streams: Arc::clone(self), waiting_since }
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

    fn millis(&self, now: Instant) -> u64 {
        u64::try_from(now.duration_since(self.start).as_millis()).unwrap_or(u64::MAX)
    }
}

// === impl Stream ===

impl Stream {
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
        self.streams.idle_since.store(now, Ordering::Relaxed);
        self.streams.open.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests;
