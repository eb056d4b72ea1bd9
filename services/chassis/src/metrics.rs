//! The service's metrics, and the layer that fills those of its requests.

use std::sync::atomic::{AtomicI64, AtomicU64};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use axum::Router;
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use cutover_telemetry::metrics::{CONTENT_TYPE, ConfigLabel, DURATION_SECONDS, encode};
use cutover_telemetry::service::trace_request;
use http::Method;
use http::header;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use crate::dry_run::Mode;

/// What `/metrics` shows. Cheap to clone; clones share their counts.
#[derive(Clone)]
pub struct Metrics {
    registry: Arc<Mutex<Registry>>,
    duration: Family<Answered, Histogram, fn() -> Histogram>,
    /// Of the proxy's copies, so that objectives of real requests stay clear of them.
    shadow_duration: Family<Answered, Histogram, fn() -> Histogram>,
    pub(crate) connections: Gauge<i64, AtomicI64>,
    pub(crate) requests_active: Gauge<i64, AtomicI64>,
    pub(crate) accept_errors: Counter<u64, AtomicU64>,
}

/// Every value comes from a closed set or from the routes, so clients cannot make the family grow.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answered {
    http_request_method: ConfigLabel,
    http_route: ConfigLabel,
    http_response_status_code: u16,
}

// === impl Metrics ===

impl Default for Metrics {
    fn default() -> Metrics {
        Metrics::new()
    }
}

impl Metrics {
    /// All at zero.
    pub fn new() -> Metrics {
        let histogram: fn() -> Histogram = || Histogram::new(DURATION_SECONDS);
        let metrics = Metrics {
            registry: Arc::default(),
            duration: Family::new_with_constructor(histogram),
            shadow_duration: Family::new_with_constructor(histogram),
            connections: Gauge::default(),
            requests_active: Gauge::default(),
            accept_errors: Counter::default(),
        };
        metrics.register(|registry| {
            registry.register_with_unit(
                "http_server_request_duration",
                "Time from a request's head to the head of its answer",
                Unit::Seconds,
                metrics.duration.clone(),
            );
            registry.register_with_unit(
                "http_server_shadow_request_duration",
                "The same of requests that the proxy sent as copies, whose writes are undone",
                Unit::Seconds,
                metrics.shadow_duration.clone(),
            );
            let active = metrics.requests_active.clone();
            registry.register("http_server_active_requests", "Public requests under way", active);
            let connections = metrics.connections.clone();
            registry.register("http_server_connections", "Public connections open", connections);
            let errors = metrics.accept_errors.clone();
            registry.register(
                "http_server_accept_errors",
                "Connections lost before a request",
                errors,
            );
        });
        metrics
    }

    /// Adds metrics of the service's own, for example those of its telemetry.
    pub fn register(&self, add: impl FnOnce(&mut Registry)) {
        add(&mut self.registry.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Gives every request of `router` a SERVER span, child of the caller's, and a duration.
    ///
    /// Put it around the routes themselves: only there is the template of the path known.
    pub fn observe(&self, router: Router) -> Router {
        router.layer(middleware::from_fn_with_state(self.clone(), observe))
    }

    pub(crate) fn show(&self) -> Response {
        let text = encode(&self.registry.lock().unwrap_or_else(PoisonError::into_inner));
        ([(header::CONTENT_TYPE, CONTENT_TYPE)], text).into_response()
    }
}

async fn observe(State(metrics): State<Metrics>, request: Request, next: Next) -> Response {
    let begin = Instant::now();
    let is_shadow = request.extensions().get().is_some_and(Mode::is_dry);
    let method = method_label(request.method());
    let template = request.extensions().get::<MatchedPath>().cloned();
    let template = template.as_ref().map(MatchedPath::as_str);
    let response = trace_request(template, request, |request| next.run(request)).await;
    let labels = Answered {
        http_request_method: ConfigLabel::from_config(method),
        http_route: ConfigLabel::from_config(template.unwrap_or("_unmatched")),
        http_response_status_code: response.status().as_u16(),
    };
    let duration = if is_shadow { &metrics.shadow_duration } else { &metrics.duration };
    duration.get_or_create(&labels).observe(begin.elapsed().as_secs_f64());
    response
}

/// Methods that RFC 9110 and RFC 5789 name; anything else is one label.
fn method_label(method: &Method) -> &'static str {
    const KNOWN: [&str; 9] =
        ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "TRACE"];
    KNOWN.into_iter().find(|known| *known == method.as_str()).unwrap_or("_OTHER")
}
