//! Records of decisions: what they say, and that they are not too long.

use cutover_domain::{Target, gate::Answer};
use cutover_store::{DECISION_BYTES_MAX, NewDecision};
use serde::Serialize;

use super::rows::{answer_row, dwelt_row, obstacle_rows, proposal_row};
use crate::{
    api::{DweltRow, GateAnswerRow, ObstacleRow, ProposalRow, TargetRow},
    gates::Standing,
    view::View,
};

/// What kind of decision is recorded. Closed, so that it can label metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    /// A gate says something else than before.
    Outcome,
    /// Gates moved the route.
    Step,
    /// Gates would have moved the route, and did not.
    Stay,
    /// A person went on against gates.
    Override,
    /// A person asked for a release that needs another one, too.
    Release,
    /// A small cohort was sent there and back.
    Rehearsal,
}

/// Most traces that a record names.
const TRACES_MAX: usize = 5;

/// What a record of gates says. Its version is raised where a field changes its meaning.
#[derive(Serialize)]
struct Document<'a> {
    v: u32,
    at: TargetRow,
    revision: u64,
    config: &'a Config,
    #[serde(skip_serializing_if = "Option::is_none")]
    build: Option<&'a str>,
    /// What became of it: `none`, or the step.
    effect: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    proposal: Option<ProposalRow>,
    /// The revision that the step became.
    #[serde(skip_serializing_if = "Option::is_none")]
    became: Option<u64>,
    /// Why the step was not taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    refused: Option<&'a str>,
    gates: Vec<GateAnswerRow>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    obstacles: Vec<ObstacleRow>,
    dwelt: DweltRow,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    traces: &'a [String],
    /// Facts did not fit.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    cut: bool,
}

/// The configuration that a decision was taken by.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Config {
    generation: u64,
    /// Empty before the first files were read.
    hash: String,
}

/// What a record is about.
pub(super) struct About<'a> {
    pub(super) route: &'a str,
    pub(super) at: Target,
    pub(super) config: &'a Config,
    pub(super) standing: &'a Standing,
    pub(super) traces: &'a [String],
}

/// What became of a proposal.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Became<'a> {
    pub(super) revision: Option<u64>,
    pub(super) refused: Option<&'a str>,
}

// === impl Config ===

impl Config {
    /// The one in force.
    pub(super) fn of(view: &View) -> Config {
        let loaded = view.truth.loaded.as_ref();
        let hash = loaded.map(|loaded| loaded.hash.clone()).unwrap_or_default();
        Config { generation: view.truth.generation, hash }
    }
}

// === impl About ===

impl About<'_> {
    /// A record of `kind` with the answers that `tells` picks.
    pub(super) fn record(
        &self,
        kind: Kind,
        became: Became<'_>,
        tells: impl Fn(&Answer) -> bool,
    ) -> NewDecision {
        let told = |cut: bool| self.document(became, &tells, cut);
        let whole = told(false);
        let document = if whole.len() > DECISION_BYTES_MAX { told(true) } else { whole };
        NewDecision {
            at_ms: self.standing.at_ms,
            route: self.route.to_owned(),
            kind: kind.as_str().to_owned(),
            actor: crate::truth::GUARD.to_owned(),
            document,
        }
    }

    fn document(&self, became: Became<'_>, tells: &impl Fn(&Answer) -> bool, cut: bool) -> String {
        let assessment = &self.standing.assessment;
        let gates = assessment.answers.iter().filter(|answer| tells(answer));
        let gates = gates.map(|answer| {
            let row = answer_row(answer);
            if cut {
                GateAnswerRow { facts: Vec::new(), why: row.why.map(short), ..row }
            } else {
                row
            }
        });
        let effect = match (became.revision, &assessment.proposal) {
            (Some(_), Some(proposal)) => proposal.step.as_str(),
            _ => "none",
        };
        let document = Document {
            v: 1,
            at: self.at.into(),
            revision: self.standing.revision,
            config: self.config,
            build: self.standing.build.as_deref(),
            effect,
            proposal: assessment.proposal.as_ref().map(proposal_row),
            became: became.revision,
            refused: became.refused,
            gates: gates.collect(),
            obstacles: if cut { Vec::new() } else { obstacle_rows(assessment) },
            dwelt: dwelt_row(assessment.dwelt),
            traces: &self.traces[..self.traces.len().min(TRACES_MAX)],
            cut,
        };
        serde_json::to_string(&document).expect("rows are plain JSON")
    }
}

/// A text that cannot make a record too long.
fn short(text: String) -> String {
    text.chars().take(300).collect()
}

// === impl Kind ===

impl Kind {
    /// Every kind.
    pub(super) const ALL: [Kind; 6] =
        [Kind::Outcome, Kind::Step, Kind::Stay, Kind::Override, Kind::Release, Kind::Rehearsal];

    /// The name used in records, the API and metrics.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Kind::Outcome => "outcome",
            Kind::Step => "step",
            Kind::Stay => "stay",
            Kind::Override => "override",
            Kind::Release => "release",
            Kind::Rehearsal => "rehearsal",
        }
    }
}
