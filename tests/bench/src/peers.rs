//! The proxies under test, each with one worker on core 1, passing everything to the origin.

use std::fmt;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;

use anyhow::{Context, ensure};
use e2e::process::{Process, Spec};
use e2e::{Config, Proxy, Rig, ports, wait};

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
    /// Ours, copying every request to the other side and comparing the answers.
    Shadowing,
    /// Ours, telling so much of a route in `canary`.
    Telling(Told),
    /// Envoy, copying every request to another cluster, whose answers it throws away.
    Mirroring,
}

/// What Cutover tells of its requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Told {
    /// No traces, no lines, no objectives. What is counted cannot be turned off: gates need it.
    Nothing,
    /// The defaults: 5 % of traces, lines for failures and 1 % of the rest, objectives.
    Default,
    /// The same with a line for every request.
    AllLines,
    /// The same with every trace.
    AllTraces,
}

/// Everyone who runs while requests are measured.
pub(crate) const KINDS: [Kind; 11] = [
    Kind::Cutover { routes: 10 },
    Kind::Haproxy,
    Kind::Nginx,
    Kind::Envoy,
    Kind::Cutover { routes: 10_000 },
    Kind::Shadowing,
    Kind::Mirroring,
    Kind::Telling(Told::Nothing),
    Kind::Telling(Told::Default),
    Kind::Telling(Told::AllLines),
    Kind::Telling(Told::AllTraces),
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
        if let Kind::Cutover { .. } | Kind::Shadowing | Kind::Telling(_) = kind {
            let proxy = cutover(rig, kind, origin).await?;
            return Ok(Peer { kind, addr: proxy.addr(), body: Body::Ours(Box::new(proxy)) });
        }
        let (dir, addr) = (rig.subdir(&kind.to_string())?, ports::free());
        let command = match kind {
            Kind::Haproxy => haproxy(&dir, addr, origin)?,
            Kind::Nginx => nginx(&dir, addr, origin)?,
            Kind::Envoy => envoy(&dir, addr, origin, "")?,
            Kind::Mirroring => envoy(&dir, addr, origin, MIRROR)?,
            Kind::Cutover { .. } | Kind::Shadowing | Kind::Telling(_) => {
                unreachable!("started above")
            }
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

    /// Waits until everything that was copied is accounted for, and tells how many requests were
    /// compared and found alike since it started; 0 for those that compare nothing.
    pub(crate) async fn matches(&self) -> anyhow::Result<u64> {
        let Body::Ours(proxy) = &self.body else { return Ok(0) };
        let settled = async || {
            let metrics = proxy.metrics().await.ok()?;
            let sum = |name, labels: &[_]| metrics.sum(name, labels);
            let open = sum("cutover_shadow_inflight", &[]);
            let matches = sum("cutover_comparisons_total", &[("verdict", "match")]);
            (open == 0.0).then_some(matches as u64)
        };
        Ok(wait::eventually("every copy to be accounted for", settled).await?)
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
async fn cutover(rig: &Rig, kind: Kind, origin: &Origin) -> anyhow::Result<Proxy> {
    let url = format!("http://{}", origin.addr());
    let (new, files) = match kind {
        Kind::Cutover { routes } => (NOBODY, team_file(routes, LEGACY, LEGACY)),
        Kind::Telling(Told::Nothing) => (url.as_str(), team_file(10, LEGACY, CANARY)),
        Kind::Telling(_) => (url.as_str(), team_file(10, LEGACY, &format!("{CANARY}\n{SLO}"))),
        _ => (url.as_str(), team_file(10, SHADOW, LEGACY)),
    };
    let mut config = Config::new([("legacy", url.as_str()), ("new", new)]).routes(files);
    config.otlp = if kind == Kind::Telling(Told::Nothing) { String::new() } else { url };
    config.sample_ratio = if kind == Kind::Telling(Told::AllTraces) { 1.0 } else { 0.05 };
    config.telemetry = match kind {
        Kind::Telling(Told::Nothing) => "log = { canonical_ratio = 0.0 }\n".to_owned(),
        Kind::Telling(Told::AllLines) => "log = { canonical_ratio = 1.0 }\n".to_owned(),
        _ => String::new(),
    };
    config.listener = "timeouts.idle_ms = 600000\n".to_owned();
    config.server = "workers = 1\nlimits.connections_per_address_max = 20000\n".to_owned();
    let proxy = Proxy::start(rig, config, &kind.to_string()).await?;
    // Every thread it has; those to come inherit it.
    let id = proxy.process().id().to_string();
    let args = ["-a", "-c", "-p", "1", &id];
    e2e::cli::run(Path::new("taskset"), args, &[], rig.dir()).await?.ok()?;
    Ok(proxy)
}

const LEGACY: &str = "phase = \"legacy\"";

/// Both sides serve.
const CANARY: &str = "phase = \"canary\"\npercent = 50";

const SLO: &str = "slo = { availability = 99.9, latency = { target = 99.0, under_ms = 250 } }";

/// Every request is copied, legacy is asked a second time for a tenth of them.
const SHADOW: &str = "phase = \"shadow\"\nshadow = { percent = 100, max_rps = 0 }";

/// Routes that differ in their last literal; the generator asks for the last one, which is where
/// `last` says. Before them the one that copies are measured with, of which `shadow` says whether
/// it has any.
fn team_file(routes: u32, shadow: &str, last: &str) -> String {
    let mut text = format!("{GROUP}{}", route("json", "/json/{id}", shadow));
    for number in (0..routes).rev() {
        let (id, path) = (format!("read-{number}"), format!("/1k/{{id}}/r{number}"));
        text.push_str(&route(&id, &path, if number == 0 { last } else { LEGACY }));
    }
    text
}

const GROUP: &str = "[group.devices]\nowner = \"devices-team\"\nsalt = \"devices-1\"\n\
    subject = [\"path:id\"]\nshared_store = true\n";

fn route(id: &str, path: &str, phase: &str) -> String {
    format!(
        "\n[[route]]\nid = \"{id}\"\ngroup = \"devices\"\n\
         match = {{ methods = [\"GET\"], path = \"{path}\" }}\n\
         legacy = \"legacy\"\nnew = \"new\"\nwrites = \"safe\"\n{phase}\n"
    )
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

/// What an Envoy route that mirrors has besides its cluster: all requests, which is the default.
const MIRROR: &str = r#","request_mirror_policies":[{"cluster":"mirror"}]"#;

fn envoy(
    dir: &Path,
    addr: SocketAddr,
    origin: &Origin,
    mirror: &str,
) -> anyhow::Result<Vec<String>> {
    let path = dir.join("envoy.json");
    fs::write(&path, envoy_json(addr, origin.addr(), mirror))?;
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

fn envoy_json(addr: SocketAddr, origin: SocketAddr, mirror: &str) -> String {
    let socket = |addr: SocketAddr| {
        format!(
            r#"{{"socket_address":{{"address":"{}","port_value":{}}}}}"#,
            addr.ip(),
            addr.port()
        )
    };
    let router = r#"{"name":"envoy.filters.http.router","typed_config":{"@type":"type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"}}"#;
    let routes = format!(
        r#"{{"virtual_hosts":[{{"name":"all","domains":["*"],"routes":[{{"match":{{"prefix":"/"}},"route":{{"cluster":"origin"{mirror}}}}}]}}]}}"#
    );
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
    let cluster = |name: &str| {
        format!(
            r#"{{"name":"{name}","type":"STATIC","connect_timeout":"5s","load_assignment":{{"cluster_name":"{name}","endpoints":[{{"lb_endpoints":[{endpoint}]}}]}}}}"#
        )
    };
    let clusters = [cluster("origin"), cluster("mirror")].join(",");
    format!(r#"{{"static_resources":{{"listeners":[{listener}],"clusters":[{clusters}]}}}}"#)
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
            Kind::Shadowing => f.pad("cutover-shadow"),
            Kind::Mirroring => f.pad("envoy-mirror"),
            Kind::Telling(Told::Nothing) => f.pad("told-nothing"),
            Kind::Telling(Told::Default) => f.pad("told-default"),
            Kind::Telling(Told::AllLines) => f.pad("told-lines"),
            Kind::Telling(Told::AllTraces) => f.pad("told-traces"),
        }
    }
}
