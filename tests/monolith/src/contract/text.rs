//! Bytes as text in a recording and back.
//!
//! What prints is itself. Other bytes are `{{x:0dff}}` in hex, a carriage return is `{{cr}}`, an
//! opening `{{` of the data is `{{x:7b7b}}`. The form is unique: equal text means equal bytes.

use super::mask;
use crate::session::unhex;

/// Lines that end a part of a recording.
pub(super) const MARKS: [&str; 3] = ["<<<", "~~~", "---"];
/// Begins a recording.
pub(super) const TITLE: &str = "### ";

/// Masked bytes as text.
pub(super) fn render(bytes: &[u8]) -> String {
    let mut text = String::new();
    for line in mask::apply(bytes).split_inclusive(|&byte| byte == b'\n') {
        render_line(line, &mut text);
    }
    text
}

fn render_line(line: &[u8], text: &mut String) {
    let bare = line.strip_suffix(b"\n").unwrap_or(line);
    let is_mark =
        MARKS.iter().any(|mark| mark.as_bytes() == bare) || bare.starts_with(TITLE.as_bytes());
    let (escaped, rest) = line.split_at(usize::from(is_mark));
    render_hex(escaped, text);
    for chunk in rest.utf8_chunks() {
        let mut letters = chunk.valid();
        while let Some(letter) = letters.chars().next() {
            let mask = mask::placeholder(letters);
            if let Some(mask) = mask {
                text.push_str(mask);
                letters = &letters[mask.len()..];
                continue;
            }
            let opening = letters.starts_with("{{");
            let length = if opening { 2 } else { letter.len_utf8() };
            match letter {
                '\r' => text.push_str("{{cr}}"),
                '\n' => text.push('\n'),
                _ if opening || letter.is_control() => {
                    render_hex(&letters.as_bytes()[..length], text)
                }
                _ => text.push(letter),
            }
            letters = &letters[length..];
        }
        render_hex(chunk.invalid(), text);
    }
}

fn render_hex(bytes: &[u8], text: &mut String) {
    if bytes.is_empty() {
        return;
    }
    let hex = crate::session::hex(bytes);
    // Neighbours join, so that there is one way to write them.
    match text.strip_suffix("}}").filter(|before| ends_in_hex(before)).map(str::len) {
        Some(end) => text.replace_range(end.., &format!("{hex}}}}}")),
        None => text.push_str(&format!("{{{{x:{hex}}}}}")),
    }
}

fn ends_in_hex(text: &str) -> bool {
    text.trim_end_matches(|digit: char| digit.is_ascii_hexdigit()).ends_with("{{x:")
}

/// Replaces every `{{…}}` of `text` by what `resolve` gives for the words inside, after `cr` and
/// `x:`; the name of the first unknown one is the error.
pub(super) fn expand(
    text: &str,
    mut resolve: impl FnMut(&str) -> Option<Vec<u8>>,
) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{") {
        let (name, after) =
            after.split_once("}}").ok_or_else(|| format!("`{{{{{after}` is not closed"))?;
        bytes.extend_from_slice(before.as_bytes());
        let plain = match name.strip_prefix("x:") {
            Some(hex) => unhex(hex),
            None if name == "cr" => Some(b"\r".to_vec()),
            None => resolve(name),
        };
        bytes.extend(plain.ok_or_else(|| format!("`{{{{{name}}}}}` is not known"))?);
        rest = after;
    }
    bytes.extend_from_slice(rest.as_bytes());
    Ok(bytes)
}
