//! The way in and out.

use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, Request, StatusCode, header, request::Parts};
use maud::{Markup, html};

use super::{
    form, gate, page,
    session::{Cookies, is_same},
};
use crate::{
    admin::{
        Admin,
        auth::{check_host, check_origin},
        dispatch::peer,
        failure::Failure,
        locked,
        query::Query,
    },
    codes::Code,
    token::{Secret, TokenRefused, recognise},
};

/// Fields of the form.
const FIELDS: &[&str] = &["token", "next"];
/// Longest address to go on to.
const NEXT_BYTES_MAX: usize = 2_048;

/// `GET /login`
pub(super) fn look(admin: &Admin, request: Request<Body>) -> Response {
    let (parts, _) = request.into_parts();
    let shown = check_host(&admin.place, &parts.headers)
        .and_then(|()| Query::parse(parts.uri.query(), &["next"]))
        .and_then(|query| ask(admin, &parts, next(&query), None));
    shown.unwrap_or_else(|failure| page::refused(admin, None, failure))
}

/// `POST /login`
pub(super) async fn enter(admin: &Admin, request: Request<Body>) -> Response {
    let (parts, body) = request.into_parts();
    let entered = match checked(admin, &parts, body).await {
        Ok(fields) => trade(admin, &parts, &fields),
        Err(failure) => Err(failure),
    };
    entered.unwrap_or_else(|failure| page::refused(admin, None, failure))
}

/// `POST /logout`
pub(super) async fn leave(admin: &Admin, request: Request<Body>) -> Response {
    let (parts, body) = request.into_parts();
    match left(admin, &parts, body).await {
        Ok(()) => {
            let cookie = Cookies::of(&admin.place).forget_session();
            with_cookie(page::see("/login"), cookie)
        }
        Err(failure) => page::refused(admin, None, failure),
    }
}

async fn left(admin: &Admin, parts: &Parts, body: Body) -> Result<(), Failure> {
    check_host(&admin.place, &parts.headers)?;
    check_origin(&admin.place, &parts.headers)?;
    let fields = form::read(&parts.headers, body, &[]).await?;
    let who = gate::visitor(admin, parts);
    if who.is_some_and(|who| !who.issued(fields.get(form::CSRF))) {
        return Err(foreign());
    }
    if let Some(cookie) = Cookies::of(&admin.place).session(&parts.headers) {
        locked(&admin.console.sessions).close(cookie);
    }
    Ok(())
}

/// The form, if it is ours: the cookie of a stranger and the field must be the same, or another
/// page could log somebody in as somebody else.
async fn checked(admin: &Admin, parts: &Parts, body: Body) -> Result<Query, Failure> {
    check_host(&admin.place, &parts.headers)?;
    check_origin(&admin.place, &parts.headers)?;
    let fields = form::read(&parts.headers, body, FIELDS).await?;
    let cookies = Cookies::of(&admin.place);
    let pair = cookies.stranger(&parts.headers).zip(fields.get(form::CSRF));
    match pair.is_some_and(|(cookie, field)| is_same(cookie, field)) {
        true => Ok(fields),
        false => Err(foreign()),
    }
}

fn foreign() -> Failure {
    Failure::new(Code::FormExpired, "the form was not issued to this browser")
}

/// A session for a token, or the form again with what is wrong.
fn trade(admin: &Admin, parts: &Parts, fields: &Query) -> Result<Response, Failure> {
    let (view, now_ms) = (admin.parts.controller.view(), admin.parts.controller.now_ms());
    let text = fields.get("token").unwrap_or_default().trim();
    let token = match recognise(&view.truth.tokens, text, now_ms) {
        Ok((token, _)) => token,
        Err(refused) => {
            let peer = peer(parts)?;
            let why = match locked(&admin.failures).note(peer, now_ms) {
                Err(seconds) => format!("too many failures from your address: wait {seconds} s"),
                Ok(()) if refused == TokenRefused::Expired => "the token has expired".to_owned(),
                Ok(()) => "the token is not known".to_owned(),
            };
            return ask(admin, parts, next(fields), Some(&why));
        }
    };
    let no_random = |error: crate::token::NoRandom| Failure::new(Code::Internal, error.to_string());
    let cookie = locked(&admin.console.sessions).open(token, now_ms).map_err(no_random)?;
    tracing::info!(by = token.name, role = token.role, "logged in to the console");
    let cookies = Cookies::of(&admin.place);
    let response = with_cookie(page::see(next(fields)), cookies.set_session(&cookie));
    Ok(with_cookie(response, cookies.forget_stranger()))
}

/// The form.
fn ask(admin: &Admin, parts: &Parts, next: &str, wrong: Option<&str>) -> Result<Response, Failure> {
    let cookies = Cookies::of(&admin.place);
    let known = cookies.stranger(&parts.headers).and_then(Secret::from_text);
    let (cookie, is_new) = match known {
        Some(cookie) => (cookie, false),
        None => {
            let random = Secret::random();
            (random.map_err(|error| Failure::new(Code::Internal, error.to_string()))?, true)
        }
    };
    let mut response = page::plain("Log in", &markup(&cookie, next, wrong)).into_response();
    if wrong.is_some() {
        *response.status_mut() = StatusCode::UNAUTHORIZED;
    }
    Ok(if is_new { with_cookie(response, cookies.set_stranger(&cookie)) } else { response })
}

fn markup(cookie: &Secret, next: &str, wrong: Option<&str>) -> Markup {
    html! {
        form.panel.narrow method="post" action="/login" {
            h1 { "Log in" }
            @if let Some(wrong) = wrong { p.alert role="alert" { "Not logged in: " (wrong) "." } }
            p { "The console takes a token of the admin API, and keeps it for no longer than a moment." }
            label for="token" { "Token" }
            input #token type="password" name="token" required autofocus
                autocomplete="current-password" maxlength="256" spellcheck="false";
            input type="hidden" name=(form::CSRF) value=(cookie.reveal());
            input type="hidden" name="next" value=(next);
            button.primary type="submit" { "Log in" }
            p.hint {
                "The first start wrote a token to " code { "cutover-admin.token" }
                "; others come from " code { "cutover token create" } "."
            }
        }
    }
}

/// Where to go on to: a path of ours, and nothing that a browser might take for another host.
fn next(fields: &Query) -> &str {
    let next = fields.get("next").unwrap_or("/");
    let is_path = next.starts_with('/') && !next.starts_with("//");
    let is_plain = next.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    if is_path && is_plain && next.len() <= NEXT_BYTES_MAX { next } else { "/" }
}

fn with_cookie(mut response: Response, cookie: HeaderValue) -> Response {
    response.headers_mut().append(header::SET_COOKIE, cookie);
    response
}
