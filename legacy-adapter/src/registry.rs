//! Registry's internal endpoints, called with patience.
//!
//! Both calls may be repeated: an import changes nothing the second time. So refused connections,
//! broken answers, 429 and 5xx are tried again, a little later each time; anything else ends the
//! backfill with what registry said.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use chassis::canonical::{Digest, RowDigest};
use http::{HeaderValue, Method, Request, StatusCode, Uri, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio::time::{sleep, timeout};

use crate::entity::{Entity, LegacyRow};
use crate::progress::Progress;

const ATTEMPTS_MAX: u32 = 8;
const BACKOFF_MIN: Duration = Duration::from_millis(100);
const BACKOFF_MAX: Duration = Duration::from_secs(5);
const CALL_TIMEOUT: Duration = Duration::from_secs(60);
const ANSWER_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Of the JSON of one import; registry takes 16 MiB.
const IMPORT_BYTES_MAX: usize = 8 * 1024 * 1024;

/// The service that takes over. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Registry {
    client: Client<HttpConnector, Full<Bytes>>,
    base: String,
    bearer: HeaderValue,
    progress: Progress,
}

/// What registry said to the rows of one kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Written.
    pub applied: u64,
    /// Registry had the very same.
    pub unchanged: u64,
    /// Registry has a newer version, or knows that it was deleted.
    pub older: u64,
    /// Registry has other content under the same version, and kept it.
    pub conflicting: u64,
}

/// Registry cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// Not an address that we may use.
    #[error("cannot use {url} as registry's address: {why}")]
    Address {
        /// As given.
        url: String,
        /// What is wrong with it, and what to give.
        why: &'static str,
    },
    /// No token.
    #[error("cannot use the token file {}: {why}", path.display())]
    Token {
        /// The file.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// It said no.
    #[error("registry refused {what} with {status}: {said}")]
    Refused {
        /// Method and path.
        what: String,
        /// Its status.
        status: StatusCode,
        /// Its reason, or ours.
        said: String,
    },
    /// It did not answer, again and again.
    #[error(
        "registry did not take {what} in {ATTEMPTS_MAX} attempts, the last: {last}; start it and run again, which goes on from the state file"
    )]
    Unreachable {
        /// Method and path.
        what: String,
        /// What the last attempt met.
        last: String,
    },
    /// It answered something else.
    #[error(
        "registry's answer to {what} is not what was asked for: {why}; are adapter and registry of the same version?"
    )]
    Answer {
        /// Method and path.
        what: String,
        /// What is wrong with it.
        why: String,
    },
}

/// Rows to import, all of one kind.
#[derive(Debug)]
pub(crate) struct Import<'a> {
    pub(crate) entity: Entity,
    pub(crate) rows: &'a [LegacyRow],
    /// When they were read, in microseconds since the epoch.
    pub(crate) read_at_us: i64,
}

/// A range of ids: `from` exclusive, `to` inclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Range {
    pub(crate) from: i64,
    pub(crate) to: i64,
}

#[derive(Deserialize)]
struct ImportReport {
    homes: Counts,
    devices: Counts,
    tombstones: Counts,
}

#[derive(Deserialize)]
struct Told {
    #[serde(flatten)]
    digest: Digest,
    #[serde(default)]
    rows: Vec<RowDigest>,
}

#[derive(Deserialize)]
struct Problem {
    code: String,
    detail: String,
}

/// How one attempt failed.
enum Failure {
    /// Worth another try.
    Passing(String),
    Final(RegistryError),
}

// === impl Registry ===

impl Registry {
    /// `url` is registry's *internal* address, `http://` on loopback: the token travels in clear.
    pub fn new(
        url: &str,
        token_file: &Path,
        progress: Progress,
    ) -> Result<Registry, RegistryError> {
        let base = check_address(url)?;
        let bearer = read_token(token_file)?;
        let mut connector = HttpConnector::new();
        connector.set_connect_timeout(Some(Duration::from_secs(5)));
        let client = Client::builder(TokioExecutor::new()).build(connector);
        Ok(Registry { client, base, bearer, progress })
    }

