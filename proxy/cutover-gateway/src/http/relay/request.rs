//! The request that one attempt sends: head for the hop, body, and what becomes of 1xx answers.

use cutover_domain::OnFailure;
use http::{
    HeaderMap, HeaderValue, Method, Request, StatusCode, Uri, Version, header, uri::PathAndQuery,
};
use hyper::body::Body;

use super::Relay;
use crate::{
    guard::InterimHandle,
    http::headers,
    upstream::{AttemptError, Continue, Outgoing, Upstream},
};

impl Relay {
    /// The request for one attempt. Unless there may be another attempt, the parts move into it.
    ///
    /// hyper's notes on the fields' case always do if a failure would be the answer: another
    /// attempt is hardly ever made then, and does without.
    pub(super) fn request(
        &mut self,
        upstream: &Upstream,
        http2: bool,
        again: bool,
    ) -> Result<Request<Outgoing>, AttemptError> {
        let upload = self.exchange.upload.as_ref();
        let expects = upload.is_some() && self.parts.headers.contains_key(header::EXPECT);
        let gate = expects.then(Continue::default);
        let body = upload.map_or(Outgoing::Empty, |upload| upload.attempt(gate.clone()));
        let mut request = Request::new(body);
        *request.method_mut() = self.parts.method.clone();
        self.is_spent = !again;
        *request.headers_mut() = match again {
            true => self.parts.headers.clone(),
            false => std::mem::take(&mut self.parts.headers),
        };
        *request.extensions_mut() = match self.exchange.on_failure {
            OnFailure::PassOn => std::mem::take(&mut self.parts.extensions),
            _ => self.parts.extensions.clone(),
        };
        match http2 {
            true => self.address_http2(&mut request, upstream)?,
            false => self.address_http1(&mut request, upstream),
        }
        let span_id = self.exchange.trace.attempt(request.headers_mut());
        if let Some(attempt) = self.exchange.attempts.last_mut() {
            attempt.span_id = span_id;
        }
        self.pass_interim(&mut request, gate);
        Ok(request)
    }

    fn address_http1(&self, request: &mut Request<Outgoing>, upstream: &Upstream) {
        *request.uri_mut() = Uri::from(self.target());
        *request.version_mut() = Version::HTTP_11;
        // Without a length hyper takes these methods to have no body (RFC 9110 §9.3.1).
        let is_chunked = matches!(self.parts.method, Method::GET | Method::HEAD)
            && !request.body().is_end_stream()
            && request.body().size_hint().exact().is_none();
        let headers = request.headers_mut();
        if is_chunked {
            headers.insert(header::TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
        }
        headers::for_http1(headers, &self.parts.uri, self.parts.version);
        headers::ask_http1(headers, &self.hop);
        if !headers.contains_key(header::HOST)
            && let Ok(host) = HeaderValue::from_str(&upstream.authority())
        {
            headers.insert(header::HOST, host);
        }
    }

    fn address_http2(
        &self,
        request: &mut Request<Outgoing>,
        upstream: &Upstream,
    ) -> Result<(), AttemptError> {
        let own = upstream.authority();
        let authority = headers::authority(&self.parts.uri, request.headers()).unwrap_or(&own);
        let uri = Uri::builder().scheme(upstream.label.scheme.as_str()).authority(authority);
        *request.uri_mut() = uri.path_and_query(self.target()).build()?;
        *request.version_mut() = Version::HTTP_2;
        let headers = request.headers_mut();
        if headers.contains_key(header::HOST) {
            headers::retain(headers, |name, _| *name != header::HOST);
        }
        if self.hop.trailers {
            headers.insert(header::TE, HeaderValue::from_static("trailers"));
        }
        Ok(())
    }

    fn target(&self) -> PathAndQuery {
        let target = self.parts.uri.path_and_query();
        target.cloned().unwrap_or_else(|| PathAndQuery::from_static("/"))
    }

    /// Interim answers go to the client as they come; `100 Continue` opens the body's gate
    /// instead, at which hyper sends its own.
    fn pass_interim(&self, request: &mut Request<Outgoing>, gate: Option<Continue>) {
        let interim = self.interim();
        if gate.is_none() && interim.is_none() {
            return;
        }
        hyper::ext::on_informational(request, move |response| match (&gate, &interim) {
            (Some(gate), _) if response.status() == StatusCode::CONTINUE => gate.open(),
            (_, Some(interim)) => pass(interim, response.status(), response.headers()),
            (_, None) => {}
        });
    }

    /// Where this client takes interim answers, if it does.
    fn interim(&self) -> Option<InterimHandle> {
        let guard = self.exchange.connection.guard.as_ref()?;
        (self.parts.version >= Version::HTTP_11).then(|| guard.interim())
    }
}

fn pass(interim: &InterimHandle, status: StatusCode, headers: &HeaderMap) {
    let mut headers = headers.clone();
    headers::strip_response(&mut headers);
    // More than the queue takes is dropped: interim answers are advisory.
    let _ = interim.push_head(status, &headers);
}
