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

/// Where runbooks lie unless somebody says otherwise: the admin API of a proxy on this machine.
pub const RUNBOOKS: &str = "http://127.0.0.1:9900/runbooks";

/// Every dashboard, the one to begin with first. Runbooks lie below `runbooks`, by the alert's
/// name.
#[must_use]
pub fn all(runbooks: &str) -> Vec<File> {
    let mut files = vec![
        File { name: "overview", dashboard: overview::dashboard() },
        File { name: "route", dashboard: route::dashboard() },
        File { name: "slo", dashboard: slo::dashboard() },
        File { name: "journeys", dashboard: journeys::dashboard() },
        File { name: "process", dashboard: process::dashboard() },
    ];
    for file in &mut files {
        file.dashboard.templating.list.push(board::runbooks(runbooks));
    }
    files
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
