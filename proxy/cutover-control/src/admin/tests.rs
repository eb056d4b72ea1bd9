//! The admin API over real connections.

use std::{fs, time::Instant};

use prometheus_client::registry::Registry;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpStream,
    sync::oneshot,
    task::JoinHandle,
};

use super::*;
use crate::{
    ControlMetrics, JourneyCounters, JourneySideCounters, RouteCounters, RunbookBlock,
    SideCounters,
    controller::tests::House,
    machine::Ask,
    token::{Role, hash},
    truth::TokenEdit,
};

mod access;
mod alerts;
mod answers;
mod codes;
mod connections;
mod console;
mod gates;
mod parity;
mod traces;

/// A control plane with its admin API, and a data plane that only reports.
struct Rig {
    house: House,
    controller: Controller,
    gates: Gates,
    lifecycle: Lifecycle,
    applied: Arc<watch::Sender<Applied>>,
    address: SocketAddr,
    following: Option<JoinHandle<()>>,
    stop: Option<oneshot::Sender<()>>,
    serving: JoinHandle<()>,
}

/// An answer as it came.
#[derive(Debug)]
struct Got {
    status: u16,
    head: String,
    body: String,
}

/// Numbers that never change.
struct Still;

impl LiveCounters for Still {
    fn snapshot(&self) -> Vec<RouteCounters> {
        let new = SideCounters { ok: 5, latency: vec![5, 0, 0], ..SideCounters::default() };
        let bounds_seconds = [0.1, 0.2].into();
        vec![RouteCounters {
            route: "read".into(),
            bounds_seconds,
            new,
            ..RouteCounters::default()
        }]
    }

    fn of_new(&self, route: &str) -> Option<u64> {
        (route == "read").then_some(5)
    }

    fn journeys(&self) -> Vec<JourneyCounters> {
        let new = JourneySideCounters { good: 3, late: 1, ..JourneySideCounters::default() };
        vec![JourneyCounters { journey: "state".into(), new, ..JourneyCounters::default() }]
    }

    fn journey_bounds_seconds(&self) -> &[f64] {
        &[0.1, 0.2]
    }
}

/// One for an alert, and a procedure.
fn runbooks() -> Vec<Runbook> {
    let block = |name: &str, mutates| RunbookBlock { name: name.into(), mutates };
    let burn = Runbook {
        name: "Burn".into(),
        title: "A budget burns".into(),
        is_for_alert: true,
        severity: Some("page".into()),
        owner: "the route's team".into(),
        vars: vec!["ROUTE".into()],
        mttr_target: Some("2m".into()),
        last_drilled: Some("2026-11-21".into()),
        text:
            "# A budget burns\n\n## Stop it\n\nSee [back](back.md#do-it), [files](../a.toml).\n\n\
               ```sh {name=look}\ncutover status \"$ROUTE\"\n```\n\n```promql\nup\n```\n\n\
               ```sh {name=stop mutates=true}\ncutover rollback \"$ROUTE\" --reason x\n```\n"
                .into(),
        blocks: vec![block("look", false), block("stop", true)],
    };
    let back = Runbook {
        name: "back".into(),
        title: "Everything back".into(),
        owner: "platform".into(),
        text: "# Everything back\n\n## Do it\n\nNow.\n".into(),
        ..Runbook::default()
    };
    vec![burn, back]
}

impl Rig {
    async fn new(files: &str) -> Rig {
        let loopback = AdminConfig::new("127.0.0.1:0".parse().unwrap());
        let mut rig = Rig::with(files, loopback).await;
        rig.follow();
        rig
    }

    /// Without anyone who reports what is in force.
    async fn with(files: &str, config: AdminConfig) -> Rig {
        Rig::seeing(files, config, Some(Arc::new(parity::Seeing))).await
    }

    /// Without anyone who compares sides.
    async fn blind(files: &str) -> Rig {
        Rig::seeing(files, AdminConfig::new("127.0.0.1:0".parse().unwrap()), None).await
    }

