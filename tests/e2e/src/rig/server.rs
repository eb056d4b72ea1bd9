//! The monolith and registry as processes.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use bytes::Bytes;
use http::Request;

use super::{HomePlan, Rig};
use crate::access_log::AccessLog;
use crate::client::Client;
use crate::process::{Process, Spec};

/// A server of the workspace on a port it chose, with its access log.
pub struct Server {
    process: Process,
    addr: SocketAddr,
    internal: Option<SocketAddr>,
    dir: PathBuf,
}

impl Server {
    pub(super) async fn monolith(rig: &Rig, plan: &HomePlan) -> anyhow::Result<Server> {
        let dir = rig.subdir("monolith")?;
        let spec = Spec::new("monolith", rig.binary("monolith")?)
            .args(["--listen", "127.0.0.1:0", "--seed", &format!("demo:{}", plan.devices)])
            .arg("--session-key-file")
            .arg(dir.join("session.key"));
        Server::start(plan.clocked(spec), &dir, false).await
    }

    pub(super) async fn registry(
        rig: &Rig,
        plan: &HomePlan,
        listen: SocketAddr,
    ) -> anyhow::Result<Server> {
        let dir = rig.subdir("registry")?;
        let spec = Spec::new("registry", rig.binary("registry")?)
            .args(["--listen", &listen.to_string(), "--faults", "--otlp", &plan.otlp])
            .arg("--internal-token-file")
            .arg(dir.join("internal.token"))
            .arg("--internal-port-file")
            .arg(dir.join("internal-port"))
            .arg("--session-key-file")
            .arg(rig.dir().join("monolith/session.key"));
        Server::start(plan.clocked(spec), &dir, true).await
    }

    /// Starts `spec` with database, port file and access log in `dir`, and waits until it listens.
    async fn start(spec: Spec, dir: &Path, has_internal: bool) -> anyhow::Result<Server> {
        let (port_file, internal_port_file) = (dir.join("port"), dir.join("internal-port"));
        // A port file of an earlier life would name a port that nobody listens on.
        for stale in [&port_file, &internal_port_file] {
            let _ = std::fs::remove_file(stale);
        }
        let process = spec
            .arg("--db")
            .arg(dir.join("data.db"))
            .arg("--port-file")
            .arg(&port_file)
            .arg("--access-log")
            .arg(dir.join("access.log"))
            .start(dir)?;
        let port = async |file: &Path| {
            let said = async || std::fs::read_to_string(file).ok()?.trim().parse::<u16>().ok();
            let port = process.until("writes its port", said).await?;
            anyhow::Ok(SocketAddr::from(([127, 0, 0, 1], port)))
        };
        let addr = port(&port_file).await?;
        let internal = if has_internal { Some(port(&internal_port_file).await?) } else { None };
        Ok(Server { process, addr, internal, dir: dir.to_owned() })
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// `http://…` of it.
    pub fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// `http://…` of its internal endpoints, which the monolith lacks.
    pub fn internal_url(&self) -> anyhow::Result<String> {
        let internal =
            self.internal.with_context(|| format!("{} has no inside", self.process.name()))?;
        Ok(format!("http://{internal}"))
    }

    /// The file with the bearer token of its internal endpoints.
    pub fn internal_token_file(&self) -> PathBuf {
        self.dir.join("internal.token")
    }

    /// Its process.
    pub fn process(&self) -> &Process {
        &self.process
    }

    /// Its access log.
    pub fn access_log(&self) -> AccessLog {
        AccessLog::new(self.dir.join("access.log"))
    }

    /// Its database file.
    pub fn db(&self) -> PathBuf {
        self.dir.join("data.db")
    }

    /// Sets registry's fault, such as `{"kind":"status","status":503}`.
    pub async fn fault(&self, fault: &str) -> anyhow::Result<()> {
        let internal = self.internal.context("only registry has a fault switch inside")?;
        let token = std::fs::read_to_string(self.internal_token_file())?;
        let request = Request::put("/internal/v1/faults")
            .header("authorization", format!("Bearer {}", token.trim()))
            .header("content-type", "application/json")
            .body(Bytes::copy_from_slice(fault.as_bytes()))?;
        let answer = Client::http1(internal).await?.ask(request).await;
        let answer = answer.with_context(|| format!("cannot set {fault}"))?;
        ensure!(answer.status.is_success(), "{fault}: {} {}", answer.status, answer.text());
        Ok(())
    }
}
