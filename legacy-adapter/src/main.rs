//! The legacy adapter as a command: parse, run, report.

use std::io::Write;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use legacy_adapter::{Options, Progress, Report, Verdict, backfill};
use tokio::signal::unix::{SignalKind, signal};

/// Speaks the monolith's dialect, for the services that take over.
#[derive(Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Copies the monolith's devices into registry and proves that both hold the same.
    ///
    /// Exit code 0: every row is equal; 1: some are not, or it failed; 2: usage; 130, 143:
    /// interrupted, run it again to go on.
    Backfill(Backfill),
}

#[derive(Args)]
struct Backfill {
    /// The monolith's database, like sqlite:///var/lib/monolith.db; opened read-only.
    #[arg(long, value_name = "URL")]
    legacy: String,
    /// Registry's internal address, like http://127.0.0.1:9102.
    #[arg(long, value_name = "URL")]
    registry: String,
    /// File with registry's internal token.
    #[arg(long, value_name = "FILE")]
    token_file: PathBuf,
    /// Read at most so many rows a second from the monolith [default: no limit].
    #[arg(long, value_name = "ROWS")]
    rate: Option<NonZeroU32>,
    /// Rows per page.
    #[arg(long, value_name = "ROWS", default_value = "500", value_parser = clap::value_parser!(u16).range(1..=5000))]
    batch: u16,
    /// Where to note how far it came, so that the next run goes on from there.
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,
    /// Compare, write nothing.
    #[arg(long)]
    verify_only: bool,
    /// Milliseconds to wait before a difference is believed.
    #[arg(long, value_name = "MS", default_value = "5000", value_parser = clap::value_parser!(u64).range(..=600_000))]
    settle_ms: u64,
    /// How to print the report.
    #[arg(long, value_enum, default_value = "table")]
    output: Output,
}

#[derive(Clone, Copy, ValueEnum)]
enum Output {
    /// For people.
    Table,
    /// One object, every difference in it.
    Json,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let Command::Backfill(arguments) = Cli::parse().command;
    let output = arguments.output;
    let options = Options::from(arguments);
    let ran = tokio::select! {
        ran = backfill(&options, Progress::on_stderr()) => ran.map_err(anyhow::Error::from),
        code = interrupted() => {
            eprintln!("interrupted; run it again to go on{}", hint(&options));
            return ExitCode::from(code);
        }
    };
    match ran.and_then(|report| print(&report, output).map(|()| report.verdict)) {
        Ok(Verdict::Equal) => ExitCode::SUCCESS,
        Ok(Verdict::Different) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// The shell's code for the signal that came.
async fn interrupted() -> u8 {
    let signals = signal(SignalKind::interrupt())
        .and_then(|interrupt| Ok((interrupt, signal(SignalKind::terminate())?)));
    let Ok((mut interrupt, mut terminate)) = signals else {
        // Then the system's default ends the process, which is as safe.
        return std::future::pending().await;
    };
    tokio::select! {
        _ = interrupt.recv() => 130,
        _ = terminate.recv() => 143,
    }
}

fn hint(options: &Options) -> &'static str {
    match options.state {
        Some(_) => " from there",
        None => "; with --state FILE it would go on from where it was",
    }
}

fn print(report: &Report, output: Output) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    match output {
        Output::Table => write!(out, "{report}")?,
        Output::Json => {
            serde_json::to_writer_pretty(&mut out, report)?;
            writeln!(out)?;
        }
    }
    Ok(out.flush()?)
}

impl From<Backfill> for Options {
    fn from(arguments: Backfill) -> Options {
        Options {
            legacy: arguments.legacy,
            registry: arguments.registry,
            token_file: arguments.token_file,
            rows_per_second: arguments.rate,
            batch: usize::from(arguments.batch),
            state: arguments.state,
            verify_only: arguments.verify_only,
            settle: Duration::from_millis(arguments.settle_ms),
        }
    }
}
