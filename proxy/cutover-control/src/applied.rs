//! What the data plane reports back.

use std::time::Instant;

/// Which revision is in force on the data plane: every request that starts after `at` meets it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Applied {
    /// The revision of the table that requests meet.
    pub revision: u64,
    /// When it was swapped in.
    pub at: Instant,
}
