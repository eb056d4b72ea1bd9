//! Faults planted on purpose, for demos and tests of the comparison. Nothing here runs unless
//! `--plant` asks for it; the answers are made elsewhere and made wrong here, right before they go.
//!
//! Each plant is a row of [`ALL`]: where it strikes, as the comparison names the place, what kind
//! of difference it is there, and how it comes about. Benign ones are no difference, or noise.

use std::convert::Infallible;
use std::fmt::Write as _;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::body::{Body, to_bytes};
use axum::response::Response;
use chassis::PublicService;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderName, HeaderValue, StatusCode};
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use tower::ServiceExt;

/// Faults in force, as `KIND[@N],…`: each strikes every answer that it fits, or with `@N` every
/// N-th of them, the N-th first. None by default. Clones count together.
#[derive(Clone, Debug, Default)]
pub struct Plants(Arc<Vec<Planted>>);

/// A list of plants that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlantError {
    /// No such kind.
    #[error("there is no fault `{0}` to plant; `--plant help` lists them")]
    Unknown(String),
    /// What stands behind `@`.
    #[error(
        "`{0}` says how often in a way unknown; write for example `status@100`, for one answer in 100"
    )]
    Share(String),
}

#[derive(Debug)]
struct Planted {
    plant: &'static Plant,
    /// One answer in so many, 1 or more.
    every: u64,
    /// Answers that it fitted so far.
    fitted: AtomicU64,
}

/// A kind of fault.
#[derive(Debug)]
struct Plant {
    name: &'static str,
    /// Where the comparison finds it.
    path: &'static str,
    /// As what: a kind of difference, or [`BENIGN`].
    kind: &'static str,
    /// One answer in so many, unless told otherwise.
    every: u64,
    how: How,
    what: &'static str,
}

