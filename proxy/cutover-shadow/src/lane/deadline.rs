//! An answer that is not whole in time is a failure of whoever gives it.

use std::task::{Context, Poll};

use tower::Service;

use super::{Call, Calling, Failure, Fault};

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
        let within = call.within;
        let calling = self.0.call(call);
        Box::pin(async move {
            match tokio::time::timeout(within, calling).await {
                Ok(answered) => answered,
                Err(_) => Err(Failure::Theirs(Fault::Deadline)),
            }
        })
    }
}
