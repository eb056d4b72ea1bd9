//! Small pieces of pages.

use maud::{Markup, html};

use crate::{
    api::{PhaseName, TargetRow},
    words::{age, target, utc},
};

/// A command to copy.
pub(super) fn command(text: &str) -> Markup {
    html! { code.command { (text) } }
}

/// The same within a sentence.
pub(super) fn inline_command(text: &str) -> Markup {
    html! { code.command.inline { (text) } }
}

/// A moment, for people and programs.
pub(super) fn moment(at_ms: u64) -> Markup {
    let text = utc(at_ms);
    let stamp = text.replace(' ', "T");
    html! { time datetime=(stamp) { (text) } }
}

/// How long ago, with the moment behind it.
pub(super) fn ago(at_ms: u64, now_ms: u64) -> Markup {
    let text = utc(at_ms);
    let stamp = text.replace(' ', "T");
    html! { time datetime=(stamp) title=(text) { (age(now_ms.saturating_sub(at_ms))) " ago" } }
}

pub(super) fn route_link(id: &str) -> Markup {
    html! { a href=(route_path(id)) { (id) } }
}

pub(super) fn route_path(id: &str) -> String {
    format!("/routes/{}", encoded(id))
}

/// `text` as one part of a path or a query (RFC 3986 §2.1).
pub(super) fn encoded(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    text.bytes().fold(String::with_capacity(text.len()), |mut out, byte| {
        match plain(byte) {
            true => out.push(char::from(byte)),
            false => out.push_str(&format!("%{byte:02X}")),
        }
        out
    })
}

/// Text in which backticks mark what is to be typed.
pub(super) fn ticks(text: &str) -> Markup {
    let parts = text.split('`').enumerate();
    html! {
        @for (at, part) in parts { @if at % 2 == 1 { code { (part) } } @else { (part) } }
    }
}

/// The same as a sentence: begins large, ends with a stop.
pub(super) fn sentence(text: &str) -> Markup {
    let mut chars = text.chars();
    let first = chars.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    let stop = if text.ends_with(['.', '!', '?']) { "" } else { "." };
    ticks(&format!("{first}{}{stop}", chars.as_str()))
}

/// `canary 5 %`
pub(super) fn at(row: &TargetRow) -> String {
    target(row).to_string()
}

/// The share of users that new serves, in percent.
pub(super) fn share_of_new(row: &TargetRow) -> f64 {
    match row.phase {
        PhaseName::Legacy | PhaseName::Shadow => 0.0,
        PhaseName::Canary => row.percent.unwrap_or_default(),
        PhaseName::Live | PhaseName::Retired => 100.0,
    }
}

pub(super) fn dash() -> String {
    "–".to_owned()
}

#[cfg(test)]
mod tests;
