//! Grafana's dashboards, made here and nowhere else.
//!
//! [`all`] gives them; `cutover dashboards generate` writes them as files, which are committed
//! under `dashboards/` and held to this module by a test. [`grafana`] has the shapes, [`panel`] and
//! [`board`] the calm way to fill them, one module a dashboard says what is shown. [`verify`] asks
//! a live Prometheus every query of them; what it needs to know of PromQL is in [`promql`].

pub mod board;
pub mod grafana;
mod journeys;
mod overview;
pub mod panel;
mod process;
pub mod promql;
mod route;
mod slo;
pub mod verify;

use self::grafana::Dashboard;

/// A dashboard and the name of its file.
#[derive(Clone, Debug)]
pub struct File {
    /// Such as `route`; the file is `route.json`.
    pub name: &'static str,
    /// What is in it.
    pub dashboard: Dashboard,
}

/// Where dashboards lead to beside each other.
#[derive(Clone, Copy, Debug)]
pub struct Places<'a> {
    /// Runbooks lie below it, by the alert's name.
    pub runbooks: &'a str,
    /// The console: the admin API's own address, without a slash at its end.
    pub console: &'a str,
}

/// Unless somebody says otherwise: the admin API of a proxy on this machine.
pub const HERE: Places<'_> =
    Places { runbooks: "http://127.0.0.1:9900/runbooks", console: "http://127.0.0.1:9900" };

/// Every dashboard, the one to begin with first.
#[must_use]
pub fn all(places: Places<'_>) -> Vec<File> {
    let file = |name, page, mut dashboard: Dashboard| {
        dashboard.links.push(board::console_page(page));
        let known = &mut dashboard.templating.list;
        known.extend([board::runbooks(places.runbooks), board::console(places.console)]);
        File { name, dashboard }
    };
    vec![
        file("overview", "/", overview::dashboard()),
        file("route", "/routes/${route}", route::dashboard()),
        file("slo", "/slos", slo::dashboard()),
        file("journeys", "/journeys", journeys::dashboard()),
        file("process", "/config", process::dashboard()),
    ]
}

// === impl File ===

impl File {
    /// The file's text: JSON, indented, with a line feed at its end.
    #[must_use]
    pub fn text(&self) -> String {
        let text = serde_json::to_string_pretty(&self.dashboard);
        text.expect("numbers are finite and keys are strings") + "\n"
    }
}

#[cfg(test)]
mod tests;
