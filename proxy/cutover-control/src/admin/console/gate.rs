//! From a request to a page: names, origin, session, role, form.

use std::sync::Arc;

use axum::{body::Body, response::Response};
use http::{Method, Request, header, request::Parts};

use super::{
    Page, form, page,
    session::{Cookies, Visitor},
};
use crate::{
    admin::{
        Admin,
        auth::{check_host, check_origin},
        failure::Failure,
        locked,
        query::Query,
    },
    codes::Code,
    truth::Author,
};

/// Somebody who is logged in, and what they ask.
#[derive(Debug)]
pub(super) struct Visit {
    pub(super) who: Visitor,
    /// The path's parameters, decoded, in order.
    pub(super) params: Vec<String>,
    /// Fields of the query, or of the form.
    pub(super) fields: Query,
    /// Path and query: what leads here again.
    pub(super) uri: String,
    /// When the request came.
    pub(super) at: std::time::Instant,
}

/// Answers a request for `page`.
pub(super) async fn answer(
    admin: &Arc<Admin>,
    page: Page,
    params: Vec<String>,
    request: Request<Body>,
) -> Response {
    let at = std::time::Instant::now();
    let (parts, body) = request.into_parts();
    if let Err(failure) = check_host(&admin.place, &parts.headers) {
        return page::refused(admin, None, failure);
    }
    let uri = parts.uri.path_and_query().map_or("/", |uri| uri.as_str()).to_owned();
    if let Err(failure) = check_origin(&admin.place, &parts.headers) {
        return match is_link(&parts) {
            true => page::onward(&uri),
            false => page::refused(admin, None, failure),
        };
    }
    let Some(who) = visitor(admin, &parts) else { return not_logged_in(admin, page, &uri) };
    let visit = visit(who.clone(), page, params, uri, at, &parts, body).await;
    let shown = match visit {
        Ok(visit) => show(admin, page, visit).await,
        Err(failure) => Err(failure),
    };
    shown.unwrap_or_else(|failure| page::refused(admin, Some(&who), failure))
}

/// Whoever the session's cookie says.
pub(super) fn visitor(admin: &Admin, parts: &Parts) -> Option<Visitor> {
    let cookies = Cookies::of(&admin.place);
    let cookie = cookies.session(&parts.headers)?;
    let (view, now_ms) = (admin.parts.controller.view(), admin.parts.controller.now_ms());
    locked(&admin.console.sessions).find(cookie, &view.truth.tokens, now_ms)
}

async fn visit(
    who: Visitor,
    page: Page,
    params: Vec<String>,
    uri: String,
    at: std::time::Instant,
    parts: &Parts,
    body: Body,
) -> Result<Visit, Failure> {
    let fields = match page.method {
        &Method::POST => form::read(&parts.headers, body, page.fields).await?,
        _ => Query::parse(parts.uri.query(), page.fields)?,
    };
    if page.method == Method::POST && !who.issued(fields.get(form::CSRF)) {
        let message = "the form was not issued to this session";
        return Err(Failure::new(Code::FormExpired, message));
    }
    if who.caller.role < page.role {
        let (name, role) = (&who.caller.name, who.caller.role);
        let message = format!("`{name}` has the role {role}, but this needs {}", page.role);
        return Err(Failure::new(Code::RoleTooLow, message));
    }
    Ok(Visit { who, params, fields, uri, at })
}

/// A task of its own: a browser that goes away must not stop a move halfway.
async fn show(admin: &Arc<Admin>, page: Page, visit: Visit) -> Result<Response, Failure> {
    let showing = tokio::spawn((page.show)(admin.clone(), visit));
    showing.await.unwrap_or_else(|_| Err(Failure::new(Code::Internal, "the page panicked")))
}

/// A link on somebody else's page, as in a chat or an alert: it may lead here, but brings no
/// cookie along (`SameSite=Strict`).
fn is_link(parts: &Parts) -> bool {
    let is = |name: &str, value: &str| parts.headers.get(name).is_some_and(|it| it == value);
    parts.method == Method::GET
        && is("sec-fetch-mode", "navigate")
        && is("sec-fetch-dest", "document")
        && !parts.headers.contains_key(header::ORIGIN)
}

fn not_logged_in(admin: &Admin, page: Page, uri: &str) -> Response {
    if page.method == Method::GET && page.path != "/events" {
        return page::see(&format!("/login?next={}", super::widgets::encoded(uri)));
    }
    let message = "nobody is logged in, so nothing was done";
    page::refused(admin, None, Failure::new(Code::Unauthenticated, message))
}

// === impl Visit ===

impl Visit {
    /// The path's parameter at `at`; the table's paths have as many as their pages ask for.
    pub(super) fn param(&self, at: usize) -> &str {
        self.params.get(at).map_or("", String::as_str)
    }

    /// Whoever asks, as the author of what follows.
    pub(super) fn author(&self) -> Author {
        Author::token(self.who.caller.name.clone(), self.who.caller.role)
    }
}