    async fn seeing(
        files: &str,
        config: AdminConfig,
        comparisons: Option<Arc<dyn Comparisons>>,
    ) -> Rig {
        let house = House::new(files);
        let controller = house.start().await;
        for role in Role::ALL {
            let edit = TokenEdit::Put(cutover_store::Token {
                name: role.as_str().replace("admin", "root"),
                role: role.as_str().into(),
                sha256: hash(role.as_str()),
                created_ms: 0,
                expires_ms: None,
            });
            controller.ask(Ask::PutToken { edit, bootstrap: false }).await.unwrap();
        }
        let applied = Arc::new(watch::Sender::new(Applied { revision: 0, at: Instant::now() }));
        let lifecycle = Lifecycle::default();
        lifecycle.set_listening(true);
        let mut registry = Registry::default();
        ControlMetrics::register(&mut registry);
        let gates = Gates::new(crate::GateMetrics::register(&mut registry), true);
        let parts = AdminParts {
            controller: controller.clone(),
            applied: applied.subscribe(),
            live: Arc::new(Still),
            comparisons,
            gates: gates.clone(),
            metrics: Arc::new(move || {
                let mut text = String::new();
                prometheus_client::encoding::text::encode(&mut text, &registry).unwrap();
                text
            }),
            lifecycle: lifecycle.clone(),
            runbooks: runbooks().into(),
            traces: Some(Arc::new(traces::Two)),
        };
        let server = AdminServer::bind(config).await.unwrap();
        let address = server.local_addr();
        let (stop, stopped) = oneshot::channel::<()>();
        let serving = tokio::spawn(server.serve(parts, async { drop(stopped.await) }));
        let (following, stop) = (None, Some(stop));
        Rig { house, controller, gates, lifecycle, applied, address, following, stop, serving }
    }

    /// Reports every table as in force.
    fn follow(&mut self) {
        let (mut tables, applied) = (self.controller.tables(), self.applied.clone());
        tables.mark_changed();
        self.following = Some(tokio::spawn(async move {
            while tables.changed().await.is_ok() {
                let revision = tables.borrow_and_update().revision;
                applied.send_replace(Applied { revision, at: Instant::now() });
            }
        }));
    }

    /// Stops the control plane; see [`House::end`].
    async fn end(&self) {
        self.house.end().await;
    }

    async fn get(&self, path: &str) -> Got {
        self.send("GET", path, "admin", None).await
    }

    async fn post(&self, path: &str, role: &str, body: Value) -> Got {
        self.send("POST", path, role, Some(body.to_string())).await
    }

    async fn send(&self, method: &str, path: &str, token: &str, body: Option<String>) -> Got {
        let token = match token {
            "" => String::new(),
            token => format!("authorization: Bearer {token}\r\n"),
        };
        let body = match body {
            None => "\r\n".to_owned(),
            Some(body) => {
                let length = body.len();
                format!("content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}")
            }
        };
        let host = self.address;
        self.raw(&format!("{method} {path} HTTP/1.1\r\nhost: {host}\r\n{token}{body}")).await
    }

    /// Sends `text` as it is, with `connection: close` after the first line.
    async fn raw(&self, text: &str) -> Got {
        exchange(TcpStream::connect(self.address).await.unwrap(), text).await
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        if let Some(following) = &self.following {
            following.abort();
        }
        self.serving.abort();
    }
}

impl Got {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }

    fn code(&self) -> String {
        let json = self.json();
        json["error"]["code"].as_str().unwrap_or("ok").to_owned()
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (own, value) = line.split_once(':')?;
            own.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }
}

async fn exchange<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S, text: &str) -> Got {
    let text = text.replacen("\r\n", "\r\nconnection: close\r\n", 1);
    stream.write_all(text.as_bytes()).await.unwrap();
    let mut bytes = Vec::new();
    // A server that refuses early may reset what we still send: what it said counts.
    let _ = stream.read_to_end(&mut bytes).await;
    let text = String::from_utf8(bytes).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
    Got { status, head: head.to_owned(), body: body.to_owned() }
}
