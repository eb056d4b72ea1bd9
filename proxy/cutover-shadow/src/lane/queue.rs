//! A bounded number wait for their turn; whoever comes later is given up.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
};

use cutover_domain::exchange::Dropped;
use tower::Service;

use super::{Call, Failure};

/// Bounds how many wait for `inner` to be ready.
pub(crate) struct Queue<S> {
    inner: S,
    waiting: Arc<AtomicUsize>,
    waiting_max: usize,
    place: Option<Place>,
}

/// A place in the queue, free again when it is dropped.
struct Place(Arc<AtomicUsize>);

// === impl Queue ===

impl<S> Queue<S> {
    pub(super) fn new(inner: S, waiting_max: usize) -> Queue<S> {
        Queue { inner, waiting: Arc::default(), waiting_max, place: None }
    }

    fn take_place(&self) -> Result<Place, Failure> {
        let place = Place(Arc::clone(&self.waiting));
        // Taken first and given back by the drop, so that two cannot take the last one.
        match self.waiting.fetch_add(1, Ordering::Relaxed) < self.waiting_max {
            true => Ok(place),
            false => Err(Failure::Ours(Dropped::QueueFull)),
        }
    }
}

impl<S: Service<Call, Error = Failure>> Service<Call> for Queue<S> {
    type Response = S::Response;
    type Error = Failure;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        let ready = self.inner.poll_ready(cx);
        if ready.is_ready() {
            self.place = None;
        } else if self.place.is_none() {
            self.place = Some(self.take_place()?);
        }
        ready
    }

    fn call(&mut self, call: Call) -> S::Future {
        self.inner.call(call)
    }
}

impl<S: Clone> Clone for Queue<S> {
    fn clone(&self) -> Queue<S> {
        Queue {
            inner: self.inner.clone(),
            waiting: Arc::clone(&self.waiting),
            waiting_max: self.waiting_max,
            place: None,
        }
    }
}

impl<S> fmt::Debug for Queue<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Queue").field("waiting", &self.waiting).finish_non_exhaustive()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests;
