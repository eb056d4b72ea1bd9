//! JSON, exactly (RFC 8259): numbers stay decimal text, a key twice is an error, and depth and
//! number of values are bounded while reading, not after.

use std::borrow::Cow;

use cutover_domain::compare::{BadDecimal, Decimal, Incomparable, Limits, Map, Value};

/// Reads one JSON text.
///
/// # Errors
/// [`Incomparable::Malformed`] for what is no JSON; [`Incomparable::DuplicateKey`];
/// [`Incomparable::Limit`] for too many values, too deep, or a number whose exponent no decimal
/// here can hold.
pub(super) fn parse(body: &[u8], limits: &Limits) -> Result<Value, Incomparable> {
    let text = std::str::from_utf8(body).map_err(|_| Incomparable::Malformed)?;
    // Parsers may ignore it (RFC 8259 §8.1).
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut reader = Reader { text, at: 0, nodes_left: limits.nodes };
    let value = reader.value(limits.depth)?;
    reader.skip_space();
    if reader.at < text.len() { Err(Incomparable::Malformed) } else { Ok(value) }
}

struct Reader<'t> {
    text: &'t str,
    /// Always at a character's first byte.
    at: usize,
    nodes_left: usize,
}

// === impl Reader ===

impl<'t> Reader<'t> {
    /// A value with at most `depth_left` values inside each other.
    fn value(&mut self, depth_left: usize) -> Result<Value, Incomparable> {
        let depth_left = depth_left.checked_sub(1).ok_or(Incomparable::Limit)?;
        self.nodes_left = self.nodes_left.checked_sub(1).ok_or(Incomparable::Limit)?;
        self.skip_space();
        match self.peek() {
            Some(b'{') => self.map(depth_left),
            Some(b'[') => self.list(depth_left),
            Some(b'"') => Ok(Value::Text(self.string()?.into())),
            Some(b't') => self.word("true", Value::Bool(true)),
            Some(b'f') => self.word("false", Value::Bool(false)),
            Some(b'n') => self.word("null", Value::Null),
            Some(b'-' | b'0'..=b'9') => self.number(),
            _ => Err(Incomparable::Malformed),
        }
    }

    fn map(&mut self, depth_left: usize) -> Result<Value, Incomparable> {
        self.at += 1;
        let mut entries = Vec::new();
        self.skip_space();
        if !self.take(b'}') {
            loop {
                self.skip_space();
                let key = match self.peek() {
                    Some(b'"') => self.string()?.into(),
                    _ => return Err(Incomparable::Malformed),
                };
                self.skip_space();
                self.expect(b':')?;
                entries.push((key, self.value(depth_left)?));
                if self.ends(b'}')? {
                    break;
                }
            }
        }
        Map::new(entries).map(Value::Map)
    }

    fn list(&mut self, depth_left: usize) -> Result<Value, Incomparable> {
        self.at += 1;
        let mut list = Vec::new();
        self.skip_space();
        if !self.take(b']') {
            loop {
                list.push(self.value(depth_left)?);
                if self.ends(b']')? {
                    break;
                }
            }
        }
        Ok(Value::List(list))
    }

    /// After an element: whether `end` follows; else there has to be a comma.
    fn ends(&mut self, end: u8) -> Result<bool, Incomparable> {
        self.skip_space();
        if self.take(end) {
            return Ok(true);
        }
        self.expect(b',')?;
        Ok(false)
    }

    fn word(&mut self, word: &str, value: Value) -> Result<Value, Incomparable> {
        match self.text[self.at..].starts_with(word) {
            true => {
                self.at += word.len();
                Ok(value)
            }
            false => Err(Incomparable::Malformed),
        }
    }

    /// The decimal checks the grammar, which is JSON's.
    fn number(&mut self) -> Result<Value, Incomparable> {
        let rest = &self.text[self.at..];
        let is_number = |byte: u8| matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E');
        let length = rest.bytes().position(|byte| !is_number(byte)).unwrap_or(rest.len());
        self.at += length;
        match rest[..length].parse::<Decimal>() {
            Ok(number) => Ok(Value::Number(number)),
            Err(BadDecimal::Syntax) => Err(Incomparable::Malformed),
            Err(BadDecimal::Exponent) => Err(Incomparable::Limit),
        }
    }

    /// A string, from its opening quote on.
    fn string(&mut self) -> Result<Cow<'t, str>, Incomparable> {
        self.at += 1;
        let plain = self.plain()?;
        if self.take(b'"') {
            return Ok(Cow::Borrowed(plain));
        }
        let mut text = plain.to_owned();
        loop {
            match self.peek() {
                Some(b'\\') => {
                    self.at += 1;
                    text.push(self.escape()?);
                }
                Some(b'"') => {
                    self.at += 1;
                    return Ok(Cow::Owned(text));
                }
                _ => return Err(Incomparable::Malformed),
            }
            text.push_str(self.plain()?);
        }
    }

    /// Up to the next quote or escape.
    fn plain(&mut self) -> Result<&'t str, Incomparable> {
        let rest = &self.text[self.at..];
        let ends = |byte: u8| byte == b'"' || byte == b'\\' || byte < 0x20;
        let length = rest.bytes().position(ends).ok_or(Incomparable::Malformed)?;
        self.at += length;
        Ok(&rest[..length])
    }

    fn escape(&mut self) -> Result<char, Incomparable> {
        let escape = self.peek().ok_or(Incomparable::Malformed)?;
        // A character of several bytes is refused below, before anything is cut within it.
        let character = match escape {
            b'"' | b'\\' | b'/' => char::from(escape),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                self.at += 1;
                return self.unicode();
            }
            _ => return Err(Incomparable::Malformed),
        };
        self.at += 1;
        Ok(character)
    }

    /// The digits after `\u`. Half a surrogate pair stands for nothing that text could hold.
    fn unicode(&mut self) -> Result<char, Incomparable> {
        let first = self.hex()?;
        let code = match first {
            0xd800..0xdc00 => {
                self.expect(b'\\')?;
                self.expect(b'u')?;
                match self.hex()? {
                    second @ 0xdc00..0xe000 => {
                        0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00)
                    }
                    _ => return Err(Incomparable::Malformed),
                }
            }
            code => code,
        };
        char::from_u32(code).ok_or(Incomparable::Malformed)
    }

    fn hex(&mut self) -> Result<u32, Incomparable> {
        let digits = self.text.get(self.at..self.at + 4).ok_or(Incomparable::Malformed)?;
        if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(Incomparable::Malformed);
        }
        self.at += 4;
        u32::from_str_radix(digits, 16).map_err(|_| Incomparable::Malformed)
    }

    fn skip_space(&mut self) {
        let rest = &self.text.as_bytes()[self.at..];
        let is_space = |byte: &&u8| matches!(byte, b' ' | b'\t' | b'\n' | b'\r');
        self.at += rest.iter().take_while(is_space).count();
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn take(&mut self, byte: u8) -> bool {
        let is_next = self.peek() == Some(byte);
        self.at += usize::from(is_next);
        is_next
    }

    fn expect(&mut self, byte: u8) -> Result<(), Incomparable> {
        if self.take(byte) { Ok(()) } else { Err(Incomparable::Malformed) }
    }
}

#[cfg(test)]
mod tests;
