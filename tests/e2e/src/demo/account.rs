//! Three accounts of the same requests, which must agree.

use anyhow::Context;

use super::tally::{Fate, Part, count};
use crate::access_log::{AccessLog, Line};
use crate::metrics::Metrics;
use crate::parity::Account;
use crate::rig::Home;
use crate::{Proxy, eventually};

/// The route that moves.
pub(super) const ROUTE: &str = "device-read";

/// Reads and writes that both servers answered well, as they wrote it down.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Logged {
    /// Reads by the monolith, which does not tell copies from other requests.
    pub(super) monolith: u64,
    /// Reads by registry, without copies.
    pub(super) registry: u64,
    /// Copies of reads by registry.
    pub(super) copies: u64,
    /// Writes by the monolith.
    pub(super) writes: u64,
}

/// What Cutover counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counted {
    /// Reads that legacy answered, those that new had failed included.
    pub(super) legacy: u64,
    /// Reads that new answered.
    pub(super) new: u64,
    /// Requests that match no route.
    unmatched: u64,
    /// Reads that were to be copied.
    eligible: u64,
    /// Those of them that were compared or dropped.
    settled: u64,
    /// Reads that Cutover itself asked of the monolith.
    own_legacy: Own,
    /// Reads that it asked of registry.
    own_new: Own,
}

/// Calls that Cutover makes to compare.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Own {
    /// Answered well.
    answered: u64,
    /// Given up or cut off: who was called may have taken them for answered.
    unsure: u64,
}

/// One line of the comparison. `None` is an account that cannot tell.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    pub(super) what: &'static str,
    /// By the load's own requests.
    pub(super) load: Option<u64>,
    pub(super) cutover: Option<u64>,
    pub(super) logs: Option<u64>,
    /// How much more the logs may hold: calls that Cutover gave up.
    pub(super) unsure: u64,
}

impl Logged {
    /// What the access logs of `home` hold by now, less `before`.
    pub(super) fn since(before: Logged, home: &Home) -> anyhow::Result<Logged> {
        let now = Logged::all(&home.monolith.access_log(), &home.registry.access_log())?;
        Ok(now.less(before))
    }

    fn all(monolith: &AccessLog, registry: &AccessLog) -> anyhow::Result<Logged> {
        // 499 is a copy that Cutover waited for no longer.
        let is_read =
            |line: &Line| line.method == "GET" && is_device(&line.path) && line.status < 400;
        Ok(Logged {
            monolith: monolith.count(is_read)?,
            registry: registry.count(|line| is_read(line) && !line.is_shadow)?,
            copies: registry.count(|line| is_read(line) && line.is_shadow)?,
            writes: monolith
                .count(|line| line.method == "POST" && line.path.starts_with(DEVICES))?,
        })
    }

    fn less(self, before: Logged) -> Logged {
        Logged {
            monolith: self.monolith - before.monolith,
            registry: self.registry - before.registry,
            copies: self.copies - before.copies,
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
        let copies = Account::of(metrics, ROUTE);
        Counted {
            legacy: requests(&[route, ("cutover_side", "legacy")]) + fallbacks,
            new: requests(&[route, ("cutover_side", "new")]) - fallbacks,
            unmatched: requests(&[("cutover_route", "_unmatched")]),
            eligible: copies.eligible,
            settled: copies.compared() + copies.given_up(),
            own_legacy: Own::read(metrics, "legacy"),
            own_new: Own::read(metrics, "new"),
        }
    }

    fn less(self, before: Counted) -> Counted {
        Counted {
            legacy: self.legacy - before.legacy,
            new: self.new - before.new,
            unmatched: self.unmatched - before.unmatched,
            eligible: self.eligible - before.eligible,
            settled: self.settled - before.settled,
            own_legacy: self.own_legacy.less(before.own_legacy),
            own_new: self.own_new.less(before.own_new),
        }
    }
}

impl Own {
    fn read(metrics: &Metrics, side: &str) -> Own {
        let calls = |outcome: &str| {
            let labels = [("cutover_route", ROUTE), ("cutover_side", side), ("outcome", outcome)];
            whole(metrics.sum("cutover_shadow_calls_total", &labels))
        };
        Own {
            answered: calls("ok"),
            unsure: ["deadline", "reset", "protocol"].map(calls).iter().sum(),
        }
    }

