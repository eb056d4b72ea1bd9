//! What Cutover decides, as pure functions over plain values.
//!
//! A [`Declaration`] (what the files ask for) and one [`RouteState`] a route (what the store
//! recorded) make a [`RouteTable`]. The data plane asks the table which route a request head
//! meets ([`RouteTable::find`]) and which side serves it ([`decide`]); the control plane asks
//! whether a move is allowed ([`RouteState::moved`]) and what the evidence says of it
//! ([`gate::Judge`]).
//!
//! Refused here, by construction: clocks, randomness, I/O, serialisation, async. Whoever needs
//! them passes values in and keeps serialisable twins at the edge.

mod binomial;
pub mod cohort;
pub mod compare;
pub mod decision;
pub mod declaration;
pub mod endpoint;
pub mod exchange;
pub mod gate;
pub mod journey;
pub mod parity;
pub mod phase;
pub mod route_table;
pub mod slo;
pub mod subject;
pub mod transition;

pub use cohort::{AttributeRule, Cohort, Percent, bucket};
pub use decision::{Decision, OnFailure, Reason, SideOverride, decide};
pub use declaration::{
    Declaration, Group, RouteSpec, Scheme, Target, Timeouts, Upstream, UpstreamTls, WriteClass,
};
pub use endpoint::{EndpointMatch, HeaderMatch, HostMatch, PathTemplate, RequestHead};
pub use exchange::{Credentials, Exchange, ShadowSpec};
pub use journey::JourneySpec;
pub use phase::{Phase, Side};
pub use route_table::{Conflict, Route, RouteTable};
pub use subject::{SubjectSource, Subjects};
pub use transition::{Held, Move, MoveRefused, RouteState};
