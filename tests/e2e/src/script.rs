//! An upstream that plays written bytes, and keeps the bytes it was sent.
//!
//! The path names the script: `GET /trailers` plays the script `trailers`. So one request can be
//! made straight and through the proxy, and both ends compared byte by byte.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::{JoinHandle, JoinSet};

use crate::raw::find;

/// One step of a script.
#[derive(Clone, Debug)]
pub enum Act {
    /// Sends these bytes at once.
    Send(Vec<u8>),
    /// Sends this many bytes of `a`, at the pace of the reader.
    Flood(u64),
    /// Waits for the rest of the request's body.
    ReadBody,
    /// Waits until the test calls [`Script::go_on`].
    Wait,
    /// Waits this long.
    Pause(Duration),
    /// Ends the connection in an orderly way.
    Close,
    /// Cuts the connection with a reset.
    Reset,
    /// Waits for ever.
    Hang,
}

/// One request as it arrived.
#[derive(Clone, Debug, Default)]
pub struct Heard {
    /// The head's lines, the request line first, without line ends.
    pub head: Vec<String>,
    /// The body, chunks joined, as far as it was read.
    pub body: Vec<u8>,
    /// Lines of the trailer section.
    pub trailers: Vec<String>,
}

/// A running script player. Dropping it cuts every connection.
pub struct Script {
    addr: SocketAddr,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

struct Shared {
    scripts: BTreeMap<String, Vec<Act>>,
    heard: Mutex<Vec<Heard>>,
    /// Bytes of floods that the socket took so far.
    flooded: std::sync::atomic::AtomicU64,
    go_on: Notify,
}

struct Conversation {
    stream: TcpStream,
    read: Vec<u8>,
    shared: Arc<Shared>,
}

impl Script {
    /// Listens on a free loopback port and plays `scripts` by name.
    pub async fn start<N: Into<String>>(
        scripts: impl IntoIterator<Item = (N, Vec<Act>)>,
    ) -> anyhow::Result<Script> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let addr = listener.local_addr()?;
        let shared = Arc::new(Shared {
            scripts: scripts.into_iter().map(|(name, acts)| (name.into(), acts)).collect(),
            heard: Mutex::default(),
            flooded: Default::default(),
            go_on: Notify::new(),
        });
        let task = tokio::spawn(accept(listener, Arc::clone(&shared)));
        Ok(Script { addr, shared, task })
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// `http://…` of it.
    pub fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// Every request so far, in order of arrival of their heads.
    pub fn heard(&self) -> Vec<Heard> {
        self.shared.heard.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Bytes of floods that were taken by the other side or lie in socket buffers.
    pub fn flooded(&self) -> u64 {
        self.shared.flooded.load(std::sync::atomic::Ordering::SeqCst)
    }

    /// Lets one [`Act::Wait`], present or next, go on.
    pub fn go_on(&self) {
        self.shared.go_on.notify_one();
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let mut conversations = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let _ = stream.set_nodelay(true);
        let mut conversation =
            Conversation { stream, read: Vec::new(), shared: Arc::clone(&shared) };
        conversations.spawn(async move { while conversation.play().await.is_some() {} });
        while conversations.try_join_next().is_some() {}
    }
}

// === impl Conversation ===

impl Conversation {
    /// One request and its script. `None` when the connection is over.
    async fn play(&mut self) -> Option<()> {
        let index = self.hear().await?;
        let path = self.update(index, |heard| heard.path().to_owned());
        let unknown = b"HTTP/1.1 404 No Such Script\r\nContent-Length: 0\r\n\r\n".to_vec();
        let shared = Arc::clone(&self.shared);
        let acts = shared.scripts.get(&path).cloned().unwrap_or(vec![Act::Send(unknown)]);
        let mut body_read = false;
        for act in acts {
            match act {
                Act::Send(bytes) => self.stream.write_all(&bytes).await.ok()?,
                Act::Flood(bytes) => self.flood(bytes).await?,
                Act::ReadBody => {
                    self.body(index).await?;
                    body_read = true;
                }
                Act::Wait => shared.go_on.notified().await,
                Act::Pause(time) => tokio::time::sleep(time).await,
                Act::Close => return None,
                Act::Reset => {
                    let _ = self.stream.set_zero_linger();
                    return None;
                }
                Act::Hang => std::future::pending().await,
            }
        }
        if !body_read {
            self.body(index).await?;
        }
        Some(())
    }

