//! The tables, step by step.

use chassis::database::Step;

/// Steps are added, never edited.
pub(crate) const STEPS: &[Step] = &[Step {
    version: 1,
    name: "devices and owners",
    sql: include_str!("schema/0001_devices.sql"),
}];
