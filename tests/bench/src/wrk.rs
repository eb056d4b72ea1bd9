//! The load: `wrk` from Debian, on the core that the origin has too.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, ensure};
use e2e::{Rig, cli};

/// What one run did.
pub(crate) struct Run {
    /// Whole answers.
    pub(crate) requests: u64,
    /// Of these, per second.
    pub(crate) per_second: f64,
}

/// Asks `addr` for `path` in a closed loop. Fails unless every answer was good.
pub(crate) async fn run(
    rig: &Rig,
    addr: SocketAddr,
    path: &str,
    connections: u32,
    time: Duration,
) -> anyhow::Result<Run> {
    let (connections, time) = (format!("-c{connections}"), format!("-d{}s", time.as_secs()));
    let url = format!("http://{addr}{path}");
    let args = ["-c", "0", "wrk", "-t1", &connections, &time, &url];
    let said = cli::run(Path::new("taskset"), args, &[], rig.dir()).await?.ok()?;
    for complaint in ["Socket errors", "Non-2xx"] {
        ensure!(
            !said.stdout.contains(complaint),
            "{url}: not every answer was good\n{}",
            said.stdout
        );
    }
    read(&said.stdout).with_context(|| format!("cannot read what wrk said: {}", said.stdout))
}

fn read(text: &str) -> Option<Run> {
    let requests = text.lines().find(|line| line.contains(" requests in "))?;
    let per_second = text.lines().find_map(|line| line.strip_prefix("Requests/sec:"))?;
    Some(Run {
        requests: requests.split_whitespace().next()?.parse().ok()?,
        per_second: per_second.trim().parse().ok()?,
    })
}
