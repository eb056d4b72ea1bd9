//! HTTP/1 by hand: sends the bytes it is given and shows the bytes that come back.
//!
//! Everything else about HTTP hides what a proxy may have changed: header case, order,
//! interim responses, chunks, trailers, how a connection ends.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;

/// Longest that one read may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// A client connection.
pub struct RawConnection<S = TcpStream> {
    stream: S,
    read: Vec<u8>,
}

/// A response, or an interim one, as it came over the wire.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RawResponse {
    /// The status line, without its line end.
    pub status_line: String,
    /// Header fields in order, names in their own case.
    pub headers: Vec<(String, String)>,
    /// The body, chunks joined.
    pub body: Vec<u8>,
    /// Trailer fields in order.
    pub trailers: Vec<(String, String)>,
}

/// What a response body's length depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Framing {
    Length(usize),
    Chunked,
    Close,
}

impl RawConnection {
    /// Connects.
    pub async fn open(addr: SocketAddr) -> anyhow::Result<RawConnection> {
        let stream =
            TcpStream::connect(addr).await.with_context(|| format!("cannot connect to {addr}"))?;
        stream.set_nodelay(true)?;
        Ok(RawConnection::over(stream))
    }

    /// The socket below.
    pub fn stream(&self) -> &TcpStream {
        &self.stream
    }

