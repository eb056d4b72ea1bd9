//! The files that Cutover reads, written for one test.

use std::fmt::Write;
use std::net::SocketAddr;
use std::path::Path;

use anyhow::Context;

use crate::ports;

/// Name of the process file.
pub const PROCESS_FILE: &str = "cutover.toml";
/// Name of the team's file.
pub const TEAM_FILE: &str = "routes/devices.toml";

/// What a test wants of Cutover. [`Config::write`] makes files of it.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where clients connect.
    pub http: SocketAddr,
    /// Where the admin API listens.
    pub admin: SocketAddr,
    /// Name and URL of each upstream; the first is the default.
    pub upstreams: Vec<(String, String)>,
    /// Further lines of each `[upstream]`.
    pub upstream: String,
    /// Endpoint for traces; empty for none.
    pub otlp: String,
    /// Share of traces recorded, 0 to 1.
    pub sample_ratio: f64,
    /// Further lines of `[telemetry]`.
    pub telemetry: String,
    /// Further lines of the one `[[listener]]`.
    pub listener: String,
    /// Further lines of `[server]`.
    pub server: String,
    /// Further lines of `[admin]`.
    pub admin_more: String,
    /// Further tables of the process file.
    pub more: String,
    /// The team's file.
    pub routes: String,
    /// Environment variables of the process.
    pub env: Vec<(String, String)>,
}

impl Config {
    /// Free ports, no telemetry, no routes: everything goes to the first of `upstreams`.
    pub fn new<N: Into<String>, U: Into<String>>(
        upstreams: impl IntoIterator<Item = (N, U)>,
    ) -> Config {
        let upstreams = upstreams.into_iter().map(|(name, url)| (name.into(), url.into()));
        Config {
            http: ports::free(),
            admin: ports::free(),
            upstreams: upstreams.collect(),
            upstream: String::new(),
            otlp: String::new(),
            sample_ratio: 1.0,
            telemetry: String::new(),
            listener: String::new(),
            // One address is all clients of a test.
            server: "limits.connections_per_address_max = 4096\n".to_owned(),
            admin_more: String::new(),
            more: String::new(),
            routes: String::new(),
            env: Vec::new(),
        }
    }

    /// With `routes` as the team's file.
    #[must_use]
    pub fn routes(mut self, routes: impl Into<String>) -> Config {
        self.routes = routes.into();
        self
    }

    /// Writes the files below `dir`.
    pub fn write(&self, dir: &Path) -> anyhow::Result<()> {
        let team_file = dir.join(TEAM_FILE);
        let team_dir = team_file.parent().unwrap_or(dir);
        std::fs::create_dir_all(team_dir)?;
        write(&team_file, &self.routes)?;
        write(&dir.join(PROCESS_FILE), &self.process_file())
    }

    /// The text of the process file.
    pub fn process_file(&self) -> String {
        let Config { http, admin, otlp, sample_ratio, telemetry, listener, server, .. } = self;
        let default = self.upstreams.first().map_or("nobody", |(name, _)| name.as_str());
        let mut text = format!(
            "include = [\"routes/*.toml\"]\n\
             default = \"{default}\"\n\n\
             [server]\n{server}\n\
             [store]\nurl = \"sqlite://cutover.db\"\n\n\
             [admin]\nlisten = \"{admin}\"\n{}\n\
             [telemetry]\notlp = \"{otlp}\"\nsample_ratio = {sample_ratio:?}\n{telemetry}\n\
             [[listener]]\nprotocol = \"http\"\nlisten = \"{http}\"\n{listener}\n{}\n",
            self.admin_more, self.more
        );
        for (name, url) in &self.upstreams {
            let _ = write!(text, "[upstream.{name}]\nurl = \"{url}\"\n{}\n", self.upstream);
        }
        text
    }
}

/// A team's file: [`GROUP`] and the route `device-read` from `legacy` to `new`, declared in
/// `target` such as `phase = "live"`.
pub fn device_read(legacy: &str, new: &str, target: &str) -> String {
    let read = Route { id: "device-read", methods: &["GET"], path: "/api/v1/devices/{id}" };
    format!("{GROUP}{}", read.text(legacy, new, "safe", target))
}

/// Group `devices` with salt `devices-1`, subject from the path.
pub const GROUP: &str = r#"[group.devices]
owner = "devices-team"
salt = "devices-1"
subject = ["path:id", "header:x-device-id"]
"#;

/// A route of [`GROUP`].
#[derive(Clone, Copy, Debug)]
pub struct Route<'a> {
    /// Its id.
    pub id: &'a str,
    /// Methods that it matches.
    pub methods: &'a [&'a str],
    /// The template of its path.
    pub path: &'a str,
}

impl Route<'_> {
    /// Its table in a team's file. `writes` is its class, `target` further lines, its rules last.
    pub fn text(&self, legacy: &str, new: &str, writes: &str, target: &str) -> String {
        let Route { id, methods, path } = self;
        format!(
            r#"
[[route]]
id = "{id}"
group = "devices"
match = {{ methods = {methods:?}, path = "{path}" }}
legacy = "{legacy}"
new = "{new}"
writes = "{writes}"
{target}
"#
        )
    }
}

/// Puts a whole file in the place of the old one, so that no watcher reads half of it.
fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    let new = path.with_extension("toml.new");
    std::fs::write(&new, text)
        .and_then(|()| std::fs::rename(&new, path))
        .with_context(|| format!("cannot write {}", path.display()))
}
