//! `/alerts`: what Alertmanager delivered, and what was done about it.

use std::sync::Arc;

use maud::{Markup, html};

use super::{
    Showing,
    gate::Visit,
    page::{self, Frame},
    runbooks,
    widgets::{self, route_link},
};
use crate::{
    admin::{Admin, alerts::received_answer},
    api::{AlertOutcome, ReceivedAnswer, ReceivedRow},
};

pub(super) fn show(admin: Arc<Admin>, visit: Visit) -> Showing {
    Box::pin(async move {
        let answer = received_answer(&admin);
        let frame = Frame {
            title: "Alerts",
            section: "Alerts",
            command: "cutover alert list".into(),
            events: None,
        };
        let view = admin.parts.controller.view();
        let is_route = |id: &str| view.table.routes.iter().any(|route| route.spec.id == id);
        let place = &admin.place;
        let scheme = if place.is_tls { "https" } else { "http" };
        let url = format!("{scheme}://{}/api/v1/alerts", place.listener);
        Ok(page::show(&admin, &visit, &frame, &markup(&answer, &is_route, &url)))
    })
}

fn markup(answer: &ReceivedAnswer, is_route: &dyn Fn(&str) -> bool, url: &str) -> Markup {
    let (firing, over): (Vec<_>, Vec<_>) = answer.alerts.iter().partition(|row| row.firing);
    html! {
        div.head {
            h1 { "Alerts" }
            p { "What Alertmanager delivered to this process, and what was done about it. "
                "Rollbacks stay in the " a href="/audit" { "audit" } "." }
        }
        @if answer.alerts.is_empty() { (nothing(url)) } @else {
            (group("Firing", "firing", &firing, answer.at_ms, is_route))
            (group("Over", "over", &over, answer.at_ms, is_route))
            details { summary { "How alerts get here" } (wiring(url)) }
        }
    }
}

fn nothing(url: &str) -> Markup {
    html! {
        section.panel aria-labelledby="nothing" {
            h2 #nothing { "Nothing was delivered yet" }
            p { "Either nothing fires, or Alertmanager does not know this place:" }
            (wiring(url))
        }
    }
}

/// How to have alerts delivered.
fn wiring(url: &str) -> Markup {
    let config = format!(
        "receivers:\n  - name: cutover\n    webhook_configs:\n      - url: {url}\n        \
         send_resolved: true\n        http_config:\n          authorization:\n            \
         credentials_file: /etc/alertmanager/cutover.token\n"
    );
    html! {
        p { "Make a token, put it into a file that Alertmanager can read, and add the receiver to its routes. "
            "The rules are made by " (widgets::inline_command("cutover slo rules")) "." }
        (widgets::command("cutover token create --name alertmanager --role operator"))
        pre tabindex="0" { code { (config) } }
    }
}

fn group(
    title: &str,
    id: &str,
    rows: &[&ReceivedRow],
    now_ms: u64,
    is_route: &dyn Fn(&str) -> bool,
) -> Markup {
    html! {
        section.panel aria-labelledby=(id) {
            h2 id=(id) { (title) " " span.count { (rows.len()) } }
            @if rows.is_empty() { p.muted { "None." } }
            @for row in rows { (event(row, now_ms, is_route)) }
        }
    }
}

fn event(row: &ReceivedRow, now_ms: u64, is_route: &dyn Fn(&str) -> bool) -> Markup {
    let route = row.route.as_deref();
    let known = route.filter(|route| is_route(route));
    let is_page = row.severity.as_deref() == Some("page");
    html! {
        article.event {
            div {
                h3 { (named(row, known))
                    @if let Some(severity) = &row.severity { " " span.mark.bad[is_page].warn[!is_page] { (severity) } } }
                @if let Some(summary) = &row.summary { p { (widgets::ticks(summary)) } }
                p.muted.small { @for (name, value) in &row.labels { (name) "=" (value) " " } }
            }
            dl.facts.wide {
                @if let Some(route) = route {
                    dt { "route" }
                    dd { @if known.is_some() { (route_link(route)) } @else { (route) }
                        @if let Some(side) = &row.side { " " span class=[side_class(side)] { (side) } } }
                }
                dt { "done" } dd { (done(row.outcome)) }
                dt { "heard" } dd { (widgets::ago(row.last_ms, now_ms)) ", first "
                    (widgets::moment(row.first_ms)) ", " (row.deliveries) "×" }
            }
        }
    }
}

/// Its name, as a way to what to do about it.
fn named(row: &ReceivedRow, route: Option<&str>) -> Markup {
    let name = if row.name.is_empty() { &row.fingerprint } else { &row.name };
    html! {
        @match &row.runbook {
            Some(runbook) => a href=(runbooks::path(runbook, route)) { (name) },
            None => (name),
        }
    }
}

fn done(outcome: Option<AlertOutcome>) -> Markup {
    html! {
        @match outcome {
            Some(AlertOutcome::RolledBack) => span.mark.ok { (AlertOutcome::RolledBack.told()) },
            Some(outcome) => (outcome.told()),
            None => span.mark.bad { "the route could not be taken back" },
        }
    }
}

fn side_class(side: &str) -> Option<&str> {
    ["legacy", "new"].contains(&side).then_some(side)
}
