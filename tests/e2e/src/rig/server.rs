//! The monolith and registry as processes.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use bytes::Bytes;
use http::Request;

use super::Rig;
use crate::access_log::AccessLog;
use crate::client::Client;
use crate::process::{Process, Spec};

/// A server of the workspace on a port it chose, with its access log.
pub struct Server {
    process: Process,
    addr: SocketAddr,
    access_log: AccessLog,
    db: PathBuf,
}

impl Server {
    pub(super) async fn monolith(rig: &Rig, devices: u32) -> anyhow::Result<Server> {
        let dir = rig.subdir("monolith")?;
        let spec = Spec::new("monolith", rig.binary("monolith")?)
            .args(["--listen", "127.0.0.1:0", "--seed", &format!("demo:{devices}")])
            .arg("--session-key-file")
            .arg(dir.join("session.key"));
        Server::start(spec, &dir).await
    }

    pub(super) async fn registry(
        rig: &Rig,
        monolith: &Path,
        token: &Path,
        listen: SocketAddr,
        otlp: &str,
    ) -> anyhow::Result<Server> {
        let dir = rig.subdir("registry")?;
        let mut spec = Spec::new("registry", rig.binary("registry")?)
            .args(["--listen", &listen.to_string(), "--faults"])
            .arg("--import-token-file")
            .arg(token)
            .arg("--session-key-file")
            .arg(monolith.join("session.key"));
        if !otlp.is_empty() {
            spec = spec.args(["--otlp", otlp]);
        }
        Server::start(spec, &dir).await
    }

    /// Starts `spec` with database, port file and access log in `dir`, and waits until it listens.
    async fn start(spec: Spec, dir: &Path) -> anyhow::Result<Server> {
        let (db, port_file) = (dir.join("data.db"), dir.join("port"));
        let access_log = AccessLog::new(dir.join("access.log"));
        // A port file of an earlier life would name a port that nobody listens on.
        let _ = std::fs::remove_file(&port_file);
        let process = spec
            .arg("--db")
            .arg(&db)
            .arg("--port-file")
            .arg(&port_file)
            .arg("--access-log")
            .arg(access_log.path())
            .start(dir)?;
        let port = process.until("writes its port", async || {
            std::fs::read_to_string(&port_file).ok()?.trim().parse::<u16>().ok()
        });
        let addr = SocketAddr::from(([127, 0, 0, 1], port.await?));
        Ok(Server { process, addr, access_log, db })
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// `http://…` of it.
    pub fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// Its process.
    pub fn process(&self) -> &Process {
        &self.process
    }

    /// Its access log.
    pub fn access_log(&self) -> &AccessLog {
        &self.access_log
    }

    /// Its database file.
    pub fn db(&self) -> &Path {
        &self.db
    }

    /// Sets registry's fault, such as `{"kind":"status","status":503}`.
    pub async fn fault(&self, fault: &str) -> anyhow::Result<()> {
        let request = Request::put("/internal/v1/faults")
            .header("content-type", "application/json")
            .body(Bytes::copy_from_slice(fault.as_bytes()))?;
        let answer = Client::http1(self.addr).await?.ask(request).await;
        let answer = answer.with_context(|| format!("cannot set {fault}"))?;
        ensure!(answer.status.is_success(), "{fault}: {} {}", answer.status, answer.text());
        Ok(())
    }
}
