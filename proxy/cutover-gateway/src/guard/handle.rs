//! The service's end of a guarded connection.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::task::{Context, Poll, Waker};

use parking_lot::{Mutex, MutexGuard};

use super::interim::{Interim, InterimHandle};
use super::{Phase, Refusal};
use crate::splice::Conduit;

const UNDECIDED: u8 = 0;
const DECLINED: u8 = 1;
const TUNNEL: u8 = 2;

/// Speaks with the [`Guarded`](super::Guarded) of one connection. Cheap to
/// clone; may be used from any thread, though orders take effect on the
/// connection's own.
#[derive(Debug, Clone)]
pub struct ConnHandle(pub(super) Arc<Shared>);

impl ConnHandle {
    /// Must be called once for each request the service is given; the value
    /// is kept until the answer's body has ended or was dropped, best inside
    /// that body. The guard thereby knows whether the connection is idle, and
    /// whether a refusal may be answered at once. Dropping it also declines an
    /// upgrade that nobody decided.
    #[must_use = "dropping it says that the answer is finished"]
    pub fn answering(&self) -> Answering {
        Answering(self.0.clone())
    }

    /// The present request was upgraded: from now on bytes pass both ways
    /// unseen and without clocks. Must be called before the 101 is given to
    /// hyper; has no effect if the request did not ask for an upgrade.
    pub fn tunnel(&self) {
        self.0.decide(TUNNEL);
    }

    /// Says whether the present request was upgraded; `false` lets HTTP go on.
    /// Needed only for requests that may upgrade (others ignore it) and only
    /// to be earlier than the end of the answer.
    pub fn upgrade_decided(&self, tunnel: bool) {
        self.0.decide(if tunnel { TUNNEL } else { DECLINED });
    }

    /// The connection's queue of interim answers.
    #[must_use]
    pub fn interim(&self) -> InterimHandle {
        InterimHandle(self.0.clone())
    }

    /// The connection's way around hyper.
    pub(crate) fn conduit(&self) -> MutexGuard<'_, Conduit> {
        self.0.conduit.lock()
    }

    /// Why a request on this connection was refused; `None` if none was. Tells
    /// a refused body (whose read error reached the service) from a lost one.
    #[must_use]
    pub fn refused(&self) -> Option<Refusal> {
        let position = self.0.refused.load(Ordering::Acquire).checked_sub(1)?;
        Refusal::ALL.get(usize::from(position)).copied()
    }

    /// Whether a request's head was refused on this connection: no further
    /// request will come.
    #[must_use]
    pub fn request_head_refused(&self) -> bool {
        self.0.head_refused.load(Ordering::Acquire) != 0
    }
}

/// One request being answered. See [`ConnHandle::answering`].
#[derive(Debug)]
pub struct Answering(Arc<Shared>);

impl Drop for Answering {
    fn drop(&mut self) {
        // Undecided until the end of the answer means not upgraded.
        self.0.decide(DECLINED);
        self.0.answered.fetch_add(1, Ordering::AcqRel);
    }
}

/// What both ends see.
#[derive(Debug, Default)]
pub(super) struct Shared {
    /// Heads that were passed to hyper.
    heads: AtomicU64,
    /// Requests whose answer has ended.
    answered: AtomicU64,
    upgrade: AtomicU8,
    refused: AtomicU8,
    head_refused: AtomicU8,
    held: Mutex<Option<Waker>>,
    pub(super) interim: Mutex<Interim>,
    pub(super) conduit: Mutex<Conduit>,
}

impl Shared {
    /// Decides for the last request passed, and only while it is being
    /// answered: a late word on an earlier one must not end its hold.
    fn decide(&self, decision: u8) {
        if self.answered.load(Ordering::Acquire) + 1 != self.heads.load(Ordering::Acquire) {
            return;
        }
        let first =
            self.upgrade.compare_exchange(UNDECIDED, decision, Ordering::AcqRel, Ordering::Acquire);
        if first.is_ok()
            && let Some(waker) = self.held.lock().take()
        {
            waker.wake();
        }
    }

    /// Heads have passed, `total` since the beginning.
    pub(super) fn passed(&self, total: u64) {
        self.upgrade.store(UNDECIDED, Ordering::Release);
        self.heads.store(total, Ordering::Release);
    }

    pub(super) fn answered(&self) -> u64 {
        self.answered.load(Ordering::Acquire)
    }

    pub(super) fn set_refused(&self, reason: Refusal, in_body: bool) {
        self.refused.store(reason as u8, Ordering::Release);
        if !in_body {
            self.head_refused.store(1, Ordering::Release);
        }
    }

    /// [`Phase::Tunnel`] or [`Phase::Idle`], once it was decided.
    pub(super) fn poll_decision(&self, cx: &Context<'_>) -> Poll<Phase> {
        // Registered first, so that a decision between the two is not missed.
        *self.held.lock() = Some(cx.waker().clone());
        match self.upgrade.load(Ordering::Acquire) {
            TUNNEL => Poll::Ready(Phase::Tunnel),
            DECLINED => Poll::Ready(Phase::Idle),
            _ => Poll::Pending,
        }
    }

    pub(super) fn close(&self) {
        self.interim.lock().close();
    }
}
