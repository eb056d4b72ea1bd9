//! The smallest gzip writer that is one (RFC 1951, RFC 1952): one block of fixed Huffman codes,
//! repeats found by the last place of the same four bytes.
//!
//! Its output never changes, which a recording of bytes needs and no library promises.

const WINDOW: usize = 32_768;
const MATCH_MIN: usize = 4;
const MATCH_MAX: usize = 258;
const END_OF_BLOCK: u16 = 256;

/// `bytes` as a gzip file without name and time.
pub(super) fn compress(bytes: &[u8]) -> Vec<u8> {
    let mut file = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    file.extend(deflate(bytes));
    file.extend(crc32(bytes).to_le_bytes());
    file.extend((bytes.len() as u32).to_le_bytes());
    file
}

fn deflate(bytes: &[u8]) -> Vec<u8> {
    let mut out = Bits::default();
    // BFINAL 1, BTYPE 01.
    out.put(0b011, 3);
    let mut seen = std::collections::HashMap::new();
    let mut at = 0;
    while at < bytes.len() {
        let earlier = bytes.get(at..at + MATCH_MIN).and_then(|key| seen.insert(key, at));
        let length =
            earlier.filter(|&place| at - place <= WINDOW).map(|place| common(bytes, place, at));
        match (earlier, length) {
            (Some(place), Some(length)) => {
                out.put_match(length, at - place);
                at += length;
            }
            _ => {
                out.put_symbol(u16::from(bytes[at]));
                at += 1;
            }
        }
    }
    out.put_symbol(END_OF_BLOCK);
    out.finish()
}

fn common(bytes: &[u8], earlier: usize, at: usize) -> usize {
    let pairs = bytes[earlier..].iter().zip(&bytes[at..]).take(MATCH_MAX);
    pairs.take_while(|(one, other)| one == other).count()
}

/// Bits in deflate's order: from the lowest of each byte.
#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    pending: u32,
    count: u32,
}

impl Bits {
    fn put(&mut self, value: u32, count: u32) {
        self.pending |= value << self.count;
        self.count += count;
        while self.count >= 8 {
            self.bytes.push(self.pending as u8);
            self.pending >>= 8;
            self.count -= 8;
        }
    }

    /// Huffman codes go in from their highest bit.
    fn put_code(&mut self, code: u32, count: u32) {
        self.put(code.reverse_bits() >> (32 - count), count);
    }

    /// The fixed literal and length codes of RFC 1951 §3.2.6.
    fn put_symbol(&mut self, symbol: u16) {
        let symbol = u32::from(symbol);
        match symbol {
            0..=143 => self.put_code(0x30 + symbol, 8),
            144..=255 => self.put_code(0x190 + symbol - 144, 9),
            256..=279 => self.put_code(symbol - 256, 7),
            _ => self.put_code(0xc0 + symbol - 280, 8),
        }
    }

    /// Length and distance codes of RFC 1951 §3.2.5.
    fn put_match(&mut self, length: usize, distance: usize) {
        let length = length as u32 - 3;
        match length {
            255 => self.put_symbol(285),
            _ => {
                let (code, extra, bits) = split(length, 4);
                self.put_symbol(257 + code as u16);
                self.put(extra, bits);
            }
        }
        let (code, extra, bits) = split(distance as u32 - 1, 2);
        self.put_code(code, 5);
        self.put(extra, bits);
    }

    fn finish(mut self) -> Vec<u8> {
        if self.count > 0 {
            self.bytes.push(self.pending as u8);
        }
        self.bytes
    }
}

/// Code, extra bits and their number; `steps` codes share a number of extra bits.
fn split(value: u32, steps: u32) -> (u32, u32, u32) {
    if value < 2 * steps {
        return (value, 0, 0);
    }
    let bits = value.ilog2() - steps.ilog2();
    (bits * steps + (value >> bits), value & ((1 << bits) - 1), bits)
}

/// The CRC of RFC 1952 §8.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| {
            (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg())
        })
    })
}

#[cfg(test)]
mod tests;
