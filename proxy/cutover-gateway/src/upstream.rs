//! Upstreams: connections made, kept and used again.
//!
//! Each worker thread keeps its own idle connections, so that taking and returning one needs no
//! lock and a connection never moves between threads.

mod body;
mod connect;
mod h1;
mod place;
mod pool;
mod request;
mod rest;
mod wire;

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU32, AtomicUsize, Ordering},
    },
    time::Duration,
};

use cutover_domain as domain;
use cutover_telemetry::{
    metrics::ConfigLabel,
    span::{Scheme, UpstreamLabel},
};
use hyper::client::conn::http2;
use prometheus_client::metrics::{counter::Counter, gauge::Gauge};
use tokio::sync::Semaphore;

pub use self::connect::TlsError;
use self::h1::H1;
pub(crate) use self::{
    body::{BodyFault, Continue, Outgoing, Upload},
    connect::ConnectError,
    place::PLACE_WANTED,
    pool::{Reuse, sweep},
    request::{AttemptError, Delivery, Lease, reserve},
    rest::{Rest, WaitsFor},
};
use crate::{
    metrics::{GatewayMetrics, UpstreamLabelSet},
    settings::Limits,
};

/// An upstream in use.
#[derive(Debug)]
pub(crate) struct Upstream {
    /// Unique in this process; a changed upstream gets a new one, and so new connections.
    pub(crate) id: u32,
    pub(crate) spec: domain::Upstream,
    pub(crate) label: Arc<UpstreamLabel>,
    tls: Option<(Arc<rustls::ClientConfig>, rustls::pki_types::ServerName<'static>)>,
    /// Set if the host is an address, so that no name needs to be resolved.
    address: Option<SocketAddr>,
    places: Arc<Semaphore>,
    /// Requests that wait for a place.
    waiting: Arc<AtomicUsize>,
    idle: Duration,
    fresh: Duration,
    connections: Gauge,
    connects: Counter,
    connect_failures: Counter,
}

/// A connection, or the way to one that is shared.
enum Sender {
    H1(H1),
    H2(Shared),
}

/// An HTTP/2 connection, which carries many requests at once.
#[derive(Clone)]
struct Shared {
    sender: http2::SendRequest<Outgoing>,
    /// Held by each request and once by the pool.
    holders: Arc<()>,
}

/// A connection ready for a request.
pub(crate) struct Ready {
    sender: Sender,
    peer: SocketAddr,
    /// It has served a request before.
    reused: bool,
}

// === impl Upstream ===

impl Upstream {
    /// Prepares an upstream; reads its certificate files.
    pub(crate) fn new(
        spec: &domain::Upstream,
        limits: &Limits,
        metrics: &GatewayMetrics,
    ) -> Result<Upstream, TlsError> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let label = UpstreamLabelSet { upstream: ConfigLabel::from_config(&spec.name) };
        let is_tls = spec.scheme == domain::Scheme::Https;
        Ok(Upstream {
            id: NEXT.fetch_add(1, Ordering::Relaxed),
            tls: is_tls.then(|| connect::tls(spec)).transpose()?,
            address: spec.host.parse().ok().map(|ip| SocketAddr::new(ip, spec.port)),
            places: Arc::new(Semaphore::new(spec.connections_max.max(1) as usize)),
            waiting: Arc::default(),
            idle: limits.upstream_idle,
            fresh: limits.upstream_fresh,
            connections: metrics.upstream_connections.get_or_create_owned(&label),
            connects: metrics.upstream_connects.get_or_create_owned(&label),
            connect_failures: metrics.upstream_connect_failures.get_or_create_owned(&label),
            label: Arc::new(UpstreamLabel {
                name: spec.name.as_str().into(),
                scheme: if is_tls { Scheme::Https } else { Scheme::Http },
                address: spec.host.as_str().into(),
                port: spec.port,
            }),
            spec: spec.clone(),
        })
    }

    /// Its own `host:port`, for requests that name none.
    pub(crate) fn authority(&self) -> String {
        let (host, port) = (&self.spec.host, self.spec.port);
        match host.contains(':') {
            true => format!("[{host}]:{port}"),
            false => format!("{host}:{port}"),
        }
    }

    /// Cleartext HTTP/2 by prior knowledge.
    pub(crate) fn is_http2_only(&self) -> bool {
        self.spec.scheme == domain::Scheme::H2c
    }
}

/// Whether an upstream's TLS can be set up, without connecting.
pub fn check_tls(spec: &domain::Upstream) -> Result<(), TlsError> {
    connect::tls(spec).map(|_| ())
}
