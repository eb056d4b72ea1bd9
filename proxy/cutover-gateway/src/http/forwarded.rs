//! `X-Forwarded-*` and `Forwarded`, by option.

use std::net::IpAddr;

use cutover_telemetry::span::Scheme;
use http::{HeaderMap, HeaderName, HeaderValue, header};

use crate::settings::{Forwarded, Settings};

const FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// Tells an upstream whom it is serving. What an untrusted client claims is replaced; what a
/// trusted proxy says is kept and added to.
pub(crate) fn set(
    headers: &mut HeaderMap,
    settings: &Settings,
    peer: IpAddr,
    authority: Option<&str>,
    scheme: Scheme,
) {
    let trusted = settings.forwarded_trust.iter().any(|net| net.contains(peer));
    let peer = peer.to_canonical();
    match settings.forwarded {
        Forwarded::Off => {}
        Forwarded::XForwarded => {
            append(headers, FOR, trusted, &peer.to_string());
            for (name, value) in [(HOST, authority.unwrap_or("")), (PROTO, scheme.as_str())] {
                if !(trusted && headers.contains_key(&name))
                    && let Ok(value) = HeaderValue::from_str(value)
                {
                    headers.insert(name, value);
                }
            }
        }
        Forwarded::Rfc7239 => {
            let node = match peer {
                IpAddr::V4(address) => address.to_string(),
                IpAddr::V6(address) => format!("\"[{address}]\""),
            };
            let host = authority.map(|host| format!(";host=\"{host}\"")).unwrap_or_default();
            let element = format!("for={node}{host};proto={}", scheme.as_str());
            append(headers, header::FORWARDED, trusted, &element);
        }
    }
}

fn append(headers: &mut HeaderMap, name: HeaderName, trusted: bool, element: &str) {
    let earlier: Vec<&str> = match trusted {
        true => headers.get_all(&name).iter().filter_map(|value| value.to_str().ok()).collect(),
        false => Vec::new(),
    };
    let list = earlier.into_iter().chain([element]).collect::<Vec<_>>().join(", ");
    if let Ok(value) = HeaderValue::from_str(&list) {
        headers.insert(name, value);
    }
}
