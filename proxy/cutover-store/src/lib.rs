//! What must outlive the process: every revision, where each route is, who may act.
//!
//! The proxy's only SQL, over SQLite. One [`Store`] is one file. Every change of a route is a
//! [`NewRevision`], compared and set in one transaction: it may move many routes, and if one of
//! them was moved by someone else meanwhile, nothing is written and [`RecordError::Stale`] says
//! where it is now. Revisions rise store-wide; a route remembers its last.
//!
//! A [`Decision`] is what gates found or did, in a chain of hashes that [`Store::verify`] checks.
//!
//! A [`ParityStore`] is the part of the same file that keeps what comparing sides found out. It
//! stands back for revisions.
//!
//! Refused here: clocks (time is an argument), policy (whether a move is allowed is
//! `cutover-domain`'s), and the data plane, which never waits for a database. Several nodes on
//! one `postgres://` store are not supported yet; such an address is refused by name.

mod decisions;
mod fault;
mod latches;
mod open;
mod parity;
mod record;
mod rows;
mod schema;
#[cfg(feature = "testing")]
pub mod testing;
mod tokens;

pub use decisions::{
    Anchor, Appended, Broken, DECISION_BYTES_MAX, Decision, DecisionError, NewDecision, Verified,
};
pub use fault::{Fault, FaultKind, OpenError, RecordError, TokenError};
pub use latches::LatchHistory;
pub use open::Store;
pub use parity::{
    Bounds, ClusterChange, ClusterRow, FlushError, KeptCluster, KeptRoute, ParityStore, Pruned,
    Retention, RouteChange, SampleRow, Writer,
};
pub use record::{Change, Listing, NewRevision};
pub use rows::{
    Head, LatchChange, RecordedChange, Revision, RouteRecord, Snapshot, Token, Trigger,
};

#[cfg(test)]
mod tests;
