//! Who may ask what: names of the listener, origins of pages, tokens, failures per address.

use std::{
    collections::HashMap,
    net::{IpAddr, SocketAddr},
};

use http::{HeaderMap, header};

use super::failure::Failure;
use crate::{
    codes::Code,
    token::{Role, TokenRefused, recognise},
};

/// What an endpoint asks of its callers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    /// A token with this role or a higher one.
    Role(Role),
    /// Nothing from this machine; else role viewer.
    Probe,
    /// Nothing on a loopback listener with open metrics; else role viewer.
    Metrics,
}

/// Who is asking.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Caller {
    pub(super) name: String,
    pub(super) role: Role,
}

/// What is known of the listener.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) listener: SocketAddr,
    pub(super) is_tls: bool,
    /// Names, in lower case, beside the listener's own.
    pub(super) hosts: Vec<String>,
    pub(super) metrics_open: bool,
}

/// Failures per address that are answered in full; further ones in the same minute get 429.
const FAILURES_MAX: u32 = 20;
/// The minute.
const FAILURES_WINDOW_MS: u64 = 60_000;
/// Addresses remembered; beyond it strangers share one count.
const ADDRESSES_MAX: usize = 1_024;

/// Counts failed log-ins per address. A valid token always passes: 256 random bits are not
/// guessed, so locking an address out would only help those who want to lock operators out. What
/// the limit bounds is log and work.
#[derive(Debug, Default)]
pub(super) struct Failures {
    by_address: HashMap<IpAddr, Count>,
}

#[derive(Clone, Copy, Debug)]
struct Count {
    since_ms: u64,
    failures: u32,
}

/// Checks `Host` and `Origin` (RFC 6454), also on loopback: a web page can rebind its name to
/// 127.0.0.1, and can post forms to any address.
pub(super) fn check_names(place: &Place, headers: &HeaderMap) -> Result<(), Failure> {
    check_host(place, headers)?;
    check_origin(place, headers)
}

/// Checks that the request names this listener.
pub(super) fn check_host(place: &Place, headers: &HeaderMap) -> Result<(), Failure> {
    let mut hosts = headers.get_all(header::HOST).iter();
    let host = match (hosts.next().and_then(|host| host.to_str().ok()), hosts.next()) {
        (Some(host), None) => host,
        _ => return Err(Failure::new(Code::HostRefused, "the request has no one `Host`")),
    };
    if !place.is_called(host) {
        let message = format!("`{}` is no name of this listener", printable(host));
        return Err(Failure::new(Code::HostRefused, message).at("Host"));
    }
    Ok(())
}

/// Checks that no page of another origin sent the request.
pub(super) fn check_origin(place: &Place, headers: &HeaderMap) -> Result<(), Failure> {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let cross_site = headers.get("sec-fetch-site").is_some_and(|site| site == "cross-site");
    let own = |origin: &str| {
        let scheme = if place.is_tls { "https" } else { "http" };
        origin.eq_ignore_ascii_case(&format!("{scheme}://{host}"))
    };
    let foreign = |origin: &http::HeaderValue| !origin.to_str().is_ok_and(own);
    if cross_site || headers.get_all(header::ORIGIN).iter().any(foreign) {
        let message = "a page of another origin may not use the admin API";
        return Err(Failure::new(Code::OriginRefused, message).at("Origin"));
    }
    Ok(())
}

/// Who is asking; `None` where the endpoint does not ask for it.
pub(super) fn authorise(
    access: Access,
    place: &Place,
    peer: IpAddr,
    headers: &HeaderMap,
    tokens: &[cutover_store::Token],
    now_ms: u64,
) -> Result<Option<Caller>, Failure> {
    let needed = match access {
        Access::Role(role) => role,
        Access::Probe if peer.is_loopback() => return Ok(None),
        Access::Metrics if place.metrics_open && place.listener.ip().is_loopback() => {
            return Ok(None);
        }
        Access::Probe | Access::Metrics => Role::Viewer,
    };
    let text = bearer(headers)
        .ok_or_else(|| Failure::new(Code::Unauthenticated, "the request carries no token"))?;
    let (token, role) = recognise(tokens, text, now_ms).map_err(|refused| match refused {
        TokenRefused::Unknown => Failure::new(Code::TokenUnknown, "the token is not known"),
        TokenRefused::Expired => Failure::new(Code::TokenExpired, "the token has expired"),
    })?;
    if role < needed {
        let message = format!("`{}` has the role {role}, but this needs {needed}", token.name);
        return Err(Failure::new(Code::RoleTooLow, message));
    }
    Ok(Some(Caller { name: token.name.clone(), role }))
}

/// The token of `Authorization: Bearer` (RFC 6750 §2.1).
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

fn printable(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(100).collect()
}

// === impl Place ===

impl Place {
    /// Whether `host` (with or without port) may name this listener. An address cannot be
    /// rebound, so any will do, except that a loopback listener only has loopback addresses.
    fn is_called(&self, host: &str) -> bool {
        let name = without_port(host).to_ascii_lowercase();
        let address = name.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
        let is_loopback = self.listener.ip().is_loopback();
        match address {
            Ok(address) => !is_loopback || address.is_loopback() || self.hosts.contains(&name),
            Err(_) => is_loopback && name == "localhost" || self.hosts.contains(&name),
        }
    }
}

fn without_port(host: &str) -> &str {
    let is_port = |port: &str| port.bytes().all(|b| b.is_ascii_digit());
    match host.rsplit_once(':') {
        Some((name, port)) if is_port(port) && (!name.contains(':') || name.ends_with(']')) => name,
        _ => host,
    }
}

// === impl Failures ===

impl Failures {
    /// Takes note of a failure from `address`; `Err`: too many, with the seconds to wait.
    pub(super) fn note(&mut self, address: IpAddr, now_ms: u64) -> Result<(), u64> {
        let is_over = |count: &Count| count.since_ms + FAILURES_WINDOW_MS <= now_ms;
        if self.by_address.len() >= ADDRESSES_MAX {
            self.by_address.retain(|_, count| !is_over(count));
        }
        let known = self.by_address.contains_key(&address);
        let is_full = !known && self.by_address.len() >= ADDRESSES_MAX;
        let key = if is_full { IpAddr::from([0, 0, 0, 0]) } else { address };
        let new = Count { since_ms: now_ms, failures: 0 };
        let count = self.by_address.entry(key).or_insert(new);
        if is_over(count) {
            *count = new;
        }
        count.failures = count.failures.saturating_add(1);
        if count.failures <= FAILURES_MAX {
            return Ok(());
        }
        Err((count.since_ms + FAILURES_WINDOW_MS).saturating_sub(now_ms).div_ceil(1_000))
    }
}

#[cfg(test)]
mod tests;
