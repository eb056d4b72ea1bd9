//! From trees to typed settings: whatever a schema cannot say is judged here.

mod cross;
mod gates;
mod group;
mod journey;
mod listener;
mod process;
mod route;
mod shadow;
mod slo;
mod telemetry;
mod tls;
mod upstream;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    str::FromStr,
};

use cutover_domain::Declaration;
use serde::de::DeserializeOwned;

use super::{
    AdminConfig, Config, Depth, StoreConfig, TelemetryConfig,
    code::Code,
    diagnostic::{Diagnostic, Report},
    document::{self, ProcessFile},
    environment::Environment,
    files::{Files, directory},
    node::Node,
    secret::{Secret, SecretRef},
    suggest::{listed, nearest},
};

/// A table of the files under its name.
struct Item<'n, T> {
    name: String,
    node: &'n Node,
    doc: T,
}

/// What every conversion needs.
struct Context<'a> {
    dir: &'a Path,
    environment: &'a Environment,
    depth: Depth,
    report: &'a mut Report,
    /// Every declared name, also of tables that are broken: those are reported already, and a
    /// reference to them is not a second mistake.
    upstreams: Vec<String>,
    groups: Vec<String>,
    routes: Vec<String>,
    /// Seconds since 1970.
    now: u64,
}

/// Converts what the files hold. `None` where even the process file's own tables are broken.
pub(super) fn convert(
    path: &Path,
    files: &Files,
    environment: &Environment,
    depth: Depth,
    report: &mut Report,
) -> Option<Config> {
    let roots: Vec<&Node> = std::iter::once(&files.process).chain(&files.teams).collect();
    let names =
        |table| roots.iter().filter_map(move |root| root.get(table)).flat_map(Node::entries);
    let owned = |(name, _): (&str, &Node)| name.to_owned();
    let (upstreams, groups) =
        (names("upstream").map(owned).collect(), names("group").map(owned).collect());
    let routes = roots.iter().filter_map(|root| root.get("route")).flat_map(Node::items);
    let routes = routes.filter_map(|node| match &node.get("id")?.value {
        super::node::Value::String(id) => Some(id.clone()),
        _ => None,
    });
    let routes = routes.collect();
    let dir = directory(path);
    let now = cutover_control::now_ms() / 1_000;
    let mut context = Context { dir, environment, depth, report, upstreams, groups, routes, now };

    let upstreams = context.named::<document::Upstream>("upstream", &roots);
    let groups = context.named::<document::Group>("group", &roots);
    let routes = context.routes(&roots);
    let journeys = context.named::<document::Journey>("journey", &roots);
    let listeners = context.listed::<document::Listener>("listener", &files.process);
    let default = context.default(&files.process);
    let gate_settings = gates::settings(&files.process, &mut context);
    let mut declaration = Declaration {
        upstreams: upstreams
            .iter()
            .filter_map(|item| upstream::convert(item, &mut context))
            .collect(),
        groups: groups.iter().filter_map(|item| group::convert(item, &mut context)).collect(),
        routes: routes
            .iter()
            .filter_map(|item| route::convert(item, &default, &mut context))
            .collect(),
        default: default.clone(),
        journeys: Vec::new(),
        gates: gate_settings.as_ref().map(|(settings, _)| *settings).unwrap_or_default(),
    };
    declaration.journeys = journey::convert(&journeys, &declaration, &mut context);
    let process = process::Tables::read(&files.process, &mut context);
    let process = process.convert(&files.process, &listeners, &mut context);
    let telemetry = telemetry::convert(&files.process, &mut context);
    let thresholds_seconds = slo::thresholds(&routes, &mut context);
    let objectives =
        slo::objectives(files, &routes, &groups, &journeys, &thresholds_seconds, &mut context);
    cross::check(&declaration, &routes, &groups, &upstreams, &files.process, &mut context);

    let (process, (telemetry, telemetry_doc)) = (process?, telemetry?);
    let (_, gates) = gate_settings?;
    let settings = cutover_gateway::settings::Settings {
        trace_respond: telemetry_doc.trace.respond,
        ..process.settings
    };
    Some(Config {
        path: path.to_owned(),
        document: ProcessFile {
            include: Vec::new(),
            slos: Vec::new(),
            default,
            telemetry: telemetry_doc,
            gates,
            listener: listeners.into_iter().map(|item| item.doc).collect(),
            upstream: by_name(upstreams.into_iter().map(upstream::filled).collect()),
            group: by_name(groups),
            route: routes.into_iter().map(|item| shadow::filled(item.doc)).collect(),
            journey: by_name(journeys),
            ..process.document
        },
        declaration,
        settings,
        store: process.store,
        admin: process.admin,
        telemetry,
        objectives,
        upgrade_sock: process.upgrade_sock,
        legacy_all: below(dir, "legacy-all".as_ref()),
    })
}

