//! The configuration files as the control plane asks for them, and what of them the data plane
//! takes over while it runs.

use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
};

use cutover_control::{AdminTls, ConfigFile, Diagnostic, Loaded, Loader, Rejected, Severity};
use cutover_domain::RouteTable;
use cutover_gateway::GatewayHandle;
use tokio::sync::watch;

use crate::config::{
    self, Config, Depth, Environment, Includes, Report, SecretRef, Sources, directory, is_below,
};

mod fixed;

use fixed::Fixed;

/// Reads the files of one process.
pub(super) struct FileLoader {
    path: PathBuf,
    environment: Environment,
    fixed: Fixed,
    data_plane: OnceLock<DataPlane>,
    admin: OnceLock<Option<AdminTls>>,
}

/// What a configuration is made of or names. Paths are absolute.
#[derive(Default)]
pub(super) struct Dependencies {
    /// The process file's directory.
    pub(super) dir: PathBuf,
    /// The process file; certificates, keys and secrets that it names.
    pub(super) files: Vec<PathBuf>,
    /// Team files, by path below `dir`.
    pub(super) teams: BTreeSet<String>,
    /// Where team files come from.
    pub(super) includes: Includes,
}

struct DataPlane {
    handle: GatewayHandle,
    tables: watch::Receiver<Arc<RouteTable>>,
}

// === impl FileLoader ===

impl FileLoader {
    /// A loader of the files that `config` came from.
    pub(super) fn new(config: &Config, environment: Environment) -> FileLoader {
        FileLoader {
            path: config.path.clone(),
            environment,
            fixed: Fixed::of(config),
            data_plane: OnceLock::new(),
            admin: OnceLock::new(),
        }
    }

    /// What the process starts with, and the settings of that very reading.
    pub(super) fn first(&self) -> Result<(Loaded, Arc<Config>), Rejected> {
        let loaded = self.load()?;
        let extra = loaded.extra.clone().and_then(|extra| extra.downcast().ok());
        let config = extra.expect("`take` puts a Config there");
        Ok((loaded, config))
    }

    /// Where accepted settings go.
    pub(super) fn attach(&self, handle: GatewayHandle, tables: watch::Receiver<Arc<RouteTable>>) {
        let _ = self.data_plane.set(DataPlane { handle, tables });
    }

    /// Whose certificate is read again.
    pub(super) fn attach_admin(&self, tls: Option<AdminTls>) {
        let _ = self.admin.set(tls);
    }

    /// What the configuration depends on now, for the watcher.
    pub(super) fn depends_on(&self) -> Dependencies {
        let loaded = config::load(&self.path, &self.environment, Depth::WithoutFiles);
        let mut files = vec![self.path.clone()];
        files.extend(loaded.config.iter().flat_map(certificates));
        files.extend(loaded.config.iter().flat_map(secrets));
        Dependencies {
            dir: absolute(directory(&self.path)),
            files: files.iter().map(|file| absolute(file)).collect(),
            teams: loaded.files.into_iter().skip(1).collect(),
            includes: loaded.includes,
        }
    }

    fn take(&self, loaded: config::Loaded) -> Result<Loaded, Rejected> {
        let config::Loaded { config, mut report, sources, process, .. } = loaded;
        if let (Some(config), Some(process)) = (&config, &process) {
            self.fixed.check(config, process, &mut report);
        }
        let diagnostics = diagnostics(&report, &sources);
        let Some(config) = config.filter(|_| report.errors() == 0) else {
            return Err(Rejected { diagnostics });
        };
        let files: Vec<ConfigFile> = sources
            .iter()
            .filter(|source| source.path != "environment")
            .map(|source| ConfigFile { path: source.path.clone(), text: source.text.clone() })
            .collect();
        Ok(Loaded {
            declaration: config.declaration.clone(),
            hash: hash(&files),
            meaning: meaning(&config),
            files,
            warnings: diagnostics,
            extra: Some(Arc::new(config)),
        })
    }
}

impl Loader for FileLoader {
    fn load(&self) -> Result<Loaded, Rejected> {
        self.take(config::load(&self.path, &self.environment, Depth::Whole))
    }

    fn parse(&self, files: &[ConfigFile]) -> Result<Loaded, Rejected> {
        if let Some(outside) = files.iter().find(|file| !is_below(&file.path)) {
            let message = format!("`{}` leads out of the configuration's directory", outside.path);
            return Err(Rejected { diagnostics: vec![alone("include_outside", message)] });
        }
        let texts: Vec<(String, String)> =
            files.iter().map(|file| (file.path.clone(), file.text.clone())).collect();
        let loaded = config::load_texts(&self.path, &texts, &self.environment, Depth::Whole);
        let stray = files.iter().find(|file| !loaded.files.contains(&file.path));
        if let Some(stray) = stray.filter(|_| loaded.config.is_some()) {
            let message = format!("`{}` is not named by `include`", stray.path);
            return Err(Rejected { diagnostics: vec![alone("include_empty", message)] });
        }
        self.take(loaded)
    }

