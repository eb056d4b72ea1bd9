//! Idle connections of one worker thread.

use std::{
    cell::RefCell,
    net::SocketAddr,
    time::{Duration, Instant},
};

use hyper::client::conn::{http1, http2};

use super::{Outgoing, Ready, Sender, Upstream};

/// Connections of one thread to all upstreams; few upstreams, so a list beats a map.
#[derive(Default)]
struct Pool(Vec<(u32, Kept)>);

#[derive(Default)]
struct Kept {
    /// The most recently used last, so that a burst's surplus ages and goes.
    h1: Vec<Idle>,
    /// One connection carries all streams.
    h2: Option<(http2::SendRequest<Outgoing>, SocketAddr)>,
}

struct Idle {
    sender: http1::SendRequest<Outgoing>,
    peer: SocketAddr,
    since: Instant,
    until: Instant,
}

thread_local! {
    static POOL: RefCell<Pool> = RefCell::default();
}

/// A connection that can take a request now. `fresh`: HTTP/1 connections only if used within the
/// upstream's `fresh` time.
pub(super) fn take(upstream: &Upstream, fresh: bool) -> Option<Ready> {
    POOL.with_borrow_mut(|pool| {
        let kept = pool.kept(upstream.id);
        if let Some((sender, peer)) = &kept.h2 {
            if !sender.is_closed() {
                let sender = Sender::H2(sender.clone());
                return Some(Ready { sender, peer: *peer, reused: true, fresh: true });
            }
            kept.h2 = None;
        }
        let now = Instant::now();
        let oldest = now.checked_sub(upstream.fresh);
        let mut at = kept.h1.len();
        while at > 0 {
            at -= 1;
            let idle = &kept.h1[at];
            if idle.sender.is_closed() || idle.until <= now {
                kept.h1.remove(at);
            } else if idle.sender.is_ready() {
                let is_fresh = oldest.is_none_or(|oldest| idle.since > oldest);
                if fresh && !is_fresh {
                    return None;
                }
                let Idle { sender, peer, .. } = kept.h1.remove(at);
                let sender = Sender::H1(sender);
                return Some(Ready { sender, peer, reused: true, fresh: is_fresh });
            }
        }
        None
    })
}

/// Keeps a connection whose answer has ended.
pub(super) fn keep(
    id: u32,
    sender: http1::SendRequest<Outgoing>,
    peer: SocketAddr,
    idle: Duration,
) {
    if sender.is_closed() {
        return;
    }
    let since = Instant::now();
    let kept = Idle { sender, peer, since, until: since + idle };
    POOL.with_borrow_mut(|pool| pool.kept(id).h1.push(kept));
}

/// Keeps a new HTTP/2 connection for all to share.
pub(super) fn share(id: u32, sender: &http2::SendRequest<Outgoing>, peer: SocketAddr) {
    POOL.with_borrow_mut(|pool| pool.kept(id).h2 = Some((sender.clone(), peer)));
}

/// Closes this thread's connections that have been idle for too long, and those to upstreams
/// that are no longer `in_use`.
pub(crate) fn sweep(in_use: impl Fn(u32) -> bool) {
    let now = Instant::now();
    POOL.with_borrow_mut(|Pool(upstreams)| {
        upstreams.retain(|(id, _)| in_use(*id));
        for (_, kept) in upstreams {
            kept.h1.retain(|idle| idle.until > now && !idle.sender.is_closed());
            kept.h2.take_if(|(sender, _)| sender.is_closed());
        }
    });
}

// === impl Pool ===

impl Pool {
    fn kept(&mut self, id: u32) -> &mut Kept {
        let at = self.0.iter().position(|(known, _)| *known == id).unwrap_or_else(|| {
            self.0.push((id, Kept::default()));
            self.0.len() - 1
        });
        &mut self.0[at].1
    }
}
