//! What the data plane is told: listeners, limits, keys. Typed and checked before it gets here;
//! nothing in this crate reads files but for certificates.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use cutover_telemetry::IpNet;

use crate::{guard::GuardConfig, jwt::JwtKey, overrides::OverrideKey, tls::TlsFiles};

/// Everything the data plane is told, but for routes and upstreams, which come as a
/// [`cutover_domain::RouteTable`].
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where to listen. Addresses are fixed for the life of the process.
    pub listeners: Vec<ListenerSettings>,
    /// Bounds for the whole process.
    pub limits: Limits,
    /// Verifies `Cutover-Override`; `None`: overrides are ignored.
    pub override_key: Option<OverrideKey>,
    /// Verifies bearer tokens that name subjects; `None`: see `jwt_trust_unverified`.
    pub jwt_key: Option<JwtKey>,
    /// Read claims of bearer tokens without verifying them: only where something in front has
    /// verified them.
    pub jwt_trust_unverified: bool,
    /// Which forwarding headers upstreams get.
    pub forwarded: Forwarded,
    /// Networks whose `Forwarded` and `X-Forwarded-*` are kept and added to; from elsewhere they
    /// are replaced. Only read when `forwarded` is not [`Forwarded::Off`].
    pub forwarded_trust: Vec<IpNet>,
    /// Answer with `traceresponse` and `Server-Timing`. Default off.
    pub trace_respond: bool,
    /// How long a drain waits for requests in flight. Default 30 s.
    pub drain: Duration,
}

/// One listening address.
#[derive(Clone, Debug)]
pub struct ListenerSettings {
    /// Where to listen; port 0 picks a free one.
    pub address: SocketAddr,
    /// Name of the upstream that serves what matches no route; `None`: the table's default.
    pub default: Option<String>,
    /// TLS; `None`: cleartext.
    pub tls: Option<TlsFiles>,
    /// Take HTTP/2 by prior knowledge beside HTTP/1.1 in cleartext.
    pub http2_cleartext: bool,
    /// What the HTTP/1 guard allows.
    pub guard: GuardConfig,
    /// What HTTP/2 clients may do.
    pub http2: Http2Limits,
    /// Longest request body in bytes; `None`: unbounded (streamed in bounded memory).
    pub body_bytes_max: Option<u64>,
    /// A client that closes its sending half still gets its answer; by default that aborts.
    pub half_close: bool,
}

/// Bounds of HTTP/2 connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Http2Limits {
    /// Streams at once on one connection. Default 100.
    pub streams_max: u32,
    /// Bytes of one header list, as RFC 9113 §6.5.2 counts them. Default 32 KiB.
    pub header_list_bytes_max: u32,
    /// Streams reset by the client before they were served; beyond, the connection is closed
    /// (CVE-2023-44487). Default 20.
    pub pending_resets_max: usize,
    /// Streams reset by us because of the client's errors (CVE-2025-8671). Default 1,024.
    pub local_resets_max: usize,
    /// Streams that the client gave up within a second and before their answer: beyond, and if
    /// they are the most of all, the connection is closed. Each costs an upstream a connection,
    /// and h2 counts none that it has handed to us. Default 500.
    pub premature_resets_max: usize,
    /// Largest amount of one answer kept unsent, in bytes. Default 64 KiB.
    pub send_buffer_bytes: usize,
    /// Silence after which a ping checks the client. Default 30 s.
    pub ping: Duration,
    /// How long the answer to a ping may take. Default 20 s.
    pub ping_timeout: Duration,
}

/// Bounds for the whole process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Threads that serve. Default 2.
    pub workers: usize,
    /// Clients' connections at once. Default 8,192.
    pub connections_max: usize,
    /// Of these, from one address, or one /64 of IPv6. Default 2,048.
    pub connections_per_address_max: usize,
    /// A request body up to this size can be sent a second time, in bytes. Default 64 KiB.
    pub replay_bytes_max: usize,
    /// Silence after which an upgraded connection is closed. Default 1 h.
    pub tunnel_idle: Duration,
    /// How long an idle connection to an upstream is kept. Default 10 s.
    pub upstream_idle: Duration,
    /// A request that is not idempotent goes only to connections idle for less than this, so
    /// that it seldom meets one that the upstream is about to close. Default 1 s.
    pub upstream_fresh: Duration,
}

/// Which forwarding headers upstreams get.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Forwarded {
    /// None are added; the client's pass as they came.
    #[default]
    Off,
    /// `X-Forwarded-For`, `X-Forwarded-Host`, `X-Forwarded-Proto`.
    XForwarded,
    /// `Forwarded` (RFC 7239).
    Rfc7239,
}

/// How a process takes over the listening sockets of the one before it.
#[derive(Clone, Debug)]
pub struct HandOverSocket(pub PathBuf);

// === impl Settings ===

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            listeners: Vec::new(),
            limits: Limits::default(),
            override_key: None,
            jwt_key: None,
            jwt_trust_unverified: false,
            forwarded: Forwarded::Off,
            forwarded_trust: Vec::new(),
            trace_respond: false,
            drain: Duration::from_secs(30),
        }
    }
}

// === impl ListenerSettings ===

impl ListenerSettings {
    /// A cleartext HTTP/1.1 listener with every default.
    pub fn http(address: SocketAddr) -> ListenerSettings {
        ListenerSettings {
            address,
            default: None,
            tls: None,
            http2_cleartext: false,
            guard: GuardConfig::default(),
            http2: Http2Limits::default(),
            body_bytes_max: None,
            half_close: false,
        }
    }
}

// === impl Http2Limits ===

impl Default for Http2Limits {
    fn default() -> Http2Limits {
        Http2Limits {
            streams_max: 100,
            header_list_bytes_max: 32 * 1024,
            pending_resets_max: 20,
            local_resets_max: 1024,
            premature_resets_max: 500,
            send_buffer_bytes: 64 * 1024,
            ping: Duration::from_secs(30),
            ping_timeout: Duration::from_secs(20),
        }
    }
}

// === impl Limits ===

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            workers: 2,
            connections_max: 8192,
            connections_per_address_max: 2048,
            replay_bytes_max: 64 * 1024,
            tunnel_idle: Duration::from_secs(3600),
            upstream_idle: Duration::from_secs(10),
            upstream_fresh: Duration::from_secs(1),
        }
    }
}
