//! What all pages have in common: head, navigation, foot, and the headers that protect them.

use axum::response::{IntoResponse, Response};
use http::{HeaderName, HeaderValue, StatusCode, header};
use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::{assets, form, gate::Visit, session::Visitor, widgets};
use crate::admin::{Admin, failure::Failure};

/// What a page says of itself.
#[derive(Debug)]
pub(super) struct Frame<'p> {
    pub(super) title: &'p str,
    /// Its place in the navigation.
    pub(super) section: &'static str,
    /// The command that tells the same.
    pub(super) command: String,
    /// What `/events` is to be asked, to keep its numbers fresh; `None`: it has none.
    pub(super) events: Option<String>,
}

/// Sections, with their paths.
const SECTIONS: &[(&str, &str)] = &[
    ("Routes", "/"),
    ("Journeys", "/journeys"),
    ("SLOs", "/slos"),
    ("Alerts", "/alerts"),
    ("Runbooks", "/runbooks"),
    ("Traces", "/traces"),
    ("Audit", "/audit"),
    ("Config", "/config"),
];

/// No script and style but ours, nothing inline, no frames, no plug-ins. `same-origin` and not
/// `no-referrer`, under which browsers send forms with `Origin: null`.
const HEADERS: &[(&str, &str)] = &[
    ("content-type", "text/html; charset=utf-8"),
    (
        "content-security-policy",
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; \
         connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    ),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("referrer-policy", "same-origin"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("cache-control", "no-store"),
];

/// A page with everything around it.
pub(super) fn show(admin: &Admin, visit: &Visit, frame: &Frame<'_>, main: &Markup) -> Response {
    let revision = admin.parts.controller.view().truth.head;
    let who = &visit.who;
    let body = html! {
        (top(Some(who), frame.section))
        main #main tabindex="-1" data-revision=(revision) data-events=[frame.events.as_deref()] {
            (banners(admin))
            (main)
        }
        footer {
            p { "The same by command: " (widgets::inline_command(&frame.command)) }
            p {
                a href=(visit.uri) { "Link to this page" } " · revision " (revision) " · "
                (widgets::moment(admin.parts.controller.now_ms()))
            }
        }
    };
    dressed(StatusCode::OK, &document(frame.title, &body))
}

/// A page for those who are not logged in.
pub(super) fn plain(title: &str, main: &Markup) -> Response {
    let body = html! { (top(None, "")) main #main tabindex="-1" { (main) } };
    dressed(StatusCode::OK, &document(title, &body))
}

/// The one rescue point of the console.
pub(super) fn refused(admin: &Admin, who: Option<&Visitor>, failure: Failure) -> Response {
    let (status, retry_after) = failure.told();
    let error = failure.body();
    let body = html! {
        (top(who, ""))
        main #main tabindex="-1" {
            section.panel.narrow {
                h1 { "That did not happen" }
                p.alert role="alert" { (widgets::sentence(&error.message)) }
                @if let Some(hint) = &error.hint { p { (widgets::ticks(hint)) } }
                @for found in &error.diagnostics { p { (found.message) } }
                @for row in &error.present {
                    p { "Route " (widgets::route_link(&row.route)) " is in "
                        (crate::words::target(&row.at)) " at revision " (row.revision) "." }
                }
                p.hint { "More: " (widgets::inline_command(&format!("cutover explain --code {}", error.code))) }
                p { @if who.is_some() { a href="/" { "To the routes" } }
                    @else { a href="/login" { "Log in" } } }
            }
        }
    };
    let _ = admin;
    let mut response = dressed(status, &document("That did not happen", &body));
    if let Some(seconds) = retry_after {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

/// For whoever follows a link from elsewhere: from here on it is our own, and the cookie comes too.
pub(super) fn onward(uri: &str) -> Response {
    let main = html! {
        section.panel.narrow {
            h1 { "Cutover" }
            p { "A link from another page led here." }
            p { a.button data-onward href=(uri) { "Go on" } }
        }
    };
    plain("Cutover", &main)
}

/// Look there instead; the way for a form's answer, so that reloading does not send it again.
pub(super) fn see(path: &str) -> Response {
    let mut response = dressed(StatusCode::SEE_OTHER, "");
    let path = HeaderValue::from_str(path).unwrap_or(HeaderValue::from_static("/"));
    response.headers_mut().insert(header::LOCATION, path);
    response
}

fn document(title: &str, body: &Markup) -> String {
    let assets = assets::paths();
    let html = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) " · Cutover" }
                link rel="stylesheet" href=(assets.css);
                link rel="icon" href=(assets.icon) type="image/svg+xml";
                script type="module" src=(assets.js) {}
            }
            body { (body) }
        }
    };
    html.into_string()
}

fn top(who: Option<&Visitor>, section: &str) -> Markup {
    html! {
        a.skip href="#main" { "Skip to content" }
        header.top {
            a.brand href="/" { (PreEscaped(assets::LOGO)) "Cutover" }
            @if let Some(who) = who {
                nav aria-label="Sections" {
                    @for (name, path) in SECTIONS {
                        a href=(path) aria-current=[(*name == section).then_some("page")] { (name) }
                    }
                }
                span #live.live hidden role="status" {}
                form.who method="post" action="/logout" {
                    (csrf(who))
                    span { (who.caller.name) " " span.muted { "(" (who.caller.role) ")" } }
                    button.quiet type="submit" { "Log out" }
                }
            }
        }
    }
}

/// What everybody must know, whichever page they look at.
fn banners(admin: &Admin) -> Markup {
    let view = admin.parts.controller.view();
    let refused = admin.parts.controller.last_reload();
    html! {
        @if view.truth.legacy_all {
            p.banner.bad { strong { "Everything is on legacy: " }
                "the file " code { "legacy-all" } " keeps every route in its safe phase." }
        }
        @if let Some(down) = &view.truth.down {
            p.banner.warn { strong { "The store is away: " } (widgets::sentence(&down.message))
                " Nothing moves forward; rolling back works. " (widgets::ticks(down.hint)) }
        }
        @if let Some(refused) = &refused {
            p.banner.warn { strong { "The files on disk are not in force: " }
                (widgets::sentence(&refused.to_string())) " " a href="/config" { "See which lines" } }
        }
    }
}

/// The field that every form carries.
pub(super) fn csrf(who: &Visitor) -> Markup {
    html! { input type="hidden" name=(form::CSRF) value=(who.csrf); }
}

fn dressed(status: StatusCode, body: &str) -> Response {
    let mut response = (status, body.to_owned()).into_response();
    for (name, value) in HEADERS {
        let name = HeaderName::from_static(name);
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}
