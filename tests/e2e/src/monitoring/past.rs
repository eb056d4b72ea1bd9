//! Healthy hours before a test, as if Prometheus had watched them.
//!
//! Source: Prometheus, "Storage", "Backfilling from OpenMetrics format".

use std::fmt::Write;
use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::{cli, client};

/// Between two samples.
const STEP: Duration = Duration::from_secs(15);
/// Prometheus takes no sample from before its newest block: so long before now it ends.
const END: Duration = Duration::from_secs(3);
/// What is made up: requests by outcome.
const FAMILY: &str = "cutover_requests";

/// Requests that were all answered well.
#[derive(Clone, Copy, Debug)]
pub struct Past {
    /// For so long.
    pub length: Duration,
    /// So many of each series that has some by now.
    pub per_second: f64,
}

// === impl Past ===

impl Past {
    /// Writes blocks for a Prometheus that is to start in `dir`.
    pub(super) async fn write(self, targets: &[SocketAddr], dir: &Path) -> anyhow::Result<()> {
        let mut text = format!("# TYPE {FAMILY} counter\n");
        for target in targets {
            let exposition = client::get(*target, "/metrics").await?.text();
            for line in exposition.lines() {
                self.put(&mut text, line, *target)?;
            }
        }
        text += "# EOF\n";
        std::fs::write(dir.join("past.txt"), text)?;
        let args = ["tsdb", "create-blocks-from", "openmetrics", "past.txt", "data"];
        cli::run(Path::new("promtool"), args, &[], dir).await?.ok().map(drop)
    }

    /// The past of one line, if it is of the family. What failed then never had before.
    fn put(self, text: &mut String, line: &str, target: SocketAddr) -> anyhow::Result<()> {
        let of_family = line.strip_prefix(FAMILY).and_then(|rest| rest.strip_prefix("_total{"));
        let Some((labels, value)) = of_family.and_then(|rest| rest.split_once("} ")) else {
            return Ok(());
        };
        let is_used = labels.contains("outcome=\"ok\"") && value.trim() != "0";
        let per_second = if is_used { self.per_second } else { 0.0 };
        let begin = SystemTime::now().duration_since(UNIX_EPOCH)? - END - self.length;
        for step in 0..=self.length.as_secs() / STEP.as_secs() {
            let since = step as f64 * STEP.as_secs_f64();
            let (count, at) = (per_second * since, begin.as_secs_f64() + since);
            writeln!(
                text,
                "{FAMILY}_total{{job=\"cutover\",instance=\"{target}\",{labels}}} {count} {at:.3}"
            )?;
        }
        Ok(())
    }
}
