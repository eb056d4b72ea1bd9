//! Which header fields pass, and which are ours to set.
//!
//! Removed: hop-by-hop fields (RFC 9110 §7.6.1) and what `Connection` nominates, fields of ours
//! that a client must not set. Fields keep their order: where one has to go, the map is rebuilt,
//! since taking one out of a `HeaderMap` moves its last field to that place.

use http::{HeaderMap, HeaderName, HeaderValue, Uri, Version, header};

use crate::overrides;

/// Fields that belong to one connection only.
const HOP_BY_HOP: [HeaderName; 7] = [
    header::CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    header::TE,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    HeaderName::from_static("http2-settings"),
];

/// Fields that `Connection` cannot nominate away: framing, routing and what trailers need.
const NEVER_NOMINATED: [HeaderName; 6] = [
    header::HOST,
    header::CONTENT_LENGTH,
    header::TRANSFER_ENCODING,
    header::TE,
    header::TRAILER,
    header::AUTHORIZATION,
];

/// Prefix of fields that only we may set.
const OURS: &str = "cutover-";

/// What a request's hop-by-hop fields asked for.
#[derive(Debug, Default)]
pub(crate) struct Hop {
    /// The protocols of `Upgrade`, if `Connection` names it.
    pub(crate) upgrade: Option<HeaderValue>,
    /// The client takes trailers.
    pub(crate) trailers: bool,
}

/// Removes from a request what must not reach an upstream.
pub(crate) fn strip_request(headers: &mut HeaderMap) -> Hop {
    let hop = Hop {
        upgrade: names(headers, header::CONNECTION, "upgrade")
            .then(|| headers.get(header::UPGRADE).cloned())
            .flatten(),
        trailers: names(headers, header::TE, "trailers"),
    };
    strip(headers, |name| name.as_str().starts_with(OURS));
    strip_cookie(headers);
    hop
}

/// Takes our cookie out of the client's, which otherwise stay byte for byte.
fn strip_cookie(headers: &mut HeaderMap) {
    let is_ours = |pair: &&[u8]| {
        let name = pair.split(|byte| *byte == b'=').next().unwrap_or(pair);
        name.trim_ascii() == overrides::COOKIE.as_bytes()
    };
    let mut is_empty = false;
    for (_, field) in headers.iter_mut().filter(|(name, _)| *name == header::COOKIE) {
        let mut pairs = field.as_bytes().split(|byte| *byte == b';');
        if !pairs.any(|pair| is_ours(&pair)) {
            continue;
        }
        let pairs = field.as_bytes().split(|byte| *byte == b';');
        let kept = pairs.filter(|pair| !is_ours(pair)).collect::<Vec<_>>().join(&b';');
        if let Ok(kept) = HeaderValue::from_bytes(kept.trim_ascii_start()) {
            is_empty |= kept.is_empty();
            *field = kept;
        }
    }
    if is_empty {
        retain(headers, |name, value| *name != header::COOKIE || !value.is_empty());
    }
}

/// Removes from an answer what must not reach the client.
pub(crate) fn strip_response(headers: &mut HeaderMap) {
    strip(headers, |_| false);
}

/// The connection ends with this message.
pub(crate) fn says_close(headers: &HeaderMap) -> bool {
    names(headers, header::CONNECTION, "close")
}

/// Tells the client about the upgrade that an answer makes or asks for.
pub(crate) fn set_upgrade(headers: &mut HeaderMap, upgrade: HeaderValue) {
    headers.insert(header::UPGRADE, upgrade);
    headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
}

fn strip(headers: &mut HeaderMap, also: impl Fn(&HeaderName) -> bool) {
    let gone = |name: &HeaderName| HOP_BY_HOP.contains(name) || also(name);
    if !headers.keys().any(gone) {
        return;
    }
    let nominated = nominated(headers);
    // A length beside an encoding says nothing (RFC 9112 §6.3), but hyper would frame by it.
    let is_encoded = headers.contains_key(header::TRANSFER_ENCODING);
    retain(headers, |name, _| {
        let is_overruled = is_encoded && *name == header::CONTENT_LENGTH;
        !is_overruled && !gone(name) && !nominated.contains(name)
    });
}