    async fn hear(&mut self) -> Option<usize> {
        let end = loop {
            match find(&self.read, b"\r\n\r\n") {
                Some(end) => break end,
                None => self.more().await?,
            }
        };
        let head = String::from_utf8_lossy(&self.read[..end]).into_owned();
        self.read.drain(..end + 4);
        let head = head.split("\r\n").map(str::to_owned).collect();
        let mut heard = self.shared.heard.lock().unwrap_or_else(PoisonError::into_inner);
        heard.push(Heard { head, ..Heard::default() });
        Some(heard.len() - 1)
    }

    async fn body(&mut self, index: usize) -> Option<()> {
        let (length, chunked) = self.update(index, |heard| {
            let length = heard.field("content-length").and_then(|value| value.parse().ok());
            (length.unwrap_or(0), heard.field("transfer-encoding").is_some())
        });
        if !chunked {
            let body = self.exactly(length).await?;
            self.update(index, |heard| heard.body = body);
            return Some(());
        }
        loop {
            let size =
                usize::from_str_radix(self.line().await?.split(';').next()?.trim(), 16).ok()?;
            if size == 0 {
                break;
            }
            let chunk = self.exactly(size).await?;
            self.exactly(2).await?;
            self.update(index, |heard| heard.body.extend(chunk));
        }
        loop {
            match self.line().await? {
                line if line.is_empty() => return Some(()),
                line => self.update(index, |heard| heard.trailers.push(line)),
            }
        }
    }

    async fn flood(&mut self, bytes: u64) -> Option<()> {
        let piece = [b'a'; 16 * 1024];
        let mut left = bytes;
        while left > 0 {
            let length = left.min(piece.len() as u64);
            let length = usize::try_from(length).expect("a piece's length fits");
            let written = self.stream.write(&piece[..length]).await.ok()? as u64;
            left -= written;
            self.shared.flooded.fetch_add(written, std::sync::atomic::Ordering::SeqCst);
        }
        Some(())
    }

    async fn exactly(&mut self, length: usize) -> Option<Vec<u8>> {
        while self.read.len() < length {
            self.more().await?;
        }
        Some(self.read.drain(..length).collect())
    }

    async fn line(&mut self) -> Option<String> {
        loop {
            if let Some(end) = find(&self.read, b"\r\n") {
                let line = String::from_utf8_lossy(&self.read[..end]).into_owned();
                self.read.drain(..end + 2);
                return Some(line);
            }
            self.more().await?;
        }
    }

    async fn more(&mut self) -> Option<()> {
        let read = self.stream.read_buf(&mut self.read).await.ok()?;
        (read > 0).then_some(())
    }

    fn update<R>(&self, index: usize, change: impl FnOnce(&mut Heard) -> R) -> R {
        let mut heard = self.shared.heard.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut heard[index])
    }
}

// === impl Heard ===

impl Heard {
    /// The script's name: the path's first segment, without query.
    pub fn path(&self) -> &str {
        let target = self.head.first().and_then(|line| line.split(' ').nth(1)).unwrap_or_default();
        let path = target.split('?').next().unwrap_or_default().trim_start_matches('/');
        path.split('/').next().unwrap_or_default()
    }

    /// The first value of header `name`, whatever its case.
    pub fn field(&self, name: &str) -> Option<&str> {
        let fields = self.head.iter().skip(1).filter_map(|line| line.split_once(':'));
        fields.into_iter().find(|(its, _)| its.eq_ignore_ascii_case(name)).map(|(_, it)| it.trim())
    }
}
