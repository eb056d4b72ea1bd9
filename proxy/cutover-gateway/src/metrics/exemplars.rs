//! Exemplars: for each bucket of a histogram one request whose trace can be looked up.
//!
//! Only requests whose spans are kept leave one. Workers that meet there give up; none waits.
//! `prometheus-client` has exemplars in histograms of its own only, which take a lock for each
//! observation, and lets nobody else make any: so they are put into its text.

use std::{
    collections::HashMap,
    fmt::Write,
    sync::{Arc, OnceLock},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use cutover_telemetry::{
    context::{SpanId, TraceContext, TraceId},
    metrics::ConfigLabel,
};
use parking_lot::Mutex;

/// Buckets of one histogram that keep an exemplar; more than it has.
const BUCKETS_MAX: usize = 32;

/// The exemplars of one family, by route and side. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(super) struct Exemplars(Arc<Mutex<HashMap<(ConfigLabel, &'static str), Series>>>);

/// The latest exemplar of each bucket of one series. Cheap to clone; takes memory once there is
/// one.
#[derive(Clone, Debug, Default)]
pub(super) struct Series(Arc<OnceLock<Box<Mutex<Buckets>>>>);

type Buckets = smallvec::SmallVec<[Exemplar; 4]>;

/// One request of a bucket.
#[derive(Clone, Copy, Debug)]
pub(super) struct Exemplar {
    /// The bucket's upper bound in seconds.
    bound: f64,
    seconds: f64,
    trace_id: TraceId,
    span_id: SpanId,
    at: SystemTime,
}

// === impl Exemplars ===

impl Exemplars {
    /// Those of one series, which are there from now on.
    pub(super) fn of(&self, route: &ConfigLabel, side: &'static str) -> Series {
        self.0.lock().entry((route.clone(), side)).or_default().clone()
    }

    /// The series is gone.
    pub(super) fn remove(&self, route: &ConfigLabel, side: &'static str) {
        self.0.lock().remove(&(route.clone(), side));
    }

    /// All series are gone.
    pub(super) fn clear(&self) {
        self.0.lock().clear();
    }

    /// Puts exemplars behind the samples of a registry's text that begin with `prefix`, which
    /// ends where their labels begin.
    pub(super) fn put_into(&self, text: String, prefix: &str) -> String {
        let all = self.0.lock();
        let known: HashMap<(&str, &str), Buckets> = all
            .iter()
            .map(|((route, side), series)| ((route.as_str(), *side), series.buckets()))
            .filter(|(_, buckets)| !buckets.is_empty())
            .collect();
        if known.is_empty() {
            return text;
        }
        let find = |line: &str| {
            let (labels, _) = line.strip_prefix(prefix)?.split_once('}')?;
            let series = (label(labels, "cutover_route")?, label(labels, "cutover_side")?);
            let bound: f64 = label(labels, "le")?.parse().ok()?;
            known.get(&series)?.iter().find(|exemplar| exemplar.bound == bound).copied()
        };
        let mut with = String::with_capacity(text.len() + known.len() * 512);
        for line in text.lines() {
            with.push_str(line);
            find(line).into_iter().for_each(|exemplar| exemplar.write(&mut with));
            with.push('\n');
        }
        with
    }
}

/// A label's value. Route ids need no escapes, and neither do the others.
fn label<'l>(labels: &'l str, name: &str) -> Option<&'l str> {
    let value = |pair: &'l str| pair.strip_prefix(name)?.strip_prefix("=\"")?.strip_suffix('"');
    labels.split(',').find_map(value)
}

// === impl Series ===

impl Series {
    /// Takes the place of its bucket's latest, unless somebody else is just there.
    pub(super) fn put(&self, exemplar: Exemplar) {
        let Some(mut buckets) = self.0.get_or_init(Box::default).try_lock() else { return };
        match buckets.iter().position(|known| known.bound == exemplar.bound) {
            Some(known) => buckets[known] = exemplar,
            None if buckets.len() < BUCKETS_MAX => buckets.push(exemplar),
            None => {}
        }
    }

    fn buckets(&self) -> Buckets {
        self.0.get().map(|buckets| buckets.lock().clone()).unwrap_or_default()
    }
}

// === impl Exemplar ===

impl Exemplar {
    /// A request of this trace that took so long.
    pub(super) fn of(trace: &TraceContext, duration: Duration, bound: f64) -> Exemplar {
        let TraceContext { trace_id, span_id, .. } = *trace;
        Exemplar {
            bound,
            seconds: duration.as_secs_f64(),
            trace_id,
            span_id,
            at: SystemTime::now(),
        }
    }

    fn write(&self, text: &mut String) {
        let Exemplar { trace_id, span_id, seconds, at, .. } = self;
        let at = at.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64();
        write!(text, " # {{trace_id=\"{trace_id}\",span_id=\"{span_id}\"}} {seconds} {at:.3}")
            .expect("writing to a String cannot fail");
    }
}

#[cfg(test)]
mod tests;
