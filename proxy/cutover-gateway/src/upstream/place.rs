//! Places: an upstream has so many connections and no more. Who finds none waits, for a place or
//! for a connection of its own thread that becomes free, whichever comes first.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::sync::{Notify, OwnedSemaphorePermit};

use super::{AttemptError, Ready, Upstream, connect, pool, pool::Reuse};

/// Tells every worker thread that idle connections of its own may be in the way of another's.
pub(crate) static PLACE_WANTED: Notify = Notify::const_new();

enum Free {
    Place(OwnedSemaphorePermit),
    Connection(Ready),
}

/// Makes a connection within `timeout`, waiting for a place included.
pub(super) async fn connect(
    upstream: &Upstream,
    reuse: Reuse,
    timeout: Duration,
) -> Result<Ready, AttemptError> {
    let start = Instant::now();
    let place = match Arc::clone(&upstream.places).try_acquire_owned() {
        Ok(place) => place,
        Err(_) => match tokio::time::timeout(timeout, wait(upstream, reuse)).await {
            Ok(Free::Place(place)) => place,
            Ok(Free::Connection(ready)) => return Ok(ready),
            Err(_) => return Err(AttemptError::Full(timeout)),
        },
    };
    let left = timeout.saturating_sub(start.elapsed());
    Ok(connect::connect(upstream, place, left).await?)
}

async fn wait(upstream: &Upstream, reuse: Reuse) -> Free {
    let _waiting = Waiting::new(&upstream.waiting);
    PLACE_WANTED.notify_waiters();
    loop {
        let freed = pool::queue(upstream);
        let ready = tokio::select! {
            biased;
            Ok(ready) = freed, if reuse != Reuse::Never => ready,
            place = Arc::clone(&upstream.places).acquire_owned() => {
                return Free::Place(place.expect("never closed"));
            }
        };
        if let Some(ready) = ready.settled().await {
            return Free::Connection(ready);
        }
    }
}

/// One more who waits, until it is dropped.
struct Waiting<'u>(&'u AtomicUsize);

impl Waiting<'_> {
    fn new(waiting: &AtomicUsize) -> Waiting<'_> {
        waiting.fetch_add(1, Ordering::Relaxed);
        Waiting(waiting)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
