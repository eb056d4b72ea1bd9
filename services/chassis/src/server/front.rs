//! One public request from head to last byte: access log, fault, the service.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use http::{HeaderName, HeaderValue, Request, Response, StatusCode};
use hyper::body::Incoming;
use tokio::sync::Semaphore;
use tower::ServiceExt;
use tower::util::BoxCloneSyncService;

use super::wire::WireHandle;
use crate::access_log::{AccessLog, Logged};
use crate::drill::{Fault, FaultSwitch};
use crate::dry_run::Mode;
use crate::metrics::Metrics;

/// What answers requests: an `axum::Router`, or anything around one.
pub type PublicService = BoxCloneSyncService<Request<Body>, Response<Body>, Infallible>;

/// What all connections of a listener share.
#[derive(Clone)]
pub(crate) struct Front {
    pub(crate) service: PublicService,
    pub(crate) access_log: AccessLog,
    pub(crate) faults: FaultSwitch,
    pub(crate) metrics: Metrics,
    /// Requests handled at once; the next one waits.
    pub(crate) slots: Arc<Semaphore>,
    pub(crate) honours_dry_run: bool,
    pub(crate) build: Option<HeaderValue>,
}

/// See [`super::Config::build`].
const BUILD: HeaderName = HeaderName::from_static("cutover-build");

impl Front {
    pub(crate) async fn answer(
        mut self,
        mut request: Request<Incoming>,
        wire: WireHandle,
    ) -> Response<Body> {
        let mut entry = self.access_log.begin(request.method(), request.uri().path());
        let mode = Mode::of(request.headers(), self.honours_dry_run);
        entry.is_shadow = mode.is_dry();
        let build = self.build.take().filter(|_| mode.is_dry());
        request.extensions_mut().insert(mode.clone());
        let method = request.method().clone();
        self.metrics.requests_active.inc();
        let _active = Active(self.metrics.clone());
        let mut response = match self.fault(&wire).await {
            Some(response) => response,
            None => self.serve(request).await,
        };
        mode.tell(&method, &mut response);
        if let Some(build) = build {
            response.headers_mut().insert(BUILD, build);
        }
        entry.status = response.status().as_u16();
        response.map(|body| Body::new(Logged { body, entry }))
    }

    async fn serve(self, request: Request<Incoming>) -> Response<Body> {
        let _slot = self.slots.acquire().await.expect("the semaphore is never closed");
        let answered = self.service.oneshot(request.map(Body::new)).await;
        answered.unwrap_or_else(|never| match never {})
    }

    /// Does what the fault in force asks for; a response replaces the service's.
    async fn fault(&self, wire: &WireHandle) -> Option<Response<Body>> {
        match self.faults.get() {
            Fault::None | Fault::Refuse => None,
            Fault::Status { status } => {
                let mut response = Response::new(Body::from("a drill\n"));
                *response.status_mut() = StatusCode::from_u16(status).ok()?;
                Some(response)
            }
            Fault::Latency { ms } => {
                tokio::time::sleep(Duration::from_millis(ms)).await;
                None
            }
            Fault::Hang => std::future::pending().await,
            Fault::CutOff { bytes } => {
                wire.arm(bytes);
                None
            }
        }
    }
}

struct Active(Metrics);

impl Drop for Active {
    fn drop(&mut self) {
        self.0.requests_active.dec();
    }
}