/// How an answer is made wrong.
#[derive(Clone, Copy, Debug)]
enum How {
    /// This status for a device that would be answered with 200.
    Status(u16),
    /// The headers of the path's name are replaced by one of this value; JSON answers only.
    Header(&'static str),
    /// They are taken away.
    NoHeader,
    /// The value at the path, in the first place that has one, becomes what this makes of its JSON.
    Set(fn(&str) -> Option<String>),
    /// It is taken out of its object.
    Remove,
    /// Its object gets it, with this JSON.
    Add(&'static str),
    /// In a page, this becomes that.
    Page(&'static str, &'static str),
}

/// No difference to the comparison, or one that it takes for noise.
const BENIGN: &str = "benign";

/// Larger answers stay as they are; a page of devices is far smaller.
const BODY_BYTES_MAX: usize = 16 * 1024 * 1024;

#[rustfmt::skip]
const ALL: [Plant; 25] = [
    Plant { name: "wrong_field", path: "body.device.updated_at", kind: "value", every: 1, how: How::Set(hour_later), what: "an hour ahead, as local time would be" },
    Plant { name: "status", path: "status", kind: "status", every: 1, how: How::Status(202), what: "202 in place of 200" },
    Plant { name: "header", path: "header.cache-control", kind: "header", every: 1, how: How::Header("public, max-age=60"), what: "lets caches share what is private" },
    Plant { name: "header_missing", path: "header.vary", kind: "missing", every: 1, how: How::NoHeader, what: "caches cannot tell users apart" },
    Plant { name: "header_extra", path: "header.x-debug", kind: "extra", every: 1, how: How::Header("1"), what: "a header left in" },
    Plant { name: "missing", path: "body.device.firmware", kind: "missing", every: 1, how: How::Remove, what: "a field forgotten" },
    Plant { name: "missing_nested", path: "body.device.state.battery", kind: "missing", every: 1, how: How::Remove, what: "of locks: a field of the state dropped" },
    Plant { name: "extra", path: "body.device.owner_id", kind: "extra", every: 1, how: How::Add("1"), what: "a column too many" },
    Plant { name: "extra_in_list", path: "body.devices[].owner_id", kind: "extra", every: 1, how: How::Add("1"), what: "the same in the list's first device" },
    Plant { name: "type", path: "body.device.id", kind: "type", every: 1, how: How::Set(quoted), what: "a number as text" },
    Plant { name: "type_in_list", path: "body.devices[].version", kind: "type", every: 1, how: How::Set(quoted), what: "the same in the list's first device" },
    Plant { name: "value_in_list", path: "body.devices[].name", kind: "value", every: 1, how: How::Set(marked), what: "a name with a ? in front, in the list's first device" },
    Plant { name: "value_nested", path: "body.device.state.target", kind: "value", every: 1, how: How::Set(hundredth_more), what: "of thermostats: off by 0.01" },
    Plant { name: "value_deep", path: "body.devices[].state.resolution[]", kind: "value", every: 1, how: How::Set(hundredth_more), what: "of the list's first camera: an element of a list within the list" },
    Plant { name: "order", path: "body.devices", kind: "order", every: 1, how: How::Set(reversed), what: "the list backwards" },
    Plant { name: "order_nested", path: "body.device.state.resolution", kind: "order", every: 1, how: How::Set(reversed), what: "of cameras: height before width" },
    Plant { name: "length", path: "body.devices", kind: "length", every: 1, how: How::Set(without_last), what: "the list's last device is gone" },
    Plant { name: "text", path: "body", kind: "text", every: 1, how: How::Page("Saved.", "Stored."), what: "another word on the page after a form" },
    Plant { name: "rare_status", path: "status", kind: "status", every: 100, how: How::Status(500), what: "500 in place of 200, one time in 100" },
    Plant { name: "rare_value", path: "body.device.name", kind: "value", every: 100, how: How::Set(marked), what: "a name with a ? in front, one time in 100" },
    Plant { name: "noisy_field", path: "body.device.firmware", kind: BENIGN, every: 11, how: How::Set(marked), what: "a ? in front, one time in 11: noise where the monolith does so too, by its fault {\"kind\":\"wrong_field\",\"field\":\"firmware\",\"share\":0.09}" },
    Plant { name: "key_order", path: "body.device", kind: BENIGN, every: 1, how: How::Set(keys_reversed), what: "fields backwards: objects have no order" },
    Plant { name: "number_form", path: "body.device.version", kind: BENIGN, every: 1, how: How::Set(with_fraction), what: "4 as 4.0: the same number" },
    Plant { name: "header_form", path: "header.cache-control", kind: BENIGN, every: 1, how: How::Header("No-Cache,private"), what: "the same set, spelt otherwise" },
    Plant { name: "volatile_header", path: "header.server", kind: BENIGN, every: 1, how: How::Header("registry"), what: "names the software, which is what changes" },
];

// === impl Plants ===

impl Plants {
    /// A line for each kind: name, path, kind of difference (or `benign`), one answer in how many,
    /// what. The first four have no space in them.
    pub fn help() -> String {
        let mut text = String::new();
        for Plant { name, path, kind, every, what, .. } in &ALL {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{name:<16} {path:<34} {kind:<8} {every:>4}  {what}");
        }
        text
    }

    /// Puts the faults around `service`; without faults it is the same service.
    pub(crate) fn around(self, service: PublicService) -> PublicService {
        if self.0.is_empty() {
            return service;
        }
        let names: Vec<&str> = self.0.iter().map(|planted| planted.plant.name).collect();
        tracing::warn!(plants = names.join(","), "answers are made wrong, for a demo or a test");
        PublicService::new(tower::service_fn(move |request| {
            let (plants, service) = (self.clone(), service.clone());
            async move {
                let response = service.oneshot(request).await?;
                Ok::<Response, Infallible>(plants.spoil(response).await)
            }
        }))
    }

    async fn spoil(&self, response: Response) -> Response {
        let (mut parts, body) = response.into_parts();
        let Ok(bytes) = to_bytes(body, BODY_BYTES_MAX).await else {
            parts.status = StatusCode::INTERNAL_SERVER_ERROR;
            return Response::from_parts(parts, Body::from("too large to make wrong\n"));
        };
        let Ok(text) = String::from_utf8(bytes.to_vec()) else {
            return Response::from_parts(parts, Body::from(bytes));
        };
        let mut response = Response::from_parts(parts, text);
        for planted in self.0.iter() {
            if let Some(wrong) = planted.plant.spoilt(&response)
                && planted.is_due()
            {
                response = wrong;
            }
        }
        response.map(Body::from)
    }
}

impl FromStr for Plants {
    type Err = PlantError;

    fn from_str(text: &str) -> Result<Plants, PlantError> {
        let plants: Result<Vec<Planted>, PlantError> = text.split(',').map(str::parse).collect();
        plants.map(|plants| Plants(Arc::new(plants)))
    }
}

impl FromStr for Planted {
    type Err = PlantError;

    fn from_str(text: &str) -> Result<Planted, PlantError> {
        let (name, every) = match text.split_once('@') {
            Some((name, every)) => (name, Some(every)),
            None => (text, None),
        };
        let plant = ALL.iter().find(|plant| plant.name == name);
        let plant = plant.ok_or_else(|| PlantError::Unknown(name.to_owned()))?;
        let share = |every: &str| every.parse().ok().filter(|every| *every > 0);
        let every = match every {
            Some(every) => share(every).ok_or_else(|| PlantError::Share(text.to_owned()))?,
            None => plant.every,
        };
        Ok(Planted { plant, every, fitted: AtomicU64::new(0) })
    }
}

impl Planted {
    /// No chance is involved.
    fn is_due(&self) -> bool {
        (self.fitted.fetch_add(1, Ordering::Relaxed) + 1).is_multiple_of(self.every)
    }
}

// === impl Plant ===

impl Plant {
    /// `None` where it does not fit: no such field, or an answer of another kind.
    fn spoilt(&self, answer: &Response<String>) -> Option<Response<String>> {
        let mut wrong = answer.clone();
        match self.how {
            How::Status(status) => {
                let is_device = answer.body().contains("\"device\":");
                let fits = answer.status() == StatusCode::OK && is_device;
                *wrong.status_mut() = StatusCode::from_u16(status).ok().filter(|_| fits)?;
            }
            How::Header(value) => {
                let fits = is_json(answer) && answer.status().is_success();
                let name = self.header().filter(|_| fits)?;
                wrong.headers_mut().insert(name, HeaderValue::from_static(value));
            }
            How::NoHeader => drop(wrong.headers_mut().remove(self.header()?)?),
            How::Set(_) | How::Remove | How::Add(_) => {
                let path = self.path.strip_prefix("body.").filter(|_| is_json(answer))?;
                set_body(&mut wrong, edit(answer.body(), &steps(path), self.how)?);
            }
            How::Page(from, to) => {
                let fits = !is_json(answer) && answer.body().contains(from);
                set_body(&mut wrong, fits.then(|| answer.body().replacen(from, to, 1))?);
            }
        }
        Some(wrong)
    }

    fn header(&self) -> Option<HeaderName> {
        HeaderName::from_bytes(self.path.strip_prefix("header.")?.as_bytes()).ok()
    }
}

fn is_json(answer: &Response<String>) -> bool {
    let media = answer.headers().get(CONTENT_TYPE);
    media.is_some_and(|media| media.as_bytes().starts_with(b"application/json"))
}

fn set_body(answer: &mut Response<String>, body: String) {
    if answer.headers().contains_key(CONTENT_LENGTH) {
        answer.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
    }
    *answer.body_mut() = body;
}

// === Editing JSON without touching what is not meant ===

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step<'a> {
    Key(&'a str),
    /// The first element for which the rest of the path exists.
    Element,
}

/// `devices[].name` is key, element, key.
fn steps(path: &str) -> Vec<Step<'_>> {
    let mut steps = Vec::new();
    for part in path.split('.') {
        let key = part.trim_end_matches("[]");
        steps.push(Step::Key(key));
        let elements = (part.len() - key.len()) / 2;
        steps.extend(std::iter::repeat_n(Step::Element, elements));
    }
    steps
}

/// The text with the change made; every other value keeps its bytes. `None`: there is no such place.
fn edit(json: &str, steps: &[Step<'_>], how: How) -> Option<String> {
    let Some((step, rest)) = steps.split_first() else {
        let How::Set(change) = how else { return None };
        return change(json);
    };
    match step {
        Step::Element => {
            let items = items(json)?;
            let edited = |(at, item): (usize, &&str)| Some((at, edit(item, rest, how)?));
            let (at, wrong) = items.iter().enumerate().find_map(edited)?;
            let mut items = items.clone();
            items[at] = &wrong;
            Some(list(&items))
        }
        Step::Key(key) => {
            let mut fields = fields(json)?;
            let at = fields.iter().position(|(name, _)| name == key);
            match (how, rest, at) {
                (How::Add(value), [], None) => {
                    fields.push(((*key).to_owned(), value));
                    Some(object(&fields))
                }
                (How::Remove, [], Some(at)) => {
                    fields.remove(at);
                    Some(object(&fields))
                }
                (_, _, Some(at)) => {
                    let wrong = edit(fields[at].1, rest, how)?;
                    fields[at].1 = &wrong;
                    Some(object(&fields))
                }
                (_, _, None) => None,
            }
        }
    }
}

fn items(json: &str) -> Option<Vec<&str>> {
    let items: Vec<&RawValue> = serde_json::from_str(json).ok()?;
    Some(items.into_iter().map(RawValue::get).collect())
}

fn list(items: &[&str]) -> String {
    format!("[{}]", items.join(","))
}

/// Keys and values in their order.
fn fields(json: &str) -> Option<Vec<(String, &str)>> {
    let Fields(fields) = serde_json::from_str(json).ok()?;
    Some(fields.into_iter().map(|(key, value)| (key, value.get())).collect())
}

fn object(fields: &[(String, &str)]) -> String {
    let field = |(key, value): &(String, &str)| {
        format!("{}:{value}", serde_json::Value::from(key.as_str()))
    };
    let fields: Vec<String> = fields.iter().map(field).collect();
    format!("{{{}}}", fields.join(","))
}

struct Fields<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Fields<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Fields<'de>, D::Error> {
        deserializer.deserialize_map(InOrder)
    }
}

