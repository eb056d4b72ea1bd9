//! The gate of regressions: new is no worse than legacy at the same time.
//!
//! Each bad event, one at most per subject and minute, is a draw: of all who sent a request just
//! then, a share π was new's, so if both sides are equally bad, it is new's with probability π.
//! The evidence that it is not is the mean over ψ ∈ {2, 4, 8 … 128} of the likelihood at odds
//! ψπ/(1−π) over that at π. Each of those products is a martingale if both sides are equally bad,
//! so their mean ever reaches 1000 with probability at most 1/1000 (Ville), at whatever times it is
//! looked at (Ramdas et al., *Game-theoretic statistics and safe anytime-valid inference*, 2023).
//!
//! A candidate that becomes bad after hours of health would have to make up for all the evidence
//! of these hours first. So a tenth of the weight is held back and joins in event by event, as
//! 1/(k(k+1)): the evidence is a mean over when new became worse, too, and stays a martingale.
//!
//! That is not enough to act on: one healthy route in a thousand has it, and a little worse is not
//! bad. New also has to be worse by more than 0.2 points, and as certainly: the evidence that its
//! share of bad requests is above legacy's and 0.2 points is asked for, too. Healthy routes never
//! had both in simulation.
//!
//! Refused here: comparing new with legacy's past, of which the hour of the day is a part.

use std::iter;

use super::{Answer, Fact, Gate, Measure, Outcome, Reaction, Reason, Settings};
use crate::slo::{Indicator, Tally, ln_evidence};

/// How much worse new might be, as factors of the odds.
const PSI: [f64; 7] = [2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0];
/// Weight of "new has been worse from the start".
const FROM_START: f64 = 0.9;

/// The evidence of a step so far.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Evidence {
    /// ln of the weighted likelihood ratio, for each of [`PSI`].
    ln_ratios: [f64; PSI.len()],
    new: u64,
    legacy: u64,
}

/// What both sides served, legacy first.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Served {
    /// Since the step began.
    pub(crate) step: [Tally; 2],
    /// Lately: hours of health would hide what began just now.
    pub(crate) recent: [[Tally; 2]; 2],
}

/// The answer of the gate where each side serves someone.
pub(crate) fn answer(
    evidence: &Evidence,
    served: &Served,
    is_shared: bool,
    settings: &Settings,
) -> Answer {
    let enough = settings.evidence_min.ln();
    let is_worse = evidence.ln() >= enough && served.ln_evidence(settings.difference_min) >= enough;
    let requests_min = (1.0 / settings.difference_min).ceil() as u64;
    let missing = requests_min.saturating_sub(served.step[1].requests);
    let outcome = match (is_worse, is_shared, missing) {
        (true, true, _) => {
            Outcome::inconclusive(Reason::Shared, "legacy to recover: it fails as well")
        }
        (true, false, _) => Outcome::fail(Reaction::SafePhase, told(evidence, served)),
        // In fewer requests the least difference that counts is less than one of them.
        (false, _, 1..) => {
            Outcome::inconclusive(Reason::FewRequests, format!("{missing} more requests to new"))
        }
        (false, _, 0) => Outcome::Pass,
    };
    Answer::new(Gate::Regression, outcome, facts(evidence, served, settings))
}

fn told(evidence: &Evidence, served: &Served) -> String {
    format!(
        "new is worse than legacy by {:.2} points: {} bad events of new beside {} of legacy",
        served.difference() * 100.0,
        evidence.new,
        evidence.legacy,
    )
}