/// Removes fields and keeps the others' order.
pub(super) fn retain(headers: &mut HeaderMap, stays: impl Fn(&HeaderName, &HeaderValue) -> bool) {
    let mut last = None;
    let mut kept = HeaderMap::with_capacity(headers.len());
    for (name, value) in std::mem::take(headers) {
        // A field with several values is named once, before the first of them.
        let name = name.or_else(|| last.clone());
        last.clone_from(&name);
        if let Some(name) = name.filter(|name| stays(name, &value)) {
            kept.append(name, value);
        }
    }
    *headers = kept;
}

fn nominated(headers: &HeaderMap) -> Vec<HeaderName> {
    tokens(headers, header::CONNECTION)
        .filter_map(|token| HeaderName::from_bytes(token.as_bytes()).ok())
        .filter(|name| !NEVER_NOMINATED.contains(name))
        .collect()
}

fn names(headers: &HeaderMap, name: HeaderName, token: &str) -> bool {
    headers.contains_key(&name)
        && tokens(headers, name).any(|have| have.eq_ignore_ascii_case(token))
}

fn tokens(headers: &HeaderMap, name: HeaderName) -> impl Iterator<Item = &str> {
    let fields = headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
    fields.flat_map(|field| field.split(',')).map(|item| {
        let token = item.split(';').next().unwrap_or(item);
        token.trim()
    })
}

/// The host that a request names: authority of its target, else `Host`.
pub(crate) fn authority<'r>(uri: &'r Uri, headers: &'r HeaderMap) -> Option<&'r str> {
    match uri.authority() {
        Some(authority) => Some(authority.as_str()),
        None => headers.get(header::HOST)?.to_str().ok(),
    }
}

/// `host` of `host:port`, `[address]` of `[address]:port`.
pub(crate) fn without_port(authority: &str) -> &str {
    let after_address = authority.rfind(']').map_or(0, |end| end + 1);
    match authority[after_address..].find(':') {
        Some(colon) => &authority[..after_address + colon],
        None => authority,
    }
}

/// Makes an HTTP/2 request's fields fit for HTTP/1: `Host` from `:authority`, cookie crumbs
/// joined (RFC 9113 §8.2.3).
pub(crate) fn for_http1(headers: &mut HeaderMap, uri: &Uri, version: Version) {
    if version != Version::HTTP_2 {
        return;
    }
    if let Some(Ok(host)) = uri.authority().map(|host| HeaderValue::from_str(host.as_str())) {
        headers.insert(header::HOST, host);
    }
    let crumbs: Vec<&[u8]> =
        headers.get_all(header::COOKIE).iter().map(HeaderValue::as_bytes).collect();
    if crumbs.len() > 1
        && let Ok(cookie) = HeaderValue::from_bytes(&crumbs.join(&b"; "[..]))
    {
        headers.insert(header::COOKIE, cookie);
    }
}

/// Sets what the hop to an HTTP/1 upstream needs of its own: the upgrade asked for, and that we
/// take trailers if the client does.
pub(crate) fn ask_http1(headers: &mut HeaderMap, hop: &Hop) {
    let connection = match (&hop.upgrade, hop.trailers) {
        (Some(_), true) => "upgrade, te",
        (Some(_), false) => "upgrade",
        (None, true) => "te",
        (None, false) => return,
    };
    headers.insert(header::CONNECTION, HeaderValue::from_static(connection));
    if let Some(upgrade) = &hop.upgrade {
        headers.insert(header::UPGRADE, upgrade.clone());
    }
    if hop.trailers {
        headers.insert(header::TE, HeaderValue::from_static("trailers"));
    }
}

#[cfg(test)]
mod tests;
