//! What pages are dressed in: one style sheet, one script, one picture; in the binary, and named by
//! the hash of what they hold, so that browsers may keep them.

use std::sync::LazyLock;

use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, Request, header};

use super::page;
use crate::{
    admin::{Admin, auth::check_host, failure::Failure},
    codes::Code,
    token::hash,
};

const CSS: &str = include_str!("console.css");
const JS: &str = include_str!("console.js");
/// The mark beside the name, and the icon of the tab.
pub(super) const LOGO: &str = include_str!("console.svg");

/// Where they are.
#[derive(Debug)]
pub(super) struct Paths {
    pub(super) css: String,
    pub(super) js: String,
    pub(super) icon: String,
}

pub(super) fn paths() -> &'static Paths {
    static PATHS: LazyLock<Paths> = LazyLock::new(|| Paths {
        css: named("console", CSS, "css"),
        js: named("console", JS, "js"),
        icon: named("icon", LOGO, "svg"),
    });
    &PATHS
}

/// Needs no session: there is nothing of anybody's in it, and the log-in looks the same.
pub(super) fn serve(admin: &Admin, request: &Request<Body>) -> Response {
    if let Err(failure) = check_host(&admin.place, request.headers()) {
        return page::refused(admin, None, failure);
    }
    let (paths, path) = (paths(), request.uri().path());
    let (content_type, text) = match path {
        path if path == paths.css => ("text/css; charset=utf-8", CSS),
        path if path == paths.js => ("text/javascript; charset=utf-8", JS),
        path if path == paths.icon => ("image/svg+xml", LOGO),
        _ => {
            let message = format!("there is nothing at `{path}`");
            return page::refused(admin, None, Failure::new(Code::NotFound, message));
        }
    };
    let mut response = text.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    let forever = HeaderValue::from_static("public, max-age=31536000, immutable");
    headers.insert(header::CACHE_CONTROL, forever);
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    let own = HeaderValue::from_static("same-origin");
    headers.insert("cross-origin-resource-policy", own);
    response
}

fn named(name: &str, text: &str, kind: &str) -> String {
    let digest: String = hash(text)[..8].iter().map(|byte| format!("{byte:02x}")).collect();
    format!("/assets/{name}.{digest}.{kind}")
}
