//! Cookies that candidates set, kept for each client and sent back to the same candidate
//! (RFC 6265 §5.3 and §5.4, as far as one host that is asked for one client needs it).
//!
//! Memory is bounded: jars not used for long are forgotten, in two generations.

use std::{
    collections::HashMap,
    time::{Duration, SystemTime},
};

use http::{HeaderMap, HeaderValue, header};
use parking_lot::Mutex;

/// Most bytes of cookies in one generation of jars; two generations are kept.
const GENERATION_BYTES_MAX: usize = 2 * 1024 * 1024;
/// Most cookies in one jar; the oldest gives way.
const COOKIES_MAX: usize = 50;
/// Longest cookie, name and value (RFC 6265 §6.1).
const COOKIE_BYTES_MAX: usize = 4_096;
/// Memory that an empty jar takes, about.
const JAR_BYTES: usize = 128;

/// The jars of all clients at all candidates.
#[derive(Debug, Default)]
pub(crate) struct Jars(Mutex<Generations>);

/// Whose cookies: one client's at one candidate.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct JarKey {
    /// The upstream's name.
    pub(crate) upstream: String,
    /// Hash of the client.
    pub(crate) subject: u64,
}

#[derive(Debug, Default)]
struct Generations {
    newer: Generation,
    older: Generation,
}

#[derive(Debug, Default)]
struct Generation {
    jars: HashMap<JarKey, Vec<Cookie>>,
    bytes: usize,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Cookie {
    name: String,
    value: String,
    path: String,
    /// `None`: for as long as the jar.
    expires: Option<SystemTime>,
}

// === impl Jars ===

impl Jars {
    /// The `Cookie` field for a request to `target`; `None`: there is nothing to send.
    pub(crate) fn cookies(
        &self,
        key: &JarKey,
        target: &str,
        now: SystemTime,
    ) -> Option<HeaderValue> {
        let mut generations = self.0.lock();
        let jar = generations.jar(key)?;
        jar.retain(|cookie| cookie.is_alive(now));
        let path = path_of(target);
        let mut matching: Vec<&Cookie> = jar.iter().filter(|cookie| cookie.is_for(path)).collect();
        // Longer paths first (RFC 6265 §5.4); the sort keeps the order in which they were set.
        matching.sort_by_key(|cookie| std::cmp::Reverse(cookie.path.len()));
        let pairs: Vec<String> =
            matching.iter().map(|cookie| format!("{}={}", cookie.name, cookie.value)).collect();
        (!pairs.is_empty()).then(|| HeaderValue::try_from(pairs.join("; ")).ok())?
    }

    /// Keeps what the candidate's answer sets.
    pub(crate) fn store(&self, key: &JarKey, target: &str, answer: &HeaderMap, now: SystemTime) {
        if !answer.contains_key(header::SET_COOKIE) {
            return;
        }
        let set = answer.get_all(header::SET_COOKIE).into_iter();
        let set = set.filter_map(|set| Cookie::parse(set.to_str().ok()?, target, now));
        let mut generations = self.0.lock();
        for cookie in set {
            generations.put(key, cookie, now);
        }
    }
}

// === impl Generations ===

impl Generations {
    /// The jar, moved to the newer generation if it is there.
    fn jar(&mut self, key: &JarKey) -> Option<&mut Vec<Cookie>> {
        if !self.newer.jars.contains_key(key) {
            let jar = self.older.jars.remove(key)?;
            self.make_room();
            self.newer.bytes += bytes_of(&jar);
            self.newer.jars.insert(key.clone(), jar);
        }
        self.newer.jars.get_mut(key)
    }

    fn put(&mut self, key: &JarKey, cookie: Cookie, now: SystemTime) {
        if self.jar(key).is_none() {
            self.make_room();
            self.newer.bytes += JAR_BYTES;
            self.newer.jars.insert(key.clone(), Vec::new());
        }
        let Some(jar) = self.newer.jars.get_mut(key) else { return };
        let before = bytes_of(jar);
        jar.retain(|known| !known.is_same(&cookie) && known.is_alive(now));
        if cookie.is_alive(now) {
            if jar.len() >= COOKIES_MAX {
                jar.remove(0);
            }
            jar.push(cookie);
        }
        self.newer.bytes = (self.newer.bytes + bytes_of(jar)).saturating_sub(before);
    }

    /// The newer generation becomes the older one when it is full.
    fn make_room(&mut self) {
        if self.newer.bytes >= GENERATION_BYTES_MAX {
            self.older = std::mem::take(&mut self.newer);
        }
    }
}

fn bytes_of(jar: &[Cookie]) -> usize {
    let cookie = |cookie: &Cookie| {
        size_of::<Cookie>() + cookie.name.len() + cookie.value.len() + cookie.path.len()
    };
    JAR_BYTES + jar.iter().map(cookie).sum::<usize>()
}

// === impl Cookie ===

impl Cookie {
    /// Reads a `Set-Cookie` field (RFC 6265 §5.2). `Domain` and `Secure` say nothing here: a jar
    /// is for one candidate only.
    fn parse(set: &str, target: &str, now: SystemTime) -> Option<Cookie> {
        let (pair, attributes) = set.split_once(';').unwrap_or((set, ""));
        let (name, value) = pair.split_once('=')?;
        let (name, value) = (name.trim(), value.trim());
        if name.is_empty() || name.len() + value.len() > COOKIE_BYTES_MAX {
            return None;
        }
        let mut path = default_path(target);
        let (mut max_age, mut expires) = (None, None);
        for attribute in attributes.split(';') {
            let (key, value) = attribute.split_once('=').unwrap_or((attribute, ""));
            let (key, value) = (key.trim(), value.trim());
            match () {
                () if key.eq_ignore_ascii_case("path") && value.starts_with('/') => path = value,
                () if key.eq_ignore_ascii_case("max-age") => max_age = age(value).or(max_age),
                () if key.eq_ignore_ascii_case("expires") => {
                    expires = httpdate::parse_http_date(value).ok().or(expires);
                }
                () => {}
            }
        }
        if path.len() > COOKIE_BYTES_MAX {
            return None;
        }
        let expires = match max_age {
            Some(age) => Some(now.checked_add(age)?),
            None => expires,
        };
        Some(Cookie { name: name.into(), value: value.into(), path: path.into(), expires })
    }

    fn is_alive(&self, now: SystemTime) -> bool {
        self.expires.is_none_or(|expires| expires > now)
    }

    fn is_same(&self, other: &Cookie) -> bool {
        self.name == other.name && self.path == other.path
    }

    /// RFC 6265 §5.1.4: the path or one above it.
    fn is_for(&self, path: &str) -> bool {
        path.strip_prefix(self.path.as_str()).is_some_and(|rest| {
            rest.is_empty() || rest.starts_with('/') || self.path.ends_with('/')
        })
    }
}

/// A negative age, or zero, is over at once.
fn age(text: &str) -> Option<Duration> {
    let seconds: i64 = text.parse().ok()?;
    // A hundred years are as good as for ever, and add to any date.
    Some(Duration::from_secs(seconds.clamp(0, 100 * 366 * 86_400) as u64))
}

fn path_of(target: &str) -> &str {
    target.split_once('?').map_or(target, |(path, _)| path)
}

/// The directory of the request's path (RFC 6265 §5.1.4).
fn default_path(target: &str) -> &str {
    let path = path_of(target);
    match path.rfind('/') {
        Some(0) | None => "/",
        Some(end) => &path[..end],
    }
}

#[cfg(test)]
mod tests;
