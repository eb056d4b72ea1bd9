//! A request as a person typed it.

use std::borrow::Cow;

use cutover_domain::{RequestHead, Route, SubjectSource, Subjects};
use cutover_gateway::overrides;
use http::{HeaderMap, HeaderName, HeaderValue, Method};

use crate::cli::{args::Explain, exit::Failure};

/// A request as typed.
pub(super) struct Asked {
    method: Method,
    host: Option<String>,
    path: String,
    headers: HeaderMap,
    subject: Option<String>,
}

/// What it offers to be recognised by, for one route.
pub(super) struct Seen<'a> {
    asked: &'a Asked,
    route: Option<&'a Route>,
}

// === impl Asked ===

impl Asked {
    pub(super) fn parse(args: &Explain) -> Result<Asked, Failure> {
        let method = args.method.as_deref().unwrap_or_default();
        let method = Method::from_bytes(method.as_bytes())
            .map_err(|_| Failure::usage(format!("`{method}` is no method")))?;
        let target = args.path.as_deref().unwrap_or_default();
        let mut headers = HeaderMap::new();
        for line in &args.header {
            let (name, value) = header(line)?;
            headers.append(name, value);
        }
        let (mut host, path) = split(target)?;
        if host.is_none() {
            let value = headers.get("host").and_then(|host| host.to_str().ok());
            host = value.map(without_port);
        }
        Ok(Asked { method, host, path, headers, subject: args.subject.clone() })
    }

    /// It asks for a side with a tester's override, signed or not.
    pub(super) fn is_overridden(&self) -> bool {
        self.headers.contains_key(overrides::NAME)
            || self.subjects(None).cookie(overrides::COOKIE).is_some()
    }

    pub(super) fn method(&self) -> &Method {
        &self.method
    }

    pub(super) fn host(&self) -> Option<&str> {
        self.host.as_deref()
    }

    pub(super) fn path(&self) -> &str {
        &self.path
    }

    pub(super) fn head(&self) -> RequestHead<'_> {
        RequestHead {
            method: &self.method,
            host: self.host.as_deref(),
            path: &self.path,
            headers: &self.headers,
        }
    }

    /// Whether `--subject` said whom it is about.
    pub(super) fn subject_is_given(&self) -> bool {
        self.subject.is_some()
    }

    pub(super) fn subjects<'a>(&'a self, route: Option<&'a Route>) -> Seen<'a> {
        Seen { asked: self, route }
    }
}

/// Host and path of `/path?query` or `http://host:port/path?query`.
fn split(target: &str) -> Result<(Option<String>, String), Failure> {
    let (host, path) = match target.split_once("://") {
        Some((_, rest)) => {
            let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
            (Some(without_port(authority)), if path.is_empty() { "/" } else { path })
        }
        None => (None, target),
    };
    let path = path.split(['?', '#']).next().unwrap_or_default();
    if !path.starts_with('/') {
        return Err(Failure::usage(format!("`{target}` is no path"))
            .hint("write it like `/api/v1/devices/7`, or as a whole URL"));
    }
    Ok((host, path.to_owned()))
}

fn without_port(authority: &str) -> String {
    let end = match authority.rfind(']') {
        Some(bracket) => bracket + 1,
        None => authority.find(':').unwrap_or(authority.len()),
    };
    authority[..end].to_owned()
}

fn header(line: &str) -> Result<(HeaderName, HeaderValue), Failure> {
    let wrong =
        || Failure::usage(format!("`{line}` is no header")).hint("write it like -H 'X-Region: eu'");
    let (name, value) = line.split_once(':').ok_or_else(wrong)?;
    let name = HeaderName::try_from(name.trim()).map_err(|_| wrong())?;
    let value = HeaderValue::from_str(value.trim()).map_err(|_| wrong())?;
    Ok((name, value))
}

// === impl Seen ===

impl Subjects for Seen<'_> {
    fn subject(&self, source: &SubjectSource) -> Option<Cow<'_, str>> {
        let sources = self.route.map(|route| route.group.subjects.as_slice()).unwrap_or_default();
        if let Some(subject) = &self.asked.subject
            && sources.first() == Some(source)
        {
            return Some(subject.as_str().into());
        }
        let found = match source {
            SubjectSource::Header(name) => {
                Cow::Borrowed(self.asked.headers.get(name)?.to_str().ok()?)
            }
            SubjectSource::Cookie(name) => Cow::Borrowed(self.cookie(name)?),
            SubjectSource::Path(name) => {
                self.route?.spec.endpoint.path.param(&self.asked.path, name)?
            }
            _ => return None,
        };
        (!found.is_empty()).then_some(found)
    }
}

impl Seen<'_> {
    fn cookie(&self, wanted: &str) -> Option<&str> {
        let fields = self.asked.headers.get_all("cookie").iter();
        let pairs = fields.filter_map(|field| field.to_str().ok()).flat_map(|f| f.split(';'));
        let mut pairs = pairs.filter_map(|pair| pair.trim().split_once('='));
        pairs.find(|(name, _)| *name == wanted).map(|(_, value)| value)
    }
}
