//! The access log: `epoch_ms method path status bytes`, one line per request at its end. That of a
//! dry run has ` shadow` behind it.
//!
//! A request hands its line to a bounded queue and never waits; one thread writes and flushes.
//! Lines that find the queue full are counted, and a line `# lost N` says so. Status 499 is a
//! request whose client, or a fault, left before there was an answer. *bytes* are body bytes handed
//! to the connection. The query is not written: it may hold secrets.

use std::fs::{File, OpenOptions};
use std::io::{BufWriter, Write};
use std::path::Path;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::thread::JoinHandle;

use axum::body::Body;
use bytes::Bytes;
use http::Method;
use hyper::body::{Frame, SizeHint};

use crate::clock::Clock;

/// Lines waiting to be written.
const QUEUE_LINES_MAX: usize = 65_536;
/// Longest path written; the rest is cut off.
const PATH_BYTES_MAX: usize = 1024;
const CLIENT_GONE: u16 = 499;

/// Where finished requests are written down; by default nowhere.
#[derive(Clone, Default)]
pub(crate) struct AccessLog(Option<Arc<Writer>>);

/// A request under way. Dropping it writes its line.
pub(crate) struct Entry {
    log: AccessLog,
    method: Method,
    path: String,
    pub(crate) status: u16,
    pub(crate) bytes: u64,
    pub(crate) is_shadow: bool,
}

/// A response body that counts its bytes, and ends the request's [`Entry`] with itself.
pub(crate) struct Logged {
    pub(crate) body: Body,
    pub(crate) entry: Entry,
}

struct Writer {
    /// `None` once closed.
    lines: Mutex<Option<SyncSender<String>>>,
    lost: AtomicU64,
    thread: Mutex<Option<JoinHandle<()>>>,
}

// === impl AccessLog ===

impl AccessLog {
    /// Appends to `path`, which is made when absent.
    pub(crate) fn open(path: &Path) -> std::io::Result<AccessLog> {
        let file = OpenOptions::new().create(true).append(true).open(path)?;
        let (lines, queue) = sync_channel(QUEUE_LINES_MAX);
        let writer = Arc::new(Writer {
            lines: Mutex::new(Some(lines)),
            lost: AtomicU64::new(0),
            thread: Mutex::new(None),
        });
        let counter = Arc::downgrade(&writer);
        let thread =
            std::thread::Builder::new().name("access-log".to_owned()).spawn(move || {
                let lost =
                    || counter.upgrade().map_or(0, |writer| writer.lost.swap(0, Ordering::Relaxed));
                write_lines(&queue, file, lost);
            })?;
        *lock(&writer.thread) = Some(thread);
        Ok(AccessLog(Some(writer)))
    }

    /// Notes the beginning of a request.
    pub(crate) fn begin(&self, method: &Method, path: &str) -> Entry {
        let end = path.floor_char_boundary(PATH_BYTES_MAX);
        let (log, method, path) = (self.clone(), method.clone(), path[..end].to_owned());
        Entry { log, method, path, status: CLIENT_GONE, bytes: 0, is_shadow: false }
    }

    /// Writes what is queued and ends the thread; later lines are lost.
    ///
    /// Blocks until the file has them: call it where blocking is allowed.
    pub(crate) fn close(&self) {
        let Some(writer) = &self.0 else { return };
        lock(&writer.lines).take();
        let thread = lock(&writer.thread).take();
        if thread.is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the access log's thread panicked; its last lines are lost");
        }
    }

    fn write(&self, line: String) {
        let Some(writer) = &self.0 else { return };
        let is_sent =
            lock(&writer.lines).as_ref().is_some_and(|lines| lines.try_send(line).is_ok());
        if !is_sent {
            writer.lost.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        let Entry { log, method, path, status, bytes, is_shadow } = self;
        if log.0.is_some() {
            let epoch_ms = Clock::System.now_micros() / 1000;
            let mark = if *is_shadow { " shadow" } else { "" };
            log.write(format!("{epoch_ms} {method} {path} {status} {bytes}{mark}\n"));
        }
    }
}

/// Ends when the sender is gone and the queue is empty. Flushes whenever the queue runs empty.
fn write_lines(queue: &Receiver<String>, file: File, take_lost: impl Fn() -> u64) {
    let mut file = BufWriter::new(file);
    while let Ok(first) = queue.recv() {
        let mut batch = std::iter::once(first).chain(queue.try_iter());
        let mut written = batch.try_for_each(|line| file.write_all(line.as_bytes()));
        let lost = take_lost();
        if lost > 0 {
            written = written.and_then(|()| writeln!(file, "# lost {lost}"));
        }
        if let Err(error) = written.and_then(|()| file.flush()) {
            tracing::error!(%error, "cannot write the access log; lines are missing");
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

// === impl Logged ===

impl hyper::body::Body for Logged {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(cx);
        if let Poll::Ready(Some(Ok(frame))) = &polled {
            self.entry.bytes += frame.data_ref().map_or(0, |data| data.len() as u64);
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests;
