//! Which mismatches of a cluster are kept.

use super::SAMPLES_MAX;

/// Samples that are kept whatever comes after them.
pub(super) const FIRST: usize = 5;

/// Where the `count`th of a cluster is kept, if at all: where there is room, then by reservoir
/// sampling (Vitter's algorithm R) in the places behind [`FIRST`]. Once old samples have gone
/// there is room again.
pub(super) fn place(count: u64, kept: usize, draw: u64) -> Option<usize> {
    if kept < SAMPLES_MAX {
        return Some(kept);
    }
    let place = draw % count.saturating_sub(FIRST as u64).max(1);
    (place < (SAMPLES_MAX - FIRST) as u64).then_some(place as usize + FIRST)
}