    fn less(self, before: Own) -> Own {
        Own { answered: self.answered - before.answered, unsure: self.unsure - before.unsure }
    }
}

impl Row {
    fn new(what: &'static str, [load, cutover, logs]: [Option<u64>; 3]) -> Row {
        Row { what, load, cutover, logs, unsure: 0 }
    }

    /// `None` where there is nothing to compare.
    pub(super) fn agrees(&self) -> Option<bool> {
        let cutover = self.cutover?;
        let load = self.load.map(|load| load == cutover);
        let logs = self.logs.map(|logs| (cutover..=cutover + self.unsure).contains(&logs));
        load.into_iter().chain(logs).reduce(|left, right| left && right)
    }
}

/// What the load itself counted.
#[derive(Clone, Copy, Debug)]
struct Loaded {
    legacy: u64,
    new: u64,
    writes: u64,
    copied: u64,
}

/// Compares the accounts once the load has ended; `copied` of its reads were to be copied. Servers
/// write their logs a moment after the answer, so it looks again until the logs are complete, for
/// some seconds.
pub(super) async fn compare(
    parts: &[Part],
    copied: u64,
    before: (Counted, Logged),
    proxy: &Proxy,
    home: &Home,
) -> anyhow::Result<Vec<Row>> {
    let loaded = Loaded {
        legacy: count(parts, Fate::Monolith) + count(parts, Fate::Rescued),
        new: count(parts, Fate::Registry),
        writes: count(parts, Fate::Written),
        copied,
    };
    let mut last = Vec::new();
    let agreed = eventually("agreement of the accounts", async || {
        let counted = Counted::now(proxy).await.ok()?.less(before.0);
        let logged = Logged::since(before.1, home).ok()?;
        last = rows(loaded, counted, logged);
        last.iter().all(|row| row.agrees() != Some(false)).then_some(())
    });
    // Rows that disagree are shown as they are.
    let _ = agreed.await;
    (!last.is_empty()).then_some(last).context("Cutover's metrics or an access log cannot be read")
}

fn rows(load: Loaded, counted: Counted, logged: Logged) -> Vec<Row> {
    let Counted { legacy, new, unmatched, eligible, settled, own_legacy, own_new } = counted;
    let of_all =
        |what, load, cutover, logs| Row::new(what, [Some(load), Some(cutover), Some(logs)]);
    let of_load = |what, load, cutover| Row::new(what, [Some(load), Some(cutover), None]);
    let of_logs = |what, own: Own, cutover, logs| Row {
        unsure: own.unsure,
        ..Row::new(what, [None, Some(cutover), Some(logs)])
    };
    let at_monolith = legacy + own_legacy.answered;
    let mut rows = vec![
        of_load("reads by the monolith, rescued ones too", load.legacy, legacy),
        of_logs("… and Cutover's own, to compare", own_legacy, at_monolith, logged.monolith),
        of_all("reads by registry", load.new, new, logged.registry),
        of_logs("copies of reads by registry", own_new, own_new.answered, logged.copies),
        of_all("writes by the monolith", load.writes, unmatched, logged.writes),
        of_load("reads to be copied: compared or dropped", load.copied, settled),
    ];
    if eligible != settled {
        rows.push(of_load("… as many as Cutover began with", load.copied, eligible));
    }
    rows
}

const DEVICES: &str = "/api/v1/devices/";

fn is_device(path: &str) -> bool {
    path.strip_prefix(DEVICES).is_some_and(|id| !id.is_empty() && !id.contains('/'))
}

fn whole(value: f64) -> u64 {
    value as u64
}

#[cfg(test)]
mod tests;
