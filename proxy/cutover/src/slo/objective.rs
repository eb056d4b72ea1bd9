//! What either source of objectives becomes.

use crate::config::document::{Journey, Latency, Route, Slo};

/// Fewest bad events in the long window before an alert may fire: one error among the twenty
/// requests of a quiet hour is no reason to wake anybody.
pub(super) const MIN_BAD_EVENTS: u32 = 3;
/// The runbook of every objective that names none of its own.
pub(super) const RUNBOOK: &str = "CutoverSLOErrorBudgetBurn";
/// That of a journey's.
const JOURNEY_RUNBOOK: &str = "CutoverJourneyLost";
/// Days that a budget of our own is for.
const PERIOD_DAYS: u32 = 30;

/// A promise, and how Prometheus sees whether it is kept.
#[derive(Clone, Debug, PartialEq)]
pub struct Objective {
    /// Unique; label `cutover_slo`.
    pub name: String,
    /// What users get when it is kept, in their words, as part of a sentence.
    pub title: String,
    /// The route that it is about. `None`: none.
    pub route: Option<String>,
    /// The journey that it is about. `None`: none.
    pub journey: Option<String>,
    /// Who answers for it; empty if nobody is named.
    pub owner: String,
    /// Share of events that may be bad, above 0 and below 1, exact to twelve decimals.
    pub budget: f64,
    /// Days that the budget is for.
    pub period_days: u32,
    /// Fewest bad events before an alert fires.
    pub min_bad_events: u32,
    /// Name of the runbook of its burn alert.
    pub runbook: String,
    /// What is counted.
    pub kind: Kind,
    /// What users see; label `cutover_side="all"`.
    pub users: Indicator,
    /// The same for each side that was chosen, where it can be told apart.
    pub sides: Option<Indicator>,
}

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Requests of a route that are answered.
    Availability,
    /// Requests of a route that are answered within so many milliseconds.
    Latency(u32),
    /// Accepted changes that are shown in time to those who look.
    Journey,
    /// Whatever the queries of a file count.
    Custom,
}

/// Two queries over `{{.window}}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Indicator {
    /// Bad events.
    pub bad: String,
    /// All events.
    pub total: String,
    /// The queries count events per second (`rate`); else over the window (`increase`).
    pub is_rate: bool,
}

/// The objectives of routes: availability first, then latency, in the routes' order.
pub fn of_routes<'r>(routes: impl IntoIterator<Item = (&'r Route, &'r str)>) -> Vec<Objective> {
    let of_route = |(route, owner): (&'r Route, &'r str)| {
        let slo = route.slo.clone().unwrap_or_default();
        [availability(&route.id, owner, &slo), latency(&route.id, owner, &slo)]
    };
    routes.into_iter().flat_map(of_route).flatten().collect()
}

/// The objective of a journey.
pub fn of_journey(name: &str, journey: &Journey, owner: &str) -> Objective {
    let Journey { target, within_ms, .. } = journey;
    let title = format!("{target} % of the changes of `{name}` are shown within {within_ms} ms");
    Objective {
        journey: Some(name.to_owned()),
        runbook: JOURNEY_RUNBOOK.to_owned(),
        kind: Kind::Journey,
        users: Indicator::journey(name, |rate| format!("sum({rate})")),
        sides: Some(Indicator::journey(name, |rate| {
            format!(
                "sum {SIDES}(label_replace({rate}, \"cutover_side\", \"$1\", \"side\", \"(.+)\"))"
            )
        })),
        ..objective(format!("{name}-journey"), title, owner, *target)
    }
}

/// Whether both texts are the same query but for white space.
fn same_query(a: &str, b: &str) -> bool {
    let squeezed = |text: &str| text.split_whitespace().collect::<String>();
    squeezed(a) == squeezed(b)
}

fn availability(route: &str, owner: &str, slo: &Slo) -> Option<Objective> {
    let percent = slo.availability?;
    let title = format!("{percent} % of the requests of `{route}` are answered");
    Some(Objective {
        route: Some(route.to_owned()),
        kind: Kind::Availability,
        users: Indicator::availability(route, "", "error|timeout"),
        sides: Some(Indicator::availability(route, SIDES, "error|timeout|fallback")),
        ..objective(format!("{route}-availability"), title, owner, percent)
    })
}

fn latency(route: &str, owner: &str, slo: &Slo) -> Option<Objective> {
    let latency = slo.latency.as_ref()?;
    let (percent, ms) = (latency.target, latency.under_ms);
    let title = format!("{percent} % of the requests of `{route}` are answered within {ms} ms");
    Some(Objective {
        route: Some(route.to_owned()),
        kind: Kind::Latency(ms),
        users: Indicator::latency(route, "", ms),
        sides: Some(Indicator::latency(route, SIDES, ms)),
        ..objective(format!("{route}-latency"), title, owner, percent)
    })
}

