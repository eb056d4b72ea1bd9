//! The bounded queue between requests and the exporting thread.
//!
//! The thread looks at the queue by its own clock, so that a push need not wake
//! it (a system call); only the push that fills a batch does.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use opentelemetry_sdk::trace::SpanData;
use tokio::sync::Notify;

use crate::metrics::{DropReason, Signal, TelemetryMetrics};
use crate::span::{CopyRecord, RequestRecord};

/// The queue's entrance. Pushing never blocks and never fails: what does not
/// fit is dropped and counted. Clones lead to the same queue.
#[derive(Clone, Debug)]
pub struct Spans {
    items: SyncSender<Item>,
    shared: Arc<Shared>,
}

/// The queue's exit.
#[derive(Debug)]
pub(super) struct SpanReceiver {
    items: Receiver<Item>,
    shared: Arc<Shared>,
}

/// What one push brings.
#[derive(Debug)]
pub(super) enum Item {
    /// From the hot path.
    Request(Box<RequestRecord>),
    /// From whoever asks the side that did not serve.
    Copy(Box<CopyRecord>),
    /// From the OpenTelemetry SDK, as services use it.
    Sdk(Box<SpanData>),
}

#[derive(Debug)]
struct Shared {
    length_max: i64,
    batch: i64,
    is_closed: AtomicBool,
    batch_filled: Notify,
    /// Its gauge is the length itself, counted once.
    metrics: TelemetryMetrics,
}

/// A queue of at most `length_max` spans that wakes its reader at every `batch`.
pub(super) fn bounded(
    length_max: usize,
    batch: usize,
    metrics: TelemetryMetrics,
) -> (Spans, SpanReceiver) {
    // An item has at least one span, so the channel is never full before
    // `length` says so.
    let (sender, receiver) = sync_channel(length_max.max(1));
    let shared = Arc::new(Shared {
        length_max: signed(length_max),
        batch: signed(batch.clamp(1, length_max.max(1))),
        is_closed: AtomicBool::new(false),
        batch_filled: Notify::new(),
        metrics,
    });
    let spans = Spans { items: sender, shared: shared.clone() };
    let receiver = SpanReceiver { items: receiver, shared };
    (spans, receiver)
}

// === impl Spans ===

impl Spans {
    /// Spans that wait now.
    #[must_use]
    pub fn length(&self) -> usize {
        self.shared.length()
    }

    /// Whether they fit.
    pub(crate) fn push_request(&self, record: Box<RequestRecord>) -> bool {
        let count = record.span_count();
        self.push(Item::Request(record), count)
    }

    pub(crate) fn push_copy(&self, record: Box<CopyRecord>) {
        let count = record.span_count();
        self.push(Item::Copy(record), count);
    }

    /// Counts spans that a rule would have kept, had it not kept so many before.
    pub(crate) fn capped(&self, count: usize) {
        self.shared.dropped(DropReason::RateCap, count);
    }

    pub(crate) fn push_sdk(&self, span: SpanData) {
        self.push(Item::Sdk(Box::new(span)), 1);
    }

    /// Lets nothing more in.
    pub(super) fn close(&self) {
        self.shared.is_closed.store(true, Ordering::Release);
    }

    fn push(&self, item: Item, count: usize) -> bool {
        let shared = &*self.shared;
        if shared.is_closed.load(Ordering::Acquire) {
            shared.dropped(DropReason::Shutdown, count);
            return false;
        }
        let gauge = shared.metrics.queue_gauge();
        let before = gauge.inc_by(signed(count));
        let after = before + signed(count);
        if after > shared.length_max || self.items.try_send(item).is_err() {
            gauge.dec_by(signed(count));
            shared.dropped(DropReason::QueueFull, count);
            return false;
        }
        if before < shared.batch && after >= shared.batch {
            shared.batch_filled.notify_one();
        }
        true
    }
}

// === impl SpanReceiver ===

impl SpanReceiver {
    /// Takes items worth at least one and about `count_max` spans; empty when
    /// nothing waits.
    pub(super) fn take(&self, count_max: usize) -> Vec<Item> {
        let mut items = Vec::new();
        let mut count = 0;
        while count < count_max
            && let Ok(item) = self.items.try_recv()
        {
            count += item.span_count();
            items.push(item);
        }
        self.shared.metrics.queue_gauge().dec_by(signed(count));
        items
    }

    /// Spans that wait now.
    pub(super) fn length(&self) -> usize {
        self.shared.length()
    }

    /// Waits until a whole batch waits.
    pub(super) async fn batch_filled(&self) {
        self.shared.batch_filled.notified().await;
    }
}

// === impl Item ===

impl Item {
    pub(super) fn span_count(&self) -> usize {
        match self {
            Self::Request(record) => record.span_count(),
            Self::Copy(record) => record.span_count(),
            Self::Sdk(_) => 1,
        }
    }
}

// === impl Shared ===

impl Shared {
    fn length(&self) -> usize {
        usize::try_from(self.metrics.queue_length()).unwrap_or(0)
    }

    fn dropped(&self, reason: DropReason, count: usize) {
        self.metrics.dropped(Signal::Traces, reason, count as u64);
    }
}

fn signed(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
