//! The control plane: where every route is, who moved it and why, and the admin API.
//!
//! [`Controller`] is an actor around a synchronous machine: it joins what the files declare with
//! what the store recorded and hands [`cutover_domain::RouteTable`]s to the data plane over a
//! `watch`. The data plane reports [`Applied`] back. [`AdminServer`] is the only way in.
//!
//! [`Evaluator`] looks at every route at regular intervals, judges by its gates, asks the controller
//! to move it, and records what it decided.
//!
//! What it needs from elsewhere comes as traits: [`Loader`] (files), [`LiveCounters`] (numbers),
//! [`Comparisons`] (how candidates answer).
//!
//! Refused here: requests of users (the data plane never waits for this crate), parsing of
//! configuration, and any path to the store that a request could wait for.

mod admin;
pub mod api;
mod applied;
mod codes;
mod comparisons;
mod controller;
#[cfg(test)]
mod fixtures;
mod gates;
mod journeys;
mod live;
mod loader;
mod machine;
mod metrics;
pub mod places;
mod refused;
mod runbooks;
mod saver;
mod state_file;
mod token;
mod traces;
mod truth;
mod view;
pub mod words;

pub use admin::{
    AdminConfig, AdminError, AdminParts, AdminServer, AdminTls, AdminTlsError, AdminTlsFiles,
    Lifecycle, openapi,
};
pub use applied::Applied;
pub use codes::{CODES, Code, CodeDoc};
pub use comparisons::{
    Accounting, Answer, Cluster, Comparisons, Evidence, NotJudged, Rejudged, Sample, SampleName,
    Seen, Suggestion,
};
pub use controller::{
    Answered, Clock, ControlConfig, Controller, StartError, StoreText, now_ms, system_clock,
};
pub use gates::{Evaluator, EvaluatorParts, GateMetrics, Gates, Standing, Standings};
pub use journeys::{JourneyCounters, JourneySideCounters};
pub use live::{
    LiveCounters, LiveNumbers, RouteCounters, SideCounters, SideNumbers, WINDOW_MS, Window,
};
pub use loader::{ConfigFile, Diagnostic, Loaded, Loader, Rejected, Severity};
pub use machine::Done;
pub use metrics::ControlMetrics;
pub use refused::{Refused, StoreDown};
pub use runbooks::{Runbook, RunbookBlock};
pub use state_file::StateFileError;
pub use token::{NoRandom, Role, Secret, UnknownRole};
pub use traces::{SpanSeen, TraceSeen, Traces};
pub use truth::{
    Author, Blocked, Moved, Skipped,
    moves::{Action, MoveAsk, REASON_CHARS_MAX, Scope},
};
