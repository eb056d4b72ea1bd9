//! What an idle kept-alive connection costs in memory.

use anyhow::{Context, ensure};
use e2e::raw::RawConnection;

use crate::peers::Peer;

/// Connections made before the first weighing, so that what a process allocates once is not
/// charged to the first connections.
const WARM_UP: usize = 100;

/// Resident bytes per connection, each of which has served one request and stays open.
pub(crate) async fn bytes_per_connection(peer: &Peer, count: usize) -> anyhow::Result<f64> {
    let mut open = Vec::with_capacity(WARM_UP + count);
    for _ in 0..WARM_UP {
        open.push(connection(peer).await?);
    }
    let before = resident_bytes(peer)?;
    for _ in 0..count {
        open.push(connection(peer).await?);
    }
    let after = resident_bytes(peer)?;
    // They must really have been kept.
    for connection in &mut open {
        ask(connection, peer).await.context("an idle connection was closed")?;
    }
    Ok(after.saturating_sub(before) as f64 / count as f64)
}

async fn connection(peer: &Peer) -> anyhow::Result<RawConnection> {
    let mut connection = RawConnection::open(peer.addr()).await?;
    ask(&mut connection, peer).await?;
    Ok(connection)
}

async fn ask(connection: &mut RawConnection, peer: &Peer) -> anyhow::Result<()> {
    connection.send(format!("GET /1k HTTP/1.1\r\nHost: {}\r\n\r\n", peer.addr())).await?;
    let response = connection.response(false).await?;
    ensure!(response.status() == 200, "{}", response.status_line);
    Ok(())
}

fn resident_bytes(peer: &Peer) -> anyhow::Result<u64> {
    let path = format!("/proc/{}/status", peer.process().id());
    let status = std::fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
    let kib: u64 = line.trim().trim_end_matches(" kB").parse().context("VmRSS is no number")?;
    Ok(kib * 1024)
}