struct InOrder;

impl<'de> Visitor<'de> for InOrder {
    type Value = Fields<'de>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields<'de>, A::Error> {
        let mut fields = Vec::new();
        while let Some(field) = map.next_entry()? {
            fields.push(field);
        }
        Ok(Fields(fields))
    }
}

// === What becomes of a value ===

/// `"2024-03-01 23:34:56"` becomes `"2024-03-02 00:34:56"`.
fn hour_later(json: &str) -> Option<String> {
    let micros = chassis::clock::parse_naive(json.trim_matches('"'))?;
    Some(format!("\"{}\"", chassis::clock::format_naive(micros + 3_600_000_000)))
}

fn quoted(json: &str) -> Option<String> {
    Some(format!("\"{json}\""))
}

/// A `?` in front of a text, as the monolith's fault `wrong_field` puts it.
fn marked(json: &str) -> Option<String> {
    json.strip_prefix('"').map(|rest| format!("\"?{rest}"))
}

/// 0.01 more, in two decimals.
fn hundredth_more(json: &str) -> Option<String> {
    let number: f64 = json.parse().ok()?;
    Some(format!("{:.2}", number + 0.01))
}

/// `None` for a list that is the same backwards.
fn reversed(json: &str) -> Option<String> {
    let items = items(json)?;
    let backwards: Vec<&str> = items.iter().rev().copied().collect();
    (backwards != items).then(|| list(&backwards))
}

/// `None` for an empty list.
fn without_last(json: &str) -> Option<String> {
    let mut items = items(json)?;
    items.pop()?;
    Some(list(&items))
}

fn keys_reversed(json: &str) -> Option<String> {
    let mut fields = fields(json)?;
    fields.reverse();
    Some(object(&fields))
}

/// `4` becomes `4.0`.
fn with_fraction(json: &str) -> Option<String> {
    json.bytes().all(|byte| byte.is_ascii_digit()).then(|| format!("{json}.0"))
}

#[cfg(test)]
mod tests;
