//! What can be done by a button: the same moves as by the admin API, by the same function.

use std::{sync::Arc, time::Duration};

use axum::response::Response;
use cutover_domain::Phase;
use cutover_store::Trigger;

use super::{Showing, effect::Click, form, gate::Visit, page, widgets::route_path};
use crate::{
    admin::{Admin, failure::Failure, moves},
    api::MoveAnswer,
    truth::moves::{Action, MoveAsk, Scope},
};

/// How long a page waits for the data plane before it says what is known.
const WAIT: Duration = Duration::from_secs(5);

/// What has to be typed before everything goes back.
pub(super) const CONFIRM: &str = "all";

/// `POST /routes/{id}/rollback`: to the safe phase, whatever the page had shown. In a hurry nobody
/// must be told that the page is old.
pub(super) fn rollback(admin: Arc<Admin>, visit: Visit) -> Showing {
    Box::pin(async move {
        let click = Click::now(&admin, visit.at);
        let action = Action::Rollback { to: None };
        let answer = make(&admin, &visit, action, None).await?;
        click.follow(&admin, &answer);
        Ok(to_route(&visit, &answer))
    })
}

/// `POST /rollback`: the off switch.
pub(super) fn rollback_all(admin: Arc<Admin>, visit: Visit) -> Showing {
    Box::pin(async move {
        if visit.fields.get("confirm").map(str::trim) != Some(CONFIRM) {
            let message = format!("type `{CONFIRM}` to send every route back; nothing was done");
            return Err(form::bad(message).at("confirm"));
        }
        let click = Click::now(&admin, visit.at);
        let action = Action::Rollback { to: None };
        let wanted = wanted(&visit, Scope::All, action, None);
        let answer = moves::make(&admin, wanted, WAIT).await?;
        click.follow(&admin, &answer);
        Ok(page::see("/"))
    })
}

/// `POST /routes/{id}/promote`
pub(super) fn promote(admin: Arc<Admin>, visit: Visit) -> Showing {
    Box::pin(async move {
        let fields = &visit.fields;
        let to = fields.get("to").filter(|to| !to.is_empty()).map(phase).transpose()?;
        let percent = form::number(fields, "percent")?.map(moves::percent).transpose()?;
        let force = fields.get("force") == Some("yes");
        let action = Action::Promote { to, percent, force };
        let expect = form::number(fields, "expect")?;
        let answer = make(&admin, &visit, action, expect).await?;
        Ok(to_route(&visit, &answer))
    })
}

/// `POST /routes/{id}/hold`
pub(super) fn hold(admin: Arc<Admin>, visit: Visit) -> Showing {
    Box::pin(async move {
        let answer = make(&admin, &visit, Action::Hold, None).await?;
        Ok(to_route(&visit, &answer))
    })
}

/// `POST /routes/{id}/release`
pub(super) fn release(admin: Arc<Admin>, visit: Visit) -> Showing {
    Box::pin(async move {
        let expect = form::number(&visit.fields, "expect")?;
        let answer = make(&admin, &visit, Action::Release, expect).await?;
        Ok(to_route(&visit, &answer))
    })
}

async fn make(
    admin: &Admin,
    visit: &Visit,
    action: Action,
    expect: Option<u64>,
) -> Result<MoveAnswer, Failure> {
    let scope = Scope::Route(visit.param(0).to_owned());
    moves::make(admin, wanted(visit, scope, action, expect), WAIT).await
}

fn wanted(visit: &Visit, scope: Scope, action: Action, expect: Option<u64>) -> MoveAsk {
    let reason = visit.fields.get("reason").unwrap_or_default().trim().to_owned();
    let (author, trigger) = (visit.author(), Trigger::Operator);
    MoveAsk { scope, action, expect, reason, author, trigger }
}

fn to_route(visit: &Visit, answer: &MoveAnswer) -> Response {
    page::see(&format!("{}?done={}", route_path(visit.param(0)), answer.revision))
}

fn phase(text: &str) -> Result<Phase, Failure> {
    text.parse().map_err(|_| form::bad(format!("`{text}` is no phase")).at("to"))
}
