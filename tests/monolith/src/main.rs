//! The monolith as a process: parse, start, say so, wait for a signal, stop.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Parser;
use monolith::{Clock, Config, Monolith, Receiver, Seed, write_port};
use tokio::signal::unix::{SignalKind, signal};

/// A smart-home monolith of the old school.
#[derive(Parser)]
#[command(version)]
struct Options {
    /// Address to listen on; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// SQLite database, made when absent.
    #[arg(long)]
    db: PathBuf,
    /// What a new database holds: `demo`, or `demo:N` with N devices more.
    #[arg(long)]
    seed: Option<Seed>,
    /// File to write the port to once it listens.
    #[arg(long)]
    port_file: Option<PathBuf>,
    /// File to append one line per request to.
    #[arg(long)]
    access_log: Option<PathBuf>,
    /// File with the key of the session cookie, made when absent.
    #[arg(long)]
    session_key_file: Option<PathBuf>,
    /// Seconds since the epoch at which the clock stands still.
    #[arg(long)]
    clock: Option<i64>,
    /// Loopback address of the fault switch (`PUT`, `GET`, `DELETE /faults`).
    #[arg(long)]
    control: Option<SocketAddr>,
    /// File to write the fault switch's port to.
    #[arg(long, requires = "control")]
    control_port_file: Option<PathBuf>,
    /// OTLP receiver (http/protobuf) that gets a span for each request, like http://127.0.0.1:4318.
    #[arg(long)]
    otlp: Option<Receiver>,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_max_level(tracing::Level::WARN)
        .init();
    let options = Options::parse();
    let mut terminated = signal(SignalKind::terminate())?;
    let monolith = Monolith::start(Config {
        listen: options.listen,
        db: options.db,
        seed: options.seed.unwrap_or_default(),
        clock: options.clock.map_or(Clock::System, Clock::Fixed),
        access_log: options.access_log,
        session_key_file: options.session_key_file,
        control: options.control,
        otlp: options.otlp,
    })
    .await?;
    if let Some(path) = &options.port_file {
        write_port(path, monolith.addr())?;
    }
    if let (Some(path), Some(addr)) = (&options.control_port_file, monolith.control_addr()) {
        write_port(path, addr)?;
    }
    println!("listening on http://{}", monolith.addr());
    tokio::select! {
        _ = terminated.recv() => {}
        interrupted = tokio::signal::ctrl_c() => interrupted?,
    }
    monolith.stop().await;
    Ok(())
}
