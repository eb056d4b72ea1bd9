//! The internal listener: health, metrics, and the service's own internal endpoints.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::middleware;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::StatusCode;
use tokio::time::timeout;

use crate::drill::FaultSwitch;
use crate::identity::InternalToken;
use crate::metrics::Metrics;
use crate::problem::Problem;

/// A check that takes longer has failed.
const CHECK_TIMEOUT: Duration = Duration::from_secs(2);

type Check =
    Arc<dyn Fn() -> Pin<Box<dyn Future<Output = Result<(), String>> + Send>> + Send + Sync>;

/// Whether the service should get requests. Cheap to clone.
#[derive(Clone)]
pub struct Readiness {
    is_stopping: Arc<AtomicBool>,
    check: Check,
}

/// What the internal listener is made of.
pub(crate) struct Internal {
    pub(crate) readiness: Readiness,
    pub(crate) metrics: Metrics,
    pub(crate) token: InternalToken,
    pub(crate) faults: Option<FaultSwitch>,
    pub(crate) is_loopback: bool,
    /// The service's own `/internal/…`.
    pub(crate) routes: Router,
}

// === impl Readiness ===

impl Readiness {
    /// Ready while `check` succeeds, within 2 s, and the service is not stopping.
    ///
    /// The error is a low-detail reason: `/readyz` shows it to anyone.
    pub fn new<F>(check: impl Fn() -> F + Send + Sync + 'static) -> Readiness
    where
        F: Future<Output = Result<(), String>> + Send + 'static,
    {
        Readiness { is_stopping: Arc::default(), check: Arc::new(move || Box::pin(check())) }
    }

    pub(crate) fn begin_stop(&self) {
        self.is_stopping.store(true, Ordering::Relaxed);
    }

    async fn check(&self) -> Result<(), String> {
        if self.is_stopping.load(Ordering::Relaxed) {
            return Err("stopping".to_owned());
        }
        let checked = timeout(CHECK_TIMEOUT, (self.check)()).await;
        checked.unwrap_or_else(|_| Err(format!("no answer within {} s", CHECK_TIMEOUT.as_secs())))
    }
}

// === impl Internal ===

impl Internal {
    pub(crate) fn router(self) -> Router {
        let guarded = middleware::from_fn_with_state(self.token.clone(), InternalToken::require);
        let metrics =
            Router::new().route("/metrics", get(show_metrics)).with_state(self.metrics.clone());
        let metrics = if self.is_loopback { metrics } else { metrics.layer(guarded.clone()) };
        let faults = self.faults.map(|switch| switch.routes()).unwrap_or_default();
        let own = self.metrics.observe(self.routes.merge(faults)).layer(guarded);
        Router::new()
            .route("/livez", get(async || "ok\n"))
            .route("/readyz", get(readyz).with_state(self.readiness))
            .merge(metrics)
            .merge(own)
            .fallback(async || {
                Problem::new(StatusCode::NOT_FOUND, "not_found", "no such internal endpoint")
            })
            .method_not_allowed_fallback(async || {
                Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method", "see the Allow header")
            })
    }
}

async fn readyz(State(readiness): State<Readiness>) -> Response {
    match readiness.check().await {
        Ok(()) => "ready\n".into_response(),
        Err(why) => {
            (StatusCode::SERVICE_UNAVAILABLE, format!("not ready: {why}\n")).into_response()
        }
    }
}

async fn show_metrics(State(metrics): State<Metrics>) -> Response {
    metrics.show()
}
