//! What all dashboards have in common: variables, ways to each other, marks, and where panels lie.

use super::{
    grafana::{
        Annotation, Dashboard, DashboardLink, GridPos, Item, List, Panel, Row, TimeRange, Variable,
        VariableQuery,
    },
    panel::{filled, prometheus},
};

/// The tag by which they find each other.
pub(super) const TAG: &str = "cutover";
/// Width of a dashboard.
const WIDTH: u32 = 24;

/// Panels under a heading.
pub(super) struct Section {
    title: &'static str,
    panels: Vec<Panel>,
}

/// Panels under a heading.
pub(super) fn section(title: &'static str, panels: impl Into<Vec<Panel>>) -> Section {
    Section { title, panels: panels.into() }
}

/// A dashboard of `sections`; `variables` come behind those that all have.
pub(super) fn dashboard(
    uid: &'static str,
    title: &'static str,
    description: &'static str,
    variables: impl IntoIterator<Item = Variable>,
    sections: impl IntoIterator<Item = Section>,
) -> Dashboard {
    let all = [datasource(), job(), instance()].into_iter().chain(variables);
    Dashboard {
        uid,
        title,
        description,
        tags: vec![TAG],
        editable: false,
        graph_tooltip: 1,
        refresh: "10s",
        time: TimeRange { from: "now-1h", to: "now" },
        schema_version: 39,
        links: vec![others()],
        annotations: List { list: marks() },
        templating: List { list: all.collect() },
        panels: laid_out(sections),
    }
}

/// The routes to look at, one or several.
pub(super) fn routes() -> Variable {
    let query = "label_values(cutover_route_info{@own}, cutover_route)";
    Variable { multi: true, include_all: true, ..chosen("route", "Route", query) }
}

/// The one route to look at.
pub(super) fn one_route() -> Variable {
    Variable { multi: false, include_all: false, all_value: None, ..routes() }
}

/// Where runbooks lie, for descriptions of panels.
pub(super) fn runbooks(url: &str) -> Variable {
    Variable { hide: Some(2), ..given("runbooks", "Runbooks", "constant", url) }
}

/// Where the console is, for [`console_page`].
pub(super) fn console(url: &str) -> Variable {
    Variable { hide: Some(2), ..given("console", "Console", "constant", url) }
}

fn datasource() -> Variable {
    given("datasource", "Data source", "datasource", "prometheus")
}

/// A variable that no query is asked for.
fn given(name: &'static str, label: &'static str, kind: &'static str, text: &str) -> Variable {
    Variable {
        kind,
        datasource: None,
        query: VariableQuery::Text(text.to_owned()),
        refresh: 1,
        multi: false,
        include_all: false,
        all_value: None,
        ..chosen(name, label, "")
    }
}

fn job() -> Variable {
    chosen("job", "Job", "label_values(cutover_build_info, job)")
}

fn instance() -> Variable {
    let query = r#"label_values(cutover_build_info{job=~"$job"}, instance)"#;
    chosen("instance", "Instance", query)
}

/// A variable whose values a query gives; several or all may be chosen.
pub(super) fn chosen(name: &'static str, label: &'static str, query: &str) -> Variable {
    Variable {
        name,
        label,
        kind: "query",
        datasource: Some(prometheus()),
        query: VariableQuery::Labels { query: filled(query), ref_id: "values" },
        hide: None,
        refresh: 2,
        sort: 1,
        multi: true,
        include_all: true,
        all_value: Some(".+"),
    }
}

/// The console's page about the same, where something can be done about it.
pub(super) fn console_page(path: &str) -> DashboardLink {
    DashboardLink {
        title: "Console",
        kind: "link",
        tags: Vec::new(),
        url: Some(format!("${{console}}{path}")),
        include_vars: false,
        keep_time: false,
        ..others()
    }
}

/// The other dashboards, with the same route and range of time.
fn others() -> DashboardLink {
    DashboardLink {
        title: "Cutover",
        kind: "dashboards",
        tags: vec![TAG],
        url: None,
        as_dropdown: false,
        include_vars: true,
        keep_time: true,
        target_blank: false,
        icon: "external link",
        tooltip: "",
    }
}

/// What explains a bend in a line. A phase or a configuration is marked where it begins, not where
/// the process does.
fn marks() -> Vec<Annotation> {
    let phase = "(max by (cutover_route, phase) (cutover_route_phase{@own}) == 1) \
                 and (max by (cutover_route, phase) (cutover_route_phase{@own} offset $__interval) == 0)";
    let rollback =
        "sum by (trigger) (increase(cutover_rollbacks_total{@own}[$__rate_interval])) > 0";
    // Not `changes(…[$__interval])`: between two marks there may be only one scrape.
    let config = "cutover_config_last_reload_success_timestamp_seconds{@own} \
                  > (cutover_config_last_reload_success_timestamp_seconds{@own} offset $__interval)";
    vec![
        mark("Phases", "purple", phase, "{{cutover_route}} → {{phase}}", ""),
        mark("Rollbacks", "red", rollback, "Rollback", "Trigger: {{trigger}}"),
        mark("Configuration", "green", config, "Configuration loaded", "{{instance}}"),
    ]
}

fn mark(
    name: &'static str,
    icon_color: &'static str,
    expr: &str,
    title_format: &'static str,
    text_format: &'static str,
) -> Annotation {
    Annotation {
        name,
        datasource: prometheus(),
        enable: true,
        icon_color,
        expr: filled(expr),
        step: "10s",
        title_format,
        text_format,
    }
}

/// Panels from left to right, then below; each section begins a new line.
fn laid_out(sections: impl IntoIterator<Item = Section>) -> Vec<Item> {
    let mut items = Vec::new();
    let mut top = 0;
    let mut ids = 1..;
    let mut next_id = || ids.next().expect("numbers do not end");
    for Section { title, panels } in sections {
        let grid_pos = GridPos { h: 1, w: WIDTH, x: 0, y: top };
        let (id, kind) = (next_id(), "row");
        items.push(Item::Row(Row { id, kind, title, collapsed: false, grid_pos, panels: [] }));
        let mut place = Place { x: 0, y: top + 1, line: 0 };
        for mut panel in panels {
            panel.id = next_id();
            panel.grid_pos = place.take(panel.grid_pos);
            items.push(Item::Panel(Box::new(panel)));
        }
        top = place.y + place.line;
    }
    items
}

/// Where the next panel goes, and how high the present line is.
struct Place {
    x: u32,
    y: u32,
    line: u32,
}

// === impl Place ===

impl Place {
    fn take(&mut self, size: GridPos) -> GridPos {
        if self.x + size.w > WIDTH {
            (self.x, self.y, self.line) = (0, self.y + self.line, 0);
        }
        let place = GridPos { x: self.x, y: self.y, ..size };
        self.x += size.w;
        self.line = self.line.max(size.h);
        place
    }
}
