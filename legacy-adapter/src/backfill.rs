//! The copy and the proof.
//!
//! 1. Copy: pages by ascending id, from where the state file says; each page is compared by count
//!    and hash as soon as registry has it.
//! 2. Verify: all rows, again by count and hash, from the beginning and beyond the last id. What
//!    differs becomes a suspect.
//! 3. Look again: the monolith is alive, so a suspect may have changed between the two readings. It
//!    is sent again (unless only verifying) and read again on both sides, twice with a pause in
//!    between. What still differs is a confirmed difference.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::compare::{Difference, DifferenceKind};
use crate::entity::Entity;
use crate::legacy::{Legacy, LegacyError, Unreadable};
use crate::pace::Pace;
use crate::progress::Progress;
use crate::registry::{Counts, Registry, RegistryError};
use crate::report::{Checked, PerEntity, Report, Verdict};
use crate::state::{State, StateError};

mod copy;
mod recheck;
mod verify;

/// What to copy, how, and how fast.
#[derive(Clone, Debug)]
pub struct Options {
    /// `sqlite://PATH` of the monolith's database.
    pub legacy: String,
    /// Registry's internal address, `http://127.0.0.1:PORT`.
    pub registry: String,
    /// The file with registry's internal token.
    pub token_file: PathBuf,
    /// Rows read from the monolith per second; `None`: as fast as it goes.
    pub rows_per_second: Option<NonZeroU32>,
    /// Rows per page, 1..=5000.
    pub batch: usize,
    /// Where to note how far it came; `None`: begin at the beginning each time.
    pub state: Option<PathBuf>,
    /// Compare, write nothing.
    pub verify_only: bool,
    /// The pause before a difference is believed: longer than a change takes to arrive.
    pub settle: Duration,
}

/// A backfill that came to no verdict.
#[derive(Debug, thiserror::Error)]
pub enum BackfillError {
    /// The monolith's side.
    #[error(transparent)]
    Legacy(#[from] LegacyError),
    /// Registry's side.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// The state file.
    #[error(transparent)]
    State(#[from] StateError),
}

/// Copies and verifies. Safe to interrupt at any moment and to run any number of times.
pub async fn backfill(options: &Options, progress: Progress) -> Result<Report, BackfillError> {
    let begin = Instant::now();
    let mut backfill = Backfill::open(options, progress).await?;
    if !options.verify_only {
        backfill.copy_all().await?;
    }
    backfill.verify_all().await?;
    let differences = backfill.look_again().await?;
    backfill.progress.finish();
    let unreadable: Vec<Unreadable> = backfill.unreadable.into_values().collect();
    let is_equal = differences.is_empty() && unreadable.is_empty();
    Ok(Report {
        verdict: if is_equal { Verdict::Equal } else { Verdict::Different },
        copied: backfill.copied,
        verified: backfill.verified,
        differences,
        unreadable,
        elapsed_ms: u64::try_from(begin.elapsed().as_millis()).unwrap_or(u64::MAX),
    })
}

/// One run.
struct Backfill {
    legacy: Legacy,
    registry: Registry,
    state: State,
    pace: Pace,
    progress: Progress,
    batch: usize,
    is_copying: bool,
    settle: Duration,
    copied: PerEntity<Counts>,
    verified: PerEntity<Checked>,
    /// The queue of rows to look at again.
    suspects: BTreeMap<(Entity, i64), DifferenceKind>,
    unreadable: BTreeMap<(Entity, i64), Unreadable>,
}

impl Backfill {
    async fn open(options: &Options, progress: Progress) -> Result<Backfill, BackfillError> {
        Ok(Backfill {
            state: State::open(options.state.as_deref(), &options.legacy, &options.registry)?,
            legacy: Legacy::open(&options.legacy).await?,
            registry: Registry::new(&options.registry, &options.token_file, progress.clone())?,
            pace: Pace::new(options.rows_per_second),
            progress,
            batch: options.batch,
            is_copying: !options.verify_only,
            settle: options.settle,
            copied: PerEntity::default(),
            verified: PerEntity::default(),
            suspects: BTreeMap::new(),
            unreadable: BTreeMap::new(),
        })
    }

    fn suspect(&mut self, differences: impl IntoIterator<Item = Difference>) {
        for Difference { entity, id, kind } in differences {
            self.suspects.insert((entity, id), kind);
        }
    }
}
