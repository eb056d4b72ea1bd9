//! The proxies under test, each with one worker on core 1, passing everything to the origin.

use std::fmt;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;

use anyhow::{Context, ensure};
use e2e::process::{Process, Spec};
use e2e::{Config, Proxy, Rig, ports};

use crate::origin::{Origin, nginx_conf, until_listening};

/// Who is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// Ours, with so many routes.
    Cutover {
        /// Routes configured.
        routes: u32,
    },
    /// HAProxy from Debian.
    Haproxy,
    /// nginx from Debian.
    Nginx,
    /// Envoy from PyPI.
    Envoy,
}

/// Everyone who runs while requests are measured.
pub(crate) const KINDS: [Kind; 5] = [
    Kind::Cutover { routes: 10 },
    Kind::Haproxy,
    Kind::Nginx,
    Kind::Envoy,
    Kind::Cutover { routes: 10_000 },
];

/// Everyone whose idle connections are weighed.
pub(crate) const WEIGHED: [Kind; 4] =
    [Kind::Cutover { routes: 10 }, Kind::Haproxy, Kind::Nginx, Kind::Envoy];

/// A running proxy.
pub(crate) struct Peer {
    kind: Kind,
    addr: SocketAddr,
    body: Body,
}

enum Body {
    Ours(Box<Proxy>),
    Theirs(Process),
}

impl Peer {
    /// Starts it and waits until it listens.
    pub(crate) async fn start(rig: &Rig, kind: Kind, origin: &Origin) -> anyhow::Result<Peer> {
        if let Kind::Cutover { routes } = kind {
            let proxy = cutover(rig, routes, origin).await?;
            return Ok(Peer { kind, addr: proxy.addr(), body: Body::Ours(Box::new(proxy)) });
        }
        let (dir, addr) = (rig.subdir(&kind.to_string())?, ports::free());
        let command = match kind {
            Kind::Haproxy => haproxy(&dir, addr, origin)?,
            Kind::Nginx => nginx(&dir, addr, origin)?,
            Kind::Envoy => envoy(&dir, addr, origin)?,
            Kind::Cutover { .. } => unreachable!("started above"),
        };
        let process =
            Spec::new(kind.to_string(), "taskset").args(["-c", "1"]).args(command).start(&dir)?;
        until_listening(&process, addr).await?;
        Ok(Peer { kind, addr, body: Body::Theirs(process) })
    }

    pub(crate) fn kind(&self) -> Kind {
        self.kind
    }

    pub(crate) fn addr(&self) -> SocketAddr {
        self.addr
    }

    pub(crate) fn process(&self) -> &Process {
        match &self.body {
            Body::Ours(proxy) => proxy.process(),
            Body::Theirs(process) => process,
        }
    }
}

/// The new side, which no request of the measurement reaches.
const NOBODY: &str = "http://127.0.0.1:9";

/// As users run it: metrics on, tracing and canonical lines at their default ratios.
async fn cutover(rig: &Rig, routes: u32, origin: &Origin) -> anyhow::Result<Proxy> {
    let url = format!("http://{}", origin.addr());
    let mut config =
        Config::new([("legacy", url.as_str()), ("new", NOBODY)]).routes(team_file(routes));
    config.otlp = url;
    config.sample_ratio = 0.05;
    config.listener = "timeouts.idle_ms = 600000\n".to_owned();
    config.server = "workers = 1\nlimits.connections_per_address_max = 20000\n".to_owned();
    let proxy = Proxy::start(rig, config, &format!("cutover-{routes}")).await?;
    // Every thread it has; those to come inherit it.
    let id = proxy.process().id().to_string();
    let args = ["-a", "-c", "-p", "1", &id];
    e2e::cli::run(Path::new("taskset"), args, &[], rig.dir()).await?.ok()?;
    Ok(proxy)
}

/// Routes that differ in their last literal; the generator asks for the last one.
fn team_file(routes: u32) -> String {
    let mut text = "[group.devices]\nowner = \"devices-team\"\nsalt = \"devices-1\"\nsubject = [\"path:id\"]\nshared_store = true\n".to_owned();
    for number in (0..routes).rev() {
        text.push_str(&format!(
            "\n[[route]]\nid = \"read-{number}\"\ngroup = \"devices\"\n\
             match = {{ methods = [\"GET\"], path = \"/1k/{{id}}/r{number}\" }}\n\
             legacy = \"legacy\"\nnew = \"new\"\nwrites = \"safe\"\nphase = \"legacy\"\n"
        ));
    }
    text
}

