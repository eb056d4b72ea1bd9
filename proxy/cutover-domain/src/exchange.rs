//! One request and its answer, copied while they passed, so that another side can be asked the
//! same.
//!
//! Copies never wait: they are taken within a cap for each body and a [`Budget`] for the whole
//! process. Where either does not suffice, the copy is given up; the request never is.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};
use xxhash_rust::xxh3::{Xxh3, xxh3_64};

use crate::{
    cohort::Percent,
    declaration::WriteClass,
    phase::{Phase, Side},
    route_table::{Route, RouteTable},
};

mod keep;

pub use self::keep::{BadKept, Keep, Kept, is_secret};

/// Most bytes of a request body that are copied.
pub const REQUEST_BYTES_MAX: usize = 256 * 1024;
/// Most bytes of an answer's body that are copied; beyond, length and hash are kept.
pub const RESPONSE_BYTES_MAX: usize = 1024 * 1024;
/// Most bytes of a block in which a body that comes in pieces is copied.
const BLOCK_BYTES: usize = 64 * 1024;
/// Most bytes that all copies of one process hold at once.
pub const BUDGET_BYTES: u64 = 64 * 1024 * 1024;

/// A request that was answered, to be copied to the side that did not serve it.
#[derive(Debug)]
pub struct Exchange {
    /// The table that decided it.
    pub table: Arc<RouteTable>,
    /// Position of its route in the table.
    pub route: usize,
    /// Hash of whom the route's decisions stick to.
    pub subject: u64,
    /// The side that served it.
    pub served: Side,
    /// The side to be asked the same.
    pub candidate: Side,
    /// What was asked.
    pub request: RequestCopy,
    /// What was answered; `None`: the serving side gave no answer, or not to the end.
    pub response: Option<ResponseCopy>,
    /// The live request's trace.
    pub trace: TraceIds,
    /// The flags of that trace, as W3C Trace Context writes them.
    pub trace_flags: u8,
    /// The trace that the copy is to have: chosen at once, so that the live request's span can
    /// name it.
    pub copy_trace_id: u128,
    /// The live request's spans are kept: whoever looks at them will look for the copy's.
    pub is_traced: bool,
    /// The live request's spans, if they were not kept already.
    pub held: Option<Box<dyn HeldSpans>>,
    /// When the request came.
    pub at: SystemTime,
    /// From the request's head to the end of its answer.
    pub duration: Duration,
    /// What the copies hold of the budget.
    pub reserved: Reserved,
}

/// A request as it was sent to the side that served it, hop-by-hop fields left out.
#[derive(Clone, Debug)]
pub struct RequestCopy {
    /// Its method.
    pub method: Method,
    /// Path and query as they came.
    pub target: Box<str>,
    /// Its fields, `Host` among them.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Bytes,
}

/// An answer as the serving side gave it, hop-by-hop fields left out.
#[derive(Clone, Debug)]
pub struct ResponseCopy {
    /// Its status.
    pub status: StatusCode,
    /// Its fields.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Copied,
    /// Fields after the body.
    pub trailers: HeaderMap,
}

/// A body that has passed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Copied {
    /// All of it.
    Whole(Bytes),
    /// Too long to keep.
    Digest {
        /// Its length in bytes.
        length: u64,
        /// xxh3-64 of its bytes, seed 0.
        hash: u64,
    },
}

/// Ids of a live request's trace, as W3C Trace Context writes them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TraceIds {
    /// Of the trace.
    pub trace_id: u128,
    /// Of the live request's SERVER span.
    pub span_id: u64,
}

/// Spans that were not kept, and can be for as long as they are held.
pub trait HeldSpans: fmt::Debug + Send + Sync {
    /// Keeps them after all; never waits.
    fn keep(self: Box<Self>);
}

/// How requests of a route are copied: part of a route that wants it. Copies load the other side,
/// so no route has them unasked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShadowSpec {
    /// The share of subjects whose requests are copied.
    pub percent: Percent,
    /// What becomes of `Authorization` and `Cookie`.
    pub credentials: Credentials,
    /// Copies a second to one candidate; `None`: no limit.
    pub rps_max: Option<u32>,
    /// The share of compared requests for which legacy is asked a second time.
    pub noise: Percent,
    /// The values that samples of its mismatches may keep.
    pub keep: Keep,
}

/// What becomes of `Authorization` and `Cookie` in a copy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Credentials {
    /// They go along as they came.
    Forward,
    /// They are left out.
    #[default]
    Drop,
    /// Cookies that the candidate itself set for this client go along; what the client had from
    /// the other side does not.
    Session,
}

