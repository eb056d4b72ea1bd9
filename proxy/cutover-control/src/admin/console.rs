//! The console: what operators see and do in a browser, served by the admin listener at `/`.
//!
//! Pages are one table, from which the router is built. They show the answers that the admin API
//! gives, by the functions that it calls itself, and move routes in the way it does: there is no
//! second truth. All of it works without JavaScript; with it, numbers follow by themselves.
//!
//! Refused: pages of other origins and names (DNS rebinding), forms without the session's own
//! token, frames, scripts and styles that are not ours.

use std::{pin::Pin, sync::Arc};

use axum::{
    Router,
    body::Body,
    extract::RawPathParams,
    response::Response,
    routing::{get, on},
};
use http::{Method, Request};

use super::{Admin, failure::Failure};
use crate::token::Role;

mod acts;
mod alerts;
mod assets;
mod audit;
mod chart;
mod config;
mod decisions;
mod diffs;
mod effect;
mod events;
mod form;
mod gate;
mod journeys;
mod live;
mod login;
mod map;
mod markdown;
mod page;
mod route;
mod runbooks;
mod sample;
mod session;
mod slos;
mod traces;
mod trend;
mod widgets;

use effect::Effects;
use events::Feed;
use gate::Visit;
use session::Sessions;
use trend::Trend;

/// What the console keeps between requests; all of it bounded, none of it on disk.
#[derive(Debug, Default)]
pub(super) struct Console {
    sessions: std::sync::Mutex<Sessions>,
    trend: std::sync::Mutex<Trend>,
    effects: Effects,
    feed: Feed,
}

/// One page, or one thing to do.
#[derive(Clone, Copy, Debug)]
pub(super) struct Page {
    pub(super) method: &'static Method,
    /// `{name}` for each parameter.
    pub(super) path: &'static str,
    /// Who may.
    pub(super) role: Role,
    /// Fields of the query, or of the form.
    fields: &'static [&'static str],
    show: fn(Arc<Admin>, Visit) -> Showing,
}

/// What a page does.
type Showing = Pin<Box<dyn Future<Output = Result<Response, Failure>> + Send>>;

/// Every page behind the log-in.
pub(super) fn pages() -> Vec<Page> {
    use Role::{Migrator, Operator};
    vec![
        look("/", &["team"], map::show),
        look("/routes/{id}", &["done"], route::show),
        look("/routes/{id}/diffs", &["path"], diffs::show),
        look("/routes/{id}/samples/{sample}", &["all"], sample::show),
        look("/slos", &[], slos::show),
        look("/audit", &["route", "before"], audit::show),
        look("/decisions", &["route", "before"], decisions::show),
        look("/journeys", &[], journeys::show),
        look("/alerts", &[], alerts::show),
        look("/traces", &["route"], traces::list),
        look("/traces/{trace}", &[], traces::show),
        look("/runbooks", &[], runbooks::list),
        look("/runbooks/{name}", &["route"], runbooks::show),
        look("/config", &[], config::show),
        look("/events", &["route"], events::show),
        act("/rollback", Operator, &["reason", "confirm"], acts::rollback_all),
        act("/routes/{id}/rollback", Operator, &["reason"], acts::rollback),
        act("/routes/{id}/hold", Operator, &["reason"], acts::hold),
        act(
            "/routes/{id}/promote",
            Migrator,
            &["reason", "expect", "to", "percent", "force"],
            acts::promote,
        ),
        act("/routes/{id}/release", Migrator, &["reason", "expect"], acts::release),
    ]
}

/// The pages, the way in and out, and what pages are dressed in.
pub(super) fn router(admin: &Arc<Admin>) -> Router {
    let mut router = Router::new();
    for page in pages() {
        let admin = admin.clone();
        let filter = page.method.clone().try_into().expect("the table has standard methods");
        let handler = move |params: RawPathParams, request: Request<Body>| async move {
            let params = params.iter().map(|(_, value)| value.to_owned()).collect();
            gate::answer(&admin, page, params, request).await
        };
        router = router.route(page.path, on(filter, handler));
    }
    let with = |admin: &Arc<Admin>| admin.clone();
    let (to_login, by_login, to_logout) = (with(admin), with(admin), with(admin));
    let look = move |request| async move { login::look(&to_login, request) };
    let enter = move |request| async move { login::enter(&by_login, request).await };
    let leave = move |request| async move { login::leave(&to_logout, request).await };
    let asset = {
        let admin = with(admin);
        move |request: Request<Body>| async move { assets::serve(&admin, &request) }
    };
    router
        .route("/login", get(look).post(enter))
        .route("/logout", axum::routing::post(leave))
        .route("/assets/{name}", get(asset))
}

/// The methods of a path of the console; empty: it has no such path.
pub(super) fn methods() -> impl Iterator<Item = (&'static str, Method)> {
    let own = [
        ("/login", Method::GET),
        ("/login", Method::POST),
        ("/logout", Method::POST),
        ("/assets/{name}", Method::GET),
    ];
    pages().into_iter().map(|page| (page.path, page.method.clone())).chain(own)
}

fn look(
    path: &'static str,
    fields: &'static [&'static str],
    show: fn(Arc<Admin>, Visit) -> Showing,
) -> Page {
    Page { method: &Method::GET, path, role: Role::Viewer, fields, show }
}

fn act(
    path: &'static str,
    role: Role,
    fields: &'static [&'static str],
    show: fn(Arc<Admin>, Visit) -> Showing,
) -> Page {
    Page { method: &Method::POST, path, role, fields, show }
}

// === impl Console ===

impl Console {
    /// Takes note of a second that went by.
    pub(super) fn tick(&self, admin: &Admin) {
        trend::push(&mut super::locked(&self.trend), admin);
        self.feed.tick();
    }

    /// Ends every stream of events, so that nobody's open page delays the end of the process.
    pub(super) fn close(&self) {
        self.feed.close();
    }
}
