//! The adapter between a real monolith and a real registry, each as its operators run it.
#![allow(clippy::unwrap_used, reason = "what a test cannot do without ends it")]

mod backfill {
    mod copying;
    mod rig;
    mod verifying;
}
