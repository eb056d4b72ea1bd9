//! A rehearsal: a small cohort there and back, and how long the way back takes.
//!
//! What is measured is what an incident would cost: from the decision until the data plane obeys,
//! and until the last request on new has ended. A process that dies in between leaves the cohort
//! there; gates bring it back at the next start, which they know by the reason
//! ([`REHEARSAL`]).

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use cutover_domain::{Percent, Phase, Route, RouteState, Target};
use cutover_store::Trigger;
use serde_json::json;

use super::{
    Admin, consent,
    dispatch::{Call, Handling},
    failure::Failure,
    moves::{self, percent},
    parity::route,
    reply::Reply,
};
use crate::{
    SideCounters,
    api::{RehearsalAnswer, RehearseBody},
    codes::Code,
    gates::{Kind, REHEARSAL, Turn},
    truth::{
        Author,
        moves::{Action, MoveAsk, Scope, check_reason},
    },
};

/// The largest share of a rehearsal, in percent.
const PERCENT_MAX: u16 = 500;
/// The longest time that new serves in a rehearsal.
const SECONDS_MAX: u64 = 60;
/// How long the data plane may take to obey.
const OBEY_WITHIN: Duration = Duration::from_secs(5);
/// How often is looked whether new still serves.
const LOOK_EVERY: Duration = Duration::from_millis(5);
/// No request on new has ended for so long: the last one has.
const QUIET: Duration = Duration::from_millis(300);
/// Requests that take longer are not waited for.
const LAST_WITHIN: Duration = Duration::from_secs(5);

pub(super) fn rehearse(admin: Arc<Admin>, call: Call) -> Handling {
    Box::pin(async move {
        let body: RehearseBody = call.json()?;
        let author = call.author()?;
        let rehearsal = Rehearsal::prepare(&admin, &call.id, &body, author)?;
        let answer = rehearsal.run().await?;
        Ok(Reply::ok(answer))
    })
}

/// A rehearsal that may begin.
struct Rehearsal<'a> {
    admin: &'a Admin,
    route: String,
    revision: u64,
    share: Percent,
    time: Duration,
    reason: String,
    author: Author,
    _turn: Turn,
}

/// How the way back went.
struct Back {
    revision: u64,
    effective: Duration,
    last_request: Option<Duration>,
}

// === impl Rehearsal ===

