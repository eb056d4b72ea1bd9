//! How the numbers of every route went over the last ten minutes.

use std::collections::{HashMap, VecDeque};

use crate::{
    admin::Admin,
    live::{LiveNumbers, SideNumbers},
};

/// Points kept of each route, one every [`EVERY_MS`]: ten minutes.
pub(super) const POINTS_MAX: usize = 120;
const EVERY_MS: u64 = 5_000;

/// Every route's points, oldest first.
#[derive(Debug, Default)]
pub(super) struct Trend {
    at_ms: u64,
    routes: HashMap<String, VecDeque<Point>>,
}

/// Both sides at one moment, legacy first.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Point {
    requests_per_second: [Option<f64>; 2],
    /// Share of failures, in percent.
    failures_percent: [Option<f64>; 2],
    latency_ms_p95: [Option<f64>; 2],
}

/// One number of a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Series {
    Rate,
    Failures,
    Latency,
}

/// Adds a point, if it is time.
pub(super) fn push(trend: &mut Trend, admin: &Admin) {
    let now_ms = admin.parts.controller.now_ms();
    if !trend.is_due(now_ms) {
        return;
    }
    let view = admin.parts.controller.view();
    let ids = view.table.routes.iter().map(|route| route.spec.id.as_str());
    trend.push(now_ms, &admin.numbers(ids));
}

// === impl Trend ===

impl Trend {
    fn is_due(&self, now_ms: u64) -> bool {
        // A clock that was set back must not stop it.
        now_ms >= self.at_ms + EVERY_MS || now_ms < self.at_ms
    }

    /// Adds the numbers of every route there is; forgets routes that are gone.
    fn push(&mut self, now_ms: u64, numbers: &HashMap<&str, LiveNumbers>) {
        self.at_ms = now_ms;
        self.routes.retain(|route, _| numbers.contains_key(route.as_str()));
        for (route, numbers) in numbers {
            let points = self.routes.entry((*route).to_owned()).or_default();
            if points.len() == POINTS_MAX {
                points.pop_front();
            }
            points.push_back(Point::of(numbers));
        }
    }

    /// The points of a route; empty: there are none yet.
    pub(super) fn of(&self, route: &str) -> Vec<Point> {
        self.routes.get(route).map(|points| points.iter().copied().collect()).unwrap_or_default()
    }
}

// === impl Point ===

impl Point {
    pub(super) fn of(numbers: &LiveNumbers) -> Point {
        let sides = [numbers.legacy, numbers.new];
        let failures = |side: SideNumbers| side.success.map(|success| (1.0 - success) * 100.0);
        Point {
            requests_per_second: sides.map(|side| Some(side.requests_per_second)),
            failures_percent: sides.map(failures),
            latency_ms_p95: sides.map(|side| side.latency_ms_p95),
        }
    }
}

// === impl Series ===

impl Series {
    pub(super) const ALL: [Series; 3] = [Series::Rate, Series::Failures, Series::Latency];

    pub(super) fn name(self) -> &'static str {
        match self {
            Series::Rate => "rate",
            Series::Failures => "failures",
            Series::Latency => "latency",
        }
    }

    pub(super) fn title(self) -> &'static str {
        match self {
            Series::Rate => "requests",
            Series::Failures => "failures",
            Series::Latency => "latency, p95",
        }
    }

    /// The value of each side; `None`: it had no requests.
    pub(super) fn of(self, point: &Point) -> [Option<f64>; 2] {
        match self {
            Series::Rate => point.requests_per_second,
            Series::Failures => point.failures_percent,
            Series::Latency => point.latency_ms_p95,
        }
    }

    /// The least that the scale ends at, so that noise near zero does not look like much.
    pub(super) fn least_top(self) -> f64 {
        match self {
            Series::Rate | Series::Failures => 1.0,
            Series::Latency => 10.0,
        }
    }

    pub(super) fn text(self, value: f64) -> String {
        match self {
            Series::Rate => format!("{value:.1}/s"),
            Series::Failures => format!("{value:.1} %"),
            Series::Latency => format!("{value:.0} ms"),
        }
    }
}

#[cfg(test)]
mod tests;
