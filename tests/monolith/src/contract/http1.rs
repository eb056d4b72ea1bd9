//! Reading answers off a socket by the framing rules of RFC 9112, and by nothing else.

use std::io;
use std::net::SocketAddr;

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const HEAD_BYTES_MAX: usize = 64 * 1024;
const BODY_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Why no answer could be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum WireError {
    #[error("cannot connect to {addr}: {source}")]
    Connect { addr: SocketAddr, source: io::Error },
    #[error("the connection was closed before any answer")]
    NoAnswer,
    #[error("the connection broke: {0}")]
    Broken(#[from] io::Error),
    #[error("the connection was closed in the middle of {0}")]
    Closed(&'static str),
    #[error("{0} is too long")]
    TooLong(&'static str),
    #[error("malformed {what}: {line:?}")]
    Malformed { what: &'static str, line: String },
}

/// A connection and what was read too far.
pub(super) struct Connection {
    stream: TcpStream,
    buffer: BytesMut,
}

/// A head as it came, without line ends.
#[derive(Debug)]
pub(super) struct RawHead {
    pub(super) status_line: Vec<u8>,
    pub(super) lines: Vec<Vec<u8>>,
}

/// A body without its framing.
#[derive(Debug, Default)]
pub(super) struct RawBody {
    pub(super) bytes: Vec<u8>,
    pub(super) trailers: Vec<Vec<u8>>,
    /// The connection ends with it.
    pub(super) until_close: bool,
}

impl Connection {
    pub(super) async fn open(addr: SocketAddr) -> Result<Connection, WireError> {
        let connect = async {
            let stream = TcpStream::connect(addr).await?;
            stream.set_nodelay(true)?;
            Ok(stream)
        };
        let stream = connect.await.map_err(|source| WireError::Connect { addr, source })?;
        Ok(Connection { stream, buffer: BytesMut::new() })
    }

    pub(super) async fn write(&mut self, bytes: &[u8]) -> Result<(), WireError> {
        Ok(self.stream.write_all(bytes).await?)
    }

    /// Bytes that no answer accounts for.
    pub(super) fn left_over(&self) -> usize {
        self.buffer.len()
    }

    /// Waits until a byte can be read, without taking it; `false` at the end of the connection.
    pub(super) async fn has_more(&mut self) -> Result<bool, WireError> {
        Ok(!self.buffer.is_empty() || self.fill().await? > 0)
    }

    pub(super) async fn read_head(&mut self) -> Result<RawHead, WireError> {
        let status_line = self.read_line("the head").await?;
        let mut lines = Vec::new();
        let mut length = status_line.len();
        loop {
            let line = self.read_line("the head").await?;
            if line.is_empty() {
                return Ok(RawHead { status_line, lines });
            }
            length += line.len();
            if length > HEAD_BYTES_MAX {
                return Err(WireError::TooLong("the head"));
            }
            lines.push(line);
        }
    }

    /// The body after `head`, for the answer to a request of `method` (RFC 9112 §6.3).
    pub(super) async fn read_body(
        &mut self,
        head: &RawHead,
        method: &str,
    ) -> Result<RawBody, WireError> {
        let status = head.status();
        if method == "HEAD" || status.starts_with('1') || status == "204" || status == "304" {
            return Ok(RawBody::default());
        }
        if head
            .value("transfer-encoding")
            .is_some_and(|coding| coding.eq_ignore_ascii_case(b"chunked"))
        {
            return self.read_chunked().await;
        }
        if let Some(length) = head.value("content-length") {
            let bytes = self.read_exact(number(length, 10)?, "the body").await?;
            return Ok(RawBody { bytes, ..RawBody::default() });
        }
        let bytes = self.read_to_end().await?;
        Ok(RawBody { bytes, until_close: true, ..RawBody::default() })
    }

    async fn read_chunked(&mut self) -> Result<RawBody, WireError> {
        let mut body = RawBody::default();
        while let Some(chunk) = self.read_chunk().await? {
            body.bytes.extend(chunk);
            if body.bytes.len() > BODY_BYTES_MAX {
                return Err(WireError::TooLong("the body"));
            }
        }
        loop {
            let line = self.read_line("the trailers").await?;
            if line.is_empty() {
                return Ok(body);
            }
            body.trailers.push(line);
        }
    }

    /// One chunk; `None` is the last.
    pub(super) async fn read_chunk(&mut self) -> Result<Option<Vec<u8>>, WireError> {
        let line = self.read_line("a chunk").await?;
        let size = line.split(|&byte| byte == b';').next().unwrap_or_default();
        let size = number(size.trim_ascii(), 16)?;
        if size == 0 {
            return Ok(None);
        }
        let chunk = self.read_exact(size, "a chunk").await?;
        let end = self.read_line("a chunk").await?;
        if !end.is_empty() {
            return Err(malformed("end of a chunk", &end));
        }
        Ok(Some(chunk))
    }

    pub(super) async fn read_exact(
        &mut self,
        length: usize,
        what: &'static str,
    ) -> Result<Vec<u8>, WireError> {
        if length > BODY_BYTES_MAX {
            return Err(WireError::TooLong(what));
        }
        while self.buffer.len() < length {
            if self.fill().await? == 0 {
                return Err(WireError::Closed(what));
            }
        }
        Ok(self.buffer.split_to(length).to_vec())
    }

    async fn read_to_end(&mut self) -> Result<Vec<u8>, WireError> {
        while self.fill().await? > 0 {
            if self.buffer.len() > BODY_BYTES_MAX {
                return Err(WireError::TooLong("the body"));
            }
        }
        Ok(self.buffer.split().to_vec())
    }

    /// A line that ends in CRLF; a bare line feed is malformed.
    async fn read_line(&mut self, what: &'static str) -> Result<Vec<u8>, WireError> {
        loop {
            if let Some(at) = self.buffer.iter().position(|&byte| byte == b'\n') {
                let line = self.buffer.split_to(at).to_vec();
                self.buffer.advance(1);
                let bare = line.strip_suffix(b"\r").map(<[u8]>::to_vec);
                return bare.ok_or_else(|| malformed("line end", &line));
            }
            if self.buffer.len() > HEAD_BYTES_MAX {
                return Err(WireError::TooLong(what));
            }
            if self.fill().await? == 0 {
                return Err(WireError::Closed(what));
            }
        }
    }

    async fn fill(&mut self) -> Result<usize, WireError> {
        Ok(self.stream.read_buf(&mut self.buffer).await?)
    }
}

impl RawHead {
    /// The three digits, or nothing.
    pub(super) fn status(&self) -> String {
        let status = self.status_line.split(|&byte| byte == b' ').nth(1).unwrap_or_default();
        String::from_utf8_lossy(status).into_owned()
    }

    /// The first value of a name given in lower case.
    pub(super) fn value(&self, name: &str) -> Option<&[u8]> {
        self.lines.iter().find_map(|line| {
            let at = line.iter().position(|&byte| byte == b':')?;
            line[..at].eq_ignore_ascii_case(name.as_bytes()).then(|| line[at + 1..].trim_ascii())
        })
    }

    /// Whether another request may follow on the connection.
    pub(super) fn keeps_alive(&self) -> bool {
        let close =
            self.value("connection").is_some_and(|value| value.eq_ignore_ascii_case(b"close"));
        self.status_line.starts_with(b"HTTP/1.1 ") && !close
    }
}

fn number(text: &[u8], radix: u32) -> Result<usize, WireError> {
    let digits = std::str::from_utf8(text)
        .ok()
        .filter(|text| text.bytes().all(|byte| byte.is_ascii_hexdigit()));
    let number = digits.and_then(|digits| usize::from_str_radix(digits, radix).ok());
    number.ok_or_else(|| malformed("length", text))
}

fn malformed(what: &'static str, line: &[u8]) -> WireError {
    WireError::Malformed { what, line: String::from_utf8_lossy(line).into_owned() }
}
