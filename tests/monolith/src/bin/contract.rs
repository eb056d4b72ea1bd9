//! The contract suite as a command: play it against a server, or record it from one.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::{Args, Parser, Subcommand};
use monolith::contract::{self, Options};

/// Recorded exchanges of the legacy monolith, and the judge that plays them.
#[derive(Parser)]
#[command(version)]
struct Command {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Play against a fresh server; exit code 1 when anything differs.
    Play(Play),
}

#[derive(Args)]
struct Play {
    /// The server under test, HOST:PORT.
    #[arg(long)]
    addr: String,
    /// Where to log in, when the server under test cannot: HOST:PORT of a monolith with the same session key.
    #[arg(long)]
    login: Option<String>,
    /// Play only what has this tag (may be repeated).
    #[arg(long)]
    only: Vec<String>,
    /// Leave out what has this tag (may be repeated).
    #[arg(long)]
    skip: Vec<String>,
    /// Compare the order of different headers too.
    #[arg(long)]
    strict_order: bool,
    /// Do not compare headers of the connection.
    #[arg(long)]
    ignore_hop_by_hop: bool,
    /// Directory of the recordings.
    #[arg(long)]
    dir: Option<PathBuf>,
    /// Replace all expectations by what this server answers; it must be a fresh, straight monolith.
    #[arg(long, conflicts_with_all = ["login", "only", "skip"])]
    record: bool,
}

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let Action::Play(play) = Command::parse().action;
    let dir = play.dir.unwrap_or_else(contract::directory);
    let addr = resolve(&play.addr).await?;
    if play.record {
        let count = contract::record(&dir, addr).await?;
        println!("{count} recorded");
        return Ok(ExitCode::SUCCESS);
    }
    let login = match &play.login {
        Some(login) => Some(resolve(login).await?),
        None => None,
    };
    let options = Options {
        only: play.only,
        skip: play.skip,
        login,
        strict_order: play.strict_order,
        hop_by_hop: !play.ignore_hop_by_hop,
        ..Options::default()
    };
    let report = contract::play(addr, &contract::load(&dir)?, &options).await;
    println!("{report}");
    Ok(if report.is_clean() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn resolve(addr: &str) -> anyhow::Result<SocketAddr> {
    let found = tokio::net::lookup_host(addr).await;
    let mut found = found.with_context(|| format!("`{addr}` is no HOST:PORT that can be found"))?;
    found.next().with_context(|| format!("`{addr}` has no address"))
}
