//! An answer that is not whole in time is a failure of whoever gives it; unless it is we who had
//! no time: our thread gives way to the data plane's.

use std::{
    task::{Context, Poll},
    time::Duration,
};

use tokio::time::{Instant, timeout_at};
use tower::Service;

use super::{Call, Calling, Failure, Fault};

/// How often the clock is looked at within the time allowed, to see how late we are ourselves.
const LOOKS: u32 = 8;
/// Whoever looks later than this was held up.
const LATE: Duration = Duration::from_millis(5);
/// However late we are, no call takes longer than this, or what it is allowed.
const EXTENDED_MAX: Duration = Duration::from_secs(5);

/// Ends calls after [`Call::within`].
#[derive(Clone, Debug)]
pub(crate) struct Deadline<S>(S);

// === impl Deadline ===

impl<S> Deadline<S> {
    pub(super) fn new(inner: S) -> Deadline<S> {
        Deadline(inner)
    }
}

impl<S> Service<Call> for Deadline<S>
where
    S: Service<Call, Response = super::Reply, Error = Failure, Future = Calling>,
{
    type Response = super::Reply;
    type Error = Failure;
    type Future = Calling;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, call: Call) -> Calling {
        let allowed = call.within;
        Box::pin(within(allowed, self.0.call(call)))
    }
}

/// Waits for an answer as long as is allowed, and for as long again as we were held up.
async fn within(allowed: Duration, mut calling: Calling) -> Result<super::Reply, Failure> {
    let began = Instant::now();
    let pause = allowed / LOOKS;
    let (mut due, latest) = (began + allowed, began + allowed.max(EXTENDED_MAX));
    loop {
        let look = due.min(Instant::now() + pause);
        if let Ok(answered) = timeout_at(look, &mut calling).await {
            return answered;
        }
        let now = Instant::now();
        let late = now - look;
        if late > LATE {
            due = latest.min(due + late + pause);
        }
        if now >= due {
            return Err(Failure::Theirs(Fault::Deadline));
        }
    }
}

#[cfg(test)]
mod tests;
