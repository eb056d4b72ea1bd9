//! From a request to its endpoint and back: names, token, body, handler, answer.

use std::{net::IpAddr, pin::Pin, sync::Arc, time::Duration};

use axum::{
    Router,
    body::Body,
    extract::RawPathParams,
    response::{IntoResponse, Response},
    routing::on,
};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::de::DeserializeOwned;

use super::{
    Admin,
    auth::{Caller, authorise, check_names},
    console,
    endpoints::{Endpoint, endpoints},
    failure::Failure,
    locked,
    query::Query,
    reply::Reply,
    server::Peer,
};
use crate::{codes::Code, truth::Author};

/// A request's body must arrive within this.
pub(super) const BODY_TIMEOUT: Duration = Duration::from_secs(10);
/// No answer takes longer, waiting included.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(90);

/// A request that passed the gate.
#[derive(Debug)]
pub(super) struct Call {
    /// Who asks; `None` where no token was needed.
    caller: Option<Caller>,
    /// The path's parameter, decoded; empty if it has none.
    pub(super) id: String,
    pub(super) query: Query,
    body: Bytes,
    pub(super) accept: Option<String>,
}

/// What a handler does.
pub(super) type Handling = Pin<Box<dyn Future<Output = Result<Reply, Failure>> + Send>>;

/// Every endpoint of the table, and nothing else.
pub(super) fn router(admin: Arc<Admin>) -> Router {
    let mut router = console::router(&admin);
    for endpoint in endpoints() {
        let admin = admin.clone();
        let path = endpoint.path;
        let filter = endpoint.method.clone().try_into().expect("the table has standard methods");
        let handler = move |params: RawPathParams, request: Request<Body>| async move {
            let id = params.iter().next().map(|(_, value)| value.to_owned());
            rescue(answer(&admin, &endpoint, id.unwrap_or_default(), request).await)
        };
        router = router.route(path, on(filter, handler));
    }
    let lost = {
        let admin = admin.clone();
        move |request: Request<Body>| async move {
            let message = format!("there is nothing at `{}`", request.uri().path());
            refuse(&admin, &request, Failure::new(Code::NotFound, message))
        }
    };
    let wrong_method = move |request: Request<Body>| async move {
        let message = format!("`{}` does not take {}", request.uri().path(), request.method());
        refuse(&admin, &request, Failure::new(Code::MethodNotAllowed, message))
    };
    router.fallback(lost).method_not_allowed_fallback(wrong_method)
}

async fn answer(
    admin: &Arc<Admin>,
    endpoint: &Endpoint,
    id: String,
    request: Request<Body>,
) -> Result<Reply, Failure> {
    let (parts, body) = request.into_parts();
    check_names(&admin.place, &parts.headers)?;
    let caller = admit(admin, endpoint, &parts)?;
    let known: Vec<&str> = endpoint.query.iter().map(|param| param.name).collect();
    let query = Query::parse(parts.uri.query(), &known)?;
    let body = match &endpoint.body {
        Some(expected) => read(&parts.headers, body, expected.bytes_max).await?,
        None => Bytes::new(),
    };
    let accept = parts.headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
    let call = Call { caller, id, query, body, accept: accept.map(str::to_owned) };
    let handling = (endpoint.handler)(admin.clone(), call);
    // A task of its own: a client that goes away must not stop a move halfway.
    let handling = tokio::spawn(handling);
    match tokio::time::timeout(ANSWER_TIMEOUT, handling).await {
        Ok(Ok(result)) => result,
        Ok(Err(_)) => Err(Failure::new(Code::Internal, "answering the request panicked")),
        Err(_) => Err(Failure::new(Code::RequestTimeout, "the request was not answered in time")),
    }
}

/// Asks for the token, and counts failures.
fn admit(
    admin: &Admin,
    endpoint: &Endpoint,
    parts: &http::request::Parts,
) -> Result<Option<Caller>, Failure> {
    let peer = peer(parts)?;
    let view = admin.parts.controller.view();
    let now_ms = admin.parts.controller.now_ms();
    let tokens = &view.truth.tokens;
    let admitted = authorise(endpoint.access, &admin.place, peer, &parts.headers, tokens, now_ms);
    admitted.map_err(|failure| {
        if failure.code() == Code::RoleTooLow {
            return failure;
        }
        match locked(&admin.failures).note(peer, now_ms) {
            Ok(()) => failure,
            Err(seconds) => {
                let message = "too many requests with missing or wrong tokens from this address";
                Failure::new(Code::TooManyFailures, message).retry_after(seconds)
            }
        }
    })
}