/// Why a request that was to be copied was not. Closed, so that it can label metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Dropped {
    /// The request's body is longer than is copied.
    OverCap,
    /// Too many wait already.
    QueueFull,
    /// The candidate gets no more copies a second.
    Rate,
    /// The candidate failed too often and is left alone for a while.
    Breaker,
    /// All copies together hold as many bytes as they may.
    Budget,
    /// The process is ending, or takes over from one that still compares.
    Shutdown,
}

/// Where copies go: whoever compares sides. Nothing here waits, whatever becomes of the copies.
pub trait Copies: fmt::Debug + Send + Sync {
    /// What copies may hold.
    fn budget(&self) -> &Budget;

    /// Takes the copies of one route. Called when a table is put in force, not for requests.
    fn of_route(&self, id: &str) -> Arc<dyn RouteCopies>;
}

/// Takes the copies of one route. Each request that was to be copied ends in one call.
pub trait RouteCopies: fmt::Debug + Send + Sync {
    /// Its copy.
    fn take(&self, exchange: Exchange);

    /// There is none.
    fn give_up(&self, reason: Dropped);
}

/// Bytes that all copies may hold at once. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Budget(Arc<BudgetState>);

#[derive(Debug)]
struct BudgetState {
    bytes_max: u64,
    used: AtomicU64,
}

/// A part of the budget, given back when it is dropped.
#[derive(Debug)]
pub struct Reserved {
    budget: Budget,
    bytes: u64,
}

/// Nothing is left of the budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("copies hold as many bytes as they may")]
pub struct Exhausted;

/// Copies one body while it passes.
///
/// It is kept in blocks that are never moved: one that grew would hold up to three times its bytes
/// while it does.
pub struct Tee {
    bytes_max: usize,
    full: Vec<Vec<u8>>,
    last: Vec<u8>,
    /// Bytes that the blocks have room for: what is accounted for.
    room: usize,
    /// Bytes that passed.
    length: u64,
    /// Set once the body is longer than is kept.
    digest: Option<Box<Xxh3>>,
}

/// The side that gets a copy of a request which `served` served: `None` if nobody does.
///
/// `bucket` is that of the request's subject ([`crate::bucket`] with the group's salt), so that
/// whole sessions are copied, and those copied at a smaller share are among those at a larger.
/// Legacy gets copies of requests that change nothing, and no others.
pub fn candidate(route: &Route, served: Side, bucket: u16) -> Option<Side> {
    let candidate = match route.state.phase {
        Phase::Legacy | Phase::Retired => return None,
        Phase::Shadow | Phase::Canary | Phase::Live => match served {
            Side::Legacy => Side::New,
            Side::New => Side::Legacy,
        },
    };
    let (shadow, _) = (route.spec.shadow.as_ref()?, route.new?);
    let may = match (candidate, route.spec.write_class()) {
        (_, WriteClass::Safe) => true,
        (Side::New, WriteClass::Idempotent | WriteClass::DryRun | WriteClass::Sandbox) => true,
        (Side::Legacy, _) | (Side::New, WriteClass::Unsafe) => false,
    };
    (may && bucket < shadow.percent.basis_points()).then_some(candidate)
}

/// Names a subject in an [`Exchange`] without telling who it is: xxh3-64, seed 0.
pub fn subject_hash(subject: &str) -> u64 {
    xxh3_64(subject.as_bytes())
}

// === impl ShadowSpec ===

impl ShadowSpec {
    /// Copies a second to one candidate, unless the route says otherwise.
    pub const RPS_MAX: u32 = 50;
    /// Share of second legacy calls, unless the route says otherwise.
    pub const NOISE: Percent = match Percent::from_basis_points(1_000) {
        Some(percent) => percent,
        None => Percent::FULL,
    };
}

impl Default for ShadowSpec {
    fn default() -> ShadowSpec {
        ShadowSpec {
            percent: Percent::FULL,
            credentials: Credentials::default(),
            rps_max: Some(ShadowSpec::RPS_MAX),
            noise: ShadowSpec::NOISE,
            keep: Keep::default(),
        }
    }
}

// === impl Dropped ===

impl Dropped {
    /// Every reason.
    pub const ALL: [Dropped; 6] = [
        Dropped::OverCap,
        Dropped::QueueFull,
        Dropped::Rate,
        Dropped::Breaker,
        Dropped::Budget,
        Dropped::Shutdown,
    ];

