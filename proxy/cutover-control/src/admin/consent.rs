//! What gates have to say when a person moves a route.

use cutover_domain::{
    Route,
    gate::{GateSpec, Opening},
};
use cutover_store::NewDecision;
use serde_json::json;

use super::{Admin, failure::Failure, moves::is_concerned};
use crate::{
    codes::Code,
    controller::Answered,
    gates::{Kind, latch_of},
    truth::moves::{Action, MoveAsk},
};

/// Gates that a person passes by force, to be recorded once the route has moved.
#[derive(Debug, Default)]
pub(super) struct Passed(Vec<NewDecision>);

/// Whether gates let `wanted` pass: a step forward, or the release of a latch that they set.
pub(super) async fn check(admin: &Admin, wanted: &MoveAsk) -> Result<Passed, Failure> {
    match &wanted.action {
        Action::Promote { .. } => forward(admin, wanted),
        Action::Release => release(admin, wanted).await.map(|()| Passed::default()),
        Action::Rollback { .. } | Action::TakeBack { .. } | Action::Hold => Ok(Passed::default()),
    }
}

fn forward(admin: &Admin, wanted: &MoveAsk) -> Result<Passed, Failure> {
    let Action::Promote { to, percent, force } = wanted.action else {
        return Ok(Passed::default());
    };
    let (view, now_ms) = (admin.parts.controller.view(), admin.parts.controller.now_ms());
    let standings = admin.parts.gates.standings();
    // Without a step the controller says why.
    let Ok(Some(target)) = view.truth.step_of(&wanted.scope, to, percent) else {
        return Ok(Passed::default());
    };
    let goes =
        |route: &&Route| is_concerned(&wanted.scope, route) && route.state.is_forward(target);
    let mut passed = Vec::new();
    for route in view.table.routes.iter().filter(goes) {
        let Some(closed) = standings.closed(route, &view.settings, now_ms) else { continue };
        let id = &route.spec.id;
        if !force {
            let message = format!("route `{id}`: {closed}");
            return Err(Failure::new(Code::GateClosed, message).at(format!("route `{id}`")));
        }
        let document = json!({
            "v": 1,
            "at": crate::api::TargetRow::from(route.state.target()),
            "revision": route.state.revision,
            "gate": closed.to_string(),
            "reason": wanted.reason,
        });
        passed.push(decision(id, Kind::Override, &wanted.author.name, now_ms, document));
    }
    Ok(Passed(passed))
}

async fn release(admin: &Admin, wanted: &MoveAsk) -> Result<(), Failure> {
    let view = admin.parts.controller.view();
    let held = |route: &&Route| is_concerned(&wanted.scope, route) && route.state.held.is_some();
    for route in view.table.routes.iter().filter(held) {
        open(admin, wanted, route).await?;
    }
    Ok(())
}

/// Whether the latch of `route` may be taken off by who asks. That someone asked is remembered
/// where a second person is needed.
async fn open(admin: &Admin, wanted: &MoveAsk, route: &Route) -> Result<(), Failure> {
    let (controller, id) = (&admin.parts.controller, route.spec.id.as_str());
    let (Some(held), now_ms) = (&route.state.held, controller.now_ms()) else { return Ok(()) };
    let Some(latch) = latch_of(controller, id, held, now_ms).await? else { return Ok(()) };
    let cool_down_ms = route
        .spec
        .gates
        .as_ref()
        .map_or_else(|| GateSpec::default().cool_down_ms, |gates| gates.cool_down_ms);
    let who = &wanted.author.name;
    let place = format!("route `{id}`");
    match latch.ask(who, now_ms, cool_down_ms) {
        Opening::Opens | Opening::SameBuild => Ok(()),
        Opening::NotBefore(from_ms) => {
            let left = from_ms.saturating_sub(now_ms).div_ceil(1_000);
            let message =
                format!("{place} was taken back by gates: its latch stays for {left} s more");
            Err(Failure::new(Code::CoolingDown, message).at(place))
        }
        Opening::NeedsSecond => {
            let document = json!({ "v": 1, "held": held.cause, "reason": wanted.reason });
            let asked = decision(id, Kind::Release, who, now_ms, document);
            admin.parts.gates.record_now(controller, asked).await?;
            let message = format!(
                "{place} was taken back twice within 24 hours: `{who}` agrees to \
                                   its release, and someone else must, too"
            );
            Err(Failure::new(Code::NeedsSecond, message).at(place))
        }
    }
}

/// A person's decision.
pub(super) fn decision(
    route: &str,
    kind: Kind,
    actor: &str,
    at_ms: u64,
    document: serde_json::Value,
) -> NewDecision {
    NewDecision {
        at_ms,
        route: route.to_owned(),
        kind: kind.as_str().to_owned(),
        actor: actor.to_owned(),
        document: document.to_string(),
    }
}

// === impl Passed ===

impl Passed {
    /// The routes moved: what was passed is recorded of those that did.
    pub(super) fn record(self, admin: &Admin, answered: &Answered) {
        let moved = |route: &str| answered.done.moved.iter().any(|moved| moved.route == route);
        for decision in self.0.into_iter().filter(|decision| moved(&decision.route)) {
            admin.parts.gates.record(decision);
        }
    }
}
