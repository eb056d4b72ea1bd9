//! The access log: `epoch_ms method path status bytes`, one line per request at its end.
//!
//! Requests hand their line to a bounded queue and never wait; one thread writes and flushes.
//! Lines that find the queue full are lost, and a line `# lost N` says so.
//! Status 499 is a request whose client, or a fault, left before there was an answer.

use std::fs::{File, OpenOptions};
use std::io::{BufWriter, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use anyhow::Context;
use parking::Parked;

use crate::clock::epoch_ms;

/// Lines waiting to be written.
const QUEUE_LINES_MAX: usize = 65_536;
/// Longest path written.
const PATH_BYTES_MAX: usize = 1024;
const CLIENT_GONE: u16 = 499;

/// Where finished requests are written down; without a path, nowhere.
#[derive(Clone, Default)]
pub(crate) struct AccessLog(Option<Arc<Writer>>);

struct Writer {
    lines: Parked<SyncSender<String>>,
    lost: Arc<AtomicU64>,
    thread: Parked<JoinHandle<()>>,
}

/// A request under way; dropping it writes its line.
pub(crate) struct Entry {
    log: AccessLog,
    method: String,
    path: String,
    pub(crate) status: u16,
    pub(crate) bytes: u64,
}

impl AccessLog {
    /// Appends to `path`.
    pub(crate) fn open(path: &Path) -> anyhow::Result<AccessLog> {
        let file = OpenOptions::new().create(true).append(true).open(path);
        let file =
            file.with_context(|| format!("cannot open the access log {}", path.display()))?;
        let (lines, queue) = sync_channel(QUEUE_LINES_MAX);
        let lost = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&lost);
        let thread = std::thread::Builder::new()
            .name("access-log".to_owned())
            .spawn(move || write_lines(&queue, file, &counter))?;
        let writer = Writer { lines: Parked::new(lines), lost, thread: Parked::new(thread) };
        Ok(AccessLog(Some(Arc::new(writer))))
    }

    /// Notes the beginning of a request.
    pub(crate) fn begin(&self, method: &http::Method, path: &str) -> Entry {
        let end = (0..=PATH_BYTES_MAX.min(path.len())).rev().find(|&at| path.is_char_boundary(at));
        Entry {
            log: self.clone(),
            method: method.to_string(),
            path: path[..end.unwrap_or(0)].to_owned(),
            status: CLIENT_GONE,
            bytes: 0,
        }
    }

    /// Writes what is queued and ends the thread. Later lines are lost.
    pub(crate) fn close(&self) {
        let Some(writer) = &self.0 else { return };
        drop(writer.lines.take());
        if writer.thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the access log's thread panicked; its last lines are lost");
        }
    }

    fn write(&self, line: String) {
        let Some(writer) = &self.0 else { return };
        let sent = writer.lines.with(|lines| lines.try_send(line).is_ok());
        if sent == Some(false) {
            writer.lost.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        let Entry { method, path, status, bytes, .. } = self;
        self.log.write(format!("{} {method} {path} {status} {bytes}\n", epoch_ms()));
    }
}

/// Ends when the sender is gone and the queue is empty.
fn write_lines(queue: &Receiver<String>, file: File, lost: &AtomicU64) {
    let mut file = BufWriter::new(file);
    while let Ok(first) = queue.recv() {
        let batch = std::iter::once(first).chain(queue.try_iter());
        let mut written = batch.into_iter().try_for_each(|line| file.write_all(line.as_bytes()));
        let lost = lost.swap(0, Ordering::Relaxed);
        if lost > 0 {
            written = written.and_then(|()| writeln!(file, "# lost {lost}"));
        }
        if let Err(error) = written.and_then(|()| file.flush()) {
            tracing::error!(%error, "cannot write the access log");
        }
    }
}

mod parking {
    use std::sync::{Mutex, MutexGuard, PoisonError};

    /// A value that can be used by many until one takes it away.
    pub(super) struct Parked<T>(Mutex<Option<T>>);

    impl<T> Parked<T> {
        pub(super) fn new(value: T) -> Parked<T> {
            Parked(Mutex::new(Some(value)))
        }

        pub(super) fn take(&self) -> Option<T> {
            self.lock().take()
        }

        pub(super) fn with<R>(&self, use_it: impl FnOnce(&T) -> R) -> Option<R> {
            self.lock().as_ref().map(use_it)
        }

        fn lock(&self) -> MutexGuard<'_, Option<T>> {
            self.0.lock().unwrap_or_else(PoisonError::into_inner)
        }
    }
}

#[cfg(test)]
mod tests;
