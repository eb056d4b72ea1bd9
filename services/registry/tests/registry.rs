//! Registry as its callers see it.
#![allow(clippy::unwrap_used, reason = "what a test cannot do without ends it")]

mod registry {
    mod contract;
    mod digest;
    mod dry_run;
    mod import;
    mod plant;
    mod process;
    mod rig;
}
