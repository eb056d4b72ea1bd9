//! Files that are watched: the configuration, and the off switch.
//!
//! Notifications of the system are quick but not certain (network file systems, containers'
//! mounts, replaced directories), so both are also looked at regularly.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime},
};

use cutover_control::{Author, Controller, Diagnostic, Refused, Rejected, Severity};
use notify::{RecursiveMode, Watcher};
use tokio::sync::{mpsc, watch};

use super::{
    lifecycle,
    loader::{Dependencies, FileLoader},
};
use crate::config::Includes;

/// Quiet time after a change before files are read: editors and `git` write in several steps.
const DEBOUNCE: Duration = Duration::from_millis(200);
/// How often the configuration is looked at without notification.
const POLL: Duration = Duration::from_secs(2);
/// How often the off switch is looked at.
const POLL_LEGACY_ALL: Duration = Duration::from_millis(200);

/// What tells one state of a file from another.
type Stamp = Option<(SystemTime, u64, u64)>;

/// How many links in a row are followed.
const LINKS_MAX: usize = 8;

/// What the configuration depended on when it was last looked at. Paths are absolute.
#[derive(Default)]
pub(super) struct Seen {
    dir: PathBuf,
    files: BTreeMap<PathBuf, Stamp>,
    teams: BTreeSet<String>,
    includes: Includes,
    /// Where files that are links lead, and all above: a link on the way may be replaced.
    linked: BTreeSet<PathBuf>,
}

/// Reads the configuration again whenever a file of it changes, comes or goes. Others beside it,
/// such as the store's, wake nobody.
pub(super) async fn files(controller: Controller, loader: Arc<FileLoader>, seen: Seen) {
    let (touched, mut touches) = mpsc::channel(1);
    let (seen, judge) = watch::channel(seen);
    // Kept, so that waiting for a touch waits even where nobody can touch.
    let mut watcher = watcher(touched.clone(), judge);
    let mut watched = Vec::new();
    loop {
        watch_all(&mut watcher, &mut watched, &seen.borrow());
        let _ = tokio::time::timeout(POLL, touches.recv()).await;
        if seen.borrow().is_fresh() {
            continue;
        }
        let now = settled(&loader, &mut touches).await;
        let changed = now.files != seen.borrow().files;
        seen.send_replace(now);
        if changed {
            reload(&controller, "its files changed").await;
        }
    }
}

/// Waits until nothing changes any more.
async fn settled(loader: &Arc<FileLoader>, touches: &mut mpsc::Receiver<()>) -> Seen {
    let mut now = look(loader).await;
    loop {
        tokio::time::sleep(DEBOUNCE).await;
        while touches.try_recv().is_ok() {}
        if now.is_fresh() {
            return now;
        }
        now = look(loader).await;
    }
}

/// Reads the configuration again, whole or not at all.
pub(super) async fn reload(controller: &Controller, why: &str) {
    lifecycle::notify(&lifecycle::reloading());
    match controller.reload(Author::files(), why.to_owned()).await {
        Ok(answered) => {
            tracing::info!(revision = answered.done.revision, why, "configuration read again");
        }
        Err(Refused::Config(rejected)) => log(&rejected),
        Err(refused) => {
            tracing::error!(code = %refused.code(), hint = refused.hint(), "the configuration stays as it was: {refused}");
        }
    }
    lifecycle::notify(&[sd_notify::NotifyState::Ready]);
}

/// One line a mistake, with its place and remedy.
fn log(rejected: &Rejected) {
    for found in rejected.diagnostics.iter().filter(|found| found.severity == Severity::Error) {
        tracing::error!(
            code = found.code,
            file = found.file,
            line = found.line,
            column = found.column,
            hint = found.hint,
            "the configuration stays as it was: {}{}",
            place(found),
            found.message
        );
    }
}

/// `FILE:LINE:COLUMN: `; nothing for the configuration as a whole.
fn place(found: &Diagnostic) -> String {
    match (&found.file, found.line, found.column) {
        (Some(file), Some(line), Some(column)) => format!("{file}:{line}:{column}: "),
        (Some(file), ..) => format!("{file}: "),
        _ => String::new(),
    }
}