    /// Sends rows, in several calls when they are large.
    pub(crate) async fn import(&self, import: Import<'_>) -> Result<Counts, RegistryError> {
        let mut counts = Counts::default();
        for rows in parts(import.rows) {
            let rows: Vec<_> = rows.iter().map(|row| &row.import).collect();
            let body = serde_json::json!({ "read_at_us": import.read_at_us, (import.entity.name()): rows });
            let report: ImportReport =
                self.call(Method::PUT, "/internal/v1/import", Some(&body)).await?;
            counts += match import.entity {
                Entity::Homes => report.homes,
                Entity::Devices => report.devices,
                Entity::Tombstones => report.tombstones,
            };
        }
        Ok(counts)
    }

    /// Tells registry the greatest device id that the monolith ever used.
    pub(crate) async fn reserve_ids(
        &self,
        device_id_max: i64,
        read_at_us: i64,
    ) -> Result<(), RegistryError> {
        let body = serde_json::json!({ "read_at_us": read_at_us, "device_id_max": device_id_max });
        let _: ImportReport = self.call(Method::PUT, "/internal/v1/import", Some(&body)).await?;
        Ok(())
    }

    /// Count and hash of what registry has.
    pub(crate) async fn digest(
        &self,
        entity: Entity,
        range: Range,
    ) -> Result<Digest, RegistryError> {
        Ok(self.told(entity, range, false).await?.digest)
    }

    /// Each row that registry has, in ascending order of ids. Registry tells them in portions.
    pub(crate) async fn rows(
        &self,
        entity: Entity,
        range: Range,
    ) -> Result<Vec<RowDigest>, RegistryError> {
        let (mut rows, mut from) = (Vec::new(), range.from);
        loop {
            let told = self.told(entity, Range { from, ..range }, true).await?;
            let is_all = told.rows.len() as u64 >= told.digest.count;
            rows.extend_from_slice(&told.rows);
            match told.rows.last() {
                Some(last) if !is_all => from = last.id,
                _ => return Ok(rows),
            }
        }
    }

    async fn told(&self, entity: Entity, range: Range, rows: bool) -> Result<Told, RegistryError> {
        let (entity, Range { from, to }) = (entity.name(), range);
        let target = format!("/internal/v1/digest?entity={entity}&from={from}&to={to}&rows={rows}");
        self.call(Method::GET, &target, None).await
    }

    async fn call<T: DeserializeOwned>(
        &self,
        method: Method,
        target: &str,
        body: Option<&serde_json::Value>,
    ) -> Result<T, RegistryError> {
        let what = format!("{method} {}", target.split('?').next().unwrap_or(target));
        let body = Bytes::from(body.map(|body| body.to_string()).unwrap_or_default());
        let mut last = String::new();
        for attempt in 0..ATTEMPTS_MAX {
            if attempt > 0 {
                self.progress.say(&format!("registry: {last}; trying again"));
                sleep(backoff(attempt)).await;
            }
            let tried =
                timeout(CALL_TIMEOUT, self.attempt(&what, method.clone(), target, body.clone()))
                    .await;
            match tried {
                Ok(Ok(bytes)) => {
                    let parsed = serde_json::from_slice(&bytes);
                    return parsed
                        .map_err(|error| RegistryError::Answer { what, why: error.to_string() });
                }
                Ok(Err(Failure::Final(error))) => return Err(error),
                Ok(Err(Failure::Passing(why))) => last = why,
                Err(_) => last = format!("no answer within {} s", CALL_TIMEOUT.as_secs()),
            }
        }
        Err(RegistryError::Unreachable { what, last })
    }

