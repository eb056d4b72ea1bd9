//! The way to a running proxy: its admin API over HTTP, with failures told in words.

mod connect;
mod service;
mod target;

use std::time::Duration;

use bytes::Bytes;
use cutover_control::api::ErrorAnswer;
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use serde::{Serialize, de::DeserializeOwned};
use tokio::runtime::Runtime;

use self::target::Target;
pub(super) use self::{
    service::{Got, Service},
    target::{runtime, url_of},
};
use super::{
    args::Global,
    exit::{Exit, Failure},
    io::Io,
};

/// Largest answer that is read, in bytes.
const ANSWER_BYTES_MAX: usize = 64 * 1024 * 1024;

/// A client of one admin API. Each request has a connection of its own: commands ask once or
/// twice, and a proxy that was just replaced must not be asked over the old one's connection.
pub(super) struct Client {
    target: Target,
    timeout: Duration,
    runtime: Runtime,
}

/// An answer that is not an error.
#[derive(Debug)]
pub(super) struct Answer<T> {
    pub(super) status: StatusCode,
    pub(super) body: T,
}

// === impl Client ===

impl Client {
    /// Finds out whom to ask and by which token. Nothing is sent yet.
    pub(super) fn connect(global: &Global, io: &mut Io<'_>) -> Result<Client, Failure> {
        let target = Target::find(global, io)?;
        Ok(Client { target, timeout: global.timeout, runtime: runtime()? })
    }

    /// Where it asks, as a URL.
    pub(super) fn url(&self) -> &str {
        &self.target.url
    }

    /// How long it waits.
    pub(super) fn timeout(&self) -> Duration {
        self.timeout
    }

    pub(super) fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Failure> {
        Ok(self.ask(Method::GET, path, None::<&()>, self.timeout)?.body)
    }

    pub(super) fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<Answer<T>, Failure> {
        self.ask(Method::POST, path, Some(body), self.timeout)
    }

    /// As [`Client::post`], for an operation that itself waits up to [`Client::timeout`].
    pub(super) fn post_waiting<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<Answer<T>, Failure> {
        self.ask(Method::POST, path, Some(body), self.timeout + Duration::from_secs(5))
    }

    /// As [`Client::post`], for an operation that takes so much longer.
    pub(super) fn post_lasting<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
        longer: Duration,
    ) -> Result<Answer<T>, Failure> {
        self.ask(Method::POST, path, Some(body), self.timeout + longer)
    }

    pub(super) fn delete(&self, path: &str) -> Result<(), Failure> {
        self.ask::<serde_json::Value>(Method::DELETE, path, None::<&()>, self.timeout).map(drop)
    }

    /// Lets time pass between two looks.
    pub(super) fn pause(&self, time: Duration) {
        self.runtime.block_on(async { tokio::time::sleep(time).await });
    }

    fn ask<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<&impl Serialize>,
        patience: Duration,
    ) -> Result<Answer<T>, Failure> {
        let request = self.request(method, path, body)?;
        // The timer belongs to the runtime, so it is made inside.
        let answer = self
            .runtime
            .block_on(async { tokio::time::timeout(patience, self.exchange(request)).await });
        let (status, bytes) = answer.map_err(|_| self.too_late(patience))??;
        if !status.is_success() {
            return Err(self.refusal(status, &bytes));
        }
        let bytes = if bytes.is_empty() { Bytes::from_static(b"null") } else { bytes };
        let body = serde_json::from_slice(&bytes).map_err(|error| {
            let message =
                format!("{} answers what this client does not understand: {error}", self.url());
            Failure::new("bad_answer", message).hint(
                "is this the address of `[admin] listen`, and this the `cutover` of its release?",
            )
        })?;
        Ok(Answer { status, body })
    }

    fn request(
        &self,
        method: Method,
        path: &str,
        body: Option<&impl Serialize>,
    ) -> Result<Request<Full<Bytes>>, Failure> {
        let internal = |error: String| Failure::new("internal", error);
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", &self.target.authority)
            .header("accept", "application/json");
        if let Some(token) = &self.target.token {
            request = request.header("authorization", token.clone());
        }
        let bytes = match body {
            None => Bytes::new(),
            Some(body) => {
                request = request.header("content-type", "application/json");
                serde_json::to_vec(body).map_err(|error| internal(error.to_string()))?.into()
            }
        };
        request.body(Full::new(bytes)).map_err(|error| internal(error.to_string()))
    }

    async fn exchange(
        &self,
        request: Request<Full<Bytes>>,
    ) -> Result<(StatusCode, Bytes), Failure> {
        let connected = connect::connect(&self.target).await;
        let mut sender = connected.map_err(|error| error.to_admin(&self.target.url))?;
        let broken = |error: &dyn std::fmt::Display| {
            Failure::new("admin_broken", format!("{} broke off: {error}", self.url()))
                .hint("look whether the proxy runs; `cutover status` tells what was done")
        };
        let response = sender.send_request(request).await.map_err(|error| broken(&error))?;
        let status = response.status();
        let body = Limited::new(response.into_body(), ANSWER_BYTES_MAX).collect().await;
        Ok((status, body.map_err(|error| broken(&error))?.to_bytes()))
    }

    fn too_late(&self, patience: Duration) -> Failure {
        let message = format!("{} gave no answer within {patience:?}", self.url());
        Failure::new("admin_timeout", message)
            .exit(Exit::InProgress)
            .hint("it may still do what was asked: look with `cutover status`, or wait longer with `--timeout`")
    }

    fn refusal(&self, status: StatusCode, bytes: &Bytes) -> Failure {
        let Ok(ErrorAnswer { error: refusal }) = serde_json::from_slice(bytes) else {
            let message = format!("{} answers {status}, but not as an admin API does", self.url());
            return Failure::new("bad_answer", message)
                .hint("is this the address of `[admin] listen`?");
        };
        let mut message = refusal.message;
        for row in &refusal.present {
            let percent = row.at.percent.map(|percent| format!(" {percent} %")).unwrap_or_default();
            let phase = cutover_domain::Phase::from(row.at.phase);
            message.push_str(&format!(
                "\n  {} is in {phase}{percent} at revision {}",
                row.route, row.revision
            ));
        }
        for found in &refusal.diagnostics {
            message.push_str(&format!("\n  {}", diagnostic(found)));
        }
        let exit = match (status, refusal.code.as_str()) {
            (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN, _) => Exit::NotAllowed,
            (_, "invalid_config") => Exit::InvalidConfig,
            _ => Exit::Failed,
        };
        let hint = refusal.hint.filter(|hint| !hint.is_empty());
        let hint = match (status, &self.target.token) {
            (StatusCode::UNAUTHORIZED, None) => Some(
                "name the file with the token: `--token-file FILE`; the first start wrote one"
                    .to_owned(),
            ),
            _ => hint,
        };
        Failure { exit, code: "refused", message, hint, code_sent: Some(refusal.code) }
    }
}

/// A finding of the proxy, on one line.
pub(super) fn diagnostic(found: &cutover_control::Diagnostic) -> String {
    let place = match (&found.file, found.line, found.column) {
        (Some(file), Some(line), Some(column)) => format!("{file}:{line}:{column}: "),
        (Some(file), ..) => format!("{file}: "),
        _ => String::new(),
    };
    let hint = found.hint.as_ref().map(|hint| format!(" ({hint})")).unwrap_or_default();
    format!("{place}{} [{}]{hint}", found.message, found.code)
}