/// Follows the off switch: a file beside the configuration.
pub(super) async fn legacy_all(controller: Controller, path: PathBuf) {
    let mut was = None;
    let mut every = tokio::time::interval(POLL_LEGACY_ALL);
    every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        every.tick().await;
        // A failure to look is no order to go back to new: the last answer stands.
        let Ok(is) = tokio::fs::try_exists(&path).await else { continue };
        if was == Some(is) {
            continue;
        }
        match controller.set_legacy_all(is).await {
            Ok(_) => was = Some(is),
            Err(refused) => {
                tracing::error!(code = %refused.code(), "legacy-all is not in force: {refused}");
            }
        }
    }
}

fn watcher(
    touched: mpsc::Sender<()>,
    judge: watch::Receiver<Seen>,
) -> Option<notify::RecommendedWatcher> {
    let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        // A full channel means that a look is due anyway.
        if event.is_ok_and(|event| judge.borrow().is_touched(&event)) {
            let _ = touched.try_send(());
        }
    });
    watcher
        .inspect_err(|error| tracing::warn!(%error, "no notifications of files; they are polled"))
        .ok()
}

/// Watches the directories of all files, so that replaced files are noticed.
fn watch_all(
    watcher: &mut Option<notify::RecommendedWatcher>,
    watched: &mut Vec<PathBuf>,
    seen: &Seen,
) {
    let Some(watcher) = watcher else { return };
    for dir in seen.dirs() {
        if !watched.contains(&dir) && watcher.watch(&dir, RecursiveMode::NonRecursive).is_ok() {
            watched.push(dir);
        }
    }
}

async fn look(loader: &Arc<FileLoader>) -> Seen {
    let loader = Arc::clone(loader);
    tokio::task::spawn_blocking(move || Seen::now(&loader)).await.unwrap_or_default()
}

/// Where a link leads, step by step, each with all above it. Nothing for what is no link.
fn linked(file: &Path) -> Vec<PathBuf> {
    let step = |at: &PathBuf| Some(at.parent()?.join(fs::read_link(at).ok()?));
    let steps = std::iter::successors(step(&file.to_owned()), step).take(LINKS_MAX);
    steps.flat_map(|path| path.ancestors().map(Path::to_owned).collect::<Vec<_>>()).collect()
}

fn stamp(path: &Path) -> Stamp {
    let metadata = fs::metadata(path).ok()?;
    Some((metadata.modified().ok()?, metadata.len(), metadata.ino()))
}

// === impl Seen ===

impl Seen {
    /// How everything looks now.
    pub(super) fn now(loader: &FileLoader) -> Seen {
        let Dependencies { dir, files, teams, includes } = loader.depends_on();
        let files: Vec<PathBuf> = teams.iter().map(|team| dir.join(team)).chain(files).collect();
        let linked = files.iter().flat_map(|file| linked(file)).collect();
        let files = files.into_iter().map(|file| (file.clone(), stamp(&file))).collect();
        Seen { dir, files, teams, includes, linked }
    }

    /// Whether everything still looks as it did.
    fn is_fresh(&self) -> bool {
        self.files.iter().all(|(path, was)| stamp(path) == *was)
            && self.includes.files(&self.dir) == self.teams
    }

    /// Whether a notification is about what the configuration depends on.
    fn is_touched(&self, event: &notify::Event) -> bool {
        event.need_rescan()
            || !event.kind.is_access() && event.paths.iter().any(|path| self.belongs(path))
    }

    fn belongs(&self, path: &Path) -> bool {
        let below = path.strip_prefix(&self.dir);
        self.files.contains_key(path)
            || self.linked.contains(path)
            || below.is_ok_and(|below| self.includes.concern(below))
    }

    /// The directories in which anything of this can come, change or go.
    fn dirs(&self) -> BTreeSet<PathBuf> {
        let parents = self.files.keys().filter_map(|file| file.parent()).map(Path::to_owned);
        parents.chain(self.includes.dirs(&self.dir)).collect()
    }
}

#[cfg(test)]
mod tests;
