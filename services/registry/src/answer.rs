//! One public request as the contract wants it: an id of its own, the route, the dress.
//!
//! The dress goes on outside of the router, since axum itself adds `Allow` and `Content-Length`, and
//! the monolith's headers come before those.

use std::convert::Infallible;

use axum::Router;
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use chassis::PublicService;
use http::header::{CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, LOCATION, SERVER};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, Uri};
use tower::ServiceExt;

use crate::reply::{self, HTML, Refusal, RequestId};

const POWERED_BY: HeaderName = HeaderName::from_static("x-powered-by");
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Puts `router` behind the contract's common headers and errors.
pub(crate) fn service(router: Router) -> PublicService {
    PublicService::new(tower::service_fn(move |request| answer(router.clone(), request)))
}

async fn answer(router: Router, mut request: Request<Body>) -> Result<Response, Infallible> {
    let id = RequestId(format!("req-{:08x}", fastrand::u32(..)));
    let is_head = request.method() == Method::HEAD;
    request.extensions_mut().insert(id.clone());
    let response = router.oneshot(request).await?;
    Ok(dress(response, &id, is_head))
}

/// A path with a slash too many is sent to the one without; anything else is not there.
pub(crate) async fn unmatched(uri: Uri) -> Response {
    let Some(path) = uri.path().strip_suffix('/').filter(|path| !path.is_empty()) else {
        return (StatusCode::NOT_FOUND, [(CONTENT_TYPE, HTML)], NOT_FOUND).into_response();
    };
    let location = uri.query().map_or(path.to_owned(), |query| format!("{path}?{query}"));
    let headers = [(CONTENT_TYPE, HTML), (LOCATION, reply::header_value(&location))];
    (StatusCode::MOVED_PERMANENTLY, headers, MOVED).into_response()
}

const NOT_FOUND: &str =
    "<html><head><title>404 Not Found</title></head><body><h1>Not Found</h1></body></html>\n";
const MOVED: &str = "<html><head><title>301 Moved Permanently</title></head><body><h1>Moved Permanently</h1></body></html>\n";

/// The house's headers first, then those of the answer; errors get their body.
fn dress(response: Response, id: &RequestId, is_head: bool) -> Response {
    let (mut parts, mut body) = response.into_parts();
    let mut headers = HeaderMap::new();
    headers.insert(SERVER, HeaderValue::from_static("Apache/2.2.15 (HomeHub)"));
    headers.insert(POWERED_BY, HeaderValue::from_static("PHP/5.3.3"));
    headers.insert(REQUEST_ID, reply::header_value(&id.0));
    if let Some(refusal) = parts.extensions.remove::<Refusal>() {
        let text = refusal.body(id);
        headers.extend(reply::error_headers());
        if refusal.closes {
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        parts.headers.insert(CONTENT_LENGTH, HeaderValue::from(text.len()));
        body = if is_head { Body::empty() } else { Body::from(text) };
    }
    for (name, value) in &parts.headers {
        headers.append(name, value.clone());
    }
    parts.headers = headers;
    Response::from_parts(parts, body)
}
