//! What tests of the stack's layers share.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    task::{Context, Poll},
};

use super::*;

/// Answers each call as `answers` says at that moment.
#[derive(Clone)]
pub(super) struct Scripted {
    pub(super) calls: Arc<AtomicUsize>,
    pub(super) answers: Arc<dyn Fn() -> Result<(), Failure> + Send + Sync>,
    pub(super) takes: Duration,
}

impl Scripted {
    pub(super) fn new(
        answers: impl Fn() -> Result<(), Failure> + Send + Sync + 'static,
        takes: Duration,
    ) -> Scripted {
        Scripted { calls: Arc::default(), answers: Arc::new(answers), takes }
    }

    pub(super) fn calls(&self) -> usize {
        self.calls.load(Ordering::Relaxed)
    }
}

impl Service<Call> for Scripted {
    type Response = Reply;
    type Error = Failure;
    type Future = Calling;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, call: Call) -> Calling {
        self.calls.fetch_add(1, Ordering::Relaxed);
        let (answered, takes) = ((self.answers)(), self.takes);
        Box::pin(async move {
            tokio::time::sleep(takes).await;
            answered.map(|()| reply(&call.bounds.budget))
        })
    }
}

pub(super) fn call(within: Duration) -> Call {
    let bounds = Bounds { body_bytes_max: u64::MAX, budget: Budget::new(1 << 20) };
    Call { request: Request::default(), within, bounds }
}

fn reply(budget: &Budget) -> Reply {
    Reply {
        version: Version::HTTP_11,
        peer: None,
        status: StatusCode::OK,
        headers: HeaderMap::new(),
        body: Copied::Whole(bytes::Bytes::new()),
        trailers: HeaderMap::new(),
        duration: Duration::ZERO,
        _reserved: budget.reserve(0).unwrap(),
    }
}
