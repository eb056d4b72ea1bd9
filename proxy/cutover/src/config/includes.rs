//! What the patterns of `include` look at, for those who watch the files.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use super::files::{OnDisk, Texts, matches_name};

/// The patterns of one process file, below its directory.
#[derive(Clone, Debug, Default)]
pub(crate) struct Includes {
    /// The process file's name: no pattern means it.
    own: String,
    patterns: Vec<String>,
}

// === impl Includes ===

impl Includes {
    pub(super) fn new(own: &str, patterns: Vec<String>) -> Includes {
        Includes { own: own.to_owned(), patterns }
    }

    /// The files that match now, by path below `dir`.
    pub(crate) fn files(&self, dir: &Path) -> BTreeSet<String> {
        let files = self.patterns.iter().flat_map(|pattern| OnDisk(dir).expand(pattern));
        files.filter(|path| *path != self.own).collect()
    }

    /// The directories below `dir`, itself included, in which something could appear that matches
    /// a pattern or leads to what does.
    pub(crate) fn dirs(&self, dir: &Path) -> BTreeSet<PathBuf> {
        let on_the_way = self.patterns.iter().flat_map(|pattern| {
            let names: Vec<&str> = pattern.split('/').collect();
            (0..names.len()).map(move |depth| names[..depth].join("/"))
        });
        let dirs = on_the_way.flat_map(|pattern| match pattern.as_str() {
            "" => vec![dir.to_owned()],
            pattern => OnDisk(dir).paths(pattern).iter().map(|path| dir.join(path)).collect(),
        });
        dirs.filter(|dir| dir.is_dir()).collect()
    }

    /// Whether which files match may depend on what is at `path` below the directory: it fits a
    /// pattern, as far as it goes.
    pub(crate) fn concern(&self, path: &Path) -> bool {
        let names: Option<Vec<&str>> = path.iter().map(|name| name.to_str()).collect();
        let Some(names) = names else { return false };
        self.patterns.iter().any(|pattern| {
            names.len() <= pattern.split('/').count()
                && pattern.split('/').zip(&names).all(|(part, name)| matches_name(part, name))
        })
    }
}

#[cfg(test)]
mod tests;