fn objective(name: String, title: String, owner: &str, percent: f64) -> Objective {
    let none = Indicator { bad: String::new(), total: String::new(), is_rate: true };
    Objective {
        name,
        title,
        route: None,
        journey: None,
        owner: owner.to_owned(),
        budget: budget(percent),
        period_days: PERIOD_DAYS,
        min_bad_events: MIN_BAD_EVENTS,
        runbook: RUNBOOK.to_owned(),
        kind: Kind::Custom,
        users: none,
        sides: None,
    }
}

/// What `percent` leaves, without the dust of binary fractions.
pub(super) fn budget(percent: f64) -> f64 {
    ((100.0 - percent) * 1e10).round() / 1e12
}

/// Keeps sides apart.
const SIDES: &str = "by (cutover_side) ";

// === impl Objective ===

impl Objective {
    /// The same as a route's own `slo`, which gates go by, too. `None`: it counts something else.
    pub fn as_route_slo(&self) -> Option<(&str, Slo)> {
        let (route, users) = (self.route.as_deref()?, &self.users);
        if self.period_days != PERIOD_DAYS {
            return None;
        }
        let percent = ((1.0 - self.budget) * 1e12).round() / 1e10;
        let is =
            |it: &Indicator| same_query(&it.bad, &users.bad) && same_query(&it.total, &users.total);
        if ["error|timeout", "timeout|error"]
            .iter()
            .any(|bad| is(&Indicator::availability(route, "", bad)))
        {
            return Some((route, Slo { availability: Some(percent), ..Slo::default() }));
        }
        let under_ms = threshold_ms(&users.bad)?;
        let ours = Indicator::latency(route, "", under_ms);
        let latency = Some(Latency { target: percent, under_ms });
        // Written as most do, errors are left out; the route's own counts them.
        let is_ours =
            is(&ours) || is(&Indicator { bad: slow(route, "", under_ms).0, ..ours.clone() });
        is_ours.then_some((route, Slo { latency, ..Slo::default() }))
    }
}

/// The one bucket that a query names, in whole milliseconds.
fn threshold_ms(query: &str) -> Option<u32> {
    let seconds: f64 = query.split_once("le=\"")?.1.split('"').next()?.parse().ok()?;
    let ms = (seconds * 1000.0).round();
    (1.0..=60_000.0).contains(&ms).then_some(ms as u32)
}

// === impl Indicator ===

impl Indicator {
    /// Requests of a route without an answer, or with a server's error. `by` keeps series apart,
    /// `bad` are the outcomes that count.
    pub(super) fn availability(route: &str, by: &str, bad: &str) -> Indicator {
        let requests = |outcome: &str| {
            format!(
                "sum {by}(rate(cutover_requests_total{{cutover_route=\"{route}\"{outcome}}}[{{{{.window}}}}]))"
            )
        };
        Indicator {
            bad: requests(&format!(",outcome=~\"{bad}\"")),
            total: requests(""),
            is_rate: true,
        }
    }

    /// Requests of a route that took longer than `ms`, or failed: an error's latency is not
    /// honest. A slow error counts twice, which the ratio's cap at 1 bounds.
    pub(super) fn latency(route: &str, by: &str, ms: u32) -> Indicator {
        let (slow, total) = slow(route, by, ms);
        let errors = Indicator::availability(route, by, "error").bad;
        Indicator { bad: format!("{slow} + ({errors} or {total} * 0)"), total, is_rate: true }
    }

    /// Changes that were shown late or never, of those that somebody looked for. `sum` makes a
    /// query of a rate.
    fn journey(name: &str, sum: impl Fn(String) -> String) -> Indicator {
        let ended = |result: &str| {
            sum(format!(
                "rate(cutover_journey_total{{journey=\"{name}\",result{result}}}[{{{{.window}}}}])"
            ))
        };
        let (bad, total) = (ended("=~\"late|lost\""), ended("!=\"unseen\""));
        Indicator { bad, total, is_rate: true }
    }

    /// Fills the window in.
    pub(super) fn over(&self, window: &str) -> (String, String) {
        let fill = |query: &str| query.replace("{{.window}}", window);
        (fill(&self.bad), fill(&self.total))
    }
}

/// Requests of a route that took longer than `ms`, and all of them.
fn slow(route: &str, by: &str, ms: u32) -> (String, String) {
    let duration = |what: &str, more: &str| {
        format!(
            "sum {by}(rate(cutover_request_duration_seconds_{what}{{cutover_route=\"{route}\"{more}}}[{{{{.window}}}}]))"
        )
    };
    let (total, le) = (duration("count", ""), bound(ms));
    (format!("{total} - {}", duration("bucket", &format!(",le=\"{le}\""))), total)
}

/// A bucket's `le` as `/metrics` writes it: seconds, whole ones with `.0`.
pub(super) fn bound(ms: u32) -> String {
    format!("{:?}", f64::from(ms) / 1000.0)
}

#[cfg(test)]
mod tests;
