//! How configuration files become a declaration: done by wiring, asked for here.

use std::{any::Any, fmt, sync::Arc};

use cutover_domain::Declaration;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Reads, parses and writes the configuration files. Called on blocking threads, one call at a
/// time.
pub trait Loader: Send + Sync + 'static {
    /// Reads the files on disk, whole or not at all.
    fn load(&self) -> Result<Loaded, Rejected>;

    /// The same over files from elsewhere. Nothing is written.
    fn parse(&self, files: &[ConfigFile]) -> Result<Loaded, Rejected>;

    /// Replaces the files on disk by these, which were accepted and are already in force: files
    /// not among them are removed. Fails with what to tell the operator; then the disk still
    /// holds the old ones.
    fn write(&self, files: &[ConfigFile]) -> Result<(), String>;

    /// `loaded` is in force now: the place to put new time-outs, limits and certificates in
    /// force too. Not called for what was refused.
    fn accepted(&self, loaded: &Loaded) {
        let _ = loaded;
    }
}

/// Configuration that is valid in itself.
#[derive(Clone)]
pub struct Loaded {
    /// What it declares.
    pub declaration: Declaration,
    /// The files as they are, the process file first.
    pub files: Vec<ConfigFile>,
    /// Hash of paths and texts, in hexadecimal: equal hashes mean equal files.
    pub hash: String,
    /// Hash of what they mean, phases and shares aside: equal where only those, comments or layout
    /// differ.
    pub meaning: String,
    /// What is doubtful but not wrong.
    pub warnings: Vec<Diagnostic>,
    /// Whatever wiring wants back in [`Loader::accepted`].
    pub extra: Option<Arc<dyn Any + Send + Sync>>,
}

/// One configuration file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ConfigFile {
    /// Relative to the directory of the process file, `/` between parts: `routes/devices.toml`.
    pub path: String,
    /// Its whole text.
    pub text: String,
}

/// Why files were not accepted; never empty.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the configuration has {} mistake{}", self.mistakes(), if self.mistakes() == 1 { "" } else { "s" })]
pub struct Rejected {
    /// Every mistake found.
    pub diagnostics: Vec<Diagnostic>,
}

impl Rejected {
    /// How many of the diagnostics are errors.
    fn mistakes(&self) -> usize {
        self.diagnostics.iter().filter(|found| found.severity == Severity::Error).count()
    }
}

/// One remark on the configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// Stable name, for `explain --code`.
    pub code: String,
    /// What is wrong.
    pub message: String,
    /// In which file, relative as in [`ConfigFile::path`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// On which line, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// At which column, from 1, in characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<u32>,
    /// What to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

/// How bad a remark is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// The configuration cannot be used.
    Error,
    /// It can, but probably should not.
    Warning,
}

impl fmt::Debug for Loaded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Loaded")
            .field("hash", &self.hash)
            .field("routes", &self.declaration.routes.len())
            .field("files", &self.files.len())
            .finish_non_exhaustive()
    }
}