    /// New files first, then the process file, then what is no longer named is removed: at no
    /// moment does the process file name what is not there.
    fn write(&self, files: &[ConfigFile]) -> Result<(), String> {
        let dir = directory(&self.path);
        let before = config::load(&self.path, &self.environment, Depth::WithoutFiles).files;
        let name = self.path.file_name().unwrap_or_default().to_string_lossy();
        let (process, teams): (Vec<_>, Vec<_>) = files.iter().partition(|file| file.path == name);
        for file in teams.into_iter().chain(process) {
            write(&dir.join(&file.path), &file.text)
                .map_err(|error| format!("`{}` cannot be written: {error}", file.path))?;
        }
        for old in before.iter().filter(|old| !files.iter().any(|file| file.path == **old)) {
            fs::remove_file(dir.join(old))
                .map_err(|error| format!("`{old}` cannot be removed: {error}"))?;
        }
        Ok(())
    }

    fn accepted(&self, loaded: &Loaded) {
        let config = loaded.extra.as_ref().and_then(|extra| extra.downcast_ref::<Config>());
        let (Some(config), Some(data_plane)) = (config, self.data_plane.get()) else { return };
        let table = data_plane.tables.borrow().clone();
        if let Err(error) = data_plane.handle.replace(config.settings.clone(), table) {
            tracing::error!(%error, "the accepted settings are not in force");
        }
        if let Some(Some(tls)) = self.admin.get()
            && let Err(error) = tls.reload()
        {
            tracing::error!(%error, "the admin API keeps its certificate");
        }
    }
}

/// Files that are renewed without a change of the configuration.
fn certificates(config: &Config) -> Vec<PathBuf> {
    let listeners = config.settings.listeners.iter().filter_map(|listener| listener.tls.as_ref());
    let mut files: Vec<PathBuf> = listeners
        .flat_map(|tls| {
            let clients = tls.client_ca.iter().chain(&tls.client_crl);
            [&tls.cert, &tls.key].into_iter().chain(clients).cloned()
        })
        .collect();
    files.extend(config.admin.tls.iter().flat_map(|(cert, key)| [cert.clone(), key.clone()]));
    for upstream in &config.declaration.upstreams {
        files.extend(upstream.tls.ca.clone());
        files
            .extend(upstream.tls.client.iter().flat_map(|(cert, key)| [cert.clone(), key.clone()]));
    }
    files
}

/// Files with secrets that a reload takes over. Those of `[telemetry]` are only read at start.
fn secrets(config: &Config) -> Vec<PathBuf> {
    let document = &config.document;
    let jwt = document.jwt.as_ref().and_then(|jwt| jwt.key.as_ref());
    let references = document.admin.override_key.iter().chain(jwt);
    let file = |reference: &String| match reference.parse() {
        Ok(SecretRef::File(path)) => Some(directory(&config.path).join(path)),
        _ => None,
    };
    references.filter_map(file).collect()
}

/// As notifications name it; only a process without a working directory gets the path itself.
fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

/// Whole or not at all: written beside it, then put in its place.
fn write(path: &Path, text: &str) -> io::Result<()> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    let mut new = path.as_os_str().to_owned();
    new.push(".new");
    fs::write(&new, text)?;
    fs::rename(&new, path)
}

fn hash(files: &[ConfigFile]) -> String {
    // Lengths keep texts apart; equal hashes then mean equal files.
    let mut text = String::new();
    for file in files {
        let (path, body) = (&file.path, &file.text);
        text.push_str(&format!("{}:{path}{}:{body}", path.len(), body.len()));
    }
    digest(&text)
}

/// See [`Loaded::meaning`].
fn meaning(config: &Config) -> String {
    let mut document = config.document.clone();
    for route in &mut document.route {
        (route.phase, route.percent) = Default::default();
    }
    digest(&serde_json::json!(document).to_string())
}

fn digest(text: &str) -> String {
    let digest = ring::digest::digest(&ring::digest::SHA256, text.as_bytes());
    digest.as_ref().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

fn diagnostics(report: &Report, sources: &Sources) -> Vec<Diagnostic> {
    let one = |found: &config::Diagnostic| {
        let place = found.place.as_ref();
        let (line, column) = place.map(|place| sources.line_column(place)).unzip();
        let number = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        Diagnostic {
            severity: match found.severity {
                config::Severity::Error => Severity::Error,
                config::Severity::Warning => Severity::Warning,
            },
            code: found.code.as_str().to_owned(),
            message: match &found.why {
                Some(why) => format!("{}: {why}", found.message),
                None => found.message.clone(),
            },
            file: place.and_then(|place| Some(sources.get(place.source)?.path.clone())),
            line: line.map(number),
            column: column.map(number),
            hint: found.hint.clone(),
        }
    };
    report.diagnostics().iter().map(one).collect()
}

fn alone(code: &str, message: String) -> Diagnostic {
    Diagnostic {
        severity: Severity::Error,
        code: code.to_owned(),
        message,
        file: None,
        line: None,
        column: None,
        hint: None,
    }
}

#[cfg(test)]
mod tests;
