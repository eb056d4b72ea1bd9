//! The last good state on disk: what the proxy serves by when the store is away at start.
//!
//! One JSON file, replaced atomically (written beside, synced, renamed), readable by its owner
//! only, since it holds hashes of tokens.

use std::{
    collections::BTreeMap,
    fs,
    hash::{BuildHasher, Hasher, RandomState},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    time::Duration,
};

use cutover_domain::{Held, Percent, Phase, RouteState, Target};
use cutover_store::{Change, Listing, NewRevision, RouteRecord, Token, Trigger};
use serde::{Deserialize, Serialize};

use crate::truth::{Entry, TokenEdit, Truth};

/// Format of the file. A file of a later one is refused.
const VERSION: u32 = 1;

/// How the names of files end that are still being written.
const BESIDE: &str = "tmp";

/// One that is older than this was given up.
const BESIDE_AGE_MAX: Duration = Duration::from_mins(10);

/// The state file could not be used.
#[derive(Debug, thiserror::Error)]
pub enum StateFileError {
    /// It could not be read.
    #[error("cannot read the last good state `{}`", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It is not what we write.
    #[error("the last good state `{}` is damaged: {why}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong, with line and column where they are known.
        why: String,
    },
    /// It could not be written.
    #[error("cannot write the last good state `{}`", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// Reads the file; `None` if there is none.
pub(crate) fn read(path: &Path) -> Result<Option<Truth>, StateFileError> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(StateFileError::Read { path: path.to_owned(), source }),
    };
    parse(&text).map(Some).map_err(|why| StateFileError::Damaged { path: path.to_owned(), why })
}

/// The file's text for `truth`.
pub(crate) fn render(truth: &Truth) -> Vec<u8> {
    let file = File::of(truth);
    serde_json::to_vec_pretty(&file).expect("maps with string keys always serialise")
}

/// Replaces the file, so that a crash at any moment leaves the old or the new one.
pub(crate) fn write(path: &Path, text: &[u8]) -> Result<(), StateFileError> {
    let attempt = || -> io::Result<()> {
        let beside = beside(path);
        let replaced = replace(path, &beside, text);
        if replaced.is_err() {
            let _ = fs::remove_file(&beside);
        }
        replaced?;
        // The rename itself must outlive a power cut too.
        fs::File::open(directory(path))?.sync_all()
    };
    attempt().map_err(|source| StateFileError::Write { path: path.to_owned(), source })
}

fn replace(path: &Path, beside: &Path, text: &[u8]) -> io::Result<()> {
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(beside)?;
    file.write_all(text)?;
    file.sync_all()?;
    fs::rename(beside, path)
}

/// A name of its own for every write: during a hand-over two processes write this file, and in
/// containers even their process ids may be equal.
fn beside(path: &Path) -> PathBuf {
    let random = RandomState::new().build_hasher().finish();
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{random:016x}.{BESIDE}"));
    path.with_file_name(name)
}

