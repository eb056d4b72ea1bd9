//! `[server]`, `[store]`, `[admin]`, `[jwt]` and the listeners, together: they share addresses.

use std::{collections::BTreeMap, net::SocketAddr, path::PathBuf, time::Duration};

use cutover_gateway::{
    JwtKey,
    overrides::OverrideKey,
    settings::{Forwarded, Limits, ListenerSettings, Settings},
};

use super::{AdminConfig, Context, Item, StoreConfig, chain, listener, tls};
use crate::config::{
    code::Code,
    diagnostic::Diagnostic,
    document::{self, Admin, Jwt, ProcessFile, Server, Store},
    node::Node,
};

/// The process file's own tables; `None` where one is broken.
pub(super) struct Tables {
    server: Option<Server>,
    store: Option<Store>,
    admin: Option<Admin>,
    jwt: Option<Option<Jwt>>,
}

/// What comes of them.
pub(super) struct Process {
    pub(super) settings: Settings,
    pub(super) store: StoreConfig,
    pub(super) admin: AdminConfig,
    pub(super) upgrade_sock: PathBuf,
    /// With these tables only.
    pub(super) document: ProcessFile,
}

// === impl Tables ===

impl Tables {
    pub(super) fn read(process: &Node, context: &mut Context<'_>) -> Tables {
        fn table<T: Default + serde::de::DeserializeOwned>(
            process: &Node,
            key: &str,
            context: &mut Context<'_>,
        ) -> Option<T> {
            process.get(key).map_or_else(|| Some(T::default()), |node| context.read(node))
        }
        Tables {
            server: table(process, "server", context),
            store: table(process, "store", context),
            admin: table(process, "admin", context),
            jwt: table(process, "jwt", context),
        }
    }

