//! How far a backfill has come, so that the next one goes on from there.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::entity::Entity;

/// Of the file's form.
const FORMAT: u32 = 1;

/// The state file: written whole or not at all, after registry has taken the rows.
#[derive(Debug)]
pub(crate) struct State {
    /// `None` keeps no state.
    path: Option<PathBuf>,
    content: Content,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Content {
    format: u32,
    legacy: String,
    registry: String,
    /// The last id that registry has taken, per entity.
    through: BTreeMap<Entity, i64>,
}

/// A state file that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// No permission, or no directory.
    #[error("cannot {what} the state file {}", path.display())]
    File {
        /// `read` or `write`.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Not ours, or of another time.
    #[error("the state file {} is not one of ours ({why}); delete it to copy from the beginning, which changes nothing that is copied already", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// Of another pair.
    #[error("the state file {} is about {found}, not about {wanted}; give each pair a file of its own", path.display())]
    Other {
        /// The file.
        path: PathBuf,
        /// From and to in it.
        found: String,
        /// From and to asked for.
        wanted: String,
    },
}

impl State {
    /// Reads `path`; without such a file, begins at the beginning.
    pub(crate) fn open(
        path: Option<&Path>,
        legacy: &str,
        registry: &str,
    ) -> Result<State, StateError> {
        let fresh = Content {
            format: FORMAT,
            legacy: legacy.to_owned(),
            registry: registry.to_owned(),
            through: BTreeMap::new(),
        };
        let Some(path) = path else { return Ok(State { path: None, content: fresh }) };
        let content = match std::fs::read(path) {
            Ok(bytes) => parse(path, &bytes, &fresh)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => fresh,
            Err(source) => {
                return Err(StateError::File { what: "read", path: path.to_owned(), source });
            }
        };
        Ok(State { path: Some(path.to_owned()), content })
    }

    /// Ids up to this one are with registry; 0: none.
    pub(crate) fn through(&self, entity: Entity) -> i64 {
        self.content.through.get(&entity).copied().unwrap_or(0)
    }

    /// Notes that ids up to `id` are with registry. On disk when it returns.
    pub(crate) fn advance(&mut self, entity: Entity, id: i64) -> Result<(), StateError> {
        self.content.through.insert(entity, id);
        let Some(path) = &self.path else { return Ok(()) };
        let text = serde_json::to_vec_pretty(&self.content).expect("the state has plain keys");
        write_whole(path, &text).map_err(|source| StateError::File {
            what: "write",
            path: path.clone(),
            source,
        })
    }
}

fn parse(path: &Path, bytes: &[u8], wanted: &Content) -> Result<Content, StateError> {
    let refused = |why| StateError::Content { path: path.to_owned(), why };
    let content: Content =
        serde_json::from_slice(bytes).map_err(|error| refused(error.to_string()))?;
    if content.format != FORMAT {
        return Err(refused(format!("its format is {}, ours is {FORMAT}", content.format)));
    }
    let pair = |content: &Content| format!("{} to {}", content.legacy, content.registry);
    if pair(&content) != pair(wanted) {
        let (found, wanted) = (pair(&content), pair(wanted));
        return Err(StateError::Other { path: path.to_owned(), found, wanted });
    }
    Ok(content)
}

fn write_whole(path: &Path, text: &[u8]) -> io::Result<()> {
    let mut part = path.as_os_str().to_owned();
    part.push(".part");
    let mut file = File::create(&part)?;
    file.write_all(text)?;
    file.sync_all()?;
    std::fs::rename(&part, path)
}

#[cfg(test)]
mod tests;
