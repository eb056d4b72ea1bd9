//! The scanner: a state machine over a client's bytes, without I/O.
//!
//! It sees the bytes in any division, says which may pass, and never changes
//! one. Lines that arrive whole are judged in place; only a line split over
//! two reads is kept (at most the head's limit) until its end has come.

use super::chunk::ChunkLine;
use super::head::{self, Framing, Head};
use super::{Limits, Refusal, bytes, trailer};

/// The verdict on one piece of input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scan {
    /// Every byte may pass.
    Pass,
    /// A request that may upgrade ended at `at`: the bytes before may pass,
    /// the rest must wait for [`Scanner::resume`] or [`Scanner::tunnel`].
    Hold {
        /// Offset into the scanned bytes.
        at: usize,
    },
    /// The bytes before `at` may pass, no other ever.
    Refuse {
        /// Offset into the scanned bytes: where the bad head begins (0 if it
        /// began in an earlier piece), or the first bad byte of a body's framing.
        at: usize,
        /// What is wrong.
        reason: Refusal,
        /// Whether the request's head had already passed.
        in_body: bool,
    },
}

/// Where in the stream of messages the scanner stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Between messages, no byte of the next one seen.
    Idle,
    /// Inside a request line or field lines.
    Head,
    /// Inside a body, its framing or its trailer section.
    Body,
    /// Behind a request that may upgrade.
    Held,
    /// Another protocol: no longer scanned.
    Tunnel,
    /// Nothing passes any more.
    Refused,
}

/// Scans one connection's requests. See the module's documentation.
#[derive(Debug)]
pub struct Scanner {
    limits: Limits,
    state: State,
    head: Head,
    /// Heads that have passed as a whole.
    heads: u64,
    /// Bytes of the head or trailer section before the present line.
    section_bytes: usize,
    /// Field lines of the trailer section.
    trailer_fields: usize,
    chunk: ChunkLine,
    /// The beginning of a line whose end has not come.
    carry: Vec<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// `blank`: one empty line was skipped.
    Start {
        blank: bool,
    },
    RequestLine {
        blank: bool,
    },
    Fields,
    Fixed {
        left: u64,
    },
    ChunkLine,
    ChunkData {
        left: u64,
    },
    ChunkCr,
    ChunkLf,
    Trailers,
    Held,
    Tunnel,
    Refused,
}

