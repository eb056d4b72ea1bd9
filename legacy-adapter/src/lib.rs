//! The monolith's dialect, spoken once and only here: how its rows are read, and how they get to
//! the service that takes over.
//!
//! [`backfill()`] copies homes, devices and tombstones into registry and then proves, by count and
//! hash over every row, that both hold the same. The monolith's database is opened read-only and
//! read in short steps, so that the monolith does not notice.
//!
//! Refused: rows that would not come back as they are, such as a date that is none. They are named
//! and not copied.

mod backfill;
mod compare;
mod entity;
mod legacy;
mod pace;
mod progress;
mod registry;
mod report;
mod state;

pub use backfill::{BackfillError, Options, backfill};
pub use compare::{Difference, DifferenceKind};
pub use entity::Entity;
pub use legacy::{Legacy, LegacyError, Unreadable};
pub use progress::Progress;
pub use registry::{Counts, Registry, RegistryError};
pub use report::{Checked, PerEntity, Report, Verdict};
pub use state::StateError;
