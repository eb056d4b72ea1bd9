//! Connections of one worker thread: idle ones, and requests that wait for one.

use std::{
    cell::RefCell,
    collections::VecDeque,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::sync::oneshot;

use super::{H1, Ready, Sender, Shared, Upstream, h1::State};

/// Requests at once on one HTTP/2 connection; servers should allow no less (RFC 9113 §6.5.2). More
/// would wait for streams that may never end, so they get another connection.
const STREAMS_MAX: usize = 100;

/// Which kept connections will do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reuse {
    /// Every one: the request may be repeated.
    Any,
    /// Those used within the upstream's `fresh` time, which it is hardly about to close.
    Fresh,
    /// None.
    Never,
}

/// Connections of one thread to all upstreams; few upstreams, so a list beats a map.
#[derive(Default)]
struct Pool(Vec<(u32, Kept)>);

struct Kept {
    /// The most recently used last, so that a burst's surplus ages and goes.
    h1: Vec<Idle>,
    h2: Vec<(Shared, SocketAddr)>,
    /// An HTTP/2 connection is being made that all who wait can share.
    is_connecting: bool,
    /// Requests of this thread that found no place for a connection of their own.
    queue: VecDeque<oneshot::Sender<Ready>>,
    /// As many, of all threads.
    waiting: Arc<AtomicUsize>,
}

struct Idle {
    h1: H1,
    peer: SocketAddr,
    since: Instant,
    until: Instant,
}

thread_local! {
    static POOL: RefCell<Pool> = RefCell::default();
}

/// A connection that can take a request now.
pub(super) fn take(upstream: &Upstream, reuse: Reuse) -> Option<Ready> {
    if reuse == Reuse::Never {
        return None;
    }
    POOL.with_borrow_mut(|pool| {
        let kept = pool.kept(upstream);
        kept.h2.retain(|(shared, _)| !shared.sender.is_closed());
        if let Some((shared, peer)) = kept.h2.iter().find(|(shared, _)| shared.has_room()) {
            return Some(Ready::kept(Sender::H2(shared.clone()), *peer));
        }
        let now = Instant::now();
        let oldest = now.checked_sub(upstream.fresh);
        let mut at = kept.h1.len();
        while at > 0 {
            at -= 1;
            let idle = &mut kept.h1[at];
            let state = idle.h1.state();
            if state == State::Closed || idle.until <= now {
                kept.h1.remove(at);
            } else if state == State::Ready {
                let is_fresh = oldest.is_none_or(|oldest| idle.since > oldest);
                if reuse == Reuse::Fresh && !is_fresh {
                    return None;
                }
                let Idle { h1, peer, .. } = kept.h1.remove(at);
                return Some(Ready::kept(Sender::H1(h1), peer));
            }
        }
        None
    })
}

/// Keeps a connection whose answer has ended, unless somebody waits for it.
pub(super) fn keep(id: u32, mut h1: H1, peer: SocketAddr, idle: Duration) {
    match h1.state() {
        State::Closed => return,
        // What is left of the request is still sent, though nobody waits for it any more.
        State::Busy => h1.detach(),
        State::Ready => {}
    }
    POOL.with_borrow_mut(|pool| {
        let Some(kept) = pool.known(id) else {
            return;
        };
        let mut ready = Ready::kept(Sender::H1(h1), peer);
        while let Some(first) = kept.queue.pop_front() {
            match first.send(ready) {
                Ok(()) => return,
                Err(unwanted) => ready = unwanted,
            }
        }
        // Whoever waits does so on another thread: closing this one makes a place.
        if kept.waiting.load(Ordering::Relaxed) == 0
            && let Sender::H1(h1) = ready.sender
        {
            let since = Instant::now();
            kept.h1.push(Idle { h1, peer, since, until: since + idle });
        }
    });
}

/// Keeps a new HTTP/2 connection for all to share.
pub(super) fn share(upstream: &Upstream, shared: &Shared, peer: SocketAddr) {
    POOL.with_borrow_mut(|pool| {
        let kept = pool.kept(upstream);
        kept.h2.push((shared.clone(), peer));
        while shared.has_room()
            && let Some(first) = kept.queue.pop_front()
        {
            let _ = first.send(Ready::kept(Sender::H2(shared.clone()), peer));
        }
    });
}

/// Waits for the HTTP/2 connection that another request of this thread is making; `None`: nobody
/// is, so the caller does, and says [`connected`] at the end, however it ends.
pub(super) fn join(upstream: &Upstream) -> Option<oneshot::Receiver<Ready>> {
    POOL.with_borrow_mut(|pool| {
        let kept = pool.kept(upstream);
        if !std::mem::replace(&mut kept.is_connecting, true) {
            return None;
        }
        let (sender, made) = oneshot::channel();
        kept.queue.push_back(sender);
        Some(made)
    })
}

/// No HTTP/2 connection is being made any more. Who still waits looks for another way.
pub(super) fn connected(id: u32) {
    POOL.with_borrow_mut(|pool| {
        if let Some(kept) = pool.known(id) {
            kept.is_connecting = false;
            kept.queue.clear();
        }
    });
}

/// Waits for a connection of this thread to become free. Idle ones, which were not good enough,
/// are closed to make places.
pub(super) fn queue(upstream: &Upstream) -> oneshot::Receiver<Ready> {
    let (sender, freed) = oneshot::channel();
    POOL.with_borrow_mut(|pool| {
        let kept = pool.kept(upstream);
        kept.h1.clear();
        kept.queue.retain(|waiting| !waiting.is_closed());
        kept.queue.push_back(sender);
    });
    freed
}

/// Closes this thread's connections that have been idle for too long, those to upstreams that
/// are no longer `in_use`, and those whose place another thread waits for.
pub(crate) fn sweep(in_use: impl Fn(u32) -> bool) {
    let now = Instant::now();
    POOL.with_borrow_mut(|Pool(upstreams)| {
        upstreams.retain(|(id, kept)| in_use(*id) || !kept.queue.is_empty());
        for (_, kept) in upstreams {
            kept.queue.retain(|waiting| !waiting.is_closed());
            let is_wanted = kept.waiting.load(Ordering::Relaxed) > 0;
            kept.h1.retain_mut(|idle| {
                !is_wanted && idle.until > now && idle.h1.state() != State::Closed
            });
            let mut is_first = true;
            kept.h2.retain(|(shared, _)| {
                let is_needed = std::mem::take(&mut is_first) || shared.is_used();
                is_needed && !shared.sender.is_closed()
            });
        }
    });
}

// === impl Pool ===

impl Pool {
    fn kept(&mut self, upstream: &Upstream) -> &mut Kept {
        let at = self.0.iter().position(|(known, _)| *known == upstream.id).unwrap_or_else(|| {
            let waiting = Arc::clone(&upstream.waiting);
            let (h1, h2, queue) = Default::default();
            self.0.push((upstream.id, Kept { h1, h2, is_connecting: false, queue, waiting }));
            self.0.len() - 1
        });
        &mut self.0[at].1
    }

    fn known(&mut self, id: u32) -> Option<&mut Kept> {
        self.0.iter_mut().find(|(known, _)| *known == id).map(|(_, kept)| kept)
    }
}

// === impl Shared ===

impl Shared {
    /// The pool is one of the holders.
    fn has_room(&self) -> bool {
        Arc::strong_count(&self.holders) <= STREAMS_MAX
    }

    fn is_used(&self) -> bool {
        Arc::strong_count(&self.holders) > 1
    }
}