impl Scanner {
    /// A scanner at the beginning of a connection.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            state: State::Start { blank: false },
            head: Head::default(),
            heads: 0,
            section_bytes: 0,
            trailer_fields: 0,
            chunk: ChunkLine::default(),
            carry: Vec::new(),
        }
    }

    /// Judges the next bytes of the connection. After `Hold` nothing may be
    /// scanned until the hold ends; after `Refuse` every call refuses nothing
    /// new: it says `Hold { at: 0 }`, that is, nothing passes.
    pub fn scan(&mut self, bytes: &[u8]) -> Scan {
        let mut at = 0;
        let mut head_at = 0;
        while at < bytes.len() {
            match self.state {
                State::Tunnel => return Scan::Pass,
                State::Held | State::Refused => return Scan::Hold { at },
                State::Start { .. } => head_at = at,
                _ => {}
            }
            match self.step(&bytes[at..]) {
                Ok(taken) => at += taken,
                Err((bad, reason)) => {
                    let in_body = self.phase() == Phase::Body;
                    self.refuse();
                    let at = if in_body { at + bad } else { head_at };
                    return Scan::Refuse { at, reason, in_body };
                }
            }
        }
        if self.state == State::Held { Scan::Hold { at } } else { Scan::Pass }
    }

    /// Where the scanner stands.
    #[must_use]
    pub fn phase(&self) -> Phase {
        match self.state {
            State::Start { .. } => Phase::Idle,
            State::RequestLine { .. } | State::Fields => Phase::Head,
            State::Held => Phase::Held,
            State::Tunnel => Phase::Tunnel,
            State::Refused => Phase::Refused,
            State::Fixed { .. }
            | State::ChunkLine
            | State::ChunkData { .. }
            | State::ChunkCr
            | State::ChunkLf
            | State::Trailers => Phase::Body,
        }
    }

    /// How many heads have passed as a whole.
    #[must_use]
    pub fn heads(&self) -> u64 {
        self.heads
    }

    /// Whether the last request line's method was `HEAD`.
    #[must_use]
    pub fn is_head_method(&self) -> bool {
        self.head.is_head_method()
    }

    /// Ends a hold: the request was not upgraded, HTTP goes on.
    pub fn resume(&mut self) {
        if self.state == State::Held {
            self.state = State::Start { blank: false };
        }
    }

    /// Ends a hold: what follows is another protocol and passes unseen.
    pub fn tunnel(&mut self) {
        if self.state == State::Held {
            self.state = State::Tunnel;
        }
    }

    /// Lets nothing pass any more.
    pub fn refuse(&mut self) {
        self.state = State::Refused;
        self.carry = Vec::new();
    }

    /// Takes at least one byte; the error holds the offset of the bad one.
    fn step(&mut self, bytes: &[u8]) -> Result<usize, (usize, Refusal)> {
        match self.state {
            State::Start { .. } | State::RequestLine { .. } | State::Fields | State::Trailers => {
                self.take_line(bytes).map_err(|refusal| (0, refusal))
            }
            State::Fixed { left } => {
                let (taken, left) = skip(bytes, left);
                if left == 0 {
                    self.end_message()
                } else {
                    self.state = State::Fixed { left }
                }
                Ok(taken)
            }
            State::ChunkLine => {
                let (taken, size) = self.chunk.take(bytes, &self.limits)?;
                match size {
                    Some(0) => self.begin_trailers(),
                    Some(left) => self.state = State::ChunkData { left },
                    None => {}
                }
                Ok(taken)
            }
            State::ChunkData { left } => {
                let (taken, left) = skip(bytes, left);
                self.state = if left == 0 { State::ChunkCr } else { State::ChunkData { left } };
                Ok(taken)
            }
            State::ChunkCr => self.expect(bytes, b'\r', State::ChunkLf),
            State::ChunkLf => self.expect(bytes, b'\n', State::ChunkLine),
            State::Held | State::Tunnel | State::Refused => Ok(bytes.len()),
        }
    }

    fn expect(&mut self, bytes: &[u8], wanted: u8, next: State) -> Result<usize, (usize, Refusal)> {
        if bytes[0] != wanted {
            return Err((0, Refusal::ChunkEnd));
        }
        self.state = next;
        Ok(1)
    }

    /// Takes bytes up to the end of the present line, and judges it if whole.
    fn take_line(&mut self, bytes: &[u8]) -> Result<usize, Refusal> {
        self.begin_request_line(bytes[0])?;
        let Some(lf) = memchr::memchr(b'\n', bytes) else {
            self.check_size(self.carry.len() + bytes.len())?;
            self.carry.extend_from_slice(bytes);
            return Ok(bytes.len());
        };
        self.check_size(self.carry.len() + lf + 1)?;
        if self.carry.is_empty() {
            self.line(&bytes[..lf])?;
        } else {
            let mut line = std::mem::take(&mut self.carry);
            line.extend_from_slice(&bytes[..lf]);
            self.line(&line)?;
        }
        Ok(lf + 1)
    }

    fn begin_request_line(&mut self, first: u8) -> Result<(), Refusal> {
        let State::Start { blank } = self.state else {
            return Ok(());
        };
        self.state = State::RequestLine { blank };
        match first {
            b'\r' | b'\n' => Ok(()),
            0x16 => Err(Refusal::TlsOnPlain),
            // Refused at once: garbage need not contain a line's end.
            b if !bytes::is_token_byte(b) => Err(Refusal::RequestLine),
            _ => Ok(()),
        }
    }

    /// `line_bytes`: what has come of the present line, its LF included.
    fn check_size(&self, line_bytes: usize) -> Result<(), Refusal> {
        let section = self.section_bytes + line_bytes;
        match self.state {
            State::RequestLine { .. } if line_bytes > head::request_line_max(&self.limits) => {
                Err(Refusal::TargetTooLong)
            }
            State::Trailers if section > self.limits.trailer_bytes_max => {
                Err(Refusal::TrailerTooLarge)
            }
            State::Fields if section > self.limits.head_bytes_max => Err(Refusal::HeadTooLarge),
            _ => Ok(()),
        }
    }

    /// Judges a line, given without its LF.
    fn line(&mut self, line: &[u8]) -> Result<(), Refusal> {
        self.section_bytes += line.len() + 1;
        let Some((b'\r', line)) = line.split_last() else {
            return Err(Refusal::BareLf);
        };
        match self.state {
            State::RequestLine { blank } => self.request_line(line, blank),
            State::Fields if line.is_empty() => self.end_head(),
            State::Fields => self.head.field(line, &self.limits),
            State::Trailers if line.is_empty() => {
                self.end_message();
                Ok(())
            }
            _ => self.trailer(line),
        }
    }

    fn request_line(&mut self, line: &[u8], blank: bool) -> Result<(), Refusal> {
        if line.is_empty() {
            self.state = State::Start { blank: true };
            return if blank { Err(Refusal::EmptyLines) } else { Ok(()) };
        }
        self.head = Head::request_line(line, &self.limits)?;
        self.state = State::Fields;
        Ok(())
    }

    fn end_head(&mut self) -> Result<(), Refusal> {
        let framing = self.head.finish()?;
        self.heads += 1;
        match framing {
            Framing::Fixed(0) => self.end_message(),
            Framing::Fixed(left) => self.state = State::Fixed { left },
            Framing::Chunked => {
                self.chunk = ChunkLine::default();
                self.state = State::ChunkLine;
            }
        }
        Ok(())
    }

    fn begin_trailers(&mut self) {
        self.section_bytes = 0;
        self.trailer_fields = 0;
        self.state = State::Trailers;
    }

    fn trailer(&mut self, line: &[u8]) -> Result<(), Refusal> {
        self.trailer_fields += 1;
        if self.trailer_fields > self.limits.trailer_fields_max {
            return Err(Refusal::TrailerTooLarge);
        }
        trailer::check(line)
    }

    fn end_message(&mut self) {
        self.section_bytes = 0;
        self.carry = Vec::new();
        self.state =
            if self.head.may_upgrade() { State::Held } else { State::Start { blank: false } };
    }
}

/// How much of `bytes` belongs to the `left` bytes of data, and what is left then.
fn skip(bytes: &[u8], left: u64) -> (usize, u64) {
    let taken = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
    (taken, left - taken as u64)
}
