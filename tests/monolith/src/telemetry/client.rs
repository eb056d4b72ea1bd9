//! The exporter's HTTP client: hyper, on the runtime of the house.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use opentelemetry_http::hyper::HyperClient;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use tokio::runtime::Handle;

use super::Receiver;

/// Sends from any thread. The SDK's batch processor runs on a thread without a runtime, where
/// hyper alone could not.
#[derive(Debug)]
pub(super) struct Client {
    runtime: Handle,
    hyper: HyperClient,
    receiver: Receiver,
    /// Whether the last attempt failed; only changes are logged.
    is_failing: AtomicBool,
}

impl Client {
    /// Each attempt gets `timeout`. To be called within a runtime.
    pub(super) fn new(receiver: &Receiver, timeout: Duration) -> Client {
        Client {
            runtime: Handle::current(),
            hyper: HyperClient::with_default_connector(timeout, None),
            receiver: receiver.clone(),
            is_failing: AtomicBool::new(false),
        }
    }

    fn note(&self, failure: Option<&dyn std::fmt::Display>) {
        let was_failing = self.is_failing.swap(failure.is_some(), Ordering::Relaxed);
        let receiver = &self.receiver;
        match failure {
            Some(failure) if !was_failing => {
                tracing::warn!(%receiver, %failure, "traces are lost until the receiver takes them");
            }
            None if was_failing => tracing::warn!(%receiver, "the receiver takes traces again"),
            _ => {}
        }
    }
}

#[async_trait]
impl HttpClient for Client {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let hyper = self.hyper.clone();
        let sent = self.runtime.spawn(async move { hyper.send_bytes(request).await }).await?;
        match &sent {
            Ok(response) if response.status().is_success() => self.note(None),
            Ok(response) => self.note(Some(&response.status())),
            Err(error) => self.note(Some(error)),
        }
        sent
    }
}
