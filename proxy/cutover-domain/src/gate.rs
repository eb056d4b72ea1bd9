//! Whether a route may go on, stays, or goes back: backwards is easy, forwards needs proof.
//!
//! One [`Judge`] a route takes an [`Observation`] at a time and gives an [`Assessment`]: what each
//! gate answered and why, what stands in the way of the next step, and at most one step that is to
//! be taken now. It decides; who moves the route, records and reports is elsewhere.
//!
//! A gate answers [`Outcome::Pass`], [`Outcome::Fail`], [`Outcome::Inconclusive`] or
//! [`Outcome::Error`]. A fail brings its own [`Reaction`]; what the ladder does with answers does
//! not depend on which gate gave them, so gates that are judged elsewhere (data, devices) come in
//! as ready [`Answer`]s.
//!
//! Refused here:
//! - moving for want of knowledge: inconclusive and error wait, they neither advance nor roll back;
//! - statistics for one look at the end, as here is a look every second: all evidence is valid at
//!   every look ([`slo::ln_evidence`](crate::slo::ln_evidence));
//! - the clock: time comes with the observation.

mod answer;
mod assessment;
mod burn;
mod consent;
mod dwell;
mod hard_stop;
mod judge;
mod ladder;
mod latch;
pub mod latency;
mod ledger;
mod observability;
mod observation;
mod parity;
mod regression;
mod schedule;
mod settings;
mod shared;
mod spec;

#[cfg(test)]
mod simulation;

pub use answer::{Answer, Fact, Gate, Measure, Outcome, Reaction, Reason, Source, Trouble};
pub use assessment::{Assessment, Dwelt, Obstacle, Proposal, Step};
pub use judge::Judge;
pub use ladder::{BadLadder, Ladder};
pub use latch::{Latch, LatchedBy, Opening, REMEMBERED_MS};
pub use observation::{Observation, SideTraffic, Signals, Streak, Traffic};
pub use schedule::{Days, Schedule, Window};
pub use settings::Settings;
pub use spec::{Approval, Dwell, GateSpec};
