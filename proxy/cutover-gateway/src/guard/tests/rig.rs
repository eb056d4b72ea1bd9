//! A guarded hyper server on an in-memory stream, with virtual time.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

use super::super::{Answering, Clock, ConnHandle, GuardConfig, GuardEvents, Refusal, guard};

/// The client's end, and what the server's side noted.
pub(super) struct Rig {
    pub(super) client: DuplexStream,
    pub(super) log: Log,
}

/// What happened, one line each.
#[derive(Clone, Default)]
pub(super) struct Log(Arc<Mutex<Vec<String>>>);

/// An answer's body that tells the guard of its end.
pub(super) struct Answer {
    body: Full<Bytes>,
    _answering: Answering,
}

impl Rig {
    /// Serves with `service` until the connection ends.
    pub(super) fn new<F, R>(config: GuardConfig, service: F) -> Self
    where
        F: Fn(Request<Incoming>, ConnHandle, Log) -> R + Send + Sync + 'static,
        R: Future<Output = Response<Full<Bytes>>> + Send + 'static,
    {
        let (client, server) = tokio::io::duplex(4096);
        let log = Log::default();
        let (guarded, handle) = guard(server, &config, Arc::new(log.clone()));
        let seen = log.clone();
        let service = service_fn(move |request| {
            let answering = handle.answering();
            let answer = service(request, handle.clone(), seen.clone());
            async move {
                Ok::<_, Infallible>(answer.await.map(|body| Answer { body, _answering: answering }))
            }
        });
        let mut http = http1::Builder::new();
        http.auto_date_header(false).max_headers(256);
        tokio::spawn(async move {
            // A refused request ends the connection with an error; the log has it.
            let _ = http.serve_connection(TokioIo::new(guarded), service).with_upgrades().await;
        });
        Self { client, log }
    }

    /// Answers every request with its target, having read its body.
    pub(super) fn echo(config: GuardConfig) -> Self {
        Self::new(config, |request, _, log| async move { echo(request, &log).await })
    }

    pub(super) async fn send(&mut self, bytes: &[u8]) {
        // A server that has closed in the middle is seen in what it answers.
        let _ = self.client.write_all(bytes).await;
    }

    /// All that the server sends until it closes.
    pub(super) async fn rest(&mut self) -> String {
        let mut bytes = Vec::new();
        self.client.read_to_end(&mut bytes).await.unwrap();
        String::from_utf8(bytes).unwrap().replace("\r\n", "\n")
    }

    /// What the server sends up to and including `end`.
    pub(super) async fn until(&mut self, end: &str) -> String {
        let mut bytes = Vec::new();
        while !bytes.ends_with(end.as_bytes()) {
            bytes.push(self.client.read_u8().await.unwrap());
        }
        String::from_utf8(bytes).unwrap().replace("\r\n", "\n")
    }
}

/// Notes the request with its whole body and answers with its target.
pub(super) async fn echo(request: Request<Incoming>, log: &Log) -> Response<Full<Bytes>> {
    use http_body_util::BodyExt;
    let target = request.uri().to_string();
    let start = format!("{} {target}", request.method());
    match request.into_body().collect().await {
        Ok(body) => log.note(format!("{start} {:?}", String::from_utf8_lossy(&body.to_bytes()))),
        Err(error) => log.note(format!("{start} failed: {}", chain(&error))),
    }
    Response::new(Full::from(target))
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text.push_str(&format!(": {error}"));
        source = error.source();
    }
    text
}

impl Log {
    pub(super) fn note(&self, line: impl Into<String>) {
        self.0.lock().unwrap().push(line.into());
    }

    pub(super) fn lines(&self) -> String {
        self.0.lock().unwrap().join("\n")
    }
}

impl GuardEvents for Log {
    fn refused(&self, reason: Refusal, in_body: bool) {
        self.note(format!("refused {} {}", if in_body { "body" } else { "head" }, reason.code()));
    }

    fn expired(&self, clock: Clock) {
        self.note(format!("expired {}", clock.code()));
    }
}

impl Body for Answer {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Pin::new(&mut self.get_mut().body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
