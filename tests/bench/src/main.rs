//! What a proxied request costs Cutover, beside HAProxy, nginx and Envoy in the same run.
//!
//! Closed loop (`wrk`, 32 kept-alive connections), one worker each, run time of the proxy process
//! divided by requests. Generator and origin share one core, the proxy under test has the other.
//! What copies cost is measured at a steady rate (`h2load`), since none of them may be shed.
//! Rounds are interleaved, so that a noisy minute hits everybody; medians are compared.
//! Ratios within one run mean something; absolute figures depend on the machine.

mod cpu;
mod h2load;
mod idle;
mod judge;
mod origin;
mod peers;
mod results;
mod wrk;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, ensure};
use clap::Parser;
use e2e::Rig;

use crate::judge::{Figures, Scene};
use crate::origin::Origin;
use crate::peers::{Kind, Peer};
use crate::wrk::Run;

/// Measures Cutover against HAProxy, nginx and Envoy.
#[derive(Parser)]
struct Options {
    /// Markdown file that gets the figures; without it they are only printed.
    #[arg(long)]
    results: Option<PathBuf>,
    /// Interleaved rounds; the median is taken.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Seconds of each measurement.
    #[arg(long, default_value_t = 4)]
    seconds: u64,
    /// Connections of the generator.
    #[arg(long, default_value_t = 32)]
    connections: u32,
    /// Idle connections whose memory is weighed.
    #[arg(long, default_value_t = 2000)]
    idle: usize,
    /// Leave these out, for example `envoy`; their bars are then not judged.
    #[arg(long, value_delimiter = ',')]
    without: Vec<String>,
}

#[tokio::main]
async fn main() -> ExitCode {
    match measure(Options::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// One run. Where requests are copied, all of them have been compared when it ends.
async fn load(rig: &Rig, scene: Scene, peer: &Peer, options: &Options) -> anyhow::Result<Run> {
    let (addr, path, connections) = (peer.addr(), scene.path(), options.connections);
    if scene != Scene::Copied {
        return wrk::run(rig, addr, path, connections, Duration::from_secs(options.seconds)).await;
    }
    let before = peer.matches().await?;
    let run = h2load::run(rig, addr, path, connections, options.seconds).await?;
    let matches = peer.matches().await? - before;
    ensure!(
        peer.kind() != Kind::Shadowing || matches == run.requests,
        "of {} requests {matches} were compared and found alike",
        run.requests
    );
    Ok(run)
}

async fn measure(options: Options) -> anyhow::Result<()> {
    let rig = Rig::new()?;
    let origin = Origin::start(&rig).await.context("cannot start the origin")?;
    let mut peers = Vec::new();
    for kind in peers::KINDS.into_iter().filter(|kind| !options.without.contains(&kind.to_string()))
    {
        peers.push(
            Peer::start(&rig, kind, &origin)
                .await
                .with_context(|| format!("cannot start {kind}"))?,
        );
    }
    let mut figures = Figures::default();
    for round in 1..=options.rounds {
        for scene in Scene::ALL {
            for peer in peers.iter().filter(|peer| scene.is_for(peer.kind())) {
                let cost = cpu::during(peer.process(), load(&rig, scene, peer, &options)).await?;
                let micros = cost.micros_per(cost.value.requests);
                eprintln!(
                    "round {round}  {scene}  {:14} {micros:6.1} µs  {:6.0}/s",
                    peer.kind(),
                    cost.value.per_second
                );
                figures.add_cpu(scene, peer.kind(), micros);
            }
        }
    }
    drop(peers);
    for kind in
        peers::WEIGHED.into_iter().filter(|kind| !options.without.contains(&kind.to_string()))
    {
        // Fresh processes: buffers of earlier load would hide what a connection needs.
        let peer = Peer::start(&rig, kind, &origin).await?;
        let bytes = idle::bytes_per_connection(&peer, options.idle).await?;
        eprintln!("idle     {:14} {:6.1} KiB a connection", kind, bytes / 1024.0);
        figures.add_idle(kind, bytes);
    }
    let report = results::report(&figures, options.rounds);
    print!("{report}");
    if let Some(path) = &options.results {
        results::write(path, &report, &figures)?;
    }
    let missed: Vec<String> = judge::bars(&figures)
        .into_iter()
        .filter(|bar| !bar.is_met())
        .map(|bar| bar.to_string())
        .collect();
    ensure!(missed.is_empty(), "bars missed:\n  {}", missed.join("\n  "));
    Ok(())
}
