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

use super::{AttemptError, ConnectError, Ready, Upstream, connect, pool, pool::Reuse};

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
    let mut connecting = None;
    let place = match Arc::clone(&upstream.places).try_acquire_owned() {
        Ok(place) if !upstream.is_http2_only() => place,
        _ => match tokio::time::timeout(timeout, wait(upstream, reuse, &mut connecting)).await {
            Ok(Free::Place(place)) => place,
            Ok(Free::Connection(ready)) => return Ok(ready),
            Err(_) if upstream.places.available_permits() == 0 => {
                return Err(AttemptError::Full(timeout));
            }
            Err(_) => return Err(ConnectError::Timeout(timeout).into()),
        },
    };
    let left = timeout.saturating_sub(start.elapsed());
    Ok(connect::connect(upstream, place, left).await?)
}

/// `connecting` is set if others may wait for the connection that the caller now makes.
async fn wait(upstream: &Upstream, reuse: Reuse, connecting: &mut Option<Connecting>) -> Free {
    while upstream.is_http2_only() && reuse != Reuse::Never {
        let Some(made) = pool::join(upstream) else {
            *connecting = Some(Connecting(upstream.id));
            break;
        };
        let made = made.await.ok().or_else(|| pool::take(upstream, reuse));
        if let Some(ready) = settled(made).await {
            return Free::Connection(ready);
        }
    }
    if let Ok(place) = Arc::clone(&upstream.places).try_acquire_owned() {
        return Free::Place(place);
    }
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
        if let Some(ready) = settled(Some(ready)).await {
            return Free::Connection(ready);
        }
    }
}

async fn settled(ready: Option<Ready>) -> Option<Ready> {
    ready?.settled().await
}

/// An HTTP/2 connection is being made, until this is dropped.
struct Connecting(u32);

impl Drop for Connecting {
    fn drop(&mut self) {
        pool::connected(self.0);
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
