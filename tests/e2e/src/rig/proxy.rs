//! Cutover as a process, and its command line as its users have it.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, ensure};
use bytes::Bytes;
use http::Request;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::Rig;
use crate::cli::{self, Said};
use crate::client::{self, Client};
use crate::config::{Config, PROCESS_FILE};
use crate::metrics::Metrics;
use crate::process::{Process, Spec};

/// A running Cutover.
pub struct Proxy {
    process: Process,
    binary: PathBuf,
    config: Config,
    dir: PathBuf,
}

/// What a command that moves a route says in JSON.
#[derive(Clone, Debug, Deserialize)]
pub struct Flip {
    /// The revision it made.
    pub revision: u64,
    /// Milliseconds until all nodes obeyed, with `--wait`.
    pub effective_ms: Option<f64>,
}

impl Proxy {
    /// Starts it in the directory `name` of `rig` and waits until it is ready.
    pub async fn start(rig: &Rig, config: Config, name: &str) -> anyhow::Result<Proxy> {
        let dir = rig.subdir(name)?;
        config.write(&dir)?;
        Proxy::start_in(rig, config, &dir, &[]).await
    }

    /// Starts it in `dir`, where its files lie, with further arguments such as `--upgrade`, and
    /// waits until it is ready.
    pub async fn start_in(
        rig: &Rig,
        config: Config,
        dir: &Path,
        args: &[&str],
    ) -> anyhow::Result<Proxy> {
        let proxy = Proxy::launch(rig, config, dir, args)?;
        proxy.process.until("is ready", async || proxy.is_ready().await.then_some(())).await?;
        Ok(proxy)
    }

    /// Starts it in `dir` and waits only until it serves, whatever `/readyz` says.
    pub async fn start_degraded(rig: &Rig, config: Config, dir: &Path) -> anyhow::Result<Proxy> {
        let proxy = Proxy::launch(rig, config, dir, &[])?;
        let serves = async || client::get(proxy.admin(), "/livez").await.ok().map(drop);
        proxy.process.until("serves", serves).await?;
        Ok(proxy)
    }

    /// Starts it in `dir` and waits for nothing.
    pub fn launch(rig: &Rig, config: Config, dir: &Path, args: &[&str]) -> anyhow::Result<Proxy> {
        let binary = rig.binary("cutover")?;
        let spec = Spec::new("cutover", &binary).args(["run", "-c", PROCESS_FILE]).args(args);
        let with = |spec: Spec, (name, value): &(String, String)| spec.env(name, value);
        // Not beside its files: Cutover looks again whenever something is written there.
        let log_dir = dir.join("log");
        std::fs::create_dir_all(&log_dir)?;
        let process = config.env.iter().fold(spec, with).dir(dir).start(&log_dir)?;
        Ok(Proxy { process, binary, config, dir: dir.to_owned() })
    }

    /// Where clients connect.
    pub fn addr(&self) -> SocketAddr {
        self.config.http
    }

    /// Where the admin API listens.
    pub fn admin(&self) -> SocketAddr {
        self.config.admin
    }

    /// Its process.
    pub fn process(&self) -> &Process {
        &self.process
    }

    /// Its configuration as it was started with.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Where its files lie.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Runs `cutover` with `args` against it, as an operator would.
    pub async fn cutover(&self, args: &[&str]) -> anyhow::Result<Said> {
        let admin = format!("http://{}", self.admin());
        let token = self.token_file().display().to_string();
        let reach = ["--admin", admin.as_str(), "--token-file", token.as_str()];
        cli::run(&self.binary, args.iter().chain(&reach), &[], &self.dir).await
    }

    /// How its command line begins for someone who types it.
    pub fn command_line(&self) -> String {
        let (binary, token) = (self.binary.display(), self.token_file());
        format!("{binary} --admin http://{} --token-file {}", self.admin(), token.display())
    }

    /// Runs a command that moves a route, waits until it is in force, and says how long that took.
    pub async fn flip(&self, args: &[&str]) -> anyhow::Result<Flip> {
        let more = ["--reason", "rig", "--wait", "--output", "json"];
        let args: Vec<&str> = args.iter().chain(&more).copied().collect();
        self.cutover(&args).await?.json()
    }

    /// The file with the admin token that its first start wrote.
    pub fn token_file(&self) -> PathBuf {
        self.dir.join("cutover-admin.token")
    }

    /// One scrape of `/metrics`.
    pub async fn metrics(&self) -> anyhow::Result<Metrics> {
        let answer = client::get(self.admin(), "/metrics").await?;
        ensure!(answer.status == 200, "/metrics answers {}: {}", answer.status, answer.text());
        Ok(Metrics::parse(&answer.text()))
    }

    /// What the admin API answers to a GET of `path` by whoever holds the first token.
    pub async fn api<T: DeserializeOwned>(&self, path: &str) -> anyhow::Result<T> {
        let token = std::fs::read_to_string(self.token_file())?;
        let request =
            Request::get(path).header("authorization", format!("Bearer {}", token.trim()));
        let answer = Client::http1(self.admin()).await?.ask(request.body(Bytes::new())?).await?;
        ensure!(answer.status == 200, "{path} answers {}: {}", answer.status, answer.text());
        serde_json::from_str(&answer.text()).with_context(|| format!("{path}: {}", answer.text()))
    }

    /// Whether `/readyz` says so and clients can connect.
    pub async fn is_ready(&self) -> bool {
        let ready = client::get(self.admin(), "/readyz").await;
        let connects = tokio::net::TcpStream::connect(self.addr()).await;
        ready.is_ok_and(|answer| answer.status == 200) && connects.is_ok()
    }

    /// Asks it to end (SIGTERM) and waits until it has. Fails unless it ends with 0.
    pub async fn terminate(&self, deadline: Duration) -> anyhow::Result<()> {
        self.process.signal(rustix::process::Signal::TERM);
        let status = self.process.exit(deadline).await.context("after SIGTERM")?;
        ensure!(status.success(), "ended with {status}\n{}", self.process.last_words());
        Ok(())
    }
}
