//! The line before each chunk: `size *( ";" extension ) CRLF` (RFC 9112 §7.1).
//!
//! Read byte by byte, so that it needs no memory of its own over splits.

use super::{Limits, Refusal};

/// Hexadecimal digits accepted: as many as 2^63 − 1 needs.
const DIGITS_MAX: u8 = 16;
/// All extensions of one body, in bytes; hyper gives up at 16 KiB.
const EXTENSIONS_TOTAL_MAX: u32 = 8 * 1024;

#[derive(Debug, Default)]
pub(super) struct ChunkLine {
    size: u64,
    digits: u8,
    part: Part,
    extension_bytes: u32,
    extensions_total: u32,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Part {
    #[default]
    Size,
    Extension,
    Lf,
}

impl ChunkLine {
    /// Takes bytes up to and including the line's LF. Returns how many were
    /// taken and, at the end of the line, the chunk's size.
    pub(super) fn take(
        &mut self,
        bytes: &[u8],
        limits: &Limits,
    ) -> Result<(usize, Option<u64>), (usize, Refusal)> {
        for (i, &b) in bytes.iter().enumerate() {
            if self.byte(b, limits).map_err(|refusal| (i, refusal))? {
                let size = self.size;
                *self = Self { extensions_total: self.extensions_total, ..Self::default() };
                return Ok((i + 1, Some(size)));
            }
        }
        Ok((bytes.len(), None))
    }

    /// Whether `b` ended the line.
    fn byte(&mut self, b: u8, limits: &Limits) -> Result<bool, Refusal> {
        match (self.part, b) {
            (Part::Lf, b'\n') => return Ok(true),
            (Part::Lf, _) => return Err(Refusal::BareCr),
            (_, b'\n') => return Err(Refusal::BareLf),
            (Part::Size, b';') if self.digits > 0 => self.part = Part::Extension,
            (Part::Size | Part::Extension, b'\r') if self.digits > 0 => self.part = Part::Lf,
            (Part::Size, _) => self.digit(b)?,
            (Part::Extension, _) => self.extension(b, limits)?,
        }
        Ok(false)
    }

    fn digit(&mut self, b: u8) -> Result<(), Refusal> {
        let digit = char::from(b).to_digit(16).ok_or(Refusal::ChunkSize)?;
        self.digits += 1;
        self.size = (self.size << 4) | u64::from(digit);
        let fits = self.digits <= DIGITS_MAX && self.size <= i64::MAX as u64;
        fits.then_some(()).ok_or(Refusal::ChunkSize)
    }

    fn extension(&mut self, b: u8, limits: &Limits) -> Result<(), Refusal> {
        self.extension_bytes += 1;
        self.extensions_total += 1;
        let fits = self.extension_bytes as usize <= limits.chunk_extension_bytes_max
            && self.extensions_total <= EXTENSIONS_TOTAL_MAX;
        let plain = matches!(b, b'\t' | 0x20..=0x7e);
        (fits && plain).then_some(()).ok_or(Refusal::ChunkExtension)
    }
}
