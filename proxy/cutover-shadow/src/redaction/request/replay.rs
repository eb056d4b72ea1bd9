//! Requests of which enough is known to send them again.

use cutover_domain::compare::Value;

use super::RequestOutline;
use crate::redaction::{
    BodyOutline,
    tree::{Key, Leaf, Node},
};

/// A request to send again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replay {
    /// Its method.
    pub method: Box<str>,
    /// Path and query.
    pub target: String,
    /// Fields that are known, by name; a JSON body has its `content-type` here in any case.
    pub headers: Vec<(String, String)>,
    /// Names of fields that the request had and whose values are not known; those that belong to
    /// the connection are not among them. They may matter to the answer: `authorization`.
    pub headers_left_out: Vec<String>,
    /// Its body, as JSON writes it; empty: it had none.
    pub body: String,
}

/// Why a request cannot be sent again: its values were redacted. The set is closed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotReplayable {
    /// The method is one of the client's own making.
    #[error("its method is not known")]
    Method,
    /// A segment of the path.
    #[error(
        "a part of its path is redacted: `path.NAME` in the route's `shadow.keep` would show it"
    )]
    Path,
    /// Values in the query.
    #[error("values of its query are redacted ({}): `query.NAME` in the route's `shadow.keep` would show them", .0.join(", "))]
    Query(Vec<String>),
    /// The body.
    #[error(
        "its body is redacted: places like `request.body.NAME` in the route's `shadow.keep` would show it, if it is JSON"
    )]
    Body,
}

/// Fields that whoever sends a request makes anew.
const OF_CONNECTION: [&str; 12] = [
    "accept-encoding",
    "baggage",
    "connection",
    "content-length",
    "host",
    "te",
    "traceparent",
    "tracestate",
    "transfer-encoding",
    "user-agent",
    "via",
    "x-request-id",
];

// === impl NotReplayable ===

impl NotReplayable {
    /// The name used by the API.
    pub fn as_str(&self) -> &'static str {
        match self {
            NotReplayable::Method => "method",
            NotReplayable::Path => "path",
            NotReplayable::Query(_) => "query",
            NotReplayable::Body => "body",
        }
    }
}

// === impl RequestOutline ===

impl RequestOutline {
    /// The request as it can be sent again.
    ///
    /// # Errors
    ///
    /// The first of path, query and body of which something is redacted.
    pub fn replay(&self) -> Result<Replay, NotReplayable> {
        if &*self.method == "_OTHER" {
            return Err(NotReplayable::Method);
        }
        let (path, query, body) = (self.raw_path()?, self.raw_query()?, self.raw_body()?);
        let target = [path, query].concat();
        let (mut headers, headers_left_out) = self.known_headers();
        let is_typed = headers.iter().any(|(name, _)| name == "content-type");
        if !body.is_empty() && !is_typed {
            headers.push(("content-type".to_owned(), "application/json".to_owned()));
        }
        Ok(Replay { method: self.method.clone(), target, headers, headers_left_out, body })
    }

    fn raw_path(&self) -> Result<String, NotReplayable> {
        let mut path = String::new();
        for leaf in &self.path {
            path.push('/');
            path.push_str(text(leaf).ok_or(NotReplayable::Path)?);
        }
        let is_whole = self.left_out == 0;
        let path = if path.is_empty() { "/".to_owned() } else { path };
        if is_whole { Ok(path) } else { Err(NotReplayable::Path) }
    }

    fn raw_query(&self) -> Result<String, NotReplayable> {
        let mut query = String::new();
        let mut hidden = Vec::new();
        for (key, leaf) in &self.query {
            match (key.name(), text(leaf)) {
                (Some(name), Some(value)) => {
                    query.push(if query.is_empty() { '?' } else { '&' });
                    query.push_str(name);
                    query.push('=');
                    query.push_str(value);
                }
                (name, _) => hidden.push(name.unwrap_or("a name").to_owned()),
            }
        }
        if hidden.is_empty() { Ok(query) } else { Err(NotReplayable::Query(hidden)) }
    }

    fn raw_body(&self) -> Result<String, NotReplayable> {
        let mut out = String::new();
        match &self.body {
            BodyOutline::Empty => Some(()),
            BodyOutline::Json(node) => write(node, &mut out),
            _ => None,
        }
        .map(|()| out)
        .ok_or(NotReplayable::Body)
    }

    /// Known fields, and the names of others.
    fn known_headers(&self) -> (Vec<(String, String)>, Vec<String>) {
        let Node::Map(fields) = &self.headers else { return Default::default() };
        let (mut known, mut left_out) = (Vec::new(), Vec::new());
        for (key, node) in fields {
            let Some(name) = key.name().filter(|name| !OF_CONNECTION.contains(name)) else {
                continue;
            };
            match node {
                Node::Leaf(Leaf::Kept(Value::Text(text))) => {
                    known.push((name.to_owned(), text.to_string()));
                }
                _ => left_out.push(name.to_owned()),
            }
        }
        (known, left_out)
    }
}

fn text(leaf: &Leaf) -> Option<&str> {
    match leaf {
        Leaf::Kept(Value::Text(text)) => Some(text),
        _ => None,
    }
}

/// Writes a tree as JSON; `None` if something in it is not known.
fn write(node: &Node, out: &mut String) -> Option<()> {
    match node {
        Node::Cut => None,
        Node::Leaf(Leaf::Hidden(_)) => None,
        Node::Leaf(Leaf::Kept(Value::Text(text))) => {
            out.push_str(&quoted(text));
            Some(())
        }
        Node::Leaf(Leaf::Kept(Value::Number(number))) => {
            out.push_str(&number.to_string());
            Some(())
        }
        Node::Leaf(Leaf::Kept(Value::Bool(bool))) => {
            out.push_str(if *bool { "true" } else { "false" });
            Some(())
        }
        Node::Leaf(_) => {
            out.push_str("null");
            Some(())
        }
        Node::List(list) => joined(list, ['[', ']'], out, write),
        Node::Map(map) => joined(map, ['{', '}'], out, |(key, node): &(Key, Node), out| {
            out.push_str(&quoted(key.name()?));
            out.push(':');
            write(node, out)
        }),
    }
}

fn joined<T>(
    items: &[T],
    [open, close]: [char; 2],
    out: &mut String,
    mut write: impl FnMut(&T, &mut String) -> Option<()>,
) -> Option<()> {
    out.push(open);
    for (at, item) in items.iter().enumerate() {
        if at > 0 {
            out.push(',');
        }
        write(item, out)?;
    }
    out.push(close);
    Some(())
}

/// A text as JSON writes it.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
