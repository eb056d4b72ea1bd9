//! Objectives as Prometheus judges them: from routes' `slo`, journeys and OpenSLO files to recording
//! rules, alerts, and unit tests of both.
//!
//! The way leads one direction: [`openslo`] reads files, [`Objective`] is what either source
//! becomes, [`rules`] and [`fixed`] make groups of rules, [`unit_tests`] makes promtool's tests of
//! them, [`yaml`] writes. The arithmetic is that of the SRE workbook, chapter 5. The proxy's own
//! gates use the same arithmetic on their own counters and need none of this.
//!
//! Names of recorded series are Sloth's (`slo:sli_error:ratio_rate5m`), since dashboards of others
//! know them; labels are ours (`cutover_slo`, `cutover_route`, `cutover_side`). A series of side
//! `all` is what users see: a request that new failed and legacy answered is good there, and bad
//! for side `new`.

pub mod fixed;
mod objective;
pub mod openslo;
pub mod rules;
pub mod unit_tests;
mod windows;
pub mod yaml;

pub use objective::{Indicator, Kind, Objective, of_journey, of_routes};
pub use windows::{BurnPair, Scale, Severity, pairs, unreachable};
