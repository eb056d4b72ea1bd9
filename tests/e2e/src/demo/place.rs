//! Where a demo lives: a private directory that says whether its demo does.
//!
//! A demo that is killed (SIGKILL) cannot clear up; the next one does it for it. The directory
//! itself is the lock: whoever lives there holds it, and the kernel lets go when he dies.

use std::fs::{File, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use anyhow::Context;
use rustix::process::geteuid;
use tempfile::TempDir;

/// What the names of all demos' directories begin with, and of nothing else.
const PREFIX: &str = "cutover-demo-";

/// A directory of one's own, and the lock that tells others so.
pub(super) struct Place {
    pub(super) dir: TempDir,
    /// Held until dropped. Keep it longer than `dir`.
    pub(super) lock: File,
}

/// Makes a place below `parent` that no [`clear`] takes away while its lock is held.
pub(super) fn make(parent: &Path) -> anyhow::Result<Place> {
    let cannot = || format!("cannot make a directory in {}", parent.display());
    loop {
        let dir = tempfile::Builder::new().prefix(PREFIX).tempdir_in(parent);
        let dir = dir.with_context(cannot)?;
        let lock = File::open(dir.path()).with_context(cannot);
        // Another demo may see it before it is locked, and take it for a dead one's.
        if let Ok(lock) = lock
            && lock.lock().is_ok()
            && is_at(&lock.metadata()?, dir.path())
        {
            return Ok(Place { dir, lock });
        }
        anyhow::ensure!(!dir.path().exists(), "cannot lock {}", dir.path().display());
    }
}

/// Removes the directories in `parent` of demos that are dead, and gives how many. Leaves alone
/// whatever belongs to another user, is no directory itself, or is locked.
pub(super) fn clear(parent: &Path) -> usize {
    let Ok(entries) = std::fs::read_dir(parent) else { return 0 };
    let is_named = |path: &PathBuf| {
        path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(PREFIX.as_bytes()))
    };
    let paths = entries.flatten().map(|entry| entry.path());
    paths.filter(is_named).filter(|path| remove_if_dead(path)).count()
}

fn remove_if_dead(path: &Path) -> bool {
    let is_ours = |seen: &Metadata| seen.is_dir() && seen.uid() == geteuid().as_raw();
    if !path.symlink_metadata().is_ok_and(|seen| is_ours(&seen)) {
        return false;
    }
    let Ok(dir) = File::open(path) else { return false };
    // Looked at again through the open file: what the name means may have changed in between.
    let is_dead = dir.try_lock().is_ok()
        && dir.metadata().is_ok_and(|seen| is_ours(&seen) && is_at(&seen, path));
    is_dead && std::fs::remove_dir_all(path).is_ok()
}

/// Whether `path` itself, and not what it may link to, is what was `seen`.
fn is_at(seen: &Metadata, path: &Path) -> bool {
    let same = |now: Metadata| (now.dev(), now.ino()) == (seen.dev(), seen.ino());
    path.symlink_metadata().is_ok_and(same)
}

#[cfg(test)]
mod tests;
