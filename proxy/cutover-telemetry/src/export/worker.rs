//! The exporting thread's loop: wait, take a batch, send it, count.

use std::sync::mpsc::SyncSender;
use std::time::Duration;

use bytes::Bytes;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until, timeout_at};

use super::kept::{KeptTraces, Sort};
use super::queue::{Item, SpanReceiver};
use super::sender::{Accepted, Failure, Sender};
use super::{ExportConfig, Resource};
use crate::context::TraceId;
use crate::metrics::{DropReason, Signal, TelemetryMetrics};
use crate::sampling::Reason;
use crate::span::{Clock, Redaction, SCHEMA_URL};
use crate::wire::Wire;

const BACKOFF_FIRST: Duration = Duration::from_millis(100);
const BACKOFF_MAX: Duration = Duration::from_secs(5);

/// Asks for everything that waits to be sent; `done` hears when it is.
pub(super) struct Flush {
    pub(super) done: SyncSender<()>,
}

pub(super) struct Worker {
    sender: Sender,
    receiver: SpanReceiver,
    /// By when to end; `None`: not yet.
    stop: watch::Receiver<Option<std::time::Instant>>,
    /// Encoded once.
    resource: Vec<u8>,
    redaction: Redaction,
    kept: KeptTraces,
    batch_spans_max: usize,
    delay: Duration,
    timeout: Duration,
    metrics: TelemetryMetrics,
    /// The last batch failed, and the log says so.
    is_failing: bool,
    /// Spans lost since we were told to stop.
    given_up: u64,
}

enum Event {
    Due,
    Flush(Flush),
    Stop,
}

// === impl Worker ===

impl Worker {
    pub(super) fn new(
        config: &ExportConfig,
        sender: Sender,
        resource: &Resource,
        receiver: SpanReceiver,
        stop: watch::Receiver<Option<std::time::Instant>>,
        metrics: &TelemetryMetrics,
    ) -> Self {
        let mut wire = Wire::default();
        resource.put(&mut wire);
        let encoded = wire.into_bytes();
        Self {
            sender,
            receiver,
            stop,
            resource: encoded,
            redaction: config.redaction.clone(),
            kept: KeptTraces::default(),
            batch_spans_max: config.batch_spans_max.max(1),
            delay: config.delay,
            timeout: config.timeout,
            metrics: metrics.clone(),
            is_failing: false,
            given_up: 0,
        }
    }

    /// What it encodes, for whoever looks at this process.
    pub(super) fn kept(&self) -> KeptTraces {
        self.kept.clone()
    }

    /// Runs until told to stop, or until the exporter is dropped. Returns how
    /// many spans were given up at the end.
    pub(super) async fn run(mut self, mut flushes: mpsc::UnboundedReceiver<Flush>) -> u64 {
        loop {
            match self.next_event(&mut flushes).await {
                Event::Due => self.send_waiting().await,
                Event::Flush(flush) => {
                    self.send_waiting().await;
                    // The one who asked may have stopped waiting.
                    let _ = flush.done.send(());
                }
                Event::Stop => {
                    self.send_waiting().await;
                    return self.given_up;
                }
            }
        }
    }

    async fn next_event(&mut self, flushes: &mut mpsc::UnboundedReceiver<Flush>) -> Event {
        let due = Instant::now() + self.delay;
        tokio::select! {
            biased;
            _ = self.stop.wait_for(Option::is_some) => Event::Stop,
            flush = flushes.recv() => flush.map_or(Event::Stop, Event::Flush),
            () = self.receiver.batch_filled() => Event::Due,
            () = sleep_until(due) => Event::Due,
        }
    }

    /// Sends all that waits, batch by batch.
    async fn send_waiting(&mut self) {
        // What comes in meanwhile waits for the next turn, else a flush under
        // load might never end.
        let mut left = self.receiver.length();
        while left > 0 {
            let items = self.receiver.take(self.batch_spans_max.min(left));
            if items.is_empty() {
                break;
            }
            let count: usize = items.iter().map(Item::span_count).sum();
            left = left.saturating_sub(count);
            self.send_batch(items, count as u64).await;
        }
    }

    async fn send_batch(&mut self, items: Vec<Item>, count: u64) {
        let batch = self.encode(items);
        let outcome = self.send_with_retries(batch).await;
        self.report(&outcome);
        let (lost, reason) = match &outcome {
            Ok(accepted) => (accepted.rejected_spans.min(count), DropReason::Rejected),
            Err(failure) => (count, failure.reason()),
        };
        if lost > 0 {
            self.metrics.dropped(Signal::Traces, reason, lost);
        }
        if self.is_stopping() {
            self.given_up += lost;
        }
        self.metrics.exported(Signal::Traces, count - lost);
    }

