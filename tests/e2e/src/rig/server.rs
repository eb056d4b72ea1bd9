//! The monolith and registry as processes.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use bytes::Bytes;
use http::Request;
use http::request::Builder;

use super::{HomePlan, Rig};
use crate::access_log::AccessLog;
use crate::client::Client;
use crate::process::{Process, Spec};

/// Where a server says on which port its inside is.
const INTERNAL_PORT: &str = "internal-port";

/// A server of the workspace on a port it chose, with its access log.
pub struct Server {
    process: Process,
    addr: SocketAddr,
    internal: SocketAddr,
    dir: PathBuf,
}

impl Server {
    pub(super) async fn monolith(rig: &Rig, plan: &HomePlan) -> anyhow::Result<Server> {
        let dir = rig.subdir("monolith")?;
        let spec = Spec::new("monolith", rig.binary("monolith")?)
            .args(["--listen", "127.0.0.1:0", "--seed", &format!("demo:{}", plan.devices)])
            .arg("--session-key-file")
            .arg(dir.join("session.key"))
            .args(["--control", "127.0.0.1:0", "--control-port-file"])
            .arg(dir.join(INTERNAL_PORT));
        Server::start(plan.clocked(spec), &dir).await
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
            .arg(dir.join(INTERNAL_PORT))
            .arg("--session-key-file")
            .arg(rig.dir().join("monolith/session.key"));
        let spec = match plan.plants.as_str() {
            "" => spec,
            plants => spec.args(["--plant", plants]),
        };
        // Wrong in another way is another build.
        let builds = [&plan.build, &plan.plants];
        let spec = match builds.into_iter().find(|build| !build.is_empty()) {
            None => spec,
            Some(build) => spec.args(["--build-id", build]),
        };
        Server::start(plan.clocked(spec), &dir).await
    }

    /// Starts `spec` with database, port file and access log in `dir`, and waits until it listens.
    async fn start(spec: Spec, dir: &Path) -> anyhow::Result<Server> {
        let (port_file, internal_port_file) = (dir.join("port"), dir.join(INTERNAL_PORT));
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
        let internal = port(&internal_port_file).await?;
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

    /// `http://…` of its internal endpoints; the monolith has its fault switch there.
    pub fn internal_url(&self) -> String {
        format!("http://{}", self.internal)
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
        let body = Bytes::copy_from_slice(fault.as_bytes());
        self.ask_inside(Request::put("/internal/v1/faults"), body)
            .await
            .context("no fault is set")?;
        Ok(())
    }

    /// Sets the monolith's faults, a list such as `[{"kind":"status","status":503,"share":0.1}]`;
    /// `[]` ends them.
    pub async fn faults(&self, faults: &str) -> anyhow::Result<()> {
        let body = Bytes::copy_from_slice(faults.as_bytes());
        let request = Request::put("/faults").header("content-type", "application/json");
        let answer = Client::http1(self.internal).await?.ask(request.body(body)?).await?;
        ensure!(answer.status.is_success(), "{faults}: {} {}", answer.status, answer.text());
        Ok(())
    }

    /// Counts and hashes of all rows that registry has, by which they can be compared.
    pub async fn digest(&self) -> anyhow::Result<String> {
        let mut digest = String::new();
        for entity in ["devices", "tombstones", "homes"] {
            let target = format!("/internal/v1/digest?entity={entity}&rows=true");
            digest.push_str(&self.ask_inside(Request::get(target), Bytes::new()).await?);
        }
        Ok(digest)
    }

    async fn ask_inside(&self, request: Builder, body: Bytes) -> anyhow::Result<String> {
        let token = std::fs::read_to_string(self.internal_token_file())?;
        let request = request
            .header("authorization", format!("Bearer {}", token.trim()))
            .header("content-type", "application/json")
            .body(body)?;
        let what = format!("{} {}", request.method(), request.uri());
        let answer = Client::http1(self.internal).await?.ask(request).await?;
        ensure!(answer.status.is_success(), "{what}: {} {}", answer.status, answer.text());
        Ok(answer.text())
    }
}
