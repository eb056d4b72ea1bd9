//! `/runbooks`: what to do about an alert, and procedures, as the binary carries them.

use std::sync::Arc;

use maud::{Markup, html};

use super::{
    Showing,
    gate::Visit,
    markdown::{self, Around, Leads, anchor},
    page::{self, Frame},
    widgets::{self, encoded, route_link},
};
use crate::{
    admin::{Admin, failure::Failure},
    codes::Code,
    refused::Refused,
    runbooks::Runbook,
};

/// The variable that stands for a route.
const ROUTE: &str = "ROUTE";

pub(super) fn list(admin: Arc<Admin>, visit: Visit) -> Showing {
    Box::pin(async move {
        let frame = Frame {
            title: "Runbooks",
            section: "Runbooks",
            command: "cutover runbook list".into(),
            events: None,
        };
        Ok(page::show(&admin, &visit, &frame, &all(&admin.parts.runbooks)))
    })
}

pub(super) fn show(admin: Arc<Admin>, visit: Visit) -> Showing {
    Box::pin(async move {
        let name = visit.param(0);
        let runbook = find(&admin.parts.runbooks, name).ok_or_else(|| unknown(name))?;
        let view = admin.parts.controller.view();
        let routes: Vec<&str> = view.table.routes.iter().map(|it| it.spec.id.as_str()).collect();
        let route = visit.fields.get("route").filter(|route| !route.is_empty());
        if let Some(route) = route.filter(|route| !routes.contains(route)) {
            return Err(Refused::UnknownRoute(route.to_owned()).into());
        }
        let frame = Frame {
            title: &runbook.title,
            section: "Runbooks",
            command: format!("cutover runbook show {name}"),
            events: None,
        };
        let main = one(runbook, &admin.parts.runbooks, &routes, route);
        Ok(page::show(&admin, &visit, &frame, &main))
    })
}

/// The runbook of this name.
pub(super) fn find<'r>(runbooks: &'r [Runbook], name: &str) -> Option<&'r Runbook> {
    runbooks.iter().find(|runbook| runbook.name == name)
}

/// The address of a runbook, for a route if one is meant.
pub(super) fn path(name: &str, route: Option<&str>) -> String {
    let of = route.map(|route| format!("?route={}", encoded(route))).unwrap_or_default();
    format!("/runbooks/{}{of}", encoded(name))
}

fn unknown(name: &str) -> Failure {
    Failure::new(Code::UnknownRunbook, format!("there is no runbook `{name}`"))
}

fn all(runbooks: &[Runbook]) -> Markup {
    let (alerts, procedures): (Vec<&Runbook>, Vec<&Runbook>) =
        runbooks.iter().partition(|runbook| runbook.is_for_alert);
    html! {
        div.head {
            h1 { "Runbooks" }
            p { "One for every alert, and procedures. They are those of the version that runs; drilled means that their commands were run against a real fault." }
        }
        (group("Alerts", "alerts", &alerts))
        (group("Procedures", "procedures", &procedures))
    }
}

fn group(title: &str, id: &str, runbooks: &[&Runbook]) -> Markup {
    html! {
        @if !runbooks.is_empty() {
            section.panel aria-labelledby=(id) {
                h2 id=(id) { (title) }
                div.scroll tabindex="0" role="region" aria-label=(title) { table.list {
                    thead { tr { th scope="col" { "runbook" } th scope="col" { "severity" }
                        th scope="col" { "owner" } th scope="col" { "last drilled" } } }
                    tbody { @for runbook in runbooks { (line(runbook)) } }
                } }
            }
        }
    }
}

fn line(runbook: &Runbook) -> Markup {
    let or_dash = |text: &Option<String>| text.clone().unwrap_or_else(widgets::dash);
    html! {
        tr {
            th scope="row" { a href=(path(&runbook.name, None)) { (runbook.title) } br;
                code.muted { (runbook.name) } }
            td { (severity(runbook)) }
            td { (runbook.owner) }
            td { (or_dash(&runbook.last_drilled)) }
        }
    }
}

