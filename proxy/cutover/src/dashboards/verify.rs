//! Every query of every dashboard, asked of a live Prometheus.
//!
//! A variable takes all its values at once, as if somebody had chosen "All": so a query is seen to
//! work for every route, and is empty only if it is for all of them. Answers that are nowhere a
//! number count as none, since nothing would be drawn. A variable without values takes `.+`: only
//! where nobody scrapes Cutover at all there is nothing to ask.

mod answer;
mod values;

use std::time::Duration;

use serde::Serialize;
use serde_json::Value;

use self::{answer::Answer, values::Values};
use super::{
    File,
    grafana::{Annotation, Item, Panel, Target},
    promql,
};

/// Points of a line: enough to see whether there is one, and an answer of bounded size.
const STEPS: u32 = 60;

/// A way to ask Prometheus.
pub trait Ask {
    /// Gets `path` with `query` and gives the answer's `data`; `Err`: why there is none, in words.
    fn ask(&self, path: &str, query: &[(&str, String)]) -> Result<Value, String>;
}

/// What is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Terms {
    /// The end of the range: seconds since 1970.
    pub now_seconds: f64,
    /// Its length.
    pub range: Duration,
    /// How often Prometheus scrapes.
    pub scrape: Duration,
}

/// What came of one query.
#[derive(Clone, Debug, Serialize)]
pub struct Finding {
    /// The dashboard's file.
    pub dashboard: &'static str,
    /// The panel's title, with its heading where several panels have it; a mark's name.
    pub panel: String,
    /// Which of the panel's queries: `A`, `B`, ….
    pub query: String,
    /// How it went.
    pub state: State,
    /// Series that hold a number.
    pub series: usize,
    /// Why it failed, or may be empty, or which series are missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// The query as it was asked.
    pub expr: String,
}

/// How a query went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It has an answer.
    Ok,
    /// It has none, and may have none.
    EmptyOk,
    /// It has none.
    Empty,
    /// It is refused.
    Error,
}

/// Asks everything. `Err`: the values of a variable could not be had, or no process is scraped, so
/// nothing more can.
pub fn verify(files: &[File], prometheus: &dyn Ask, terms: Terms) -> Result<Vec<Finding>, String> {
    let mut findings = Vec::new();
    for File { name, dashboard } in files {
        let values = Values::of(&dashboard.templating.list, prometheus, terms)
            .map_err(|why| format!("{name}: {why}"))?;
        let asking = Asking { dashboard: name, prometheus, values, terms };
        findings.extend(dashboard.annotations.list.iter().map(|mark| asking.mark(mark)));
        let mut heading = "";
        for item in &dashboard.panels {
            match item {
                Item::Row(row) => heading = row.title,
                Item::Panel(panel) => findings.extend(asking.panel(heading, panel)),
            }
        }
    }
    Ok(findings)
}

/// One dashboard being asked.
struct Asking<'a> {
    dashboard: &'static str,
    prometheus: &'a dyn Ask,
    values: Values,
    terms: Terms,
}

// === impl Terms ===

impl Terms {
    /// Time between two points.
    fn step_seconds(self) -> f64 {
        (self.range / STEPS).as_secs_f64().max(1.0).round()
    }

    fn begin_seconds(self) -> f64 {
        self.now_seconds - self.range.as_secs_f64()
    }

    /// Grafana's `$__rate_interval`: four scrapes at least, so that one that is missed does no harm.
    fn rate_seconds(self) -> f64 {
        let scrape = self.scrape.as_secs_f64();
        (self.step_seconds() + scrape).max(4.0 * scrape)
    }
}

// === impl State ===

impl State {
    /// As people read it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            State::Ok => "ok",
            State::EmptyOk => "may be empty",
            State::Empty => "empty",
            State::Error => "error",
        }
    }

    /// Whether somebody has to look.
    #[must_use]
    pub fn is_bad(self) -> bool {
        matches!(self, State::Empty | State::Error)
    }
}

// === impl Asking ===

impl Asking<'_> {
    fn panel<'p>(
        &'p self,
        heading: &'p str,
        panel: &'p Panel,
    ) -> impl Iterator<Item = Finding> + 'p {
        panel.targets.iter().map(move |target| {
            let title = format!("{heading} / {}", panel.title);
            self.finding(title, target)
        })
    }

    fn finding(&self, panel: String, target: &Target) -> Finding {
        let expr = self.values.fill(&target.expr);
        let answer = match target.instant {
            true => self.instant(&expr),
            false => self.range(&expr),
        };
        let (state, series, detail) = match answer {
            Ok(0) => match target.empty_ok {
                Some(reason) => (State::EmptyOk, 0, Some(reason.to_owned())),
                None => (State::Empty, 0, self.missing(&expr)),
            },
            Ok(series) => (State::Ok, series, None),
            Err(why) => (State::Error, 0, Some(why)),
        };
        let (dashboard, query) = (self.dashboard, target.ref_id.clone());
        Finding { dashboard, panel, query, state, series, detail, expr }
    }

    /// Marks come when something happens, so that none is no fault.
    fn mark(&self, mark: &Annotation) -> Finding {
        let expr = self.values.fill(&mark.expr);
        let (state, series, detail) = match self.range(&expr) {
            Ok(0) => (State::EmptyOk, 0, Some("nothing to mark".to_owned())),
            Ok(series) => (State::Ok, series, None),
            Err(why) => (State::Error, 0, Some(why)),
        };
        let (dashboard, query) = (self.dashboard, "mark".to_owned());
        let panel = format!("marks / {}", mark.name);
        Finding { dashboard, panel, query, state, series, detail, expr }
    }

    fn instant(&self, expr: &str) -> Result<usize, String> {
        let query = [("query", expr.to_owned()), ("time", self.terms.now_seconds.to_string())];
        Answer::of(self.prometheus.ask("/api/v1/query", &query)?).map(|answer| answer.numbers())
    }

    fn range(&self, expr: &str) -> Result<usize, String> {
        let query = [
            ("query", expr.to_owned()),
            ("start", self.terms.begin_seconds().to_string()),
            ("end", self.terms.now_seconds.to_string()),
            ("step", self.terms.step_seconds().to_string()),
        ];
        let answer = self.prometheus.ask("/api/v1/query_range", &query)?;
        Answer::of(answer).map(|answer| answer.numbers())
    }

    /// Which selectors of a query have no series; `None`: all have some.
    fn missing(&self, expr: &str) -> Option<String> {
        let selectors = promql::selectors(expr).into_iter().map(|selector| selector.series());
        let missing: Vec<String> = selectors.filter(|series| !self.is_there(series)).collect();
        (!missing.is_empty()).then(|| format!("no series {}", missing.join(", ")))
    }

    fn is_there(&self, series: &str) -> bool {
        let query = [
            ("match[]", series.to_owned()),
            ("start", self.terms.begin_seconds().to_string()),
            ("end", self.terms.now_seconds.to_string()),
        ];
        let answer = self.prometheus.ask("/api/v1/series", &query);
        // Prometheus that does not tell is no reason to blame the series.
        answer.map_or(true, |found| found.as_array().is_none_or(|found| !found.is_empty()))
    }
}

#[cfg(test)]
mod tests;
