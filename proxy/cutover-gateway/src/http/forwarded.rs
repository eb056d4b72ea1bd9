//! `X-Forwarded-*` and `Forwarded`, by option.

use std::net::IpAddr;

use cutover_telemetry::span::Scheme;
use http::{HeaderMap, HeaderName, HeaderValue, header, request::Parts};

use super::headers::{authority, retain};
use crate::settings::{Forwarded, Settings};

const PREFIX: &str = "x-forwarded-";
const FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// Tells an upstream whom it is serving. What an untrusted client claims, in either form, is
/// taken away; what a trusted proxy says is kept and added to.
pub(crate) fn set(parts: &mut Parts, settings: &Settings, peer: IpAddr, scheme: Scheme) {
    if settings.forwarded == Forwarded::Off {
        return;
    }
    let authority = authority(&parts.uri, &parts.headers).map(str::to_owned);
    let headers = &mut parts.headers;
    let is_claim =
        |name: &HeaderName| name.as_str().starts_with(PREFIX) || *name == header::FORWARDED;
    let trusted = settings.forwarded_trust.iter().any(|net| net.contains(peer));
    if !trusted && headers.keys().any(is_claim) {
        retain(headers, |name, _| !is_claim(name));
    }
    let peer = peer.to_canonical();
    match settings.forwarded {
        Forwarded::Off => {}
        Forwarded::XForwarded => {
            append(headers, FOR, &peer.to_string());
            add(headers, HOST, authority.as_deref());
            add(headers, PROTO, Some(scheme.as_str()));
        }
        Forwarded::Rfc7239 => {
            let node = match peer {
                IpAddr::V4(address) => address.to_string(),
                IpAddr::V6(address) => format!("\"[{address}]\""),
            };
            let host = authority.map(|host| format!(";host=\"{host}\"")).unwrap_or_default();
            let element = format!("for={node}{host};proto={}", scheme.as_str());
            append(headers, header::FORWARDED, &element);
        }
    }
}

/// Sets a field that nobody in front has set.
fn add(headers: &mut HeaderMap, name: HeaderName, value: Option<&str>) {
    if let Some(Ok(value)) = value.map(HeaderValue::from_str)
        && !headers.contains_key(&name)
    {
        headers.insert(name, value);
    }
}

/// Adds an element to a list that may be spread over several fields.
fn append(headers: &mut HeaderMap, name: HeaderName, element: &str) {
    let earlier = headers.get_all(&name).iter().filter_map(|value| value.to_str().ok());
    let list = earlier.chain([element]).collect::<Vec<_>>().join(", ");
    if let Ok(value) = HeaderValue::from_str(&list) {
        headers.insert(name, value);
    }
}

#[cfg(test)]
mod tests;
