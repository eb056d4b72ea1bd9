//! The configuration: files and environment in, typed settings of every part out.
//!
//! One way leads through here: texts become trees in which everything knows its place
//! ([`node`]), the trees are judged by the schema of the documents ([`shape`]), then table by
//! table become documents and domain types ([`convert`]). Each step reports every mistake it
//! finds and goes on with what is sound, so that one run tells all. Only a configuration without
//! errors becomes a [`Config`].
//!
//! Nothing else in Cutover reads configuration files or the environment.

mod add_rule;
mod code;
mod convert;
mod diagnostic;
pub mod document;
mod environment;
mod files;
mod includes;
mod node;
mod rewrite;
mod schema;
mod secret;
mod shape;
mod source;
mod suggest;

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
};

use cutover_domain::Declaration;
use cutover_gateway::settings::Settings;
use cutover_telemetry::{
    Trust,
    export::{ExportConfig, Resource},
    logs::LogConfig,
    sampling::Sampler,
};

pub use add_rule::{add_rule, rule_text};
pub use code::{Code, explain, explained};
pub use diagnostic::{Diagnostic, Report, Severity};
pub use document::ProcessFile;
pub use environment::Environment;
pub(crate) use files::{directory, is_below};
pub(crate) use includes::Includes;
pub(crate) use node::Node;
pub use rewrite::rewrite;
pub use schema::{process_schema, team_schema};
pub use secret::{NotAReference, Secret, SecretError, SecretRef};
pub(crate) use source::shown;
pub use source::{Place, Source, Sources};
pub(crate) use suggest::nearest;

use crate::slo::Objective;
use files::{InMemory, OnDisk, Texts};

/// A configuration without errors.
#[derive(Clone, Debug)]
pub struct Config {
    /// The process file.
    pub path: PathBuf,
    /// All files as one document, defaults filled in, secrets as references.
    pub document: ProcessFile,
    /// Upstreams, groups and routes.
    pub declaration: Declaration,
    /// The data plane's part.
    pub settings: Settings,
    /// Where revisions are recorded.
    pub store: StoreConfig,
    /// The admin API.
    pub admin: AdminConfig,
    /// Traces and logs.
    pub telemetry: TelemetryConfig,
    /// What is promised: of routes first, then of OpenSLO files.
    pub objectives: Vec<Objective>,
    /// Socket over which listeners are handed to a new process.
    pub upgrade_sock: PathBuf,
    /// While this file exists every route is in its safe phase.
    pub legacy_all: PathBuf,
}

/// Where revisions are recorded. Paths are absolute or relative to the working directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreConfig {
    /// `sqlite://PATH`
    pub url: String,
    /// The last good state.
    pub state_file: PathBuf,
}

/// The admin API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdminConfig {
    /// Where it listens.
    pub listen: SocketAddr,
    /// Names that the `Host` header may have beside the address itself.
    pub hosts: Vec<String>,
    /// The token that the first start writes.
    pub token_file: PathBuf,
    /// Certificate chain and key; `None`: cleartext, on loopback only.
    pub tls: Option<(PathBuf, PathBuf)>,
}

/// Traces and logs.
#[derive(Clone, Debug)]
pub struct TelemetryConfig {
    /// Where spans go.
    pub export: ExportConfig,
    /// What names this process.
    pub resource: Resource,
    /// Whose trace context is continued.
    pub trust: Trust,
    /// Which traces are recorded.
    pub sampler: Sampler,
    /// Log lines.
    pub log: LogConfig,
    /// Share of requests without error that leave a canonical line, `0.0..=1.0`.
    pub canonical_ratio: f64,
}

/// What was found at a path.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// `None` if there are errors.
    pub config: Option<Config>,
    /// Every finding.
    pub report: Report,
    /// The texts that findings point into.
    pub sources: Sources,
    /// Every file read, also with errors, by its path below the process file's directory; the
    /// process file first.
    pub files: Vec<String>,
    /// Patterns that team files come from.
    pub(crate) includes: Includes,
    /// The process file's tree, for findings of others.
    pub(crate) process: Option<Node>,
}

/// How far loading goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// Certificates and secrets are read and must be sound.
    Whole,
    /// Only the configuration itself: for machines that do not hold certificates and secrets.
    WithoutFiles,
}

/// Loads the configuration at `path`: a process file, or a directory with a `cutover.toml`.
pub fn load(path: &Path, environment: &Environment, depth: Depth) -> Loaded {
    let path = process_file(path);
    let dir = directory(&path).to_owned();
    load_from(&path, &OnDisk(&dir), environment, depth)
}

/// Loads a configuration that is not on disk yet, as if these files, with paths below the
/// directory of `path`, stood there; the one named like `path` is the process file.
pub fn load_texts(
    path: &Path,
    texts: &[(String, String)],
    environment: &Environment,
    depth: Depth,
) -> Loaded {
    load_from(path, &InMemory(texts), environment, depth)
}

fn load_from(path: &Path, texts: &dyn Texts, environment: &Environment, depth: Depth) -> Loaded {
    let name = path.file_name().map_or_else(Default::default, |name| name.to_string_lossy());
    let mut sources = Sources::default();
    let mut report = Report::default();
    let Some(files) = files::read(&name, texts, environment, &mut sources, &mut report) else {
        let files = vec![name.into_owned()];
        let includes = Includes::default();
        return Loaded { config: None, report, sources, files, includes, process: None };
    };
    let mut config = convert::convert(path, &files, environment, depth, &mut report);
    report.sort();
    if report.errors() > 0 {
        config = None;
    }
    let files::Files { process, read, includes, .. } = files;
    Loaded { config, report, sources, files: read, includes, process: Some(process) }
}

/// The admin API that a process file declares, whatever else is wrong with it. `None` if there is
/// no such file, or its `[admin]` cannot be read.
pub fn admin(path: &Path, environment: &Environment) -> Option<AdminConfig> {
    let path = process_file(path);
    let dir = directory(&path);
    let (mut sources, mut report) = (Sources::default(), Report::default());
    let name = path.file_name()?.to_str()?;
    let files = files::read(name, &OnDisk(dir), environment, &mut sources, &mut report)?;
    convert::admin(&files.process, dir, environment)
}

/// The process file meant by a path: itself, or `cutover.toml` in a directory.
pub fn process_file(path: &Path) -> PathBuf {
    if path.is_dir() { path.join("cutover.toml") } else { path.to_owned() }
}

// === impl Loaded ===

impl Loaded {
    /// The findings as a person reads them.
    pub fn render(&self, colour: bool) -> String {
        self.report.render(&self.sources, colour)
    }

    /// The first error on one line: place, message, hint.
    pub fn first_error(&self) -> Option<String> {
        let error = self.report.diagnostics().iter().find(|d| d.severity == Severity::Error)?;
        Some(error.line(&self.sources))
    }
}

#[cfg(test)]
mod tests;
