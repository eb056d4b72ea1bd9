//! A service that requests are sent to: no admin API, but reached by the same means.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use tokio::runtime::Runtime;

use super::{
    connect,
    target::{self, Target},
};
use crate::cli::{args::Global, exit::Failure};

/// Largest body of an answer that is read, in bytes: as large as copies have it.
const BODY_BYTES_MAX: usize = cutover_domain::exchange::RESPONSE_BYTES_MAX;

/// A service; each request has a connection of its own.
pub(in crate::cli) struct Service {
    target: Target,
    timeout: Duration,
    runtime: Runtime,
}

/// An answer, whole.
#[derive(Debug)]
pub(in crate::cli) struct Got {
    pub(in crate::cli) status: StatusCode,
    pub(in crate::cli) headers: HeaderMap,
    pub(in crate::cli) body: Bytes,
    pub(in crate::cli) trailers: HeaderMap,
}

// === impl Service ===

impl Service {
    /// The service at `url`, a scheme and a host. Nothing is sent yet.
    pub(in crate::cli) fn at(url: &str, global: &Global) -> Result<Service, Failure> {
        let wrong = || {
            Failure::usage(format!("`{url}` is no address of a service"))
                .hint("write it like `http://127.0.0.1:9101`, without a path")
        };
        let target = Target::parse(url, global.ca.clone(), None).map_err(|_| wrong())?;
        let runtime = target::runtime()?;
        Ok(Service { target, timeout: global.timeout, runtime })
    }

    /// Whether it takes connections at all.
    pub(in crate::cli) fn reach(&self) -> Result<(), Failure> {
        let connected = self.runtime.block_on(async {
            tokio::time::timeout(self.timeout, connect::connect(&self.target)).await
        });
        let url = &self.target.url;
        match connected {
            Ok(connected) => connected.map(drop).map_err(|error| error.to_service(url)),
            Err(_) => Err(Failure::new("no_answer", format!("{url} takes no connection in time"))
                .hint("start the service, correct the address, or wait longer with `--timeout`")),
        }
    }

    /// Sends one request and reads the whole answer; `Err`: why there is none, in words.
    pub(in crate::cli) fn send(
        &self,
        method: &str,
        target: &str,
        mut headers: HeaderMap,
        body: String,
    ) -> Result<Got, String> {
        let method: Method = method.parse().map_err(|_| "its method is none".to_owned())?;
        let host = self.target.authority.parse();
        headers.insert(http::header::HOST, host.map_err(|_| "no host".to_owned())?);
        let request = Request::builder().method(method).uri(target).body(Full::new(body.into()));
        let mut request = request.map_err(|error| error.to_string())?;
        *request.headers_mut() = headers;
        let answer = self
            .runtime
            .block_on(async { tokio::time::timeout(self.timeout, self.exchange(request)).await });
        answer.unwrap_or_else(|_| Err(format!("no answer within {:?}", self.timeout)))
    }

    async fn exchange(&self, request: Request<Full<Bytes>>) -> Result<Got, String> {
        let connected = connect::connect(&self.target).await;
        let mut sender = connected.map_err(|error| error.to_service(&self.target.url).message)?;
        let response = sender.send_request(request).await.map_err(|error| error.to_string())?;
        let (head, body) = response.into_parts();
        let body = Limited::new(body, BODY_BYTES_MAX).collect().await;
        let body = body.map_err(|error| error.to_string())?;
        let trailers = body.trailers().cloned().unwrap_or_default();
        Ok(Got { status: head.status, headers: head.headers, body: body.to_bytes(), trailers })
    }
}
