//! Whether it lives, whether it is ready, its numbers, and its own description.

use std::sync::Arc;

use http::StatusCode;

use super::{
    Admin,
    dispatch::{Call, Handling},
    exposition::{OPEN_METRICS, TEXT, to_text, wants_open_metrics},
    failure::down_body,
    reply::Reply,
};
use crate::api::{CheckRow, LiveAnswer, ReadyAnswer};

pub(super) fn livez(_: Arc<Admin>, _: Call) -> Handling {
    Box::pin(async { Ok(Reply::ok(LiveAnswer { live: true })) })
}

pub(super) fn readyz(admin: Arc<Admin>, _: Call) -> Handling {
    Box::pin(async move {
        let answer = ready(&admin);
        let status = if answer.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
        Ok(Reply::json(status, answer))
    })
}

pub(super) fn metrics(admin: Arc<Admin>, call: Call) -> Handling {
    Box::pin(async move {
        admin.parts.gates.scraped(admin.parts.controller.now_ms());
        let text = (admin.parts.metrics)();
        Ok(if wants_open_metrics(call.accept.as_deref()) {
            Reply::text(OPEN_METRICS, text)
        } else {
            Reply::text(TEXT, to_text(&text))
        })
    })
}

pub(super) fn openapi(admin: Arc<Admin>, _: Call) -> Handling {
    Box::pin(async move { Ok(Reply::raw_json(StatusCode::OK, &admin.openapi)) })
}

fn ready(admin: &Admin) -> ReadyAnswer {
    let controller = &admin.parts.controller;
    let view = controller.view();
    let lifecycle = &admin.parts.lifecycle;
    let (head, applied) = (view.truth.head, admin.applied_revision());
    let refused = controller.last_reload().map(|refused| refused.to_string());
    let down = view.truth.down.as_ref();
    let checks = vec![
        // A refused file is no reason to send requests elsewhere: the last valid one is in force.
        check("config", false, refused),
        check("listeners", true, (!lifecycle.is_listening()).then(|| "not all are open".into())),
        check("store", false, down.map(|down| down.message.clone())),
        check(
            "table",
            true,
            (applied == 0 && head > 0).then(|| "the data plane has none in force yet".into()),
        ),
        check("state_file", false, controller.unsaved()),
        check("draining", true, lifecycle.is_draining().then(|| "it is stopping".into())),
    ];
    let ready = checks.iter().all(|check| check.ok || !check.required);
    ReadyAnswer { ready, degraded: down.map(down_body), checks }
}

fn check(name: &str, required: bool, why: Option<String>) -> CheckRow {
    CheckRow { name: name.into(), ok: why.is_none(), required, why }
}
