//! Arguments of commands about gates: why a route may move, and what was decided.

use clap::Args as ClapArgs;

use super::TEMPLATE;

/// Show what the gates of a route say, and what the next step needs
#[derive(Debug, ClapArgs)]
#[command(
    help_template = TEMPLATE,
    before_help = "\
Examples:
  cutover gate device-read
  cutover gate device-read --explain         what each gate rests on, with its limits
  cutover gate device-read && cutover promote device-read --reason \"all green\"",
    after_help = "\
Exit codes: 0 it may take the next step, 8 it has to wait, 1 a gate fails or the route is held."
)]
pub(in crate::cli) struct Gate {
    /// The route
    #[arg(value_name = "ROUTE")]
    pub(in crate::cli) route: String,
    /// Show every figure that an answer rests on
    #[arg(long)]
    pub(in crate::cli) explain: bool,
}

/// Show how ready a route is to be given to new
#[derive(Debug, ClapArgs)]
#[command(
    help_template = TEMPLATE,
    before_help = "\
Examples:
  cutover ready device-read
  cutover ready device-read -o json",
    after_help = "\
The score is the share of the checks that apply which are met. Exit codes: 0 all are, 8 some are not."
)]
pub(in crate::cli) struct Ready {
    /// The route
    #[arg(value_name = "ROUTE")]
    pub(in crate::cli) route: String,
}

/// Show what gates decided, and what was decided against them
#[derive(Debug, ClapArgs)]
#[command(
    help_template = TEMPLATE,
    before_help = "\
Examples:
  cutover audit device-read --limit 5
  cutover audit device-read -o json          records whole, with what they rest on
  cutover audit --verify                     is the record as it was written?",
    after_help = "\
Each record carries the hash of all before it. With --verify: exit code 1 names the first record that
was changed or removed. Note the hash that is printed where nobody can change it: the chain cannot
show by itself that its end was cut off."
)]
pub(in crate::cli) struct Audit {
    /// Only this route
    #[arg(value_name = "ROUTE")]
    pub(in crate::cli) route: Option<String>,
    /// Most records, newest first
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub(in crate::cli) limit: u32,
    /// Follow the chain of hashes from its beginning
    #[arg(long, conflicts_with = "route")]
    pub(in crate::cli) verify: bool,
}

/// Send a small cohort to new and back, and measure how long the way back takes
#[derive(Debug, ClapArgs)]
#[command(
    help_template = TEMPLATE,
    before_help = "\
Examples:
  cutover rehearse device-read --percent 1 --seconds 10 --reason \"before Monday\"",
    after_help = "\
Who may: a migrator. The route must be in `shadow` and free of latches, and its gates must pass. If
anyone, or a gate, moves the route meanwhile, the rehearsal ends and does not count."
)]
pub(in crate::cli) struct Rehearse {
    /// The route
    #[arg(value_name = "ROUTE")]
    pub(in crate::cli) route: String,
    /// Share of subjects that new serves meanwhile, 0.01 to 5
    #[arg(long, value_name = "P", default_value = "1")]
    pub(in crate::cli) percent: String,
    /// How long, 1 to 60
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub(in crate::cli) seconds: u64,
    /// Why: recorded and shown in the history. Asked for at a terminal, else required
    #[arg(long, value_name = "TEXT")]
    pub(in crate::cli) reason: Option<String>,
}
