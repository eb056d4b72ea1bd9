//! Who is logged in: a token, traded for a cookie.
//!
//! Sessions are kept in memory by the hash of their cookie, and name their token by its own hash:
//! a token that is removed or expires takes its sessions along at once.

use std::collections::HashMap;

use cutover_store::Token;
use http::{HeaderMap, HeaderValue, header};

use crate::{
    admin::auth::{Caller, Place},
    token::{NoRandom, Secret, hash, recognise_hash},
};

/// A session ends after this at the latest: 8 h.
const LIFE_MS: u64 = 8 * 3_600_000;
/// Sessions at once; the one that ends first makes room.
const SESSIONS_MAX: usize = 1_024;

/// Every session.
#[derive(Debug, Default)]
pub(super) struct Sessions {
    by_cookie: HashMap<[u8; 32], Session>,
}

/// Whoever is logged in.
#[derive(Clone, Debug)]
pub(super) struct Visitor {
    pub(super) caller: Caller,
    /// What every form of this session carries.
    pub(super) csrf: String,
    /// The hash of their cookie.
    pub(super) session: [u8; 32],
}

#[derive(Debug)]
struct Session {
    token: [u8; 32],
    csrf: String,
    until_ms: u64,
}

/// The cookies of this listener. Cookies do not know of ports, and several proxies may share an
/// address: so their names do.
#[derive(Clone, Debug)]
pub(super) struct Cookies {
    port: u16,
    is_tls: bool,
}

// === impl Sessions ===

impl Sessions {
    /// A session for `token`, as the text of its cookie.
    pub(super) fn open(&mut self, token: &Token, now_ms: u64) -> Result<Secret, NoRandom> {
        let (cookie, csrf) = (Secret::random()?, Secret::random()?);
        self.by_cookie.retain(|_, session| session.until_ms > now_ms);
        if self.by_cookie.len() >= SESSIONS_MAX {
            let first = self.by_cookie.iter().min_by_key(|(_, session)| session.until_ms);
            if let Some(key) = first.map(|(key, _)| *key) {
                self.by_cookie.remove(&key);
            }
        }
        let end_ms = now_ms.saturating_add(LIFE_MS);
        let until_ms = token.expires_ms.unwrap_or(end_ms).min(end_ms);
        let session = Session { token: token.sha256, csrf: csrf.reveal().to_owned(), until_ms };
        self.by_cookie.insert(hash(cookie.reveal()), session);
        Ok(cookie)
    }

    /// Whose session a cookie is.
    pub(super) fn find(&self, cookie: &str, tokens: &[Token], now_ms: u64) -> Option<Visitor> {
        self.visitor(&hash(cookie), tokens, now_ms)
    }

    /// Whose session it is, by the hash of its cookie.
    pub(super) fn visitor(&self, key: &[u8; 32], tokens: &[Token], now_ms: u64) -> Option<Visitor> {
        let session = self.by_cookie.get(key)?;
        if session.until_ms <= now_ms {
            return None;
        }
        let (token, role) = recognise_hash(tokens, &session.token, now_ms).ok()?;
        let caller = Caller { name: token.name.clone(), role };
        Some(Visitor { caller, csrf: session.csrf.clone(), session: *key })
    }

    /// Ends the session of a cookie, if there is one.
    pub(super) fn close(&mut self, cookie: &str) {
        self.by_cookie.remove(&hash(cookie));
    }
}

// === impl Visitor ===

impl Visitor {
    /// Whether a form was issued to this session.
    pub(super) fn issued(&self, csrf: Option<&str>) -> bool {
        csrf.is_some_and(|csrf| is_same(csrf, &self.csrf))
    }
}

/// Compares digests, so that the time taken tells nothing of the texts.
pub(super) fn is_same(a: &str, b: &str) -> bool {
    hash(a) == hash(b)
}

// === impl Cookies ===

impl Cookies {
    pub(super) fn of(place: &Place) -> Cookies {
        Cookies { port: place.listener.port(), is_tls: place.is_tls }
    }

    /// The cookie of a session, of those that came.
    pub(super) fn session<'h>(&self, headers: &'h HeaderMap) -> Option<&'h str> {
        find(headers, &self.name("session"))
    }

    /// The cookie of somebody who is about to log in.
    pub(super) fn stranger<'h>(&self, headers: &'h HeaderMap) -> Option<&'h str> {
        find(headers, &self.name("login"))
    }

    pub(super) fn set_session(&self, cookie: &Secret) -> HeaderValue {
        self.set("session", cookie.reveal(), LIFE_MS / 1_000)
    }

    pub(super) fn set_stranger(&self, cookie: &Secret) -> HeaderValue {
        self.set("login", cookie.reveal(), 3_600)
    }

    pub(super) fn forget_session(&self) -> HeaderValue {
        self.set("session", "", 0)
    }

    pub(super) fn forget_stranger(&self) -> HeaderValue {
        self.set("login", "", 0)
    }

    /// RFC 6265bis: the prefix `__Host-` binds a cookie to this host and to TLS.
    fn name(&self, what: &str) -> String {
        let prefix = if self.is_tls { "__Host-" } else { "" };
        format!("{prefix}cutover_{what}_{}", self.port)
    }

    fn set(&self, what: &str, value: &str, seconds: u64) -> HeaderValue {
        let (name, secure) = (self.name(what), if self.is_tls { "; Secure" } else { "" });
        let text =
            format!("{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}");
        HeaderValue::from_str(&text).expect("our cookies are visible ASCII")
    }
}

fn find<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let fields = headers.get_all(header::COOKIE).iter().filter_map(|field| field.to_str().ok());
    let mut pairs = fields.flat_map(|field| field.split(';')).map(str::trim);
    pairs.find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
}

#[cfg(test)]
mod tests;
