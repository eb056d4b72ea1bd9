//! The fault switch: what shall go wrong, set by a control listener or by a test.
//!
//! Faults are tried in order. Latencies add up; of the other kinds the first that strikes wins.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use http::Method;
use serde::{Deserialize, Serialize};

mod control;
mod json;
mod wrong_field;

pub(crate) use control::router;
pub(crate) use wrong_field::falsify;

/// Faults at once.
const FAULTS_MAX: usize = 100;
const LATENCY_MS_MAX: u64 = 600_000;

/// One thing that goes wrong, and for which requests.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "json::Written", into = "json::Written")]
pub struct Fault {
    /// Raw path that the request's begins with; empty is every path.
    pub path_prefix: String,
    /// Methods in capitals; none is every method.
    pub methods: Vec<String>,
    /// What happens.
    pub kind: FaultKind,
    /// Fraction in 0..=1 of the matching requests that are struck. 0.25 strikes every fourth: the
    /// fourth, the eighth, and so on; no chance is involved.
    pub share: f64,
}

/// What goes wrong.
#[derive(Clone, Debug, PartialEq)]
pub enum FaultKind {
    /// The request is handled this many ms later (up to 600,000).
    Latency {
        /// Milliseconds.
        ms: u64,
    },
    /// The request is not handled; the answer is an error of this status, 400 to 599.
    Status {
        /// HTTP status.
        status: u16,
    },
    /// The request is handled, but the connection closes after so many bytes of the answer,
    /// counted from the status line on; a shorter answer arrives whole.
    Cutoff {
        /// Bytes that still arrive; 0 is none.
        after_bytes: u64,
    },
    /// The request is handled, and in a JSON answer the first field of this name is made wrong:
    /// text gets a `?` in front, a number one digit changed, `true` becomes `false`.
    WrongField {
        /// Key of the field.
        field: String,
    },
    /// The request is not handled and never answered; after ten minutes the connection closes.
    Hang,
}

impl Fault {
    /// A fault that strikes every request.
    pub fn everywhere(kind: FaultKind) -> Fault {
        Fault { path_prefix: String::new(), methods: Vec::new(), kind, share: 1.0 }
    }

    /// The same fault for the paths that begin with `path_prefix` only.
    pub fn on(self, path_prefix: &str) -> Fault {
        Fault { path_prefix: path_prefix.to_owned(), ..self }
    }
}

/// The faults in force.
#[derive(Default)]
pub(crate) struct Faults(RwLock<Arc<Vec<Armed>>>);

struct Armed {
    fault: Fault,
    /// Requests that matched so far.
    matched: AtomicU64,
}

/// What a request has to suffer.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Ordeal {
    pub(crate) latency: Duration,
    /// Anything but a latency.
    pub(crate) strike: Option<FaultKind>,
}

impl Faults {
    /// Replaces all faults and begins to count anew. Errors say which fault is wrong, and why.
    pub(crate) fn set(&self, faults: Vec<Fault>) -> Result<(), String> {
        if faults.len() > FAULTS_MAX {
            return Err(format!("{} faults are too many, {FAULTS_MAX} is the most", faults.len()));
        }
        for (index, fault) in faults.iter().enumerate() {
            fault.check().map_err(|why| format!("fault {index}: {why}"))?;
        }
        let armed = faults.into_iter().map(|fault| Armed { fault, matched: AtomicU64::new(0) });
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(armed.collect());
        Ok(())
    }

    pub(crate) fn get(&self) -> Vec<Fault> {
        self.present().iter().map(|armed| armed.fault.clone()).collect()
    }

    /// Counts the request and says what happens to it.
    pub(crate) fn strike(&self, method: &Method, path: &str) -> Ordeal {
        let mut ordeal = Ordeal::default();
        for armed in self.present().iter() {
            match &armed.fault.kind {
                FaultKind::Latency { ms } if armed.strikes(method, path) => {
                    ordeal.latency += Duration::from_millis(*ms);
                }
                FaultKind::Latency { .. } => {}
                kind if ordeal.strike.is_none() && armed.strikes(method, path) => {
                    ordeal.strike = Some(kind.clone());
                }
                _ => {}
            }
        }
        ordeal
    }

    fn present(&self) -> Arc<Vec<Armed>> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Armed {
    fn strikes(&self, method: &Method, path: &str) -> bool {
        if !self.fault.matches(method, path) {
            return false;
        }
        let before = self.matched.fetch_add(1, Ordering::Relaxed);
        let due = |count: u64| (count as f64 * self.fault.share + 1e-9).floor();
        due(before + 1) > due(before)
    }
}

impl Fault {
    fn matches(&self, method: &Method, path: &str) -> bool {
        let known_method =
            self.methods.is_empty() || self.methods.iter().any(|name| name == method.as_str());
        known_method && path.starts_with(&self.path_prefix)
    }

    fn check(&self) -> Result<(), String> {
        if !(0.0..=1.0).contains(&self.share) {
            return Err(format!("share {} is not within 0 and 1", self.share));
        }
        match self.kind {
            FaultKind::Latency { ms } if ms > LATENCY_MS_MAX => {
                Err(format!("ms {ms} is above {LATENCY_MS_MAX}"))
            }
            FaultKind::Status { status } if !(400..=599).contains(&status) => {
                Err(format!("status {status} is not within 400 and 599"))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