    async fn attempt(
        &self,
        what: &str,
        method: Method,
        target: &str,
        body: Bytes,
    ) -> Result<Bytes, Failure> {
        let request = Request::builder()
            .method(method)
            .uri(format!("{}{target}", self.base))
            .header(header::AUTHORIZATION, self.bearer.clone())
            .header(header::CONTENT_TYPE, "application/json")
            .body(Full::new(body))
            .expect("the address was checked and the targets are our own");
        let response = self.client.request(request).await;
        let response = response.map_err(|error| Failure::Passing(chain(&error)))?;
        let status = response.status();
        let body = Limited::new(response.into_body(), ANSWER_BYTES_MAX).collect().await;
        let body = body
            .map_err(|error| Failure::Passing(format!("its answer broke off: {error}")))?
            .to_bytes();
        if status.is_success() {
            return Ok(body);
        }
        let said = said(status, &body);
        if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS {
            return Err(Failure::Passing(format!("{status}: {said}")));
        }
        Err(Failure::Final(RegistryError::Refused { what: what.to_owned(), status, said }))
    }
}

/// Cuts rows so that no part's JSON is too large; a row alone always passes.
fn parts(rows: &[LegacyRow]) -> Vec<&[LegacyRow]> {
    let mut parts = Vec::new();
    let (mut begin, mut bytes) = (0, 0);
    for (at, row) in rows.iter().enumerate() {
        if at > begin && bytes + row.bytes_max > IMPORT_BYTES_MAX {
            parts.push(&rows[begin..at]);
            (begin, bytes) = (at, 0);
        }
        bytes += row.bytes_max;
    }
    if begin < rows.len() {
        parts.push(&rows[begin..]);
    }
    parts
}

fn check_address(url: &str) -> Result<String, RegistryError> {
    let refused = |why| RegistryError::Address { url: url.to_owned(), why };
    let uri: Uri = url.parse().map_err(|_| refused("give http://127.0.0.1:PORT"))?;
    if uri.scheme_str() != Some("http") || uri.path() != "/" || uri.query().is_some() {
        return Err(refused(
            "give http://127.0.0.1:PORT, the internal address that registry prints",
        ));
    }
    let host = uri.host().unwrap_or_default().trim_matches(['[', ']']);
    let is_loopback = host == "localhost" || host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback());
    if !is_loopback {
        return Err(refused(
            "the token would travel in clear; run beside registry, or through a tunnel that ends on loopback",
        ));
    }
    Ok(url.trim_end_matches('/').to_owned())
}

fn read_token(path: &Path) -> Result<HeaderValue, RegistryError> {
    let refused = |why: String| RegistryError::Token { path: path.to_owned(), why };
    let token = std::fs::read_to_string(path).map_err(|error| {
        refused(format!("{error}; give the file that registry was started with"))
    })?;
    let mut bearer = HeaderValue::from_str(&format!("Bearer {}", token.trim()))
        .map_err(|_| refused("it has characters that no token has".to_owned()))?;
    bearer.set_sensitive(true);
    Ok(bearer)
}

/// Doubles each time, up to a maximum, and varies so that several do not come at once.
fn backoff(attempt: u32) -> Duration {
    let doubled = BACKOFF_MIN.saturating_mul(1 << attempt.saturating_sub(1).min(16));
    doubled.min(BACKOFF_MAX).mul_f64(0.5 + fastrand::f64() / 2.0)
}

fn said(status: StatusCode, body: &[u8]) -> String {
    match serde_json::from_slice::<Problem>(body) {
        Ok(Problem { code, detail }) => format!("{code}, {detail}"),
        Err(_) if status == StatusCode::NOT_FOUND => {
            "there is no such endpoint; give registry's internal address, not its public one"
                .to_owned()
        }
        Err(_) => "it gave no reason".to_owned(),
    }
}

fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

impl std::ops::AddAssign for Counts {
    fn add_assign(&mut self, other: Counts) {
        self.applied += other.applied;
        self.unchanged += other.unchanged;
        self.older += other.older;
        self.conflicting += other.conflicting;
    }
}

#[cfg(test)]
mod tests;
