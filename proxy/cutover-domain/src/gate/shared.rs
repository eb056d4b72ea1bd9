//! Whether legacy fails as well, so that new need not be to blame.

use crate::slo::{Indicator, MINUTE_MS, MOMENT_MS, Meter};

/// Bad requests of legacy below which its share says nothing.
const BAD_MIN: u64 = 3;
/// Legacy's share is comparable to new's if it is at least so much of it.
const COMPARABLE: f64 = 0.5;

/// Both sides' meters.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Meters<'a> {
    pub(crate) legacy: &'a Meter,
    pub(crate) new: &'a Meter,
}

// === impl Meters ===

impl Meters<'_> {
    /// Whether legacy, too, fails so many requests as `too_many` is of new's, give or take chance:
    /// it is over its own `budget`, and its share is comparable both to that and to new's. Asked
    /// of the last moment, in which an outage begins, of the last minute, and of `window_ms`,
    /// which still shows an outage that is over.
    pub(crate) fn share_an_outage(
        &self,
        indicator: Indicator,
        budget: f64,
        too_many: f64,
        window_ms: u64,
    ) -> bool {
        let share_min = budget.max(COMPARABLE * too_many);
        [MOMENT_MS, MINUTE_MS, window_ms].into_iter().any(|length_ms| {
            let [legacy, new] = [self.legacy, self.new].map(|meter| meter.tally(length_ms));
            let share = legacy.bad_share(indicator);
            legacy.bad_for(indicator) >= BAD_MIN
                && share >= share_min
                && share >= COMPARABLE * new.bad_share(indicator)
        })
    }
}
