//! As much of RFC 6455 as a script needs: whole, short frames.

use super::http1::{Connection, WireError};
use super::text;

/// A client has to mask; any key will do.
const KEY: [u8; 4] = [0x11, 0x22, 0x33, 0x44];
const KINDS: [(&str, u8); 5] =
    [("text", 1), ("binary", 2), ("close", 8), ("ping", 9), ("pong", 10)];

/// Writes `text …`, `binary …`, `ping …`, `pong …` or `close 1000 …` as one frame.
/// `None` when the kind is none of these.
pub(super) fn encode(kind: &str, content: &[u8]) -> Option<Vec<u8>> {
    let (_, opcode) = *KINDS.iter().find(|(name, _)| *name == kind)?;
    let payload = if kind == "close" { close_payload(content)? } else { content.to_vec() };
    let mut frame = vec![0x80 | opcode];
    match payload.len() {
        length @ 0..=125 => frame.push(0x80 | length as u8),
        length => {
            frame.push(0x80 | 126);
            frame.extend(u16::try_from(length).ok()?.to_be_bytes());
        }
    }
    frame.extend(KEY);
    frame.extend(payload.iter().zip(KEY.iter().cycle()).map(|(byte, key)| byte ^ key));
    Some(frame)
}

/// Reads one frame as a line in the form of [`encode`].
pub(super) async fn read(connection: &mut Connection) -> Result<String, WireError> {
    let head = connection.read_exact(2, "a frame").await?;
    let length = match head[1] {
        126 => {
            let bytes = connection.read_exact(2, "a frame").await?;
            usize::from(u16::from_be_bytes([bytes[0], bytes[1]]))
        }
        length @ 0..=125 => usize::from(length),
        _ => return Err(WireError::TooLong("a frame")),
    };
    let payload = connection.read_exact(length, "a frame").await?;
    let kind = KINDS.iter().find(|(_, opcode)| head[0] == 0x80 | opcode);
    let line = match kind {
        Some(("close", _)) if payload.len() >= 2 => {
            let code = u16::from_be_bytes([payload[0], payload[1]]);
            format!("close {code} {}", one_line(&payload[2..]))
        }
        Some((name, _)) => format!("{name} {}", one_line(&payload)),
        None => format!("frame {:02x} {}", head[0], one_line(&payload)),
    };
    Ok(line.trim_end().to_owned())
}

fn one_line(payload: &[u8]) -> String {
    text::render(payload).replace('\n', "{{x:0a}}")
}

fn close_payload(content: &[u8]) -> Option<Vec<u8>> {
    if content.is_empty() {
        return Some(Vec::new());
    }
    let content = std::str::from_utf8(content).ok()?;
    let (code, reason) = content.split_once(' ').unwrap_or((content, ""));
    Some([&code.parse::<u16>().ok()?.to_be_bytes(), reason.as_bytes()].concat())
}
