//! The console over real connections, as a browser speaks to it.

use super::*;
use crate::admin::console::{methods, pages};

mod acts;
mod commands;
mod events;
mod guard;
mod runbooks;
mod shown;

/// A browser that keeps cookies and runs no script.
pub(super) struct Browser<'r> {
    rig: &'r Rig,
    cookies: Vec<(String, String)>,
}

impl<'r> Browser<'r> {
    fn new(rig: &'r Rig) -> Browser<'r> {
        Browser { rig, cookies: Vec::new() }
    }

    /// Logged in with the token of `role`.
    pub(super) async fn of(rig: &'r Rig, role: &str) -> Browser<'r> {
        let mut browser = Browser::new(rig);
        let got = browser.log_in(role, "/").await;
        assert_eq!((got.status, got.header("location")), (303, Some("/")), "{}", got.body);
        browser
    }

    async fn log_in(&mut self, token: &str, next: &str) -> Got {
        self.get(&format!("/login?next={next}")).await;
        let csrf = self.cookie("login").unwrap().to_owned();
        let form = format!("csrf={csrf}&token={token}&next={next}");
        self.post_raw("/login", &form).await
    }

    pub(super) async fn get(&mut self, path: &str) -> Got {
        self.get_with(path, "").await
    }

    async fn get_with(&mut self, path: &str, headers: &str) -> Got {
        let (host, cookies) = (self.rig.address, self.cookie_field());
        let text = format!("GET {path} HTTP/1.1\r\nhost: {host}\r\n{cookies}{headers}\r\n");
        self.keep(self.rig.raw(&text).await)
    }

    /// Sends a form of the page `of`, with the token that stands in it.
    async fn post(&mut self, of: &str, path: &str, fields: &str) -> Got {
        let page = self.get(of).await;
        assert_eq!(page.status, 200, "{}", page.body);
        let csrf = csrf(&page.body).to_owned();
        self.post_raw(path, &format!("csrf={csrf}&{fields}")).await
    }

    async fn post_raw(&mut self, path: &str, form: &str) -> Got {
        self.post_with(path, form, "").await
    }

    async fn post_with(&mut self, path: &str, form: &str, headers: &str) -> Got {
        let (host, cookies, length) = (self.rig.address, self.cookie_field(), form.len());
        let text = format!(
            "POST {path} HTTP/1.1\r\nhost: {host}\r\n{cookies}{headers}\
             content-type: application/x-www-form-urlencoded\r\n\
             content-length: {length}\r\n\r\n{form}"
        );
        self.keep(self.rig.raw(&text).await)
    }

    fn cookie(&self, what: &str) -> Option<&str> {
        let name = format!("cutover_{what}_{}", self.rig.address.port());
        self.cookies.iter().find(|(own, _)| *own == name).map(|(_, value)| value.as_str())
    }

    fn cookie_field(&self) -> String {
        let pairs: Vec<String> =
            self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        if pairs.is_empty() { String::new() } else { format!("cookie: {}\r\n", pairs.join("; ")) }
    }

    fn keep(&mut self, got: Got) -> Got {
        for line in got.head.lines() {
            let Some(cookie) = line.strip_prefix("set-cookie: ") else { continue };
            let (name, value) = cookie.split(';').next().unwrap().split_once('=').unwrap();
            self.cookies.retain(|(own, _)| own != name);
            if !value.is_empty() {
                self.cookies.push((name.to_owned(), value.to_owned()));
            }
        }
        got
    }
}

/// The token that stands in the forms of a page.
fn csrf(page: &str) -> &str {
    let (_, rest) = page.split_once("name=\"csrf\" value=\"").expect("a form of ours");
    rest.split_once('"').unwrap().0
}

/// The code that a page tells.
fn told(got: &Got) -> Option<&str> {
    let (_, rest) = got.body.split_once("cutover explain --code ")?;
    rest.split_once('<').map(|(code, _)| code)
}

/// Where `read` is.
async fn at(rig: &Rig) -> String {
    let route = rig.get("/api/v1/routes/read").await.json();
    let percent = route["route"]["percent"].as_f64();
    let phase = route["route"]["phase"].as_str().unwrap();
    percent.map_or_else(|| phase.to_owned(), |percent| format!("{phase} {percent}"))
}

/// A path of the table, filled in.
fn filled(path: &str) -> String {
    path.replace("{id}", "read")
        .replace("{sample}", "7")
        .replace("{name}", "Burn")
        .replace("{trace}", traces::LIVE)
}

const FILES: &str = "read shadow copied\n list canary 5";