impl<'a> Rehearsal<'a> {
    fn prepare(
        admin: &'a Admin,
        id: &str,
        body: &RehearseBody,
        author: Author,
    ) -> Result<Rehearsal<'a>, Failure> {
        let view = admin.parts.controller.view();
        let route = route(&view, id)?;
        let share = percent(body.percent)?;
        if share == Percent::ZERO || share.basis_points() > PERCENT_MAX {
            let message = "a rehearsal has a share above 0 and at most 5 %";
            return Err(Failure::new(Code::BadPercent, message).at("percent"));
        }
        if !(1..=SECONDS_MAX).contains(&body.seconds) {
            let message = format!("a rehearsal lasts 1 to {SECONDS_MAX} s");
            return Err(Failure::new(Code::BadRequest, message).at("seconds"));
        }
        check_reason(&body.reason)?;
        check_place(route)?;
        Ok(Rehearsal {
            admin,
            route: id.to_owned(),
            revision: route.state.revision,
            share,
            time: Duration::from_secs(body.seconds),
            reason: format!("{REHEARSAL}{}", body.reason).chars().take(500).collect(),
            author,
            _turn: turn(admin, id)?,
        })
    }

    async fn run(self) -> Result<RehearsalAnswer, Failure> {
        let before = self.counters();
        let there = self.go_there().await?;
        let held = self.stay(there).await?;
        let back = self.go_back(held).await?;
        let served = self.counters();
        // A route that went from the files and came back meanwhile counts from 0 again.
        let requests = served.total().saturating_sub(before.total());
        let bad = served.bad().saturating_sub(before.bad());
        let answer = RehearsalAnswer {
            route: self.route.clone(),
            percent: self.share.as_f64(),
            there,
            back: back.revision,
            requests,
            bad,
            effective_ms: millis(back.effective),
            last_request_ms: back.last_request.map(millis),
        };
        self.record(&answer);
        Ok(answer)
    }

    async fn go_there(&self) -> Result<u64, Failure> {
        let action =
            Action::Promote { to: Some(Phase::Canary), percent: Some(self.share), force: false };
        let answered = moves::ask(self.admin, self.wanted(action, self.revision)).await?;
        let revision = answered.done.revision;
        self.obeyed(revision).await;
        Ok(revision)
    }

    /// Waits for the time, and gives the revision that the way back begins at. Whoever moves the
    /// route meanwhile, a person or gates, ends the rehearsal. Whoever holds it ends it early: a
    /// latch stops what goes forward, and the cohort has to come back.
    async fn stay(&self, there: u64) -> Result<u64, Failure> {
        let until = Instant::now() + self.time;
        while Instant::now() < until {
            tokio::time::sleep(LOOK_EVERY * 10).await;
            let view = self.admin.parts.controller.view();
            let state = view.table.route(&self.route).map(|(_, route)| &route.state);
            let of_cohort = |state: &&RouteState| state.target() == Target::canary(self.share);
            if let Some(held) = state.filter(|state| state.held.is_some()).filter(of_cohort) {
                return Ok(held.revision);
            }
            if state.is_none_or(|state| state.revision != there) {
                let message = format!("route `{}` was moved during its rehearsal", self.route);
                return Err(Failure::new(Code::StaleRevision, message));
            }
        }
        Ok(there)
    }

    async fn go_back(&self, there: u64) -> Result<Back, Failure> {
        let decided = Instant::now();
        let action = Action::Rollback { to: Some(Target::phase(Phase::Shadow)) };
        let answered = moves::ask(self.admin, self.wanted(action, there)).await?;
        let revision = answered.done.revision;
        let effective = self.obeyed(revision).await.saturating_duration_since(decided);
        Ok(Back { revision, effective, last_request: self.last_request(decided).await })
    }

    /// When the last request on new ended, after `decided`; `None`: none did.
    async fn last_request(&self, decided: Instant) -> Option<Duration> {
        let (mut known, mut last) = (self.served(), None);
        let mut quiet_since = Instant::now();
        while quiet_since.elapsed() < QUIET && decided.elapsed() < LAST_WITHIN {
            tokio::time::sleep(LOOK_EVERY).await;
            let now = self.served();
            if now != known {
                (known, quiet_since) = (now, Instant::now());
                last = Some(decided.elapsed());
            }
        }
        last
    }

    /// When the data plane had `revision` in force; now, if it does not in time.
    async fn obeyed(&self, revision: u64) -> Instant {
        let mut applied = self.admin.parts.applied.clone();
        let in_force = applied.wait_for(|applied| applied.revision >= revision);
        match tokio::time::timeout(OBEY_WITHIN, in_force).await {
            Ok(Ok(applied)) => applied.at,
            _ => Instant::now(),
        }
    }

    fn wanted(&self, action: Action, expect: u64) -> MoveAsk {
        MoveAsk {
            scope: Scope::Route(self.route.clone()),
            action,
            expect: Some(expect),
            reason: self.reason.clone(),
            author: self.author.clone(),
            trigger: Trigger::Operator,
        }
    }

    /// New's, since the process started.
    fn counters(&self) -> SideCounters {
        let counters = self.admin.parts.live.snapshot();
        let counters = counters.into_iter().find(|counted| counted.route == self.route);
        counters.map(|counted| counted.new).unwrap_or_default()
    }

    /// Requests on new that have ended.
    fn served(&self) -> Option<u64> {
        self.admin.parts.live.of_new(&self.route)
    }

    fn record(&self, answer: &RehearsalAnswer) {
        let now_ms = self.admin.parts.controller.now_ms();
        let mut document = json!(answer);
        document["v"] = json!(1);
        let (kind, who) = (Kind::Rehearsal, &self.author.name);
        let decision = consent::decision(&self.route, kind, who, now_ms, document);
        self.admin.parts.gates.record(decision);
    }
}

fn check_place(route: &Route) -> Result<(), Failure> {
    let (id, state) = (&route.spec.id, &route.state);
    let refused = |why: String| {
        Err(Failure::new(Code::Rehearsing, format!("route `{id}` {why}"))
            .at(format!("route `{id}`")))
    };
    match (&state.held, state.phase) {
        (Some(held), _) => refused(format!("is held by {}", held.cause)),
        (None, Phase::Shadow) => Ok(()),
        (None, phase) => refused(format!("is in `{phase}`: a rehearsal begins in `shadow`")),
    }
}

/// One rehearsal of a route at a time.
fn turn(admin: &Admin, route: &str) -> Result<Turn, Failure> {
    let message = || format!("route `{route}` is being rehearsed already");
    let turn = admin.parts.gates.rehearse(route);
    turn.ok_or_else(|| Failure::new(Code::Rehearsing, message()))
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1_000.0
}
