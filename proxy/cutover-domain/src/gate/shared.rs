//! Whether legacy fails as well, so that new need not be to blame.

use crate::slo::{EVIDENCE_MIN, Indicator, MINUTE_MS, MOMENT_MS, Meter, Tally, ln_evidence};

/// Bad requests of legacy below which its share says nothing.
const BAD_MIN: u64 = 3;
/// Shares are comparable unless one is certainly more than so many times the other.
const TIMES: f64 = 2.0;

/// Both sides' meters.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Meters<'a> {
    pub(crate) legacy: &'a Meter,
    pub(crate) new: &'a Meter,
}

// === impl Meters ===

impl Meters<'_> {
    /// Whether legacy fails about as many requests as `too_many` is of new's: it is over its own
    /// `budget`, and its share is comparable both to that and to new's. Asked of the last moment,
    /// in which an outage begins, of the last minute, and of `window_ms`, which still shows an
    /// outage that is over.
    pub(crate) fn share_an_outage(
        &self,
        indicator: Indicator,
        budget: f64,
        too_many: f64,
        window_ms: u64,
    ) -> bool {
        let share_min = budget.max(too_many / TIMES);
        [MOMENT_MS, MINUTE_MS, window_ms].into_iter().any(|length_ms| {
            let [legacy, new] = [self.legacy, self.new].map(|meter| meter.tally(length_ms));
            let share = legacy.bad_share(indicator);
            legacy.bad_for(indicator) >= BAD_MIN
                && share >= share_min
                && !is_above(&new, indicator, TIMES * share)
        })
    }
}

/// Whether it is certain that more than `share` of the requests are bad.
fn is_above(tally: &Tally, indicator: Indicator, share: f64) -> bool {
    let (bad, good) = (tally.bad_for(indicator), tally.good_for(indicator));
    share < 1.0 && ln_evidence(bad, good, share) >= EVIDENCE_MIN.ln()
}
