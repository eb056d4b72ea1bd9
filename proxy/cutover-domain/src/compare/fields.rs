//! Header and trailer fields, side by side.

use std::{borrow::Cow, collections::BTreeMap};

use super::{
    Answer, Kind,
    found::Found,
    path::{Root, Segment},
    stand_ins::look_of_text,
    volatile::{VolatilePart, volatile_part},
    walk::arrow,
};

/// Finds where the fields of `other` differ from legacy's. Without `body`, fields that describe
/// it are left out too.
pub(super) fn fields(live: &Answer, other: &Answer, body: bool, found: &mut Found<'_>) {
    for root in [Root::Header, Root::Trailer] {
        let (live, other) = (live.fields(root), other.fields(root));
        let names = live.keys().chain(other.keys().filter(|name| !live.contains_key(*name)));
        for name in names.filter(|name| body || !describes_body(name)) {
            let mut field = Field { root, name, found: &mut *found };
            field.compare(live.get(name), other.get(name));
        }
    }
}

/// One field name of two answers.
struct Field<'a, 'f, 'r> {
    root: Root,
    name: &'a str,
    found: &'f mut Found<'r>,
}

/// Fields whose members have no order and whose case does not matter.
const SETS: [&str; 6] = [
    "access-control-allow-headers",
    "access-control-allow-methods",
    "access-control-expose-headers",
    "allow",
    "cache-control",
    "vary",
];

/// Fields by which an answer without trailers says what else stands in them (gRPC over HTTP/2,
/// "Trailers-Only").
const GRPC_TRAILERS: [&str; 3] = ["grpc-message", "grpc-status", "grpc-status-details-bin"];

// === impl Field ===

impl Field<'_, '_, '_> {
    fn compare(&mut self, live: Option<&Vec<&str>>, other: Option<&Vec<&str>>) {
        if self.name == "set-cookie" {
            let cookies = |fields: Option<&Vec<_>>| fields.cloned().unwrap_or_default();
            return self.cookies(&cookies(live), &cookies(other));
        }
        let path = [Segment::key(self.name)];
        // Equal as they came: only a name's partner could still be learnt.
        if live == other && self.found.space(self.root, &path).is_none() {
            return;
        }
        let left_out = match volatile_part(self.name) {
            Some(_) if self.found.treatment(self.root, &path).asks() => None,
            part => part,
        };
        match (live, other, left_out) {
            (_, _, Some(VolatilePart::Field)) | (Some(_), Some(_), Some(_)) => {}
            (live, other, _) => {
                let [live, other] =
                    [live, other].map(|fields| fields.map(|fields| canonical(self.name, fields)));
                self.values(&path, live, other);
            }
        }
    }

    /// Cookies by name: their attributes; values too if a rule asks for them.
    fn cookies(&mut self, live: &[&str], other: &[&str]) {
        let (live, other) = (cookies_by_name(live), cookies_by_name(other));
        let names = live.keys().chain(other.keys().filter(|name| !live.contains_key(*name)));
        for name in names {
            let path = [Segment::key(self.name), Segment::key(name)];
            let whole = self.found.treatment(self.root, &path).asks();
            let text = |cookies: &BTreeMap<&str, Vec<&str>>| {
                let cookies = cookies.get(name)?.iter().map(|cookie| attributes(cookie, whole));
                Some(Cow::from(cookies.collect::<Vec<_>>().join(", ")))
            };
            let (live, other) = (text(&live), text(&other));
            self.values(&path, live, other);
        }
    }

    fn values(
        &mut self,
        path: &[Segment<'_>],
        live: Option<Cow<'_, str>>,
        other: Option<Cow<'_, str>>,
    ) {
        let doubt = self.found.doubt();
        let look = |text: &Option<Cow<'_, str>>| {
            text.as_deref().map_or("absent", |text| look_of_text(doubt, text))
        };
        let shape = || arrow(look(&live), look(&other));
        let kind = match (&live, &other) {
            (Some(live), Some(other)) => {
                if let Some(space) = self.found.space(self.root, path) {
                    let at = (self.root, path);
                    return self.found.pair(space, at, (live, other), Kind::Header, shape());
                }
                if live == other || self.found.treatment(self.root, path).excuses_text(live, other)
                {
                    return;
                }
                Kind::Header
            }
            (Some(_), None) => Kind::Missing,
            (None, _) => Kind::Extra,
        };
        self.found.note(self.root, path, kind, shape);
    }
}

