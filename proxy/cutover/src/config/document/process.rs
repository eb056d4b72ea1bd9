//! `[server]`, `[store]`, `[admin]`, `[jwt]`.

use std::path::PathBuf;

use cutover_gateway::settings;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The process as a whole.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Server {
    /// Threads that serve. Default: one a CPU that the process may use.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 256))]
    pub workers: Option<u16>,
    /// How long a drain waits for requests in flight, in milliseconds.
    pub drain_ms: u32,
    /// Socket over which listeners are handed to a new process. Default: `cutover-upgrade.sock`
    /// beside this file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upgrade_sock: Option<PathBuf>,
    /// Which forwarding headers upstreams get.
    pub forwarded: Forwarded,
    /// Networks whose forwarding headers are kept and added to, like `10.0.0.0/8`; from elsewhere
    /// they are replaced.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub forwarded_trust: Vec<String>,
    /// Bounds for the whole process.
    pub limits: ServerLimits,
    /// Clocks for the whole process.
    pub timeouts: ServerTimeouts,
}

/// Bounds for the whole process.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ServerLimits {
    /// Clients' connections at once.
    #[schemars(range(min = 1))]
    pub connections_max: u32,
    /// Of these, from one address.
    #[schemars(range(min = 1))]
    pub connections_per_address_max: u32,
    /// A request body up to this size can be sent a second time (fallback, retry), in bytes.
    pub replay_bytes_max: u32,
}

/// Clocks for the whole process.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ServerTimeouts {
    /// Silence after which an upgraded connection (WebSocket) is closed, in milliseconds.
    #[schemars(range(min = 1))]
    pub tunnel_idle_ms: u32,
    /// How long an idle connection to an upstream is kept, in milliseconds.
    pub upstream_idle_ms: u32,
    /// A request that may not be repeated goes only to connections idle for less than this, in
    /// milliseconds, so that it seldom meets one that the upstream is about to close.
    pub upstream_fresh_ms: u32,
}

/// Which forwarding headers upstreams get.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Forwarded {
    /// None are added: the upstream sees what the client sent.
    #[default]
    Off,
    /// `X-Forwarded-For`, `X-Forwarded-Host`, `X-Forwarded-Proto`.
    XForwarded,
    /// `Forwarded` (RFC 7239).
    Forwarded,
}

/// Where revisions are recorded.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Store {
    /// `sqlite://PATH`, relative to this file.
    pub url: String,
    /// File that keeps the last good state, so that the proxy starts and serves with the store
    /// gone. Default: `cutover-state.json` beside this file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state_file: Option<PathBuf>,
}

/// The admin API, console and metrics.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Admin {
    /// `ADDRESS:PORT`. An address beyond loopback needs `tls`.
    pub listen: String,
    /// Names that the `Host` header may have beside the address itself, such as that of a load
    /// balancer in front. Others are refused, against DNS rebinding.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub hosts: Vec<String>,
    /// File with the bearer token that the first start writes, mode 0600. Default:
    /// `cutover-admin.token` beside this file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_file: Option<PathBuf>,
    /// Key that signs testers' overrides, by reference: `file:PATH` or `env:NAME`, at least 32
    /// bytes. Without it overrides are ignored.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub override_key: Option<String>,
    /// Serve the admin API over TLS.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<AdminTls>,
}

/// Certificate of the admin API.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AdminTls {
    /// PEM chain, the server's certificate first.
    pub cert: PathBuf,
    /// PEM private key.
    pub key: PathBuf,
}

/// How bearer tokens that name subjects are verified.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Jwt {
    /// Key by reference, `file:PATH` or `env:NAME`: a PEM public key, for HS256 the secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Algorithm of `key`.
    #[serde(default)]
    pub algorithm: Algorithm,
    /// Read claims without verifying them: only where something in front of Cutover has verified
    /// them. Needed when there is no `key`.
    #[serde(default)]
    pub trust_unverified: bool,
}

/// Signature algorithms.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Algorithm {
    /// ECDSA on P-256 with SHA-256.
    #[default]
    ES256,
    /// RSA with SHA-256.
    RS256,
    /// Ed25519.
    EdDSA,
    /// HMAC with SHA-256: one secret for signer and verifier.
    HS256,
}

// === impl Server ===

impl Default for Server {
    fn default() -> Server {
        Server {
            workers: None,
            drain_ms: 30_000,
            upgrade_sock: None,
            forwarded: Forwarded::Off,
            forwarded_trust: Vec::new(),
            limits: ServerLimits::default(),
            timeouts: ServerTimeouts::default(),
        }
    }
}

impl Default for ServerLimits {
    fn default() -> ServerLimits {
        let limits = settings::Limits::default();
        ServerLimits {
            connections_max: whole(limits.connections_max),
            connections_per_address_max: whole(limits.connections_per_address_max),
            replay_bytes_max: whole(limits.replay_bytes_max),
        }
    }
}

impl Default for ServerTimeouts {
    fn default() -> ServerTimeouts {
        let limits = settings::Limits::default();
        ServerTimeouts {
            tunnel_idle_ms: millis(limits.tunnel_idle),
            upstream_idle_ms: millis(limits.upstream_idle),
            upstream_fresh_ms: millis(limits.upstream_fresh),
        }
    }
}

// === impl Store ===

impl Default for Store {
    fn default() -> Store {
        Store { url: "sqlite://cutover.db".to_owned(), state_file: None }
    }
}

// === impl Admin ===

impl Default for Admin {
    fn default() -> Admin {
        let listen = "127.0.0.1:9900".to_owned();
        Admin { listen, hosts: Vec::new(), token_file: None, override_key: None, tls: None }
    }
}

// === impl Algorithm ===

impl Algorithm {
    /// As JSON Web Algorithms name it (RFC 7518 §3.1).
    pub fn as_str(self) -> &'static str {
        match self {
            Algorithm::ES256 => "ES256",
            Algorithm::RS256 => "RS256",
            Algorithm::EdDSA => "EdDSA",
            Algorithm::HS256 => "HS256",
        }
    }
}

/// A default of the data plane as the files write it.
pub(super) fn whole(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// A default of the data plane as the files write it.
pub(super) fn millis(duration: std::time::Duration) -> u32 {
    u32::try_from(duration.as_millis()).unwrap_or(u32::MAX)
}
