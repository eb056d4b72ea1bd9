//! Arguments of commands about traces.

use clap::{Args as ClapArgs, Subcommand};

use super::TEMPLATE;

/// Show the newest traces that the process kept
#[derive(Debug, ClapArgs)]
#[command(
    help_template = TEMPLATE,
    before_help = "\
Examples:
  cutover trace list --route device-read     the newest of a route, and why they were kept
  cutover trace show 4bf92f3577b34da6a3ce929d0e0e4736",
    after_help = "\
Only where `telemetry.otlp` names a receiver; the process remembers some hundreds, a few seconds
after they ended, and the receiver has all. A copy's trace is one of its own, which the request's
names."
)]
pub(in crate::cli) struct Trace {
    #[command(subcommand)]
    pub(in crate::cli) command: TraceCommand,
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum TraceCommand {
    /// List traces, the newest first
    List {
        /// Only those of this route
        #[arg(long, value_name = "ROUTE")]
        route: Option<String>,
        /// At most so many
        #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1_000))]
        limit: u32,
    },
    /// Show where the time of one trace went
    Show {
        /// Its 32 hex digits
        #[arg(value_name = "ID")]
        id: String,
    },
}
