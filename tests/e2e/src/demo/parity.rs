//! What Cutover knows of registry, most of it from comparing answers, as its admin API tells it.

use anyhow::Context;
use serde::Deserialize;

use super::account::ROUTE;
use super::gates::Gates;
use super::screen::number;
use crate::Proxy;

/// The bound that parity is to reach, as a fraction; what Cutover's own outlook goes by.
pub(super) const TARGET: f64 = 0.995;
/// Bounds worth a line on the way there.
const MILESTONES: [f64; 4] = [0.9, 0.95, 0.99, TARGET];

/// What is known at one moment. All zero before anything was copied.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Known {
    pub(super) accounting: Accounting,
    pub(super) parity: Parity,
    #[serde(skip)]
    pub(super) gates: Gates,
}

/// What became of the copies since Cutover was started.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Accounting {
    pub(super) compared: u64,
    pub(super) noisy: u64,
    pub(super) mismatches: u64,
    /// Under way.
    pub(super) open: u64,
}

/// What was judged since the counters last began.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Parity {
    /// The least share of equal answers that is proven, 0 to 1.
    bound: f64,
    counters: Counters,
    /// Reads for which the monolith was asked twice, since the last build of registry.
    pairs: u64,
    outlook: Outlook,
    regressions: Vec<Regression>,
    noise: Vec<Noise>,
    basis: Basis,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
struct Counters {
    matches: u64,
    mismatches: u64,
    noisy: u64,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Outlook {
    /// Still needed for [`TARGET`], if all agree.
    comparisons: Option<u64>,
}

#[derive(Clone, Debug, Deserialize)]
struct Regression {
    path: String,
    regressed_after: Option<u64>,
}

#[derive(Clone, Debug, Deserialize)]
struct Noise {
    path: String,
    /// Absent with too few pairs.
    #[serde(default)]
    rate: Option<f64>,
    /// Kinds of difference that count as noise by now.
    known: Vec<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Basis {
    build: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Diffs {
    clusters: Vec<Cluster>,
}

/// Differences that look alike.
#[derive(Debug, Deserialize)]
struct Cluster {
    path: String,
    kind: String,
    values: String,
    samples: Vec<Sample>,
}

#[derive(Debug, Deserialize)]
struct Sample {
    id: String,
}

// === impl Known ===

impl Known {
    /// By now.
    pub(super) async fn now(proxy: &Proxy) -> anyhow::Result<Known> {
        let path = format!("/api/v1/routes/{ROUTE}/parity?target={TARGET}");
        Ok(Known { gates: Gates::now(proxy).await?, ..proxy.api(&path).await? })
    }

    /// The proven share of equal answers; `None` before the first judgement.
    pub(super) fn bound(&self) -> Option<f64> {
        let Counters { matches, mismatches, .. } = self.parity.counters;
        (matches + mismatches > 0).then_some(self.parity.bound)
    }

    /// Whether a regression is proven, and it is told from noise.
    pub(super) fn has_found(&self) -> bool {
        !self.parity.regressions.is_empty() && self.noise().is_some()
    }

    /// Whether this build is being judged.
    pub(super) fn judges(&self, build: &str) -> bool {
        self.parity.basis.build.as_deref() == Some(build) && self.bound().is_some()
    }

    /// Whether the bound is at [`TARGET`] or above.
    pub(super) fn is_proven(&self) -> bool {
        self.parity.bound >= TARGET
    }

    /// How many of [`MILESTONES`] are reached.
    pub(super) fn milestones(&self) -> usize {
        MILESTONES.iter().filter(|bound| self.parity.bound >= **bound).count()
    }

    /// What was found, in lines, and the name of a sample of it.
    pub(super) async fn findings(&self, proxy: &Proxy) -> anyhow::Result<([String; 2], String)> {
        let regression = self.parity.regressions.first().context("no regression was found")?;
        let after = regression.regressed_after.context("nothing says when it was found")?;
        let diffs: Diffs = proxy.api(&format!("/api/v1/routes/{ROUTE}/diffs")).await?;
        let cluster = diffs.clusters.iter().find(|cluster| cluster.path == regression.path);
        let Cluster { path, kind, values, samples } =
            cluster.context("the regression has no cluster")?;
        let sample = samples.first().context("no sample of the regression was kept")?;
        let noise = self.noise().context("no noise was learnt")?;
        let rate = noise.rate.unwrap_or_default() * 100.0;
        let lines = [
            format!(
                "found     after {after} comparisons: registry is wrong at {path} ({kind}, {values})"
            ),
            format!(
                "absorbed  {}: the monolith differs from itself there in {rate:.1} % of {} reads answered twice",
                noise.path,
                number(self.parity.pairs)
            ),
        ];
        Ok((lines, sample.id.clone()))
    }

    /// How registry does, in a line.
    pub(super) fn standing(&self) -> String {
        let Counters { matches, mismatches, noisy } = self.parity.counters;
        let all = matches + mismatches + noisy;
        let share = 100.0 * noisy as f64 / all.max(1) as f64;
        let noise = self.noise().map_or("nowhere", |noise| &noise.path);
        format!(
            "absorbed  {} of {} copies ({share:.1} %) differ only at {noise}, as the monolith does; {} elsewhere",
            number(noisy),
            number(all),
            number(mismatches)
        )
    }

    /// What is proven so far, and what it takes.
    pub(super) fn proof(&self) -> String {
        let Counters { matches, mismatches, .. } = self.parity.counters;
        format!(
            "parity    {} at least, by {} equal answers of {}",
            percent(self.parity.bound),
            number(matches),
            number(matches + mismatches),
        )
    }

    /// What [`TARGET`] still takes; `None`: nothing.
    pub(super) fn missing(&self) -> Option<u64> {
        self.parity.outlook.comparisons.filter(|_| !self.is_proven())
    }

    /// Where the monolith is known to differ from itself most often.
    fn noise(&self) -> Option<&Noise> {
        self.parity.noise.iter().find(|noise| !noise.known.is_empty() && noise.rate.is_some())
    }
}

/// A fraction as a percentage that is never rounded up: `99.4 %`.
pub(super) fn percent(fraction: f64) -> String {
    format!("{:.1} %", (fraction * 1000.0 + 1e-6).floor() / 10.0)
}