fn haproxy(dir: &Path, addr: SocketAddr, origin: &Origin) -> anyhow::Result<Vec<String>> {
    let text = format!(
        "global\n  nbthread 1\n  maxconn 4000\n\
         defaults\n  mode http\n  timeout connect 5s\n  timeout client 600s\n  timeout server 60s\n  timeout http-keep-alive 600s\n  http-reuse always\n\
         frontend in\n  bind {addr}\n  default_backend out\n\
         backend out\n  server origin {}\n",
        origin.addr()
    );
    let path = dir.join("haproxy.cfg");
    fs::write(&path, text)?;
    Ok(words(&["/usr/sbin/haproxy", "-db", "-f", &path.display().to_string()]))
}

fn nginx(dir: &Path, addr: SocketAddr, origin: &Origin) -> anyhow::Result<Vec<String>> {
    let server = format!(
        "upstream out {{ server {}; keepalive 128; keepalive_requests 1000000000; }}
         server {{ listen {addr} backlog=4096; location / {{
           proxy_pass http://out; proxy_http_version 1.1; proxy_set_header Connection \"\";
         }} }}",
        origin.addr()
    );
    fs::write(dir.join("nginx.conf"), nginx_conf(dir, &server))?;
    Ok(words(&[
        "/usr/sbin/nginx",
        "-p",
        &dir.display().to_string(),
        "-c",
        "nginx.conf",
        "-e",
        "stderr",
    ]))
}

fn envoy(dir: &Path, addr: SocketAddr, origin: &Origin) -> anyhow::Result<Vec<String>> {
    let path = dir.join("envoy.json");
    fs::write(&path, envoy_json(addr, origin.addr()))?;
    let venv = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.venv/bin/envoy");
    let binary = venv
        .canonicalize()
        .context("tests/.venv has no envoy: tests/all --slow bench installs it")?;
    ensure!(binary.exists(), "{} is missing", binary.display());
    let (binary, config) = (binary.display().to_string(), path.display().to_string());
    Ok(words(&[
        &binary,
        "-c",
        &config,
        "--concurrency",
        "1",
        "--log-level",
        "error",
        "--disable-hot-restart",
    ]))
}

fn envoy_json(addr: SocketAddr, origin: SocketAddr) -> String {
    let socket = |addr: SocketAddr| {
        format!(
            r#"{{"socket_address":{{"address":"{}","port_value":{}}}}}"#,
            addr.ip(),
            addr.port()
        )
    };
    let router = r#"{"name":"envoy.filters.http.router","typed_config":{"@type":"type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"}}"#;
    let routes = r#"{"virtual_hosts":[{"name":"all","domains":["*"],"routes":[{"match":{"prefix":"/"},"route":{"cluster":"origin"}}]}]}"#;
    let manager = format!(
        r#"{{"@type":"type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager","stat_prefix":"in","route_config":{routes},"http_filters":[{router}]}}"#
    );
    let filter = format!(
        r#"{{"name":"envoy.filters.network.http_connection_manager","typed_config":{manager}}}"#
    );
    let listener = format!(
        r#"{{"name":"in","address":{},"filter_chains":[{{"filters":[{filter}]}}]}}"#,
        socket(addr)
    );
    let endpoint = format!(r#"{{"endpoint":{{"address":{}}}}}"#, socket(origin));
    let cluster = format!(
        r#"{{"name":"origin","type":"STATIC","connect_timeout":"5s","load_assignment":{{"cluster_name":"origin","endpoints":[{{"lb_endpoints":[{endpoint}]}}]}}}}"#
    );
    format!(r#"{{"static_resources":{{"listeners":[{listener}],"clusters":[{cluster}]}}}}"#)
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(ToString::to_string).collect()
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Kind::Cutover { routes: 10 } => f.pad("cutover"),
            Kind::Cutover { routes } => f.pad(&format!("cutover-{routes}")),
            Kind::Haproxy => f.pad("haproxy"),
            Kind::Nginx => f.pad("nginx"),
            Kind::Envoy => f.pad("envoy"),
        }
    }
}
