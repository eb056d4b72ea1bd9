//! Takes pages from Alertmanager (its webhook, version 4) and rolls the route back that asks for
//! it.
//!
//! A delivery comes again and again while an alert fires, and whenever an answer is not 2xx; so
//! each (fingerprint, start) acts once. What was seen is remembered by this process, bounded; one
//! that forgot finds the route in its safe phase already, unless somebody moved it on meanwhile.
//! An alert that ends changes nothing: forward is for people and gates. The newest alerts are kept
//! to be looked at (`received`), whatever became of them.

use std::{
    collections::{HashSet, VecDeque},
    sync::Arc,
};

use cutover_domain::MoveRefused;
use cutover_store::Trigger;

use super::{
    Admin,
    dispatch::{Call, Handling},
    failure::Failure,
    locked,
    reply::Reply,
};
use crate::{
    api::{AlertBody, AlertOutcome, AlertRow, AlertsAnswer, AlertsBody, ReceivedAnswer},
    codes::Code,
    refused::Refused,
    truth::{
        Author,
        moves::{Action, MoveAsk, REASON_CHARS_MAX, Scope},
    },
};

mod received;

use received::Received;

/// Alerts of one delivery.
const ALERTS_MAX: usize = 1_000;
/// Most (fingerprint, start) that are remembered; the oldest go first.
const SEEN_MAX: usize = 4_096;
/// Longest fingerprint or start that is one, in bytes.
const KEY_BYTES_MAX: usize = 64;

/// What is known of alerts.
#[derive(Debug, Default)]
pub(super) struct Alerts {
    acted: Seen,
    received: Received,
}

/// What acted already.
#[derive(Debug, Default)]
struct Seen {
    keys: HashSet<Key>,
    order: VecDeque<Key>,
}

/// Fingerprint and start of an alert.
type Key = (String, String);

pub(super) fn receive(admin: Arc<Admin>, call: Call) -> Handling {
    Box::pin(async move {
        let body: AlertsBody = call.json()?;
        check(&body)?;
        let author = call.author()?;
        let (mut rows, mut failed) = (Vec::new(), None);
        for alert in &body.alerts {
            let taken = take(&admin, alert, &author).await;
            note(&admin, alert, taken.as_ref().ok().copied());
            match taken {
                Ok(outcome) => rows.push(row(&admin, alert, outcome)),
                // Others in the same delivery may be about routes that can be helped.
                Err(failure) => failed = failed.or(Some(failure)),
            }
        }
        failed.map_or(Ok(Reply::ok(AlertsAnswer { alerts: rows })), Err)
    })
}

pub(super) fn list(admin: Arc<Admin>, _: Call) -> Handling {
    Box::pin(async move { Ok(Reply::ok(received_answer(&admin))) })
}

/// The newest alerts, those last heard of first.
pub(super) fn received_answer(admin: &Admin) -> ReceivedAnswer {
    let alerts = locked(&admin.alerts).received.newest();
    ReceivedAnswer { at_ms: admin.parts.controller.now_ms(), alerts }
}

/// `outcome: None`: its route could not be taken back.
fn note(admin: &Admin, alert: &AlertBody, outcome: Option<AlertOutcome>) {
    let now_ms = admin.parts.controller.now_ms();
    let runbook = received::runbook(alert, &admin.parts.runbooks);
    locked(&admin.alerts).received.note(alert, outcome, runbook, now_ms);
}

fn row(admin: &Admin, alert: &AlertBody, outcome: AlertOutcome) -> AlertRow {
    admin.parts.controller.metrics().alert_received(outcome);
    AlertRow {
        fingerprint: alert.fingerprint.clone(),
        route: alert.label("cutover_route").map(str::to_owned),
        outcome,
    }
}