    /// Connects and makes one exchange.
    pub async fn exchange(
        addr: SocketAddr,
        request: impl AsRef<[u8]>,
    ) -> anyhow::Result<RawResponse> {
        let request = request.as_ref();
        let mut connection = RawConnection::open(addr).await?;
        connection.send(request).await?;
        connection.response(request.starts_with(b"HEAD ")).await
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> RawConnection<S> {
    /// A connection over `stream`, TLS for example.
    pub fn over(stream: S) -> RawConnection<S> {
        RawConnection { stream, read: Vec::new() }
    }

    /// Sends `bytes` as they are.
    pub async fn send(&mut self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        self.stream.write_all(bytes.as_ref()).await?;
        self.stream.flush().await
    }

    /// Says that nothing more will be sent.
    pub async fn finish(&mut self) -> io::Result<()> {
        self.stream.shutdown().await
    }

    /// Reads the final response, leaving interim ones out. `to_head` says that the request was
    /// HEAD, so that no body follows.
    pub async fn response(&mut self, to_head: bool) -> anyhow::Result<RawResponse> {
        loop {
            let head = self.head().await?;
            if head.status() >= 200 || head.status() == 101 {
                return self.rest(head, to_head).await;
            }
        }
    }

    /// Reads one head, interim or final.
    pub async fn head(&mut self) -> anyhow::Result<RawResponse> {
        let end = loop {
            match find(&self.read, b"\r\n\r\n") {
                Some(end) => break end,
                None => {
                    ensure!(self.more().await? > 0, "closed before a whole head: {:?}", self.seen())
                }
            }
        };
        let head = String::from_utf8_lossy(&self.read[..end]).into_owned();
        self.read.drain(..end + 4);
        let (status_line, fields) = head.split_once("\r\n").unwrap_or((&head, ""));
        Ok(RawResponse {
            status_line: status_line.to_owned(),
            headers: parse_fields(fields)?,
            ..RawResponse::default()
        })
    }

    /// Reads the body and the trailers that belong to `head`.
    pub async fn rest(
        &mut self,
        mut head: RawResponse,
        to_head: bool,
    ) -> anyhow::Result<RawResponse> {
        if to_head || matches!(head.status(), 100..200 | 204 | 304) {
            return Ok(head);
        }
        match head.framing()? {
            Framing::Length(length) => head.body = self.exactly(length).await?,
            Framing::Chunked => self.chunks(&mut head).await?,
            Framing::Close => head.body = self.until_close().await?,
        }
        Ok(head)
    }

    /// Reads exactly `length` bytes.
    pub async fn exactly(&mut self, length: usize) -> anyhow::Result<Vec<u8>> {
        while self.read.len() < length {
            ensure!(self.more().await? > 0, "closed after {} of {length} bytes", self.read.len());
        }
        Ok(self.read.drain(..length).collect())
    }

    /// Reads until the other side closes in an orderly way.
    pub async fn until_close(&mut self) -> anyhow::Result<Vec<u8>> {
        while self.more().await? > 0 {}
        Ok(std::mem::take(&mut self.read))
    }

    /// Waits until the connection is over, by close or reset, and gives what still came.
    pub async fn until_over(&mut self) -> anyhow::Result<Vec<u8>> {
        loop {
            match self.more().await {
                Ok(0) => return Ok(std::mem::take(&mut self.read)),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::TimedOut => return Err(error.into()),
                Err(_) => return Ok(std::mem::take(&mut self.read)),
            }
        }
    }

    /// Reads one line without its end.
    pub async fn line(&mut self) -> anyhow::Result<String> {
        loop {
            if let Some(end) = find(&self.read, b"\r\n") {
                let line = String::from_utf8_lossy(&self.read[..end]).into_owned();
                self.read.drain(..end + 2);
                return Ok(line);
            }
            ensure!(self.more().await? > 0, "closed within a line: {:?}", self.seen());
        }
    }

    async fn chunks(&mut self, head: &mut RawResponse) -> anyhow::Result<()> {
        loop {
            let line = self.line().await?;
            let size = line.split(';').next().unwrap_or_default().trim();
            let size = usize::from_str_radix(size, 16)
                .with_context(|| format!("no chunk size: {line:?}"))?;
            if size == 0 {
                break;
            }
            head.body.extend(self.exactly(size).await?);
            let end = self.exactly(2).await?;
            ensure!(end == b"\r\n", "a chunk ends with {end:?}");
        }
        loop {
            match self.line().await? {
                line if line.is_empty() => return Ok(()),
                line => head.trailers.extend(parse_fields(&line)?),
            }
        }
    }

    async fn more(&mut self) -> io::Result<usize> {
        let read = self.stream.read_buf(&mut self.read);
        match tokio::time::timeout(PATIENCE, read).await {
            Ok(read) => read,
            Err(_) => Err(io::Error::new(io::ErrorKind::TimedOut, "nothing came for 20 s")),
        }
    }

    fn seen(&self) -> String {
        String::from_utf8_lossy(&self.read).into_owned()
    }
}

// === impl RawResponse ===

impl RawResponse {
    /// The status code; 0 when the status line has none.
    pub fn status(&self) -> u16 {
        self.status_line.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or_default()
    }

    /// The first value of header `name`, whatever its case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut named = self.headers.iter().filter(|(its, _)| its.eq_ignore_ascii_case(name));
        named.next().map(|(_, value)| value.as_str())
    }

    /// Every value of header `name`, in order.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let named = self.headers.iter().filter(move |(its, _)| its.eq_ignore_ascii_case(name));
        named.map(|(_, value)| value.as_str())
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    fn framing(&self) -> anyhow::Result<Framing> {
        match (self.header("transfer-encoding"), self.header("content-length")) {
            (Some(coding), None) if coding.eq_ignore_ascii_case("chunked") => Ok(Framing::Chunked),
            (None, Some(length)) => Ok(Framing::Length(length.parse()?)),
            (None, None) => Ok(Framing::Close),
            both => bail!("ambiguous framing {both:?} in {:?}", self.headers),
        }
    }
}

fn parse_fields(text: &str) -> anyhow::Result<Vec<(String, String)>> {
    let field = |line: &str| {
        let (name, value) = line.split_once(':').with_context(|| format!("no field: {line:?}"))?;
        Ok((name.to_owned(), value.trim().to_owned()))
    };
    text.split("\r\n").filter(|line| !line.is_empty()).map(field).collect()
}

/// Where `wanted` begins in `bytes`.
pub(crate) fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}