impl Answer {
    /// Values of each name, in their order.
    pub(super) fn fields(&self, root: Root) -> BTreeMap<&str, Vec<&str>> {
        let in_trailers = |name: &str| GRPC_TRAILERS.contains(&name);
        let of_headers = self.headers.iter();
        let fields = match root {
            Root::Trailer => self
                .trailers
                .iter()
                .chain(of_headers.filter(|(name, _)| in_trailers(name)))
                .collect(),
            _ => of_headers.filter(|(name, _)| !in_trailers(name)).collect::<Vec<_>>(),
        };
        let mut by_name: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (name, value) in fields {
            by_name.entry(name).or_default().push(value.trim());
        }
        by_name
    }
}

/// Whether a field says something of the body alone.
pub(super) fn describes_body(name: &str) -> bool {
    name.starts_with("content-") && !name.starts_with("content-security-policy")
        || matches!(name, "etag" | "last-modified")
}

/// A field in the spelling in which it is compared. Several fields of one name are one list
/// (RFC 9110 §5.3).
pub(super) fn canonical<'v>(name: &str, values: &[&'v str]) -> Cow<'v, str> {
    match values {
        values if name == "content-type" => media_type(&values.join(", ")).into(),
        values if SETS.contains(&name) => {
            let members = values.iter().flat_map(|value| value.split(','));
            let mut members: Vec<String> =
                members.map(|member| member.trim().to_ascii_lowercase()).collect();
            members.sort_unstable();
            members.join(", ").into()
        }
        [value] => (*value).into(),
        values => values.join(", ").into(),
    }
}

/// A media type without what carries no meaning: case and space, the boundary of a multipart
/// body, UTF-8 for JSON (RFC 8259 §11 knows no charset).
fn media_type(value: &str) -> String {
    let value = value.to_ascii_lowercase();
    let mut parts = value.split(';').map(str::trim).filter(|part| !part.is_empty());
    let essence = parts.next().unwrap_or_default();
    let json = essence.ends_with("/json") || essence.ends_with("+json");
    let mut params: Vec<String> = parts.map(|part| part.replace('"', "")).collect();
    params.retain(|param| !(param.starts_with("boundary=") || json && param == "charset=utf-8"));
    params.sort_unstable();
    params.insert(0, essence.to_owned());
    params.join("; ")
}

fn cookies_by_name<'v>(fields: &[&'v str]) -> BTreeMap<&'v str, Vec<&'v str>> {
    let mut by_name: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for field in fields {
        let (name, cookie) = field.split_once('=').unwrap_or((field, ""));
        by_name.entry(name.trim()).or_default().push(cookie);
    }
    by_name
}

/// The attributes of a cookie (RFC 6265 §4.1) in one spelling and order, without when exactly it
/// ends; its value too if `whole`.
pub(super) fn attributes(cookie: &str, whole: bool) -> String {
    let mut parts = cookie.split(';').map(str::trim);
    let value = parts.next().filter(|_| whole);
    let mut attributes: Vec<String> = parts.map(attribute).collect();
    attributes.sort_unstable();
    attributes.dedup();
    attributes.extend(value.map(str::to_owned));
    attributes.join("; ")
}

fn attribute(text: &str) -> String {
    let (name, value) = text.split_once('=').unwrap_or((text, ""));
    match (name.trim().to_ascii_lowercase().as_str(), value.trim()) {
        ("expires" | "max-age", _) => "lasting".to_owned(),
        (name, "") => name.to_owned(),
        ("path", value) => format!("path={value}"),
        (name, value) => format!("{name}={}", value.to_ascii_lowercase()),
    }
}
