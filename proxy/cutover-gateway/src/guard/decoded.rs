//! HTTP/2 request heads, judged after hyper decoded them, as strictly as HTTP/1 heads are.
//!
//! HTTP/2 frames leave no doubt about where a request ends, and h2 refuses connection-specific
//! fields and bodies that differ from `content-length` (RFC 9113 §8). But the next hop may speak
//! HTTP/1, and there a head that only HTTP/2 could carry would be read in two ways.

use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri, header, request::Parts};

use super::{
    Limits, Refusal,
    bytes::{is_path_and_query, split_authority, trim},
    head::{Authority, METHOD_BYTES_MAX},
    trailer,
};

/// Judges a head that hyper decoded from HTTP/2.
pub(crate) fn check_decoded(parts: &Parts, limits: &Limits) -> Result<(), Refusal> {
    if parts.method.as_str().len() > METHOD_BYTES_MAX {
        return Err(Refusal::Method);
    }
    if parts.method == Method::CONNECT {
        return Err(Refusal::Connect);
    }
    target(&parts.method, &parts.uri, limits)?;
    host(&parts.uri, &parts.headers)?;
    length(&parts.headers)?;
    let imitates = ["content_length", "transfer_encoding"];
    match imitates.iter().any(|name| parts.headers.contains_key(*name)) {
        true => Err(Refusal::FieldLookalike),
        false => Ok(()),
    }
}

/// Whether trailer fields that hyper decoded may pass.
pub(crate) fn check_trailers(trailers: &HeaderMap) -> Result<(), Refusal> {
    let mut names = trailers.keys().map(HeaderName::as_str);
    match names.any(|name| trailer::is_forbidden(name.as_bytes())) {
        true => Err(Refusal::TrailerForbidden),
        false => Ok(()),
    }
}

fn target(method: &Method, uri: &Uri, limits: &Limits) -> Result<(), Refusal> {
    let target = uri.path_and_query().map_or("", |target| target.as_str()).as_bytes();
    if target.len() > limits.target_bytes_max {
        return Err(Refusal::TargetTooLong);
    }
    match target {
        b"*" if method == Method::OPTIONS => Ok(()),
        [b'/', ..] if is_path_and_query(target) => Ok(()),
        _ => Err(Refusal::Target),
    }
}

/// One host, said once or twice alike (RFC 9113 §8.3.1).
fn host(uri: &Uri, headers: &HeaderMap) -> Result<(), Refusal> {
    let mut fields = headers.get_all(header::HOST).iter().map(HeaderValue::as_bytes);
    let (field, second) = (fields.next(), fields.next());
    if second.is_some() {
        return Err(Refusal::HostRepeated);
    }
    let scheme_port = if uri.scheme_str() == Some("https") { 443 } else { 80 };
    let parse = |host: &[u8]| Authority::parse(host, Some(scheme_port)).ok_or(Refusal::HostInvalid);
    let authority = uri.authority().map(|authority| authority.as_str().as_bytes());
    match (authority, field.map(trim)) {
        (None, None) => Err(Refusal::HostMissing),
        (Some(host), None) | (None, Some(host)) => {
            split_authority(host).map(drop).ok_or(Refusal::HostInvalid)
        }
        (Some(authority), Some(field)) if authority == field => parse(authority).map(drop),
        (Some(authority), Some(field)) => {
            (parse(authority)? == parse(field)?).then_some(()).ok_or(Refusal::AuthorityMismatch)
        }
    }
}

/// h2 compares only the first `content-length` with the body.
fn length(headers: &HeaderMap) -> Result<(), Refusal> {
    let mut fields = headers.get_all(header::CONTENT_LENGTH).iter();
    let Some(first) = fields.next() else {
        return Ok(());
    };
    if fields.next().is_some() {
        return Err(Refusal::LengthRepeated);
    }
    let digits = first.as_bytes();
    let is_number = (1..=19).contains(&digits.len()) && digits.iter().all(u8::is_ascii_digit);
    is_number.then_some(()).ok_or(Refusal::LengthInvalid)
}
