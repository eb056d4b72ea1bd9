//! Answers in one spelling: what compares as equal is written equally.

use super::{
    Answer, Body,
    fields::{attributes, canonical},
    path::Root,
};

// === impl Answer ===

impl Answer {
    /// The answer as it is compared: each field once, in the spelling and order in which its
    /// members are held against another's (cookies each for itself, without when they end), trailers
    /// that were sent as headers among the trailers, runs of white space in a text body as one
    /// space. It differs in nothing from the answer itself.
    pub fn canonical(&self) -> Answer {
        let fields = |root| {
            let fields = self.fields(root).into_iter();
            fields.flat_map(|(name, values)| spelt(name, &values)).collect()
        };
        let body = match &self.body {
            Body::Text(text) => Body::Text(text.split_whitespace().collect::<Vec<_>>().join(" ")),
            body => body.clone(),
        };
        let (headers, trailers) = (fields(Root::Header), fields(Root::Trailer));
        Answer { status: self.status, headers, trailers, body }
    }
}

/// A cookie with its attributes in the spelling in which they are compared.
fn cookie(text: &str) -> String {
    let (name, rest) = text.split_once('=').unwrap_or((text, ""));
    let value = rest.split(';').next().unwrap_or_default().trim();
    let attributes = attributes(rest, false);
    let mark = if attributes.is_empty() { "" } else { "; " };
    format!("{}={value}{mark}{attributes}", name.trim())
}

/// The fields that say what these values of one name say.
fn spelt(name: &str, values: &[&str]) -> Vec<(Box<str>, Box<str>)> {
    let field = |value: &str| (name.into(), value.into());
    match name {
        "set-cookie" => values.iter().map(|value| field(&cookie(value))).collect(),
        name => vec![field(&canonical(name, values))],
    }
}
