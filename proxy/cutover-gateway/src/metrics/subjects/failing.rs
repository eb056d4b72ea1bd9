//! Subjects that a side failed: touched by failures alone, but for one read.

use std::{
    array,
    sync::{
        OnceLock,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

/// Where counting the subjects of failures in a row ends.
pub(super) const SUBJECTS_MAX: usize = 8;

/// Subjects that can be told apart within one minute, a power of two. With more of them failing,
/// some count more than once a minute.
const SEATS: usize = 1_024;
/// Seats that one subject may take.
const REACH: usize = 8;
/// What is kept of a subject beside the number of the minute.
const MINUTE_BITS: u32 = 16;

/// Failures of one side.
#[derive(Debug)]
pub(super) struct Failing {
    trials: AtomicU64,
    /// Who failed in which minute: 48 bits of the subject, 16 of the minute; 0: nobody.
    seats: OnceLock<Box<[AtomicU64; SEATS]>>,
    in_row: AtomicU64,
    /// Different subjects of the failures in a row; 0: none.
    row: [AtomicU64; SUBJECTS_MAX],
}

// === impl Failing ===

impl Default for Failing {
    fn default() -> Failing {
        Failing {
            trials: AtomicU64::new(0),
            seats: OnceLock::new(),
            in_row: AtomicU64::new(0),
            row: array::from_fn(|_| AtomicU64::new(0)),
        }
    }
}

impl Failing {
    /// `subject` was failed, `at` after the beginning.
    pub(super) fn note(&self, subject: u64, at: Duration) {
        if self.is_first(subject, at.as_secs() / 60) {
            self.trials.fetch_add(1, Relaxed);
        }
        if self.in_row.fetch_add(1, Relaxed) == 0 {
            self.row.iter().for_each(|seat| seat.store(0, Relaxed));
        }
        self.join_row(subject.max(1));
    }

    /// The side answered well.
    pub(super) fn end_row(&self) {
        if self.in_row.load(Relaxed) != 0 {
            self.in_row.store(0, Relaxed);
        }
    }

    pub(super) fn trials(&self) -> u64 {
        self.trials.load(Relaxed)
    }

    pub(super) fn in_row(&self) -> u64 {
        self.in_row.load(Relaxed)
    }

    pub(super) fn subjects(&self) -> u64 {
        match self.in_row() {
            0 => 0,
            _ => self.row.iter().filter(|seat| seat.load(Relaxed) != 0).count() as u64,
        }
    }

    /// Whether this is the subject's first failure of the minute.
    fn is_first(&self, subject: u64, minute: u64) -> bool {
        let seats = self.seats.get_or_init(|| Box::new(array::from_fn(|_| AtomicU64::new(0))));
        // Never 0, which is a seat that nobody ever took.
        let minute = 1 + minute % ((1 << MINUTE_BITS) - 1);
        let entry = subject >> MINUTE_BITS << MINUTE_BITS | minute;
        for step in 0..REACH {
            let seat = &seats[(subject as usize).wrapping_add(step) % SEATS];
            let taken = seat.load(Relaxed);
            if taken == entry {
                return false;
            }
            let is_free = taken % (1 << MINUTE_BITS) != minute;
            if is_free && seat.compare_exchange(taken, entry, Relaxed, Relaxed).is_ok() {
                return true;
            }
        }
        true
    }

    fn join_row(&self, subject: u64) {
        for seat in &self.row {
            match seat.compare_exchange(0, subject, Relaxed, Relaxed) {
                Ok(_) => return,
                Err(taken) if taken == subject => return,
                Err(_) => {}
            }
        }
    }
}