    /// The name used in metrics and by the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Dropped::OverCap => "over_cap",
            Dropped::QueueFull => "queue_full",
            Dropped::Rate => "rate",
            Dropped::Breaker => "breaker",
            Dropped::Budget => "budget",
            Dropped::Shutdown => "shutdown",
        }
    }
}

// === impl Budget ===

impl Budget {
    /// A budget of `bytes_max` bytes.
    pub fn new(bytes_max: u64) -> Budget {
        Budget(Arc::new(BudgetState { bytes_max, used: AtomicU64::new(0) }))
    }

    /// Takes `bytes` of it.
    pub fn reserve(&self, bytes: u64) -> Result<Reserved, Exhausted> {
        let mut reserved = Reserved { budget: self.clone(), bytes: 0 };
        reserved.grow(bytes)?;
        Ok(reserved)
    }

    /// Bytes held now.
    pub fn used(&self) -> u64 {
        self.0.used.load(Ordering::Relaxed)
    }
}

// === impl Reserved ===

impl Reserved {
    /// Takes `bytes` more; on failure it holds what it held.
    pub fn grow(&mut self, bytes: u64) -> Result<(), Exhausted> {
        let BudgetState { bytes_max, used } = &*self.budget.0;
        let before = used.fetch_add(bytes, Ordering::Relaxed);
        if before.saturating_add(bytes) > *bytes_max {
            used.fetch_sub(bytes, Ordering::Relaxed);
            return Err(Exhausted);
        }
        self.bytes += bytes;
        Ok(())
    }

    /// Gives `bytes` back, or all it holds if that is less.
    pub fn shrink(&mut self, bytes: u64) {
        let bytes = bytes.min(self.bytes);
        self.bytes -= bytes;
        self.budget.0.used.fetch_sub(bytes, Ordering::Relaxed);
    }

    /// Takes over what `other` holds.
    pub fn join(&mut self, mut other: Reserved) {
        self.bytes += std::mem::take(&mut other.bytes);
    }

    /// Bytes it holds.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }
}

impl Drop for Reserved {
    fn drop(&mut self) {
        self.budget.0.used.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

// === impl Tee ===

impl Tee {
    /// Keeps at most `bytes_max` bytes.
    pub fn new(bytes_max: usize) -> Tee {
        Tee { bytes_max, full: Vec::new(), last: Vec::new(), room: 0, length: 0, digest: None }
    }

    /// Copies the next piece of the body, on account of `reserved`. On failure the copy is of no
    /// more use.
    pub fn pass(&mut self, data: &[u8], reserved: &mut Reserved) -> Result<(), Exhausted> {
        self.length += data.len() as u64;
        if let Some(digest) = &mut self.digest {
            digest.update(data);
        } else if self.length > self.bytes_max as u64 {
            let mut digest = Box::new(Xxh3::new());
            for block in self.full.drain(..).chain([std::mem::take(&mut self.last)]) {
                digest.update(&block);
            }
            digest.update(data);
            self.digest = Some(digest);
            reserved.shrink(std::mem::take(&mut self.room) as u64);
        } else {
            self.keep(data, reserved)?;
        }
        Ok(())
    }

    fn keep(&mut self, data: &[u8], reserved: &mut Reserved) -> Result<(), Exhausted> {
        let free = self.last.capacity() - self.last.len();
        let (fits, rest) = data.split_at(free.min(data.len()));
        self.last.extend_from_slice(fits);
        if !rest.is_empty() {
            // As much again as there is: few blocks, of which little is free.
            let block = rest.len().max(self.room.min(BLOCK_BYTES));
            reserved.grow(block as u64)?;
            self.room += block;
            let full = std::mem::replace(&mut self.last, Vec::with_capacity(block));
            if !full.is_empty() {
                self.full.push(full);
            }
            self.last.extend_from_slice(rest);
        }
        Ok(())
    }

    /// Whether the body is longer than is kept.
    pub fn is_over(&self) -> bool {
        self.digest.is_some()
    }

    /// The body has ended.
    pub fn finish(mut self) -> Copied {
        match self.digest {
            Some(digest) => Copied::Digest { length: self.length, hash: digest.digest() },
            None if self.full.is_empty() => Copied::Whole(self.last.into()),
            None => {
                self.full.push(self.last);
                Copied::Whole(self.full.concat().into())
            }
        }
    }
}

#[cfg(test)]
mod tests;