fn facts(evidence: &Evidence, served: &Served, settings: &Settings) -> Vec<Fact> {
    let share = |tally: &Tally| Measure::Share(tally.bad_share(Indicator::Availability));
    let [legacy, new] = &served.step;
    // Beyond that only its size matters, and nobody reads 300 digits.
    let times = |ln: f64| Measure::Times(ln.min(30.0).exp());
    let enough = Measure::Times(settings.evidence_min);
    let of_difference = served.ln_evidence(settings.difference_min);
    vec![
        Fact::within("evidence", times(evidence.ln()), enough.clone()),
        Fact::within("evidence of the difference", times(of_difference), enough),
        Fact::within(
            "difference",
            Measure::Share(served.difference()),
            Measure::Share(settings.difference_min),
        ),
        Fact::new("bad events of new", Measure::Count(evidence.new)),
        Fact::new("bad events of legacy", Measure::Count(evidence.legacy)),
        Fact::new("bad share of new", share(new)),
        Fact::new("bad share of legacy", share(legacy)),
        Fact::new("requests to new", Measure::Count(new.requests)),
        Fact::new("requests to legacy", Measure::Count(legacy.requests)),
    ]
}

// === impl Evidence ===

impl Evidence {
    /// `new` and `legacy` bad events while new had a share `pi` of the active subjects. Without
    /// anyone on one side there is nothing to be learnt.
    pub(crate) fn add(&mut self, new: u64, legacy: u64, pi: f64) {
        let events = new + legacy;
        if events == 0 || pi <= 0.0 || pi >= 1.0 {
            return;
        }
        let ln_joining = self.ln_joining(events);
        for (ln_ratio, psi) in self.ln_ratios.iter_mut().zip(PSI) {
            let odds = psi * pi / (1.0 - pi);
            let share = odds / (1.0 + odds);
            // (1 − share) / (1 − π), without cancellation where the share is near 1.
            let (for_new, for_legacy) = (share / pi, 1.0 / (1.0 + odds) / (1.0 - pi));
            *ln_ratio = ln_add(*ln_ratio, ln_joining)
                + new as f64 * for_new.ln()
                + legacy as f64 * for_legacy.ln();
        }
        self.new += new;
        self.legacy += legacy;
    }

    /// ln of the evidence.
    pub(crate) fn ln(&self) -> f64 {
        let sum = self.ln_ratios.iter().copied().fold(f64::NEG_INFINITY, ln_add);
        let waiting = (1.0 - FROM_START) / (1.0 + (self.new + self.legacy) as f64);
        ln_add(sum - (PSI.len() as f64).ln(), waiting.ln())
    }

    /// ln of the weight that joins in with the next `events`: the sum of 1/(k(k+1)) over them.
    fn ln_joining(&self, events: u64) -> f64 {
        let before = (self.new + self.legacy) as f64;
        let sum = 1.0 / (1.0 + before) - 1.0 / (1.0 + before + events as f64);
        ((1.0 - FROM_START) * sum).ln()
    }
}

impl Default for Evidence {
    fn default() -> Evidence {
        Evidence { ln_ratios: [FROM_START.ln(); PSI.len()], new: 0, legacy: 0 }
    }
}

// === impl Served ===

impl Served {
    /// By how much new's share of bad requests is above legacy's, `-1..=1`: over the step or
    /// lately, whichever is more.
    fn difference(&self) -> f64 {
        let difference = |[legacy, new]: &[Tally; 2]| {
            new.bad_share(Indicator::Availability) - legacy.bad_share(Indicator::Availability)
        };
        self.times().map(difference).fold(-1.0, f64::max)
    }

    /// ln of the evidence that new's share is higher than legacy's by more than `difference`, in
    /// the same times.
    fn ln_evidence(&self, difference: f64) -> f64 {
        let ln = |[legacy, new]: &[Tally; 2]| {
            let allowed = legacy.bad_share(Indicator::Availability) + difference;
            let good = new.good_for(Indicator::Availability);
            if allowed >= 1.0 { 0.0 } else { ln_evidence(new.bad, good, allowed) }
        };
        self.times().map(ln).fold(f64::NEG_INFINITY, f64::max)
    }

    fn times(&self) -> impl Iterator<Item = &[Tally; 2]> {
        iter::once(&self.step).chain(&self.recent)
    }
}

/// ln(eᵃ + eᵇ).
fn ln_add(a: f64, b: f64) -> f64 {
    let (low, high) = if a < b { (a, b) } else { (b, a) };
    if high == f64::NEG_INFINITY { high } else { high + (low - high).exp().ln_1p() }
}

#[cfg(test)]
mod tests;
