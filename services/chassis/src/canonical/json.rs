//! JSON with sorted keys, numbers by value, one spelling per string, no white space.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use super::number;

/// Deeper values stay as written, so that hostile nesting costs neither stack nor square time.
const DEPTH_MAX: usize = 128;

/// `None` when `text` is no JSON. Of equal keys the last one counts.
pub(super) fn canonical(text: &str) -> Option<String> {
    let raw: &RawValue = serde_json::from_str(text).ok()?;
    let mut out = String::with_capacity(text.len());
    write(raw, DEPTH_MAX, &mut out)?;
    Some(out)
}

fn write(raw: &RawValue, depth: usize, out: &mut String) -> Option<()> {
    let text = raw.get();
    match text.as_bytes().first()? {
        b'{' | b'[' if depth == 0 => out.push_str(text),
        b'{' => {
            let members: BTreeMap<String, &RawValue> = serde_json::from_str(text).ok()?;
            out.push('{');
            for (key, value) in members {
                out.push_str(&serde_json::to_string(&key).ok()?);
                out.push(':');
                write(value, depth - 1, out)?;
                out.push(',');
            }
            out.push('}');
        }
        b'[' => {
            let items: Vec<&RawValue> = serde_json::from_str(text).ok()?;
            out.push('[');
            for item in items {
                write(item, depth - 1, out)?;
                out.push(',');
            }
            out.push(']');
        }
        b'"' => {
            let string: String = serde_json::from_str(text).ok()?;
            out.push_str(&serde_json::to_string(&string).ok()?);
        }
        b't' | b'f' | b'n' => out.push_str(text),
        _ => match number::normalize(text) {
            Some(normal) => out.push_str(&normal),
            None => out.push_str(text),
        },
    }
    Some(())
}
