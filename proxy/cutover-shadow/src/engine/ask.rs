//! Asking about one copy: the candidate and, for some, legacy a second time.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use cutover_domain::{
    Exchange, ShadowSpec, Side, WriteClass,
    exchange::{Budget, Copied, Credentials, Dropped, RESPONSE_BYTES_MAX, ResponseCopy},
};
use cutover_telemetry::context::TraceContext;
use http::{Request, Uri};
use http_body_util::Full;
use tower::Service;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::tell_given_up;
use crate::{
    headers,
    jar::{JarKey, Jars},
    judge::Asked,
    lane::{Bounds, Call, Failure, Fault, Lane, Reply, Stack},
    route::Route,
    traces::{CallTrace, Trace, Traced},
};

/// Longest body that is read to its end, in bytes.
const BODY_BYTES_MAX: u64 = 16 * 1024 * 1024;
/// Keep the hashes of one request apart that decide different things.
const SEED_NOISE: u64 = 1;
const SEED_ORDER: u64 = 2;

/// All that asking about one copy needs.
pub(super) struct Asking {
    pub(super) exchange: Exchange,
    pub(super) trace: Trace,
    pub(super) candidate: Lane,
    pub(super) legacy: Lane,
    pub(super) jars: Arc<Jars>,
    pub(super) budget: Budget,
    pub(super) within: Duration,
}

// === impl Asking ===

impl Asking {
    /// How the exchange's route is copied.
    pub(super) fn spec(exchange: &Exchange) -> Option<&ShadowSpec> {
        exchange.table.routes[exchange.route].spec.shadow.as_ref()
    }

    /// Asks; fails only for a reason of ours.
    pub(super) async fn run(self, route: &Route) -> Result<Asked, Dropped> {
        let give_up = |reason| {
            tell_given_up(route, &self.trace, &self.exchange, reason);
            reason
        };
        let mut turn = self.candidate.ready().await.map_err(give_up)?;
        // The second call waits for nothing: one that came later than the first would show more
        // noise than there is.
        let reference = self.wants_reference(route).then(|| self.legacy.ready_now()).flatten();
        let mut traced = Traced::new(&self.trace);
        let Some(call) = self.call(self.credentials(), &traced.call.context, self.body_bytes_max())
        else {
            // It was a request to the side that served it, so hyper reads its target: only a
            // candidate's client would not, and there is only this one.
            let reply = Err(Fault::Protocol);
            return Ok(Asked { exchange: self.exchange, reply, reference: None, traced });
        };
        let (reply, reference) = match reference {
            None => (traced.call.time(turn.call(call)).await, None),
            Some(second) => {
                // Boxed, since most copies have no second call, and all would be as large.
                let both = Box::pin(self.both(turn, call, second, &mut traced, route));
                let (reply, reference) = both.await;
                (reply, reference.ok())
            }
        };
        route.metrics.called(self.exchange.candidate, &reply);
        let reply = match reply {
            Ok(reply) => {
                self.keep_cookies(&reply);
                Ok(reply)
            }
            Err(Failure::Theirs(fault)) => Err(fault),
            Err(Failure::Ours(reason)) => return Err(give_up(reason)),
        };
        Ok(Asked { exchange: self.exchange, reply, reference, traced })
    }

    /// Both calls at once; which one is first is chosen by hash, so that neither side is always
    /// asked of a busier machine.
    async fn both(
        &self,
        mut first: Stack,
        call: Call,
        mut second: Stack,
        traced: &mut Traced,
        route: &Route,
    ) -> (Result<Reply, Failure>, Result<Reply, Failure>) {
        // Legacy has seen these credentials already, and without them its answer is another.
        let credentials = match self.exchange.candidate {
            Side::New => Credentials::Forward,
            Side::Legacy => self.credentials(),
        };
        let reference = CallTrace::new(&self.trace);
        let Some(again) = self.call(credentials, &reference.context, BODY_BYTES_MAX) else {
            let reply = traced.call.time(first.call(call)).await;
            return (reply, Err(Failure::Theirs(Fault::Protocol)));
        };
        let reference = traced.reference.insert(reference);
        // Each is made when it is first polled.
        let first = traced.call.time(async { first.call(call).await });
        let second = reference.time(async { second.call(again).await });
        let (reply, reference) = match self.hash(SEED_ORDER) & 1 {
            0 => tokio::join!(first, second),
            _ => {
                let (reference, reply) = tokio::join!(second, first);
                (reply, reference)
            }
        };
        route.metrics.called(Side::Legacy, &reference);
        (reply, reference)
    }

    /// Whether legacy is asked a second time: never what might change something.
    fn wants_reference(&self, route: &Route) -> bool {
        let spec = &self.exchange.table.routes[self.exchange.route].spec;
        let Some(shadow) = &spec.shadow else { return false };
        let hash = self.hash(SEED_NOISE);
        spec.write_class() == WriteClass::Safe
            && route.with_parity(|parity| parity.wants_reference(hash, shadow.noise))
    }

    fn credentials(&self) -> Credentials {
        Asking::spec(&self.exchange).map(|shadow| shadow.credentials).unwrap_or_default()
    }

    /// A candidate whose answer is over the cap when legacy's is not has failed: no more of it is
    /// read.
    fn body_bytes_max(&self) -> u64 {
        match (self.exchange.candidate, &self.exchange.response) {
            (Side::New, Some(ResponseCopy { body: Copied::Whole(_), .. }) | None) => {
                RESPONSE_BYTES_MAX as u64
            }
            (Side::New | Side::Legacy, _) => BODY_BYTES_MAX,
        }
    }

    fn call(
        &self,
        credentials: Credentials,
        trace: &TraceContext,
        body_bytes_max: u64,
    ) -> Option<Call> {
        let copy = &self.exchange.request;
        let cookies = || self.jars.cookies(&self.jar(), &copy.target, SystemTime::now());
        let cookies = (credentials == Credentials::Session).then(cookies).flatten();
        let mut request = Request::new(Full::new(copy.body.clone()));
        *request.method_mut() = copy.method.clone();
        *request.uri_mut() = Uri::try_from(&*copy.target).ok()?;
        *request.headers_mut() = headers::outgoing(&self.exchange, credentials, cookies, trace);
        let bounds = Bounds { body_bytes_max, budget: self.budget.clone() };
        Some(Call { request, within: self.within, bounds })
    }

    fn keep_cookies(&self, reply: &Reply) {
        if self.credentials() == Credentials::Session {
            let target = &self.exchange.request.target;
            self.jars.store(&self.jar(), target, &reply.headers, SystemTime::now());
        }
    }

    fn jar(&self) -> JarKey {
        let upstream = self.candidate.upstream.name.clone();
        JarKey { upstream, subject: self.exchange.subject }
    }

    /// A hash of the request: of its trace, which is random.
    fn hash(&self, seed: u64) -> u64 {
        xxh3_64_with_seed(&self.exchange.trace.trace_id.to_le_bytes(), seed)
    }
}