/// `[admin]` alone, certificates and secrets unread.
pub(super) fn admin(process: &Node, dir: &Path, environment: &Environment) -> Option<AdminConfig> {
    let report = &mut Report::default();
    let (upstreams, groups, routes) = (Vec::new(), Vec::new(), Vec::new());
    let depth = Depth::WithoutFiles;
    let mut context =
        Context { dir, environment, depth, report, upstreams, groups, routes, now: 0 };
    process::admin_alone(process, &mut context)
}

fn by_name<T>(items: Vec<Item<'_, T>>) -> BTreeMap<String, T> {
    items.into_iter().map(|item| (item.name, item.doc)).collect()
}

// === impl Context ===

impl Context<'_> {
    fn push(&mut self, diagnostic: Diagnostic) {
        self.report.push(diagnostic);
    }

    fn error(&mut self, code: Code, node: &Node, message: impl Into<String>) {
        self.push(Diagnostic::error(code, message).at(node.place.clone()));
    }

    /// Parses a text of the files; what is wrong with it is reported at `node`.
    fn parse<T>(&mut self, code: Code, node: &Node, text: &str) -> Option<T>
    where
        T: FromStr<Err: std::fmt::Display>,
    {
        text.parse().map_err(|error: T::Err| self.error(code, node, error.to_string())).ok()
    }

    /// A table as its document. `None` if it is broken, which is reported already.
    fn read<T: DeserializeOwned>(&mut self, node: &Node) -> Option<T> {
        if node.broken {
            return None;
        }
        serde_json::from_value(node.to_json())
            .map_err(|error| self.error(Code::WrongType, node, error.to_string()))
            .ok()
    }

    /// The tables of a map, such as `[upstream.NAME]`, over all files.
    fn named<'n, T: DeserializeOwned>(
        &mut self,
        table: &str,
        roots: &[&'n Node],
    ) -> Vec<Item<'n, T>> {
        let mut seen: BTreeMap<&str, &Node> = BTreeMap::new();
        let mut items = Vec::new();
        let entries = roots.iter().filter_map(|root| root.get(table)).flat_map(Node::entries);
        for (name, node) in entries {
            self.check_name(name, node);
            if let Some(first) = seen.insert(name, node) {
                self.duplicate(table, name, node.key_place(), first.key_place());
                continue;
            }
            if let Some(doc) = self.read(node) {
                items.push(Item { name: name.to_owned(), node, doc });
            }
        }
        items
    }

    /// The tables of a list, such as `[[listener]]`, named by position.
    fn listed<'n, T: DeserializeOwned>(&mut self, table: &str, root: &'n Node) -> Vec<Item<'n, T>> {
        let nodes = root.get(table).map_or(&[][..], Node::items).iter().enumerate();
        let read = |(at, node): (usize, &'n Node)| {
            let doc = self.read(node)?;
            Some(Item { name: at.to_string(), node, doc })
        };
        nodes.filter_map(read).collect()
    }

    fn routes<'n>(&mut self, roots: &[&'n Node]) -> Vec<Item<'n, document::Route>> {
        let mut seen: BTreeMap<String, &Node> = BTreeMap::new();
        let mut items = Vec::new();
        for root in roots {
            for mut item in self.listed::<document::Route>("route", root) {
                let id = item.node.find(&["id"]);
                item.name.clone_from(&item.doc.id);
                self.check_name(&item.doc.id, id);
                match seen.insert(item.doc.id.clone(), id) {
                    Some(first) => {
                        self.duplicate("route", &item.doc.id, id.place.clone(), first.place.clone())
                    }
                    None => items.push(item),
                }
            }
        }
        items
    }

    fn duplicate(
        &mut self,
        what: &str,
        name: &str,
        place: super::source::Place,
        first: super::source::Place,
    ) {
        let message = format!("the {what} `{name}` is declared twice");
        self.push(
            Diagnostic::error(Code::DuplicateId, message)
                .at(place)
                .also(first, "declared here first")
                .hint("rename one of them"),
        );
    }

    /// Names label metrics and stand in commands, so they are kept plain.
    fn check_name(&mut self, name: &str, node: &Node) {
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        if name.is_empty() || name.len() > 64 || !name.bytes().all(plain) {
            let message = format!("`{name}` is no name");
            let place =
                node.key.clone().filter(|_| !matches!(node.value, super::node::Value::String(_)));
            let place = place.unwrap_or_else(|| node.place.clone());
            self.push(
                Diagnostic::error(Code::BadName, message)
                    .at(place)
                    .hint("use 1 to 64 characters of a-z, 0-9 and -"),
            );
        }
    }

    fn default(&mut self, process: &Node) -> String {
        let Some(node) = process.get("default") else { return String::new() };
        match &node.value {
            super::node::Value::String(name) => {
                self.check_upstream(name, node);
                name.clone()
            }
            _ => String::new(),
        }
    }

    fn check_upstream(&mut self, name: &str, node: &Node) {
        let known = self.upstreams.clone();
        self.check_known(Code::UnknownUpstream, "upstream", name, node, &known);
    }

    fn check_group(&mut self, name: &str, node: &Node) {
        let known = self.groups.clone();
        self.check_known(Code::UnknownGroup, "group", name, node, &known);
    }

    fn check_known(&mut self, code: Code, what: &str, name: &str, node: &Node, known: &[String]) {
        if known.iter().any(|known| known == name) {
            return;
        }
        let known = || known.iter().map(String::as_str);
        let diagnostic = Diagnostic::error(code, format!("{what} `{name}` is not declared"))
            .at(node.place.clone());
        self.push(match nearest(name, known()) {
            Some(meant) => diagnostic.hint(format!("did you mean `{meant}`?")),
            None if known().next().is_none() => {
                diagnostic.hint(format!("declare it as `[{what}.{name}]`"))
            }
            None => diagnostic
                .hint(format!("declare it as `[{what}.{name}]`, or use {}", listed(known()))),
        });
    }

    /// The secret that a key refers to. `None` if it is not to be read here, or cannot be.
    fn secret(&mut self, text: &str, node: &Node) -> Option<Secret> {
        let Ok(reference) = text.parse::<SecretRef>() else {
            self.push(
                Diagnostic::error(Code::SecretByValue, super::secret::NotAReference.to_string())
                    .at(node.place.clone())
                    .secret()
                    .hint("put it into a file with mode 0600 and write `file:PATH`, or `env:NAME`"),
            );
            return None;
        };
        if self.depth == Depth::WithoutFiles {
            return None;
        }
        match reference.read(self.dir, self.environment) {
            Ok(secret) => Some(secret),
            Err(error) => {
                let message = chain(&error);
                self.push(
                    Diagnostic::error(Code::SecretUnreadable, message)
                        .at(node.place.clone())
                        .hint("on a machine that does not hold secrets, use `--no-files`"),
                );
                None
            }
        }
    }

    /// A path of the files, which is relative to their directory.
    fn path(&self, path: &Path) -> PathBuf {
        below(self.dir, path)
    }
}

fn below(dir: &Path, path: &Path) -> PathBuf {
    if dir == Path::new(".") { path.to_owned() } else { dir.join(path) }
}

/// An error with its causes, on one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(&format!(": {error}"));
        cause = error.source();
    }
    text
}
