//! What the gates of the route say and did, as Cutover's admin API tells it.

use std::fmt;

use anyhow::Context;
use serde::Deserialize;

use super::account::ROUTE;
use crate::{Proxy, eventually};

/// What they say at one moment.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct Gates {
    pub(super) at: At,
    /// `pass`, `waiting` or `fail`: whether the route may take its next step.
    verdict: String,
    #[serde(default)]
    pub(super) held: Option<Held>,
}

/// Where a route is.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub(super) struct At {
    phase: String,
    #[serde(default)]
    percent: Option<f64>,
}

/// Why it stays there.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Held {
    pub(super) cause: String,
}

#[derive(Deserialize)]
struct Audit {
    decisions: Vec<Decision>,
}

/// A record of what gates found or did.
#[derive(Deserialize)]
struct Decision {
    seq: u64,
    kind: String,
    document: Document,
}

#[derive(Deserialize)]
struct Document {
    #[serde(default)]
    proposal: Option<Proposal>,
    #[serde(default)]
    gates: Vec<Gate>,
    #[serde(default)]
    dwelt: Dwelt,
    #[serde(default)]
    build: String,
}

#[derive(Deserialize)]
struct Proposal {
    #[serde(default)]
    target: Option<At>,
    /// Which gate asked; absent: none alone.
    #[serde(default)]
    gate: Option<String>,
}

#[derive(Deserialize)]
struct Gate {
    gate: String,
    required: bool,
    outcome: String,
    #[serde(default)]
    facts: Vec<Fact>,
}

#[derive(Deserialize)]
struct Fact {
    name: String,
    value: String,
    #[serde(default)]
    limit: Option<String>,
}

/// For how long everything had passed.
#[derive(Default, Deserialize)]
struct Dwelt {
    passed_ms: u64,
    requests: u64,
}

// === impl Gates ===

impl Gates {
    pub(super) async fn now(proxy: &Proxy) -> anyhow::Result<Gates> {
        proxy.api(&format!("/api/v1/routes/{ROUTE}/gate")).await
    }

    /// Waits until the route may take its next step. What was found before it was moved holds until
    /// gates look again.
    pub(super) async fn until_open(proxy: &Proxy) -> anyhow::Result<()> {
        let is_open = async || Gates::now(proxy).await.ok()?.may_go_on().then_some(());
        Ok(eventually("open gates", is_open).await?)
    }

    /// Whether the route may take its next step.
    pub(super) fn may_go_on(&self) -> bool {
        self.verdict == "pass"
    }
}

/// Why gates sent the route to `at`, from their record of it.
pub(super) async fn step_to(proxy: &Proxy, at: &At) -> anyhow::Result<String> {
    let found = eventually(format!("the record of the step to {at}"), async || {
        let mut steps = steps(proxy).await.ok()?.into_iter();
        steps.find(|step| step.document.target() == Some(at))
    });
    Ok(found.await?.document.advanced(at))
}

/// What the last step that gates took rests on, from their record of it.
pub(super) async fn last_step(proxy: &Proxy) -> anyhow::Result<String> {
    let last = steps(proxy).await?.into_iter().next().context("gates have recorded no step")?;
    Ok(last.figures())
}

/// Records of steps that gates took, newest first.
async fn steps(proxy: &Proxy) -> anyhow::Result<Vec<Decision>> {
    let audit: Audit = proxy.api(&format!("/api/v1/audit?route={ROUTE}&limit=200")).await?;
    Ok(audit.decisions.into_iter().filter(|decision| decision.kind == "step").collect())
}

// === impl Decision ===

impl Decision {
    /// What the gate that asked for it rests on.
    fn figures(&self) -> String {
        let Document { proposal, gates, build, .. } = &self.document;
        let asked = proposal.as_ref().and_then(|proposal| proposal.gate.as_deref());
        let gate = gates.iter().find(|gate| Some(&*gate.gate) == asked);
        let facts = gate.iter().flat_map(|gate| &gate.facts).filter_map(Fact::told);
        let facts = facts.collect::<Vec<_>>().join(", ");
        format!("record {} rests on: {facts}; build {build}", self.seq)
    }
}

// === impl Fact ===

impl Fact {
    /// `None` where nothing limits it.
    fn told(&self) -> Option<String> {
        let Fact { name, value, limit } = self;
        limit.as_ref().map(|limit| format!("{name} {value} (limit {limit})"))
    }
}

// === impl Document ===

impl Document {
    fn target(&self) -> Option<&At> {
        self.proposal.as_ref()?.target.as_ref()
    }

    fn advanced(&self, at: &At) -> String {
        let passed = self.gates.iter().filter(|gate| gate.required && gate.outcome == "pass");
        let names: Vec<&str> = passed.map(|gate| gate.gate.as_str()).collect();
        let Dwelt { passed_ms, requests } = self.dwelt;
        format!(
            "gates     on to {at}, by themselves: {} passed for {:.1} s; {requests} reads",
            names.join(", "),
            passed_ms as f64 / 1000.0
        )
    }
}

// === impl At ===

impl At {
    /// Registry serves everybody.
    pub(super) fn is_live(&self) -> bool {
        self.phase == "live"
    }
}

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.percent {
            Some(percent) => write!(f, "{} {percent} %", self.phase),
            None => f.write_str(&self.phase),
        }
    }
}

#[cfg(test)]
mod tests;