    /// Retries what may pass, at growing distance, until the batch's time is up
    /// or we are told to stop.
    async fn send_with_retries(&mut self, batch: Bytes) -> Result<Accepted, Failure> {
        let give_up = Instant::now() + self.timeout;
        let mut backoff = BACKOFF_FIRST;
        let mut last = None;
        loop {
            let failure = match self.send_once(batch.clone(), give_up).await {
                Err(failure) if failure.is_transient() => failure,
                // Time is up, but what went wrong before says more.
                Err(Failure::Timeout) => return Err(last.unwrap_or(Failure::Timeout)),
                outcome => return outcome,
            };
            let wait = failure.retry_after().unwrap_or(backoff).max(backoff);
            let again = Instant::now() + wait.mul_f64(0.8 + 0.4 * fastrand::f64());
            if again >= give_up || self.stops_before(again).await {
                return Err(failure);
            }
            last = Some(failure);
            backoff = (backoff * 2).min(BACKOFF_MAX);
        }
    }

    async fn send_once(&mut self, batch: Bytes, give_up: Instant) -> Result<Accepted, Failure> {
        let stop = &mut self.stop;
        tokio::select! {
            outcome = timeout_at(give_up, self.sender.send(batch)) => {
                outcome.unwrap_or(Err(Failure::Timeout))
            }
            () = stop_deadline(stop) => Err(Failure::Shutdown),
        }
    }

    fn is_stopping(&self) -> bool {
        self.stop.borrow().is_some()
    }

    /// Waits until `at`; true when told to stop before.
    async fn stops_before(&mut self, at: Instant) -> bool {
        timeout_at(at, self.stop.wait_for(Option::is_some)).await.is_ok()
    }

    /// Says in the log when exporting begins to fail, and when it works again;
    /// what happens in between shows in the metrics.
    fn report(&mut self, outcome: &Result<Accepted, Failure>) {
        let endpoint = self.sender.endpoint();
        match outcome {
            Err(failure) if !self.is_failing => tracing::warn!(
                %endpoint,
                reason = failure.reason().as_str(),
                "the telemetry receiver did not take spans: {failure}; they are dropped and \
                 counted in cutover_telemetry_dropped_total until it does"
            ),
            Ok(accepted) if accepted.rejected_spans > 0 => tracing::warn!(
                %endpoint,
                rejected_spans = accepted.rejected_spans,
                "the telemetry receiver refused some spans: {}",
                accepted.message
            ),
            Ok(_) if self.is_failing => {
                tracing::info!(%endpoint, "the telemetry receiver takes spans again");
            }
            _ => {}
        }
        self.is_failing = outcome.is_err();
    }

    /// An `ExportTraceServiceRequest`.
    fn encode(&self, items: Vec<Item>) -> Bytes {
        let (own, sdk): (Vec<_>, Vec<_>) =
            items.into_iter().partition(|item| !matches!(item, Item::Sdk(_)));
        let mut wire = Wire::with_capacity(64 * 1024);
        wire.nested(1, |wire| {
            wire.bytes(1, &self.resource);
            self.put_scope(wire, "cutover", own);
            self.put_scope(wire, "tracing", sdk);
            wire.bytes(3, SCHEMA_URL.as_bytes());
        });
        wire.into_bytes().into()
    }

    /// A `ScopeSpans`, unless there are no spans.
    fn put_scope(&self, wire: &mut Wire, name: &str, items: Vec<Item>) {
        if items.is_empty() {
            return;
        }
        let clock = Clock::read();
        wire.nested(2, |wire| {
            wire.nested(1, |wire| {
                wire.bytes(1, name.as_bytes());
                wire.bytes(2, env!("CARGO_PKG_VERSION").as_bytes());
            });
            for item in items {
                match item {
                    Item::Request(record) => {
                        self.put_kept(wire, record.trace_id(), record.sort(), |wire| {
                            record.put(wire, 2, clock, &self.redaction);
                        })
                    }
                    Item::Copy(record) => {
                        self.put_kept(wire, record.trace_id(), record.sort(), |wire| {
                            record.put(wire, 2, clock, &self.redaction);
                        })
                    }
                    Item::Sdk(span) => wire.bytes(2, &Span::from(*span).encode_to_vec()),
                }
            }
            wire.bytes(3, SCHEMA_URL.as_bytes());
        });
    }

    /// Spans of a trace, for the receiver and for whoever looks at this process.
    fn put_kept(
        &self,
        wire: &mut Wire,
        trace_id: TraceId,
        (route, reason): (Option<&str>, Reason),
        put: impl FnOnce(&mut Wire),
    ) {
        let mut own = Wire::with_capacity(1024);
        put(&mut own);
        let encoded = own.into_bytes();
        self.kept.push(trace_id, Sort::of(route, reason), &encoded);
        wire.fields(&encoded);
    }
}

/// Returns when the time given for stopping is over; never, while nobody asked.
async fn stop_deadline(stop: &mut watch::Receiver<Option<std::time::Instant>>) {
    let by = match stop.wait_for(Option::is_some).await {
        Ok(by) => *by,
        // The exporter was dropped: end at once.
        Err(_) => None,
    };
    if let Some(by) = by {
        sleep_until(by.into()).await;
    }
}
