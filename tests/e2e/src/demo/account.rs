//! Three accounts of the same requests, which must agree.

use anyhow::Context;

use super::tally::{Fate, Part, count};
use crate::access_log::{AccessLog, Line};
use crate::metrics::Metrics;
use crate::rig::Home;
use crate::{Proxy, eventually};

/// The route that moves.
pub(super) const ROUTE: &str = "device-read";

/// What both servers wrote down.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Logged {
    /// Reads that the monolith answered.
    pub(super) legacy: u64,
    /// Reads that registry answered well.
    pub(super) new: u64,
    /// Writes that the monolith answered.
    pub(super) writes: u64,
}

/// What Cutover counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counted {
    /// Reads that legacy answered, those that new had failed included.
    pub(super) legacy: u64,
    /// Reads that new answered.
    pub(super) new: u64,
    /// Reads that new failed and legacy answered.
    pub(super) fallbacks: u64,
    /// Requests that match no route.
    pub(super) unmatched: u64,
}

/// One line of the comparison.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    pub(super) what: &'static str,
    /// By the load's own requests.
    pub(super) load: u64,
    pub(super) cutover: u64,
    pub(super) logs: u64,
}

impl Logged {
    /// What the access logs of `home` hold by now, less `before`.
    pub(super) fn since(before: Logged, home: &Home) -> anyhow::Result<Logged> {
        let now = Logged::all(&home.monolith.access_log(), &home.registry.access_log())?;
        Ok(now.less(before))
    }

    fn all(monolith: &AccessLog, registry: &AccessLog) -> anyhow::Result<Logged> {
        let is_read = |line: &Line| line.method == "GET" && is_device(&line.path);
        Ok(Logged {
            legacy: monolith.count(is_read)?,
            new: registry.count(|line| is_read(line) && line.status < 500)?,
            writes: monolith
                .count(|line| line.method == "POST" && line.path.starts_with(DEVICES))?,
        })
    }

    pub(super) fn less(self, before: Logged) -> Logged {
        Logged {
            legacy: self.legacy - before.legacy,
            new: self.new - before.new,
            writes: self.writes - before.writes,
        }
    }
}

impl Counted {
    /// What Cutover counted since it was started.
    pub(super) async fn now(proxy: &Proxy) -> anyhow::Result<Counted> {
        Ok(Counted::read(&proxy.metrics().await?))
    }

    fn read(metrics: &Metrics) -> Counted {
        let requests =
            |labels: &[(&str, &str)]| whole(metrics.sum("cutover_requests_total", labels));
        let route = ("cutover_route", ROUTE);
        let fallbacks = requests(&[route, ("outcome", "fallback")]);
        Counted {
            legacy: requests(&[route, ("cutover_side", "legacy")]) + fallbacks,
            new: requests(&[route, ("cutover_side", "new")]) - fallbacks,
            fallbacks,
            unmatched: requests(&[("cutover_route", "_unmatched")]),
        }
    }

    pub(super) fn less(self, before: Counted) -> Counted {
        Counted {
            legacy: self.legacy - before.legacy,
            new: self.new - before.new,
            fallbacks: self.fallbacks - before.fallbacks,
            unmatched: self.unmatched - before.unmatched,
        }
    }
}

impl Row {
    pub(super) fn agrees(&self) -> bool {
        self.cutover == self.logs && self.load == self.logs
    }
}

/// Compares the accounts once the load has ended. Servers write their logs a moment after the
/// answer, so it looks again until the logs are complete, for some seconds.
pub(super) async fn compare(
    parts: &[Part],
    before: (Counted, Logged),
    proxy: &Proxy,
    home: &Home,
) -> anyhow::Result<Vec<Row>> {
    let mut last = Vec::new();
    let agreed = eventually("agreement of the accounts", async || {
        let counted = Counted::now(proxy).await.ok()?.less(before.0);
        let logged = Logged::since(before.1, home).ok()?;
        last = rows(parts, counted, logged);
        last.iter().all(Row::agrees).then_some(())
    });
    // Rows that disagree are shown as they are.
    let _ = agreed.await;
    (!last.is_empty()).then_some(last).context("Cutover's metrics or an access log cannot be read")
}

fn rows(parts: &[Part], counted: Counted, logged: Logged) -> Vec<Row> {
    let (new, writes) = (count(parts, Fate::Registry), count(parts, Fate::Written));
    let legacy = count(parts, Fate::Monolith) + count(parts, Fate::Rescued);
    let row = |what, load, cutover, logs| Row { what, load, cutover, logs };
    let parts = [
        row("reads by the monolith, rescued ones too", legacy, counted.legacy, logged.legacy),
        row("reads by registry", new, counted.new, logged.new),
        row("writes by the monolith", writes, counted.unmatched, logged.writes),
    ];
    let sum = |account: fn(&Row) -> u64| parts.iter().map(account).sum();
    let all = row("all", sum(|row| row.load), sum(|row| row.cutover), sum(|row| row.logs));
    parts.into_iter().chain([all]).collect()
}

const DEVICES: &str = "/api/v1/devices/";

fn is_device(path: &str) -> bool {
    path.strip_prefix(DEVICES).is_some_and(|id| !id.is_empty() && !id.contains('/'))
}

fn whole(value: f64) -> u64 {
    value as u64
}
