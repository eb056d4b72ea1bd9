//! The gate of burn rates: new spends its budget no faster than the budget lasts.

use super::{Answer, Fact, Gate, Measure, Outcome, Reaction, Reason, Settings, shared::Meters};
use crate::slo::{BurnRule, Indicator, Meter, Objective, Objectives, RULES, Tally, ln_evidence};

/// Bad requests that a mature window needs: one in twenty an hour is no trend.
const BAD_MIN: u64 = 3;
/// Bad requests that a young one needs.
const BAD_MIN_YOUNG: u64 = 10;
/// A window is young until so much of it was seen.
const MATURE: f64 = 0.5;

/// One objective over one pair of windows at one moment.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Burn {
    indicator: Indicator,
    objective: Objective,
    rule: BurnRule,
    reaction: Reaction,
    long: Tally,
    short: Tally,
    is_young: bool,
}

/// The answer of the gate where new serves users.
pub(crate) fn answer(objectives: &Objectives, meters: Meters<'_>, settings: &Settings) -> Answer {
    let burns = burns(objectives, meters.new);
    let facts = burns.iter().flat_map(|burn| burn.facts(meters.new)).collect();
    Answer::new(Gate::Burn, outcome(&burns, meters, settings), facts)
}

fn outcome(burns: &[Burn], meters: Meters<'_>, settings: &Settings) -> Outcome {
    let mut shared = None;
    for burn in burns.iter().filter(|burn| burn.is_too_much(settings)) {
        if !burn.is_shared(meters) {
            return Outcome::fail(burn.reaction, burn.told(meters.new));
        }
        shared = shared.or(Some(burn));
    }
    if let Some(burn) = shared {
        let needed =
            format!("legacy to recover: both sides miss their {}", burn.indicator.as_str());
        return Outcome::inconclusive(Reason::Shared, needed);
    }
    let few = burns.iter().filter_map(Burn::missing).max();
    match (burns.is_empty(), few) {
        (true, _) => Outcome::inconclusive(Reason::NoObjective, "an objective: declare `slo`"),
        (false, Some(missing)) => {
            let needed = format!("{missing} more requests to new");
            Outcome::inconclusive(Reason::FewRequests, needed)
        }
        (false, None) => Outcome::Pass,
    }
}

/// Every objective over every pair of windows that it can burn in, worst reaction first.
fn burns(objectives: &Objectives, new: &Meter) -> Vec<Burn> {
    let reactions = [Reaction::SafePhase, Reaction::StepBack, Reaction::Freeze, Reaction::Freeze];
    let of_rule = |(rule, reaction): (BurnRule, Reaction)| {
        let reachable =
            objectives.each().filter(move |(_, objective)| rule.is_reachable(*objective));
        reachable.map(move |(indicator, objective)| Burn {
            indicator,
            objective,
            rule,
            reaction,
            long: new.tally(rule.long_ms),
            short: new.tally(rule.short_ms),
            is_young: new.filled(rule.long_ms) < MATURE,
        })
    };
    RULES.into_iter().zip(reactions).flat_map(of_rule).collect()
}

// === impl Burn ===

impl Burn {
    fn rate(&self, tally: &Tally) -> f64 {
        tally.bad_share(self.indicator) / self.objective.budget()
    }

    fn is_too_much(&self, settings: &Settings) -> bool {
        let over = |tally| self.rate(tally) >= self.rule.factor;
        over(&self.long) && over(&self.short) && self.is_certain(settings)
    }

    /// Whether there is enough of it. A young cohort has no hour of history, so its few requests
    /// have to be evidence.
    fn is_certain(&self, settings: &Settings) -> bool {
        let bad = self.long.bad_for(self.indicator);
        if !self.is_young {
            return bad >= BAD_MIN;
        }
        let good = self.long.good_for(self.indicator);
        let ln_evidence = || ln_evidence(bad, good, self.objective.budget());
        bad >= BAD_MIN_YOUNG && ln_evidence() >= settings.evidence_min.ln()
    }

    fn is_shared(&self, meters: Meters<'_>) -> bool {
        let budget = self.objective.budget();
        let too_many = self.rule.factor * budget;
        meters.share_an_outage(self.indicator, budget, too_many, self.rule.short_ms)
    }

    /// Requests that the fastest pair of windows still lacks: with fewer a single bad one would be
    /// too much. The slower ones hold at least as many, and take their time.
    fn missing(&self) -> Option<u64> {
        let fastest = RULES.iter().find(|rule| rule.is_reachable(self.objective));
        let is_fastest = fastest == Some(&self.rule);
        let missing = self.rule.requests_min(self.objective).saturating_sub(self.long.requests);
        (is_fastest && missing > 0).then_some(missing)
    }

    fn told(&self, new: &Meter) -> String {
        format!(
            "{} burns {:.1} times its budget over {} and {:.1} times over {}",
            self.indicator.as_str(),
            self.rate(&self.long),
            shown(new.scaled_ms(self.rule.long_ms)),
            self.rate(&self.short),
            shown(new.scaled_ms(self.rule.short_ms)),
        )
    }

    fn facts(&self, new: &Meter) -> [Fact; 4] {
        let over =
            |length_ms| format!("{} {}", self.indicator.as_str(), shown(new.scaled_ms(length_ms)));
        let (long, short) = (over(self.rule.long_ms), over(self.rule.short_ms));
        let burn = |tally| Measure::Times(self.rate(tally));
        let limit = Measure::Times(self.rule.factor);
        let (requests, bad) = (format!("{long} requests"), format!("{long} bad"));
        [
            Fact::within(long, burn(&self.long), limit.clone()),
            Fact::within(short, burn(&self.short), limit),
            Fact::new(requests, Measure::Count(self.long.requests)),
            Fact::new(bad, Measure::Count(self.long.bad_for(self.indicator))),
        ]
    }
}

/// A length of time in its largest whole unit.
fn shown(millis: u64) -> String {
    for (unit_ms, unit) in [(86_400_000, "d"), (3_600_000, "h"), (60_000, "min"), (1_000, "s")] {
        if millis >= unit_ms && millis.is_multiple_of(unit_ms) {
            return format!("{} {unit}", millis / unit_ms);
        }
    }
    format!("{millis} ms")
}

#[cfg(test)]
mod tests;
