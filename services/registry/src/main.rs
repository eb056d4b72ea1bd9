//! Registry as a process: parse, start, say so, run.

use std::ffi::OsStr;
use std::net::SocketAddr;
use std::path::PathBuf;

use chassis::dry_run::Honours;
use chassis::{Clock, Metrics, StopSignals, TlsFiles, telemetry, write_port};
use clap::builder::TypedValueParser;
use clap::error::ErrorKind;
use clap::{Parser, ValueEnum};
use http::HeaderValue;
use registry::{Config, Plants, Registry};

/// The devices of the smart homes, taken over from the monolith.
#[derive(Parser)]
#[command(version)]
struct Options {
    /// Where clients or the proxy connect; port 0 takes a free one. Beyond loopback only with TLS.
    #[arg(long, default_value = "127.0.0.1:9101")]
    listen: SocketAddr,
    /// Where health checks, metrics and /internal/… are; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:0")]
    internal_listen: SocketAddr,
    /// SQLite database, made when absent.
    #[arg(long)]
    db: PathBuf,
    /// The monolith's session key.
    #[arg(long)]
    session_key_file: PathBuf,
    /// Bearer token of /internal/…, made (mode 0600) when absent.
    #[arg(long)]
    internal_token_file: PathBuf,
    /// File to append one line per public request to.
    #[arg(long)]
    access_log: Option<PathBuf>,
    /// File to write the public port to once it listens.
    #[arg(long)]
    port_file: Option<PathBuf>,
    /// File to write the internal port to once it listens.
    #[arg(long)]
    internal_port_file: Option<PathBuf>,
    /// OTLP receiver, like http://127.0.0.1:4318; empty: none.
    #[arg(long, default_value = "")]
    otlp: String,
    /// Seconds since the epoch at which the clock stands still.
    #[arg(long)]
    clock: Option<i64>,
    /// Let drills make the public side fail, by PUT /internal/v1/faults.
    #[arg(long)]
    faults: bool,
    /// Where requests marked Cutover-Shadow: 1 are dry runs, whose writes are undone: nobody but the
    /// proxy may reach the public side there. Elsewhere marked writes are refused.
    #[arg(long, value_enum, default_value = "loopback")]
    dry_run: DryRun,
    /// Names this build to the proxy in answers to its copies: evidence about one build is none
    /// about the next. At most 128 visible ASCII characters.
    #[arg(long, default_value = env!("CARGO_PKG_VERSION"), value_parser = build)]
    build_id: HeaderValue,
    /// Make answers wrong in these ways, for demos and tests only; `help` lists them.
    #[arg(long, value_name = "KIND[@N],…", value_parser = PlantsParser)]
    plant: Option<Plants>,
    /// PEM certificate chain, for both listeners.
    #[arg(long, requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// PEM private key.
    #[arg(long, requires = "tls_cert")]
    tls_key: Option<PathBuf>,
}

#[derive(Clone, Copy, ValueEnum)]
enum DryRun {
    /// Where the public side is on loopback.
    Loopback,
    /// Everywhere.
    Always,
    /// Nowhere.
    Never,
}

/// Reads [`Plants`]; `help` ends the process with their list, whatever else is missing.
#[derive(Clone)]
struct PlantsParser;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    let metrics = Metrics::new();
    let telemetry = telemetry::start("registry", env!("CARGO_PKG_VERSION"), &options.otlp)?;
    telemetry.register(&metrics);
    let ran = run(options, metrics).await;
    tokio::task::spawn_blocking(|| telemetry.shutdown()).await?;
    ran
}

async fn run(options: Options, metrics: Metrics) -> anyhow::Result<()> {
    let (port_file, internal_port_file) =
        (options.port_file.clone(), options.internal_port_file.clone());
    let signals = StopSignals::listen()?;
    let registry = Registry::start(options.into(), metrics).await?;
    // Whoever waits for the last of these may rely on the others.
    if let Some(path) = &internal_port_file {
        write_port(path, registry.internal_addr())?;
    }
    if let Some(path) = &port_file {
        write_port(path, registry.addr())?;
    }
    println!("internal endpoints at http://{}", registry.internal_addr());
    println!("listening on http://{}", registry.addr());
    registry.run(signals).await;
    Ok(())
}

fn build(text: &str) -> Result<HeaderValue, &'static str> {
    let is_fit =
        (1..=128).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
    let value = HeaderValue::from_str(text).ok().filter(|_| is_fit);
    value.ok_or("a build is named by 1 to 128 visible ASCII characters")
}

impl From<Options> for Config {
    fn from(options: Options) -> Config {
        let tls = options.tls_cert.zip(options.tls_key).map(|(cert, key)| TlsFiles { cert, key });
        let server = chassis::Config {
            listen: options.listen,
            internal_listen: options.internal_listen,
            tls,
            access_log: options.access_log,
            allows_faults: options.faults,
            dry_run: options.dry_run.into(),
            build: Some(options.build_id),
            ..chassis::Config::new()
        };
        Config {
            server,
            db: options.db,
            session_key_file: options.session_key_file,
            internal_token_file: options.internal_token_file,
            clock: options.clock.map_or(Clock::System, Clock::Fixed),
            plants: options.plant.unwrap_or_default(),
        }
    }
}

impl From<DryRun> for Honours {
    fn from(dry_run: DryRun) -> Honours {
        match dry_run {
            DryRun::Loopback => Honours::Loopback,
            DryRun::Always => Honours::Always,
            DryRun::Never => Honours::Never,
        }
    }
}

impl TypedValueParser for PlantsParser {
    type Value = Plants;

    fn parse_ref(
        &self,
        command: &clap::Command,
        _: Option<&clap::Arg>,
        value: &OsStr,
    ) -> Result<Plants, clap::Error> {
        let text = value.to_string_lossy();
        if text == "help" {
            print!("{}", Plants::help());
            std::process::exit(0);
        }
        text.parse().map_err(|error: registry::PlantError| {
            let error = clap::Error::raw(ErrorKind::InvalidValue, format!("{error}\n"));
            error.with_cmd(command)
        })
    }
}