    pub(super) fn convert(
        self,
        process: &Node,
        listeners: &[Item<'_, document::Listener>],
        context: &mut Context<'_>,
    ) -> Option<Process> {
        let node = |key| process.get(key).unwrap_or(process);
        let listening: Vec<(ListenerSettings, &Node)> = listeners
            .iter()
            .filter_map(|item| Some((listener::convert(item, context)?, item.node)))
            .collect();
        if process.get("listener").is_none_or(|node| node.items().is_empty()) {
            context.push(
                Diagnostic::error(Code::MissingKey, "there is no `[[listener]]`")
                    .hint("add one, like `[[listener]]` with `listen = \"127.0.0.1:8080\"`"),
            );
        }
        let store = self.store.as_ref().and_then(|doc| store(doc, node("store"), context));
        let admin = self.admin.as_ref().and_then(|doc| admin(doc, node("admin"), context));
        check_addresses(&listening, admin.as_ref(), node("admin"), context);
        let override_key =
            self.admin.as_ref().and_then(|doc| override_key(doc, node("admin"), context));
        let jwt = self.jwt.as_ref().and_then(Option::as_ref);
        let jwt_key = jwt.and_then(|doc| jwt_key(doc, node("jwt"), context));
        let forwarded_trust = self.server.as_ref().map(|doc| {
            context.networks(&doc.forwarded_trust, node("server").find(&["forwarded_trust"]))
        });
        let server = self.server?;
        let settings = Settings {
            listeners: listening.into_iter().map(|(settings, _)| settings).collect(),
            limits: limits(&server),
            override_key,
            jwt_key,
            jwt_trust_unverified: jwt.is_some_and(|jwt| jwt.trust_unverified),
            forwarded: match server.forwarded {
                document::Forwarded::Off => Forwarded::Off,
                document::Forwarded::XForwarded => Forwarded::XForwarded,
                document::Forwarded::Forwarded => Forwarded::Rfc7239,
            },
            forwarded_trust: forwarded_trust.unwrap_or_default(),
            drain: Duration::from_millis(server.drain_ms.into()),
            ..Settings::default()
        };
        let upgrade_sock = server.upgrade_sock.clone();
        Some(Process {
            settings,
            store: store?,
            admin: admin?,
            upgrade_sock: context
                .path(&upgrade_sock.unwrap_or_else(|| "cutover-upgrade.sock".into())),
            document: ProcessFile {
                include: Vec::new(),
                slos: Vec::new(),
                default: String::new(),
                server,
                store: self.store?,
                admin: self.admin?,
                telemetry: document::Telemetry::default(),
                gates: document::GateSettings::default(),
                jwt: self.jwt?,
                listener: Vec::new(),
                upstream: BTreeMap::new(),
                group: BTreeMap::new(),
                route: Vec::new(),
                journey: BTreeMap::new(),
            },
        })
    }
}

/// `[admin]` without the rest.
pub(super) fn admin_alone(process: &Node, context: &mut Context<'_>) -> Option<AdminConfig> {
    let doc =
        process.get("admin").map_or_else(|| Some(Admin::default()), |node| context.read(node));
    admin(&doc?, process.get("admin").unwrap_or(process), context)
}

fn limits(server: &Server) -> Limits {
    let millis = |ms: u32| Duration::from_millis(ms.into());
    let cores = || std::thread::available_parallelism().map_or(1, usize::from);
    Limits {
        workers: server.workers.map_or_else(cores, usize::from),
        connections_max: server.limits.connections_max as usize,
        connections_per_address_max: server.limits.connections_per_address_max as usize,
        replay_bytes_max: server.limits.replay_bytes_max as usize,
        tunnel_idle: millis(server.timeouts.tunnel_idle_ms),
        upstream_idle: millis(server.timeouts.upstream_idle_ms),
        upstream_fresh: millis(server.timeouts.upstream_fresh_ms),
    }
}

fn store(doc: &Store, node: &Node, context: &mut Context<'_>) -> Option<StoreConfig> {
    let at = node.find(&["url"]);
    let path = match doc.url.split_once("://") {
        Some(("sqlite", path)) if !path.is_empty() => path,
        Some(("postgres" | "postgresql", _)) => {
            context.push(
                Diagnostic::error(
                    Code::NotSupported,
                    "this version keeps its store in SQLite only",
                )
                .at(at.place.clone())
                .secret()
                .hint("use `sqlite://cutover.db`"),
            );
            return None;
        }
        _ => {
            context.push(
                Diagnostic::error(Code::BadUrl, "this is no store")
                    .at(at.place.clone())
                    .secret()
                    .hint("write it like `sqlite://cutover.db` or `sqlite:///var/lib/cutover/cutover.db`"),
            );
            return None;
        }
    };
    let state_file = doc.state_file.clone().unwrap_or_else(|| "cutover-state.json".into());
    Some(StoreConfig {
        url: format!("sqlite://{}", context.path(path.as_ref()).display()),
        state_file: context.path(&state_file),
    })
}

fn admin(doc: &Admin, node: &Node, context: &mut Context<'_>) -> Option<AdminConfig> {
    if let Some(doc) = &doc.tls {
        tls::admin(doc, node, context);
    }
    let at = node.find(&["listen"]);
    let listen = context.address(&doc.listen, at)?;
    if !listen.ip().is_loopback() && doc.tls.is_none() {
        context.push(
            Diagnostic::error(Code::AdminExposed, "an admin API beyond loopback needs TLS")
                .at(at.place.clone())
                .why("tokens would cross the network in cleartext")
                .hint("add `tls = { cert = \"...\", key = \"...\" }`, or listen on 127.0.0.1"),
        );
    }
    let token_file = doc.token_file.clone().unwrap_or_else(|| "cutover-admin.token".into());
    let hosts = doc.hosts.iter().zip(node.find(&["hosts"]).items());
    for (host, node) in hosts {
        context.parse::<cutover_domain::HostMatch>(Code::BadHost, node, host);
    }
    Some(AdminConfig {
        listen,
        hosts: doc.hosts.clone(),
        token_file: context.path(&token_file),
        tls: doc.tls.as_ref().map(|tls| (context.path(&tls.cert), context.path(&tls.key))),
    })
}

fn override_key(doc: &Admin, node: &Node, context: &mut Context<'_>) -> Option<OverrideKey> {
    let at = node.find(&["override_key"]);
    let secret = context.secret(doc.override_key.as_ref()?, at)?;
    OverrideKey::new(secret.expose())
        .map_err(|error| {
            context.push(
                Diagnostic::error(Code::WeakKey, error.to_string())
                    .at(at.place.clone())
                    .hint("make one with `openssl rand -hex 32`"),
            );
        })
        .ok()
}

fn jwt_key(doc: &Jwt, node: &Node, context: &mut Context<'_>) -> Option<JwtKey> {
    let Some(reference) = &doc.key else {
        if !doc.trust_unverified {
            context.push(
                Diagnostic::error(Code::JwtUnverified, "`[jwt]` has no `key`")
                    .at(node.place.clone())
                    .why("claims that nobody verified would choose the side")
                    .hint("add `key = \"file:...\"`; or `trust_unverified = true` if something in front has verified the tokens"),
            );
        }
        return None;
    };
    let at = node.find(&["key"]);
    let secret = context.secret(reference, at)?;
    JwtKey::new(doc.algorithm.as_str(), secret.expose())
        .map_err(|error| context.error(Code::SecretUnreadable, at, chain(&error)))
        .ok()
}

/// No two listeners, and not the admin API either, may ask for one address. Port 0 is never the
/// same twice.
fn check_addresses(
    listening: &[(ListenerSettings, &Node)],
    admin: Option<&AdminConfig>,
    admin_node: &Node,
    context: &mut Context<'_>,
) {
    let mut seen: Vec<(SocketAddr, &Node)> = Vec::new();
    let admin = admin.map(|admin| (admin.listen, admin_node.find(&["listen"])));
    let listeners = listening.iter().map(|(l, node)| (l.address, node.find(&["listen"])));
    for (address, node) in listeners.chain(admin).filter(|(address, _)| address.port() != 0) {
        let first = seen.iter().find(|(other, _)| clash(*other, address));
        if let Some((_, first)) = first {
            let message = format!("two listeners ask for {address}");
            let first = first.place.clone();
            context.push(
                Diagnostic::error(Code::AddressTwice, message)
                    .at(node.place.clone())
                    .also(first, "asked for here first")
                    .hint("give one of them another port"),
            );
        }
        seen.push((address, node));
    }
}

/// Whether a system gives one of them to one listener only: `0.0.0.0` is every IPv4 address, and
/// `[::]` every address.
fn clash(one: SocketAddr, other: SocketAddr) -> bool {
    let covers = |all: SocketAddr, one: SocketAddr| {
        all.ip().is_unspecified() && (all.is_ipv6() || one.is_ipv4())
    };
    one.port() == other.port()
        && (one.ip() == other.ip() || covers(one, other) || covers(other, one))
}
