//! Cutover from outside: real processes, real sockets, one migration a test.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

/// Where the modules of this one test binary lie.
mod e2e {
    mod alerts;
    mod bad_input;
    mod console;
    mod contract;
    mod dashboards;
    mod dashboards_types;
    mod demo;
    mod drills;
    mod flips;
    mod gates;
    mod hostile;
    mod journeys;
    mod kept_traces;
    mod ladder;
    mod lifecycle;
    mod operators;
    mod parity_hostile;
    mod parity_mutants;
    mod parity_secrets;
    mod parity_writes;
    mod phases;
    mod reload;
    mod rig;
    mod rules;
    mod series;
    mod streams;
    mod third_party;
    mod tidy;
    mod tls;
    mod traces;
    mod transparency;
}
