//! What Cutover says of its copies, held to its own arithmetic.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, ensure};

use crate::metrics::Metrics;
use crate::rig::Proxy;
use crate::wait;

/// How long copies may take to come to their end.
const PATIENCE: Duration = Duration::from_secs(60);

/// What became of the requests of one route that were to be copied, and how sides differed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Account {
    /// They were to be copied.
    pub eligible: u64,
    /// Those that were compared, by verdict.
    pub verdicts: BTreeMap<String, u64>,
    /// Those that were not, by reason; without those of none.
    pub dropped: BTreeMap<String, u64>,
    /// Differences that the candidate answers for, by path and kind; without those of none.
    pub fields: BTreeMap<(String, String), u64>,
}

impl Account {
    /// Of the route `id`. Empty where the route is not copied.
    pub fn of(metrics: &Metrics, id: &str) -> Account {
        let route = [("cutover_route", id)];
        let by = |name: &str, label: &str| {
            let samples = metrics.matching(name, &route).filter(|sample| sample.value > 0.0);
            samples.map(|sample| (sample.labels[label].clone(), sample.value as u64)).collect()
        };
        let fields = metrics.matching("cutover_comparison_fields_total", &route);
        let of_label = |labels: &BTreeMap<String, String>, label: &str| labels[label].clone();
        Account {
            eligible: metrics.sum("cutover_shadow_eligible_total", &route) as u64,
            verdicts: by("cutover_comparisons_total", "verdict"),
            dropped: by("cutover_shadow_dropped_total", "reason"),
            fields: fields
                .map(|it| (of_label(&it.labels, "field"), of_label(&it.labels, "kind"), it.value))
                .map(|(field, kind, value)| ((field, kind), value as u64))
                .collect(),
        }
    }

    /// What was added since `before`.
    #[must_use]
    pub fn since(&self, before: &Account) -> Account {
        Account {
            eligible: self.eligible - before.eligible,
            verdicts: added(&self.verdicts, &before.verdicts),
            dropped: added(&self.dropped, &before.dropped),
            fields: added(&self.fields, &before.fields),
        }
    }

    /// Requests that came to this verdict.
    pub fn verdict(&self, verdict: &str) -> u64 {
        self.verdicts.get(verdict).copied().unwrap_or_default()
    }

    /// Requests that came to any verdict.
    pub fn compared(&self) -> u64 {
        self.verdicts.values().sum()
    }

    /// Requests that were given up for any reason.
    pub fn given_up(&self) -> u64 {
        self.dropped.values().sum()
    }

    /// Differences, without how often.
    pub fn places(&self) -> Vec<(&str, &str)> {
        self.fields.keys().map(|(field, kind)| (field.as_str(), kind.as_str())).collect()
    }
}

fn added<K: Ord + Clone>(now: &BTreeMap<K, u64>, before: &BTreeMap<K, u64>) -> BTreeMap<K, u64> {
    let more = |(key, value): (&K, &u64)| {
        let more = value - before.get(key).copied().unwrap_or_default();
        (more > 0).then(|| (key.clone(), more))
    };
    now.iter().filter_map(more).collect()
}

impl Proxy {
    /// Waits until `eligible` requests of the route `id` were copied, each of them is compared or
    /// dropped, and nothing is left of them; then gives the account.
    ///
    /// Errors: too late, and more than `eligible` of them: somebody counts twice.
    pub async fn settled(&self, id: &str, eligible: u64) -> anyhow::Result<Account> {
        let mut last = Account::default();
        let what = format!("the end of {eligible} copies of {id}");
        // Copies stand behind everything else on a busy machine.
        let settled = wait::within(PATIENCE, what, async || {
            let metrics = self.metrics().await.ok()?;
            last = Account::of(&metrics, id);
            let held = metrics.sum("cutover_shadow_inflight", &[])
                + metrics.sum("cutover_shadow_queue_bytes", &[]);
            let counted = last.compared() + last.given_up();
            let is_over = last.eligible >= eligible && counted >= last.eligible && held == 0.0;
            is_over.then(|| last.clone())
        });
        let account = settled.await.with_context(|| format!("so far: {last:#?}"))?;
        let (compared, given_up) = (account.compared(), account.given_up());
        ensure!(
            account.eligible == eligible && eligible == compared + given_up,
            "of {eligible} copies, {compared} compared and {given_up} dropped: {account:#?}"
        );
        Ok(account)
    }
}
