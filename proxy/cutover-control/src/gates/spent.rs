//! How fast a route's budgets burn, by side and for its users, since the process started.

use cutover_domain::slo::{BurnRule, Indicator, Meter, Objective, Objectives, RULES, Tally};

use crate::RouteCounters;

/// Whose requests are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Whose {
    /// All of them; new's that legacy rescued are good.
    Users,
    /// Those that the decision sent to legacy.
    Legacy,
    /// Those that it sent to new; rescued ones are bad.
    New,
}

/// One objective for one of them.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Spent {
    pub(crate) indicator: Indicator,
    pub(crate) objective: Objective,
    pub(crate) whose: Whose,
    /// Share of the budget of 30 days that is left, below 0 where it is overspent; by what was seen.
    pub(crate) budget_left: f64,
    /// The windows of [`Meter::lengths`]: those of the rules, shortest first, then the 30 days.
    pub(crate) windows: Vec<Window>,
}

/// One window.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Window {
    /// How long it really is: `windows_scale` shortens the lengths of [`RULES`].
    pub(crate) length_ms: u64,
    /// How much of it was seen, `0..=1`.
    pub(crate) seen: f64,
    pub(crate) requests: u64,
    pub(crate) bad: u64,
    /// Times the budget.
    pub(crate) burn: f64,
    /// The burn rate that is too much over it, by the fastest rule that has it.
    pub(crate) limit: Option<f64>,
}

/// The meters of one route.
#[derive(Debug)]
pub(super) struct Meters {
    last: Option<[Tally; 3]>,
    meters: [Meter; 3],
}

// === impl Meters ===

impl Meters {
    /// Has seen nothing since `now_ms`.
    pub(super) fn new(scale: f64, now_ms: u64) -> Meters {
        Meters { last: None, meters: [0; 3].map(|_| Meter::new(scale, now_ms)) }
    }

    /// Takes in the counters as of `now_ms`.
    pub(super) fn look(&mut self, counters: &RouteCounters, now_ms: u64) {
        let tallies = Whose::ALL.map(|whose| whose.tally(counters));
        let last = self.last.replace(tallies).unwrap_or(tallies);
        for ((meter, now), last) in self.meters.iter_mut().zip(&tallies).zip(&last) {
            meter.add(&now.since(last), now_ms);
        }
    }

    /// Every objective for everyone.
    pub(super) fn spent(&self, objectives: &Objectives) -> Vec<Spent> {
        let of = |(whose, meter): (Whose, &Meter)| {
            objectives.each().map(|one| spent(whose, meter, one)).collect::<Vec<_>>()
        };
        Whose::ALL.into_iter().zip(&self.meters).flat_map(of).collect()
    }
}

fn spent(whose: Whose, meter: &Meter, (indicator, objective): (Indicator, Objective)) -> Spent {
    let window = |length_ms: u64| {
        let tally = meter.tally(length_ms);
        Window {
            length_ms: meter.scaled_ms(length_ms),
            seen: meter.filled(length_ms),
            requests: tally.requests,
            bad: tally.bad_for(indicator),
            burn: tally.bad_share(indicator) / objective.budget(),
            limit: limit(length_ms),
        }
    };
    let windows: Vec<Window> = Meter::lengths().into_iter().map(window).collect();
    // What was not seen counts as if it had been like what was.
    let budget_left = 1.0 - windows.last().map_or(0.0, |window| window.burn);
    Spent { indicator, objective, whose, budget_left, windows }
}

/// What is too much over the window of this name; over the whole budget's nothing is.
fn limit(length_ms: u64) -> Option<f64> {
    let has = |rule: &&BurnRule| [rule.short_ms, rule.long_ms].contains(&length_ms);
    RULES.iter().find(has).map(|rule| rule.factor)
}

// === impl Whose ===

impl Whose {
    /// Everyone.
    pub(crate) const ALL: [Whose; 3] = [Whose::Users, Whose::Legacy, Whose::New];

    /// The name used in the API.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Whose::Users => "users",
            Whose::Legacy => "legacy",
            Whose::New => "new",
        }
    }

    fn tally(self, counters: &RouteCounters) -> Tally {
        let RouteCounters { legacy, new, .. } = counters;
        match self {
            Whose::Legacy => legacy.tally(),
            Whose::New => new.tally(),
            // What legacy rescued is bad for new only.
            Whose::Users => {
                let (mut all, new) = (legacy.tally(), new.tally());
                all.requests += new.requests;
                all.bad += new.bad - counters.new.fallback;
                all.slow += new.slow;
                all
            }
        }
    }
}

#[cfg(test)]
mod tests;
