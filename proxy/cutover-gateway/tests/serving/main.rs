//! The data plane as its clients and upstreams see it: raw bytes on both sides.
//!
//! Every test has a gateway of its own on free ports, in this process.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod bodies;
mod copies;
mod drain;
mod durations;
mod failure;
mod http2;
mod identity;
mod journeys;
mod limits;
mod places;
mod plain;
mod rig;
mod sampling;
mod smuggling;
mod splice;
mod subjects;
mod tls;
mod upstreams;