fn severity(runbook: &Runbook) -> Markup {
    html! {
        @match runbook.severity.as_deref() {
            None => (widgets::dash()),
            Some(severity) => span.mark.bad[severity.starts_with("page")].warn[severity == "ticket"] { (severity) },
        }
    }
}

fn one(runbook: &Runbook, runbooks: &[Runbook], routes: &[&str], route: Option<&str>) -> Markup {
    let asks = runbook.vars.iter().any(|var| var == ROUTE) && !routes.is_empty();
    let mut around = Page { runbook, runbooks, route, fences: 0 };
    html! {
        div.head {
            h1 { (runbook.title) }
            p.summary { code { (runbook.name) } " · owner: " (runbook.owner)
                @if let Some(target) = &runbook.mttr_target { " · users are to be well again within " (target) }
                @match &runbook.last_drilled {
                    Some(day) => { " · last drilled " (day) },
                    None if runbook.is_for_alert => " · not drilled yet",
                    None => "",
                } }
            @if runbook.severity.is_some() { p { (severity(runbook)) } }
            @if asks { (chooser(&runbook.name, routes, route)) }
        }
        @if let Some(route) = route { p { "Commands are filled in for " (route_link(route)) "." } }
        article.panel.prose { (markdown::render(&runbook.text, &mut around)) }
    }
}

fn chooser(name: &str, routes: &[&str], route: Option<&str>) -> Markup {
    html! {
        form.filter method="get" action=(path(name, None)) {
            label for="route" { "Route" }
            select #route name="route" {
                option value="" { "any" }
                @for id in routes { option value=(id) selected[route == Some(id)] { (id) } }
            }
            button type="submit" { "Fill in" }
        }
    }
}

/// A runbook's page, as far as its text does not say it.
struct Page<'p> {
    runbook: &'p Runbook,
    runbooks: &'p [Runbook],
    route: Option<&'p str>,
    /// Blocks of commands seen so far.
    fences: usize,
}

// === impl Page ===

impl Around for Page<'_> {
    fn link(&self, target: &str) -> Leads {
        if target.starts_with("https://") || target.starts_with("http://") {
            return Leads::Away(target.to_owned());
        }
        let (file, place) = target.split_once('#').unwrap_or((target, ""));
        let place = if place.is_empty() { String::new() } else { format!("#{}", anchor(place)) };
        let name = file.strip_suffix(".md").unwrap_or_default();
        match find(self.runbooks, name) {
            Some(found) => Leads::Here(path(&found.name, self.route) + &place),
            None if file.is_empty() && !place.is_empty() => Leads::Here(place),
            // A file of the repository: nobody has it here.
            None => Leads::Nowhere,
        }
    }

    fn code(&mut self, info: &str, text: &str) -> Markup {
        let is_run = info.starts_with("sh {");
        let block = is_run.then(|| self.runbook.blocks.get(self.fences)).flatten();
        self.fences += usize::from(is_run);
        let quoted = format!("\"${ROUTE}\"");
        let text = self.route.map_or_else(|| text.to_owned(), |route| text.replace(&quoted, route));
        html! {
            figure.block {
                @if let Some(block) = block {
                    figcaption { strong { (block.name) } " "
                        @if block.mutates { span.mark.warn { "changes something" } }
                        @else { span.mark { "looks only" } } }
                } @else if !info.is_empty() { figcaption.muted { (info) } }
                pre tabindex="0" { code { (text) } }
                @if let Some(block) = block { (widgets::command(&self.command(block))) }
            }
        }
    }
}

impl Page<'_> {
    /// The command that runs a block.
    fn command(&self, block: &crate::runbooks::RunbookBlock) -> String {
        let mut command =
            format!("cutover runbook run {} --block {}", self.runbook.name, block.name);
        for var in &self.runbook.vars {
            let value = if var == ROUTE { self.route.unwrap_or("…") } else { "…" };
            command += &format!(" --var {var}={value}");
        }
        if block.mutates {
            command += " --yes";
        }
        command
    }
}
