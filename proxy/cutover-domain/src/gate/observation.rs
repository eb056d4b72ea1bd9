//! What a judge is told of a route at one moment.

use std::sync::Arc;

use super::{Answer, Latch, Trouble};
use crate::{RouteState, Target, parity::Report, slo::Tally};

/// All that the gates of one route ask, as of one moment.
#[derive(Clone, Copy, Debug)]
pub struct Observation<'a> {
    /// Milliseconds since the Unix epoch; an earlier time than last time counts as the last.
    pub now_ms: u64,
    /// How far the route has come, as recorded.
    pub state: &'a RouteState,
    /// If the route is held: by whom, since when.
    pub latch: Option<&'a Latch>,
    /// When gates took the route one step back, as recorded, since it was last held, in ms since the
    /// Unix epoch, in any order.
    pub stepped_back_ms: &'a [u64],
    /// The candidate's build as it names itself; `None`: unknown.
    pub build: Option<&'a str>,
    /// What both sides served.
    pub traffic: Result<&'a Traffic, &'a Trouble>,
    /// How new's answers compare; `None`: the route is not copied.
    pub parity: Result<Option<&'a Report>, &'a Trouble>,
    /// What is seen of the route.
    pub signals: Result<Signals, &'a Trouble>,
    /// The next step that a person agreed to at the present revision.
    pub approved: Option<Target>,
    /// What gates say that are judged elsewhere. A required gate that is neither judged here nor
    /// among these is waited for.
    pub further: &'a [Answer],
}

/// What a route served since the process started. Counters that fell began anew.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Traffic {
    /// Requests for which the decision chose legacy.
    pub legacy: SideTraffic,
    /// Requests for which it chose new.
    pub new: SideTraffic,
    /// How new fails at the moment.
    pub streak: Streak,
}

/// What one side of a route served. Copies, overrides and health checks are no part of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SideTraffic {
    /// Requests, since the process started.
    pub tally: Tally,
    /// Bad ones of them, one at most per subject and minute, since the process started.
    pub trials: u64,
    /// Subjects that sent a request in the last minute.
    pub subjects: u64,
    /// Good and slow requests since the process started by their latency: one count for each of
    /// [`latency::BUCKETS`](super::latency::BUCKETS), see
    /// [`latency::bucket_of`](super::latency::bucket_of). Empty: not measured.
    pub latency: Arc<[u64]>,
}

/// Failures of new since its last good answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Streak {
    /// How many.
    pub failures: u64,
    /// How many distinct subjects met them; may stop at any number from 3 on.
    pub subjects: u64,
}

/// Whether what people look at has data of the route.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Signals {
    /// Its objectives are measured.
    pub objectives: bool,
    /// Its traces leave the process.
    pub traces: bool,
    /// Its metrics are scraped, so that its dashboard has data.
    pub dashboards: bool,
}
