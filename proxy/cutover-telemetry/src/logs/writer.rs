//! The thread that writes lines, and the bounded way to it.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use crate::metrics::{DropReason, Signal, TelemetryMetrics};

/// Lines that may wait.
const LINES_MAX: usize = 8192;
/// Bytes that may wait.
const BYTES_MAX: usize = 4 * 1024 * 1024;

/// Takes lines without ever waiting. Clones lead to the same thread.
#[derive(Clone, Debug)]
pub struct LogWriter {
    entries: SyncSender<Entry>,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    bytes: AtomicUsize,
    metrics: TelemetryMetrics,
}

#[derive(Debug)]
enum Entry {
    Line(Box<[u8]>),
    /// Answered when everything before is written.
    Flush(SyncSender<()>),
}

// === impl LogWriter ===

impl LogWriter {
    pub(super) fn start(
        output: impl Write + Send + 'static,
        metrics: TelemetryMetrics,
    ) -> io::Result<Self> {
        let (entries, receiver) = sync_channel(LINES_MAX);
        let shared = Arc::new(Shared { bytes: AtomicUsize::new(0), metrics });
        let of_thread = shared.clone();
        thread::Builder::new()
            .name("log".to_owned())
            .spawn(move || of_thread.run(output, &receiver))?;
        Ok(Self { entries, shared })
    }

    /// Queues one line, its line feed included. When 8192 lines or 4 MiB wait
    /// already, drops and counts it.
    pub(crate) fn write(&self, line: &[u8]) {
        let shared = &*self.shared;
        let before = shared.bytes.fetch_add(line.len(), Ordering::Relaxed);
        let fits = before + line.len() <= BYTES_MAX;
        if !fits || self.entries.try_send(Entry::Line(line.into())).is_err() {
            shared.bytes.fetch_sub(line.len(), Ordering::Relaxed);
            shared.metrics.dropped(Signal::Logs, DropReason::QueueFull, 1);
        }
    }

    /// Waits until all lines so far are written; false when that took longer.
    pub(super) fn flush(&self, within: Duration) -> bool {
        let by = Instant::now() + within;
        let (done, is_done) = sync_channel(1);
        let mut entry = Entry::Flush(done);
        // The channel itself may be full for as long as the reader is stuck.
        loop {
            match self.entries.try_send(entry) {
                Ok(()) => break,
                Err(TrySendError::Full(back)) if Instant::now() < by => entry = back,
                Err(_) => return false,
            }
            thread::park_timeout(Duration::from_millis(5));
        }
        is_done.recv_timeout(by.saturating_duration_since(Instant::now())).is_ok()
    }
}

// === impl Shared ===

impl Shared {
    /// Until the last sender is gone. A reader that went away (`EPIPE`) costs
    /// the lines, not the process.
    fn run(&self, mut output: impl Write, entries: &Receiver<Entry>) {
        let mut buffer = Vec::with_capacity(64 * 1024);
        while let Ok(first) = entries.recv() {
            let mut lines = 0;
            let mut flushes = Vec::new();
            // Whatever came meanwhile goes out with one system call.
            let more = entries.try_iter();
            for entry in std::iter::once(first).chain(more) {
                match entry {
                    Entry::Line(line) => {
                        buffer.extend_from_slice(&line);
                        lines += 1;
                    }
                    Entry::Flush(done) => flushes.push(done),
                }
                if buffer.len() >= 64 * 1024 {
                    break;
                }
            }
            self.put(&mut output, &buffer, lines);
            self.bytes.fetch_sub(buffer.len(), Ordering::Relaxed);
            buffer.clear();
            for done in flushes {
                // The one who asked may have stopped waiting.
                let _ = done.send(());
            }
        }
    }

    fn put(&self, output: &mut impl Write, buffer: &[u8], lines: u64) {
        match output.write_all(buffer).and_then(|()| output.flush()) {
            Ok(()) => self.metrics.exported(Signal::Logs, lines),
            Err(_) => self.metrics.dropped(Signal::Logs, DropReason::Unreachable, lines),
        }
    }
}
