//! `[[listener]]`.

use std::path::PathBuf;

use cutover_gateway::{guard, settings::Http2Limits};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::process::{millis, whole};

/// An address to listen on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Listener {
    /// What clients speak there.
    #[serde(default)]
    pub protocol: Protocol,
    /// `ADDRESS:PORT`; port 0 picks a free one.
    pub listen: String,
    /// Name of the upstream for this listener's unrouted traffic. Default: the process's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<String>,
    /// TLS with ALPN h2 and http/1.1. Without it: cleartext.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<ListenerTls>,
    /// Take HTTP/2 by prior knowledge beside HTTP/1.1. Default: off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http2: Option<Http2Mode>,
    /// A client that closes its sending half still gets its answer; by default that aborts.
    #[serde(default)]
    pub half_close: bool,
    /// How long clients may take.
    #[serde(default)]
    pub timeouts: ListenerTimeouts,
    /// How much clients may send.
    #[serde(default)]
    pub limits: Limits,
}

/// What clients speak.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Protocol {
    /// HTTP/1.1, and HTTP/2 over TLS or where `http2` allows it.
    #[default]
    Http,
    /// MQTT 3.1.1 and 5. Not served by this version.
    Mqtt,
}

/// HTTP/2 without TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Http2Mode {
    /// By prior knowledge (RFC 9113 §3.3).
    Cleartext,
}

/// Certificates of a listener. Changed files are picked up while the process runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListenerTls {
    /// PEM chain, the server's certificate first.
    pub cert: PathBuf,
    /// PEM private key.
    pub key: PathBuf,
    /// PEM bundle of authorities that sign clients' certificates: makes it mTLS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_ca: Option<PathBuf>,
    /// PEM revocation lists of these authorities.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_crl: Option<PathBuf>,
    /// Whether clients must present a certificate. Only read with `client_ca`.
    #[serde(default)]
    pub client_auth: ClientAuth,
}

/// Whether clients must present a certificate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ClientAuth {
    /// Without one the handshake fails.
    #[default]
    Required,
    /// One that is presented is verified; without one the client has no `cert:` subject.
    Optional,
}

/// How long clients may take, in milliseconds. A clock runs only while the client is waited for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ListenerTimeouts {
    /// From a head's first byte to its last.
    #[schemars(range(min = 1))]
    pub head_ms: u32,
    /// Between an answer and the next request, and before the first.
    #[schemars(range(min = 1))]
    pub idle_ms: u32,
    /// Between two pieces of a request body.
    #[schemars(range(min = 1))]
    pub body_idle_ms: u32,
    /// Between two pieces of an answer that the client takes.
    #[schemars(range(min = 1))]
    pub write_ms: u32,
}

/// How much clients may send.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Request line and header fields of one request, in bytes.
    #[schemars(range(min = 1024, max = 1_048_576))]
    pub head_bytes_max: u32,
    /// Header fields of one request.
    #[schemars(range(min = 8, max = 1024))]
    pub head_fields_max: u32,
    /// Longest request target, in bytes.
    #[schemars(range(min = 128, max = 65_534))]
    pub target_bytes_max: u32,
    /// Longest request body, in bytes. Default: unbounded, streamed in bounded memory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body_bytes_max: Option<u64>,
    /// Bytes a second that a request body must bring on average once it has been waited for
    /// for 10 s; 0 is no minimum.
    pub body_rate_min: u32,
    /// HTTP/2 streams at once on one connection.
    #[schemars(range(min = 1))]
    pub h2_streams_max: u32,
    /// HTTP/2 streams that the client may reset before they were served; beyond, its connection
    /// is closed (CVE-2023-44487).
    #[schemars(range(min = 1))]
    pub h2_resets_max: u32,
    /// One HTTP/2 header list as RFC 9113 §6.5.2 counts it, in bytes.
    #[schemars(range(min = 1024))]
    pub h2_header_list_bytes_max: u32,
}

// === impl ListenerTimeouts ===

impl Default for ListenerTimeouts {
    fn default() -> ListenerTimeouts {
        let timeouts = guard::Timeouts::default();
        ListenerTimeouts {
            head_ms: millis(timeouts.head),
            idle_ms: millis(timeouts.idle),
            body_idle_ms: millis(timeouts.body),
            write_ms: millis(timeouts.write),
        }
    }
}

// === impl Limits ===

impl Default for Limits {
    fn default() -> Limits {
        let (guard, http2) = (guard::GuardConfig::default(), Http2Limits::default());
        Limits {
            head_bytes_max: whole(guard.limits.head_bytes_max),
            head_fields_max: whole(guard.limits.fields_max),
            target_bytes_max: whole(guard.limits.target_bytes_max),
            body_bytes_max: None,
            body_rate_min: guard.timeouts.body_rate_min,
            h2_streams_max: http2.streams_max,
            h2_resets_max: whole(http2.pending_resets_max),
            h2_header_list_bytes_max: http2.header_list_bytes_max,
        }
    }
}
