//! The newest alerts, kept to be looked at. What alerts did is in the history for good.

use std::collections::{BTreeMap, VecDeque};

use crate::{
    api::{AlertBody, AlertOutcome, ReceivedRow},
    runbooks::Runbook,
};

/// Alerts that are kept; those not heard of for longest go first.
const KEPT_MAX: usize = 200;
/// Longest summary, in characters.
const SUMMARY_CHARS_MAX: usize = 500;
/// Longest label and longest value of one, in characters.
const LABEL_CHARS_MAX: usize = 120;
/// Most labels beside those that have a place of their own.
const LABELS_MAX: usize = 20;
/// Labels that have a place of their own.
const OWN: [&str; 4] = ["alertname", "severity", "cutover_route", "cutover_side"];

/// The newest alerts, those last heard of behind.
#[derive(Debug, Default)]
pub(super) struct Received(VecDeque<ReceivedRow>);

/// The runbook of an alert, among those that there are: that of its name, else that which its
/// `runbook_url` ends with.
pub(super) fn runbook(alert: &AlertBody, runbooks: &[Runbook]) -> Option<String> {
    let known = |name: &&str| runbooks.iter().any(|runbook| runbook.name == **name);
    let linked = alert.annotations.get("runbook_url").and_then(|url| url.rsplit('/').next());
    let named = alert.label("alertname").filter(known);
    named.or_else(|| linked.filter(known)).map(str::to_owned)
}

// === impl Received ===

impl Received {
    /// Takes note of an alert that was delivered at `now_ms`. `outcome: None`: what it asks for
    /// could not be done.
    pub(super) fn note(
        &mut self,
        alert: &AlertBody,
        outcome: Option<AlertOutcome>,
        runbook: Option<String>,
        now_ms: u64,
    ) {
        let before = self.take(alert);
        let row = ReceivedRow {
            firing: alert.status == "firing",
            first_ms: before.as_ref().map_or(now_ms, |before| before.first_ms),
            last_ms: now_ms,
            deliveries: before.as_ref().map_or(0, |before| before.deliveries) + 1,
            outcome: joined(before.as_ref().map(|before| before.outcome), outcome),
            runbook,
            ..about(alert)
        };
        self.0.push_back(row);
        if self.0.len() > KEPT_MAX {
            self.0.pop_front();
        }
    }

    /// Those last heard of first.
    pub(super) fn newest(&self) -> Vec<ReceivedRow> {
        self.0.iter().rev().cloned().collect()
    }

    /// What is known of it from before.
    fn take(&mut self, alert: &AlertBody) -> Option<ReceivedRow> {
        let is_it = |row: &ReceivedRow| {
            row.fingerprint == alert.fingerprint && row.starts_at == alert.starts_at
        };
        let at = self.0.iter().position(is_it)?;
        self.0.remove(at)
    }
}

/// What was done about an alert, over all its deliveries: later ones that do nothing since an
/// earlier one did, or since it is over, do not hide that.
fn joined(before: Option<Option<AlertOutcome>>, now: Option<AlertOutcome>) -> Option<AlertOutcome> {
    let says_nothing = matches!(now, Some(AlertOutcome::SeenBefore | AlertOutcome::Over));
    match before {
        Some(Some(AlertOutcome::RolledBack)) => Some(AlertOutcome::RolledBack),
        Some(before) if says_nothing => before,
        _ => now,
    }
}

fn about(alert: &AlertBody) -> ReceivedRow {
    let label = |name| alert.label(name).map(|value| cut(value, LABEL_CHARS_MAX));
    let others = alert.labels.iter().filter(|(name, _)| !OWN.contains(&name.as_str()));
    let others = others.take(LABELS_MAX);
    let labels: BTreeMap<String, String> = others
        .map(|(name, value)| (cut(name, LABEL_CHARS_MAX), cut(value, LABEL_CHARS_MAX)))
        .collect();
    let summary = alert.annotations.get("summary").map(|text| cut(text, SUMMARY_CHARS_MAX));
    ReceivedRow {
        fingerprint: alert.fingerprint.clone(),
        starts_at: alert.starts_at.clone(),
        name: label("alertname").unwrap_or_default(),
        severity: label("severity"),
        route: label("cutover_route"),
        side: label("cutover_side"),
        labels,
        summary,
        ..ReceivedRow::default()
    }
}

fn cut(text: &str, chars_max: usize) -> String {
    text.chars().take(chars_max).collect()
}

#[cfg(test)]
mod tests;