/// The address of whoever sent the request.
pub(super) fn peer(parts: &http::request::Parts) -> Result<IpAddr, Failure> {
    let peer = parts.extensions.get::<Peer>().map(|peer| peer.0.ip());
    peer.ok_or_else(|| Failure::new(Code::Internal, "a request from nowhere"))
}

async fn read(headers: &HeaderMap, body: Body, bytes_max: usize) -> Result<Bytes, Failure> {
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = content_type.unwrap_or_default().split(';').next().unwrap_or_default().trim();
    if !essence.eq_ignore_ascii_case("application/json") {
        let message = "the body must be `application/json`";
        return Err(Failure::new(Code::UnsupportedMediaType, message).at("Content-Type"));
    }
    let collected = Limited::new(body, bytes_max).collect();
    match tokio::time::timeout(BODY_TIMEOUT, collected).await {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => {
            let message = format!("the body is larger than {bytes_max} bytes");
            Err(Failure::new(Code::BodyTooLarge, message))
        }
        Ok(Err(error)) => {
            let message = format!("the body did not arrive whole: {error}");
            Err(Failure::new(Code::BadRequest, message))
        }
        Err(_) => Err(Failure::new(Code::RequestTimeout, "the body did not arrive in time")),
    }
}

/// What is nowhere in the table still checks names, so that pages of others learn nothing.
fn refuse(admin: &Admin, request: &Request<Body>, failure: Failure) -> Response {
    let wrong_method = failure.code() == Code::MethodNotAllowed;
    let mut response =
        rescue(check_names(&admin.place, request.headers()).and(Err::<Reply, _>(failure)));
    if wrong_method && let Ok(allow) = HeaderValue::from_str(&allowed(request.uri().path())) {
        response.headers_mut().insert(header::ALLOW, allow);
    }
    response
}

/// The methods of a path in the table.
fn allowed(path: &str) -> String {
    let same = |template: &str| {
        let (mut ours, mut theirs) = (template.split('/'), path.split('/'));
        let parts = ours.by_ref().zip(theirs.by_ref());
        let mut parts = parts.filter(|(ours, theirs)| !ours.starts_with('{') && ours != theirs);
        parts.next().is_none() && template.split('/').count() == path.split('/').count()
    };
    let ours = endpoints().into_iter().map(|endpoint| (endpoint.path, endpoint.method));
    let methods = ours.chain(console::methods()).filter(|(path, _)| same(path));
    let mut methods: Vec<Method> = methods.map(|(_, method)| method).collect();
    if methods.contains(&Method::GET) {
        methods.push(Method::HEAD);
    }
    methods.iter().map(Method::as_str).collect::<Vec<_>>().join(", ")
}

/// The one rescue point.
fn rescue(result: Result<Reply, Failure>) -> Response {
    match result {
        Ok(reply) => reply.into_response(),
        Err(failure) => failure.into_response(),
    }
}

// === impl Call ===

impl Call {
    /// Whoever asks, as the author of what follows.
    pub(super) fn author(&self) -> Result<Author, Failure> {
        let caller = self.caller()?;
        Ok(Author::token(caller.name.clone(), caller.role))
    }

    pub(super) fn caller(&self) -> Result<&Caller, Failure> {
        let missing = || Failure::new(Code::Unauthenticated, "the request carries no token");
        self.caller.as_ref().ok_or_else(missing)
    }

    /// The body as `T`; an empty one as `{}`.
    pub(super) fn json<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        let body: &[u8] = if self.body.is_empty() { b"{}" } else { &self.body };
        serde_json::from_slice(body).map_err(|error| {
            Failure::new(Code::BadRequest, format!("the body is not as expected: {error}"))
                .at("body")
        })
    }
}
