//! Trace and span ids and where they come from.
//!
//! Not security relevant: ids name things, they do not guard them. Uniqueness
//! over many processes does matter, so the generators are seeded from the
//! operating system (through [`RandomState`]), not from the clock as fastrand's
//! own thread-local generator is, and a trace id takes its two halves from two
//! generators, since one has only 64 bits of state.

use std::cell::RefCell;
use std::fmt;
use std::hash::{BuildHasher, RandomState};

/// 16 bytes that name a trace; shown as 32 lower-case hex digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TraceId(u128);

/// 8 bytes that name a span within its trace; shown as 16 lower-case hex digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SpanId(u64);

struct Source {
    high: fastrand::Rng,
    low: fastrand::Rng,
}

thread_local! {
    static SOURCE: RefCell<Source> = RefCell::new(Source::seeded());
}

/// A fresh trace id and span id.
pub(super) fn root() -> (TraceId, SpanId) {
    SOURCE.with_borrow_mut(|source| {
        let trace_id = u128::from(source.high.u64(..)) << 64 | u128::from(source.low.u64(1..));
        (TraceId(trace_id), SpanId(source.low.u64(1..)))
    })
}

/// 128 random bits, for names that are no trace ids.
pub(crate) fn random_u128() -> u128 {
    root().0.0
}

// === impl TraceId ===

impl TraceId {
    /// `None` for zero, which W3C forbids.
    #[must_use]
    pub fn new(id: u128) -> Option<Self> {
        (id != 0).then_some(Self(id))
    }

    /// The id as a number, most significant byte first on the wire.
    #[must_use]
    pub fn get(self) -> u128 {
        self.0
    }

    /// A fresh id with the same 56 random bits, so that samplers decide alike about both. It differs
    /// in the upper half and in the byte between, for receivers that know ids of 64 bits only.
    pub(super) fn alike(self) -> Self {
        SOURCE.with_borrow_mut(|source| {
            let apart = u128::from(source.low.u8(1..)) << 56;
            let low = self.0 & u128::from(u64::MAX);
            Self(u128::from(source.high.u64(1..)) << 64 | low ^ apart)
        })
    }

    /// The 56 bits that level 2 asks to be random: what samplers decide by.
    #[must_use]
    pub fn randomness(self) -> u64 {
        self.0 as u64 & ((1 << 56) - 1)
    }
}

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Debug for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

// === impl SpanId ===

impl SpanId {
    /// `None` for zero, which W3C forbids.
    #[must_use]
    pub fn new(id: u64) -> Option<Self> {
        (id != 0).then_some(Self(id))
    }

    /// A fresh id.
    #[must_use]
    pub fn random() -> Self {
        SOURCE.with_borrow_mut(|source| Self(source.low.u64(1..)))
    }

    /// The id as a number, most significant byte first on the wire.
    #[must_use]
    pub fn get(self) -> u64 {
        self.0
    }
}

impl fmt::Display for SpanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl fmt::Debug for SpanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

// === impl Source ===

impl Source {
    fn seeded() -> Self {
        let state = RandomState::new();
        Self {
            high: fastrand::Rng::with_seed(state.hash_one(0_u8)),
            low: fastrand::Rng::with_seed(state.hash_one(1_u8)),
        }
    }
}