fn check(body: &AlertsBody) -> Result<(), Failure> {
    let wrong =
        |message: String, place: &str| Err(Failure::new(Code::BadRequest, message).at(place));
    if body.version != "4" {
        let message = format!("version {:?} of the webhook is not understood, 4 is", body.version);
        return wrong(message, "version");
    }
    if body.alerts.len() > ALERTS_MAX {
        return wrong(format!("more than {ALERTS_MAX} alerts in one delivery"), "alerts");
    }
    let is_key = |text: &String| (1..=KEY_BYTES_MAX).contains(&text.len());
    let are_keys = |alert: &AlertBody| is_key(&alert.fingerprint) && is_key(&alert.starts_at);
    if !body.alerts.iter().all(are_keys) {
        let message =
            format!("an alert needs a fingerprint and a start, {KEY_BYTES_MAX} bytes at most");
        return wrong(message, "alerts");
    }
    Ok(())
}

/// Fails where the route could not be rolled back by our fault (5xx): Alertmanager then tries
/// again. What no repetition changes is no failure.
async fn take(admin: &Admin, alert: &AlertBody, author: &Author) -> Result<AlertOutcome, Failure> {
    let route = match concerned(admin, alert) {
        Ok(route) => route,
        Err(outcome) => return Ok(outcome),
    };
    let key = (alert.fingerprint.clone(), alert.starts_at.clone());
    if locked(&admin.alerts).acted.contains(&key) {
        return Ok(AlertOutcome::SeenBefore);
    }
    let ask = MoveAsk {
        scope: Scope::Route(route.to_owned()),
        action: Action::Rollback { to: None },
        expect: None,
        reason: reason(alert),
        author: author.clone(),
        trigger: Trigger::Alert,
    };
    match admin.parts.controller.move_routes(ask).await {
        Ok(answered) if answered.done.moved.is_empty() => Ok(AlertOutcome::NothingToDo),
        Ok(_) => {
            // Only what acted is done with: a page that goes on firing acts on whoever goes forward.
            locked(&admin.alerts).acted.insert(key);
            Ok(AlertOutcome::RolledBack)
        }
        Err(Refused::Move { why: MoveRefused::Retired, .. }) => Ok(AlertOutcome::Retired),
        Err(Refused::UnknownRoute(_)) => Ok(AlertOutcome::UnknownRoute),
        Err(refused) => Err(refused.into()),
    }
}

/// The route that a page rolls back, or why it does not.
fn concerned<'a>(admin: &Admin, alert: &'a AlertBody) -> Result<&'a str, AlertOutcome> {
    if alert.status != "firing" {
        return Err(AlertOutcome::Over);
    }
    if alert.label("severity") != Some("page") {
        return Err(AlertOutcome::NoPage);
    }
    let route = alert.label("cutover_route").ok_or(AlertOutcome::NoRoute)?;
    let view = admin.parts.controller.view();
    let known = view.table.routes.iter().find(|known| known.spec.id == route);
    let known = known.ok_or(AlertOutcome::UnknownRoute)?;
    match known.spec.objectives.rollback_on_page {
        false => Err(AlertOutcome::NotAsked),
        // Where legacy itself fails, going back to it helps nobody.
        true if alert.label("cutover_side") == Some("legacy") => Err(AlertOutcome::LegacyFails),
        true => Ok(route),
    }
}

/// Which alert, and what it says, as far as a reason may be long and plain.
fn reason(alert: &AlertBody) -> String {
    let name = alert.label("alertname").unwrap_or("an alert");
    let summary = alert.annotations.get("summary").map_or("", String::as_str);
    let text = format!("page {name}: {summary}");
    let plain = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    plain.take(REASON_CHARS_MAX).collect::<String>().trim_end_matches([':', ' ']).to_owned()
}

// === impl Seen ===

impl Seen {
    fn contains(&self, key: &Key) -> bool {
        self.keys.contains(key)
    }

    fn insert(&mut self, key: Key) {
        if !self.keys.insert(key.clone()) {
            return;
        }
        self.order.push_back(key);
        if self.order.len() > SEEN_MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.keys.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests;