/// Removes what writers that were killed left beside the file. A young one may still be written
/// to by another process.
pub(crate) fn tidy(path: &Path) {
    let Ok(entries) = fs::read_dir(directory(path)) else { return };
    let prefix = path.file_name().unwrap_or_default().as_encoded_bytes();
    for entry in entries.flatten() {
        let name = entry.file_name();
        let middle = (name.as_encoded_bytes().strip_prefix(prefix))
            .and_then(|rest| rest.strip_suffix(BESIDE.as_bytes()));
        let is_ours = middle.is_some_and(|middle| middle.len() == 18);
        if is_ours && is_old(&entry) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

fn is_old(entry: &fs::DirEntry) -> bool {
    let written = entry.metadata().and_then(|metadata| metadata.modified());
    written.is_ok_and(|written| written.elapsed().is_ok_and(|age| age > BESIDE_AGE_MAX))
}

fn directory(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

fn parse(text: &str) -> Result<Truth, String> {
    #[derive(Deserialize)]
    struct Versioned {
        version: u32,
    }
    let Versioned { version } = serde_json::from_str(text).map_err(|error| error.to_string())?;
    if version != VERSION {
        return Err(format!("it has format {version}, but this release reads format {VERSION}"));
    }
    let file: File = serde_json::from_str(text).map_err(|error| error.to_string())?;
    file.truth().map_err(str::to_owned)
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    version: u32,
    store_id: Option<String>,
    revision: u64,
    config_hash: Option<String>,
    routes: BTreeMap<String, RouteRow>,
    tokens: Vec<TokenRow>,
    journal: Vec<EntryRow>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StateRow {
    at: TargetRow,
    revision: u64,
    shadowed: bool,
    held: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    held_build: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RouteRow {
    state: StateRow,
    declared: Option<TargetRow>,
    changed_at_ms: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct TargetRow {
    phase: String,
    percent_bp: u16,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct TokenRow {
    name: String,
    role: String,
    sha256: String,
    created_ms: u64,
    expires_ms: Option<u64>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum EntryRow {
    Revision(RevisionRow),
    TokenPut(TokenRow),
    TokenRemoved(String),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RevisionRow {
    at_ms: u64,
    actor: String,
    reason: String,
    trigger: String,
    forced: bool,
    above: u64,
    config_hash: Option<String>,
    #[serde(default)]
    added: Vec<String>,
    #[serde(default)]
    removed: Vec<String>,
    changes: Vec<ChangeRow>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ChangeRow {
    route: String,
    expected: u64,
    after: StateRow,
    declared: Option<TargetRow>,
}

// === impl File ===

impl File {
    fn of(truth: &Truth) -> File {
        let route = |(id, record): (&String, &RouteRecord)| (id.clone(), RouteRow::of(record));
        File {
            version: VERSION,
            store_id: truth.store_id.clone(),
            revision: truth.head,
            config_hash: truth.config_hash.clone(),
            routes: truth.routes.iter().map(route).collect(),
            tokens: truth.tokens.iter().map(TokenRow::of).collect(),
            journal: truth.journal.iter().map(EntryRow::of).collect(),
        }
    }

    fn truth(self) -> Result<Truth, &'static str> {
        let route = |(id, row): (String, RouteRow)| Ok((id, row.record()?));
        Ok(Truth {
            store_id: self.store_id,
            head: self.revision,
            config_hash: self.config_hash,
            routes: self.routes.into_iter().map(route).collect::<Result<_, &str>>()?,
            tokens: self.tokens.into_iter().map(TokenRow::token).collect::<Result<_, _>>()?,
            journal: self.journal.into_iter().map(EntryRow::entry).collect::<Result<_, _>>()?,
            ..Truth::unknown()
        })
    }
}

// === impl rows ===

impl StateRow {
    fn of(state: &RouteState) -> StateRow {
        StateRow {
            at: TargetRow::of(state.target()),
            revision: state.revision,
            shadowed: state.shadowed,
            held: state.held.as_ref().map(|held| held.cause.clone()),
            held_build: state.held.as_ref().and_then(|held| held.build.clone()),
        }
    }

    fn state(self) -> Result<RouteState, &'static str> {
        let Target { phase, percent } = self.at.target()?;
        let held = self.held.map(|cause| Held { cause, build: self.held_build });
        Ok(RouteState { phase, percent, revision: self.revision, shadowed: self.shadowed, held })
    }
}

impl RouteRow {
    fn of(record: &RouteRecord) -> RouteRow {
        RouteRow {
            state: StateRow::of(&record.state),
            declared: record.declared.map(TargetRow::of),
            changed_at_ms: record.changed_at_ms,
        }
    }

    fn record(self) -> Result<RouteRecord, &'static str> {
        Ok(RouteRecord {
            state: self.state.state()?,
            declared: self.declared.map(TargetRow::target).transpose()?,
            changed_at_ms: self.changed_at_ms,
        })
    }
}

impl TargetRow {
    fn of(target: Target) -> TargetRow {
        let percent_bp = target.percent.basis_points();
        TargetRow { phase: target.phase.as_str().into(), percent_bp }
    }

    fn target(self) -> Result<Target, &'static str> {
        let phase: Phase = self.phase.parse().map_err(|_| "a phase is unknown")?;
        let percent =
            Percent::from_basis_points(self.percent_bp).ok_or("a share is above 100 %")?;
        Ok(Target { phase, percent })
    }
}

impl TokenRow {
    fn of(token: &Token) -> TokenRow {
        TokenRow {
            name: token.name.clone(),
            role: token.role.clone(),
            sha256: token.sha256.iter().map(|byte| format!("{byte:02x}")).collect(),
            created_ms: token.created_ms,
            expires_ms: token.expires_ms,
        }
    }

    fn token(self) -> Result<Token, &'static str> {
        Ok(Token {
            name: self.name,
            role: self.role,
            sha256: unhex(&self.sha256).ok_or("a token's hash is not 64 hexadecimal digits")?,
            created_ms: self.created_ms,
            expires_ms: self.expires_ms,
        })
    }
}

fn unhex(text: &str) -> Option<[u8; 32]> {
    let digits: Vec<u8> =
        text.chars().map(|c| c.to_digit(16)?.try_into().ok()).collect::<Option<_>>()?;
    let bytes: Vec<u8> = digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect();
    (digits.len() == 64).then(|| bytes.try_into().ok())?
}

impl EntryRow {
    fn of(entry: &Entry) -> EntryRow {
        match entry {
            Entry::Revision(new) => EntryRow::Revision(RevisionRow::of(new)),
            Entry::Token(TokenEdit::Put(token)) => EntryRow::TokenPut(TokenRow::of(token)),
            Entry::Token(TokenEdit::Remove(name)) => EntryRow::TokenRemoved(name.clone()),
        }
    }

    fn entry(self) -> Result<Entry, &'static str> {
        Ok(match self {
            EntryRow::Revision(row) => Entry::Revision(row.revision()?),
            EntryRow::TokenPut(row) => Entry::Token(TokenEdit::Put(row.token()?)),
            EntryRow::TokenRemoved(name) => Entry::Token(TokenEdit::Remove(name)),
        })
    }
}

impl RevisionRow {
    fn of(new: &NewRevision) -> RevisionRow {
        RevisionRow {
            at_ms: new.at_ms,
            actor: new.actor.clone(),
            reason: new.reason.clone(),
            trigger: new.trigger.as_str().into(),
            forced: new.forced,
            above: new.above,
            config_hash: new.config_hash.clone(),
            added: new.listing.added.clone(),
            removed: new.listing.removed.clone(),
            changes: new.changes.iter().map(ChangeRow::of).collect(),
        }
    }

    fn revision(self) -> Result<NewRevision, &'static str> {
        let trigger: Trigger = self.trigger.parse().map_err(|()| "a trigger is unknown")?;
        Ok(NewRevision {
            at_ms: self.at_ms,
            actor: self.actor,
            reason: self.reason,
            trigger,
            forced: self.forced,
            above: self.above,
            config_hash: self.config_hash,
            listing: Listing { added: self.added, removed: self.removed },
            changes: self.changes.into_iter().map(ChangeRow::change).collect::<Result<_, _>>()?,
        })
    }
}

impl ChangeRow {
    fn of(change: &Change) -> ChangeRow {
        ChangeRow {
            route: change.route.clone(),
            expected: change.expected,
            after: StateRow::of(&change.after),
            declared: change.declared.map(TargetRow::of),
        }
    }

    fn change(self) -> Result<Change, &'static str> {
        Ok(Change {
            route: self.route,
            expected: self.expected,
            after: self.after.state()?,
            declared: self.declared.map(TargetRow::target).transpose()?,
        })
    }
}

#[cfg(test)]
mod tests;
