//! A steady load: `h2load` from Debian, on the core that the origin has too.

use std::net::SocketAddr;
use std::path::Path;

use anyhow::{Context, ensure};
use e2e::{Rig, cli};

use crate::wrk::Run;

/// Requests a second on each connection.
const RATE: u64 = 100;

/// Asks `addr` for `path` over HTTP/1.1 at [`RATE`] for so many seconds. Fails unless every answer
/// was good.
pub(crate) async fn run(
    rig: &Rig,
    addr: SocketAddr,
    path: &str,
    connections: u32,
    seconds: u64,
) -> anyhow::Result<Run> {
    let requests = u64::from(connections) * RATE * seconds;
    let (clients, count) = (format!("-c{connections}"), format!("-n{requests}"));
    let (rate, url) = (format!("--rps={RATE}"), format!("http://{addr}{path}"));
    let args = ["-c", "0", "h2load", "--h1", "-t1", &clients, &count, &rate, &url];
    let said = cli::run(Path::new("taskset"), args, &[], rig.dir()).await?.ok()?;
    let succeeded = succeeded(&said.stdout)
        .with_context(|| format!("cannot read what h2load said: {}", said.stdout))?;
    ensure!(succeeded == requests, "{url}: not every answer was good\n{}", said.stdout);
    Ok(Run { requests, per_second: requests as f64 / seconds as f64 })
}

/// Of a line like `status codes: 100 2xx, 0 3xx, 0 4xx, 0 5xx`.
fn succeeded(text: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix("status codes: "))?;
    line.split(' ').next()?.parse().ok()
}
