//! Arguments of commands about journeys.

use clap::{Args as ClapArgs, Subcommand};

use super::TEMPLATE;

/// Show whether promises across requests are kept
#[derive(Debug, ClapArgs)]
#[command(
    help_template = TEMPLATE,
    before_help = "\
Examples:
  cutover journey list                       every journey, legacy's share and new's
  cutover journey show device-state          one of them, side by side",
    after_help = "\
A journey begins with an accepted change and ends when a reader is shown it. good: shown in time;
late: shown, but not in time; lost: looked for, and not shown; unseen: nobody looked when it
counted, which says nothing and so is no part of KEPT. Counts are those since the process started;
rates over time are in the metric cutover_journey_total."
)]
pub(in crate::cli) struct Journey {
    #[command(subcommand)]
    pub(in crate::cli) command: JourneyCommand,
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum JourneyCommand {
    /// List journeys
    List,
    /// Show one journey, side by side
    Show {
        /// Which
        #[arg(value_name = "NAME")]
        name: String,
    },
}
