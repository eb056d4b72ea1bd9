//! Arguments of `slo`.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Subcommand};

use super::TEMPLATE;
use crate::slo::Scale;

/// Objectives: read them from files, make Prometheus' rules of them
#[derive(Debug, ClapArgs)]
#[command(
    help_template = TEMPLATE,
    subcommand_required = true,
    arg_required_else_help = true,
    before_help = "\
Examples:
  cutover slo status                         how fast budgets burn
  cutover slo rules --out rules/             recording rules, alerts, and promtool's tests
  cutover slo import availability.yaml       what OpenSLO says, as a route's `slo`"
)]
pub(in crate::cli) struct Slo {
    #[command(subcommand)]
    pub(in crate::cli) command: SloCommand,
}

#[derive(Debug, Subcommand)]
#[command(help_template = TEMPLATE)]
pub(in crate::cli) enum SloCommand {
    Status(SloStatus),
    Import(SloImport),
    Rules(SloRules),
}

/// Show how fast the budgets of a running proxy's objectives burn
#[derive(Debug, ClapArgs)]
#[command(
    help_template = TEMPLATE,
    before_help = "\
Examples:
  cutover slo status
  cutover slo status device-read",
    after_help = "\
Columns: WHOSE is `users` (a request that legacy rescued is good), `legacy`, or `new` (it is bad).
BUDGET is what is left of 30 days', by what was seen since the proxy started. The others are windows:
how many times faster than allowed the budget burns, with `!` where gates find that too much."
)]
pub(in crate::cli) struct SloStatus {
    /// Only this route
    #[arg(value_name = "ROUTE")]
    pub(in crate::cli) route: Option<String>,
}

/// Read an OpenSLO v1 file: print the route's `slo`, or keep what is no route's own
#[derive(Debug, ClapArgs)]
#[command(
    help_template = TEMPLATE,
    before_help = "\
Examples:
  cutover slo import availability.yaml
  cutover slo import journey.yaml --keep slos/       and slos = [\"slos/*.yaml\"] in cutover.toml"
)]
pub(in crate::cli) struct SloImport {
    /// The file
    #[arg(value_name = "FILE")]
    pub(in crate::cli) file: PathBuf,
    /// Copy a file without objectives of routes into this directory
    #[arg(long, value_name = "DIR")]
    pub(in crate::cli) keep: Option<PathBuf>,
}

/// Print Prometheus' recording and alerting rules: of every objective, and of the proxy itself
#[derive(Debug, ClapArgs)]
#[command(
    help_template = TEMPLATE,
    before_help = "\
Examples:
  cutover slo rules > rules.yaml
  cutover slo rules --out rules/             in two files, each with its tests:
  promtool test rules rules/*_test.yaml",
    after_help = "\
Prometheus has to scrape the admin API's /metrics as job `cutover`."
)]
pub(in crate::cli) struct SloRules {
    /// The process file, or the directory that holds it
    #[arg(short, long, value_name = "FILE", default_value = ".")]
    pub(in crate::cli) config: PathBuf,
    /// Write the files into this directory instead of to standard output
    #[arg(long, value_name = "DIR")]
    pub(in crate::cli) out: Option<PathBuf>,
    /// Divide every window, 1 to 60, so that tests need not wait
    #[arg(long, value_name = "N", value_parser = scale, default_value = "1")]
    pub(in crate::cli) scale: Scale,
    /// Runbooks lie below it, by the alert's name [default: the admin API's /runbooks]
    #[arg(long, value_name = "URL")]
    pub(in crate::cli) runbooks: Option<String>,
    /// Dashboards lie below it: routes/ROUTE and slos [default: the admin API]
    #[arg(long, value_name = "URL")]
    pub(in crate::cli) dashboards: Option<String>,
}

fn scale(text: &str) -> Result<Scale, String> {
    let scale = text.parse().ok().and_then(Scale::new);
    scale.ok_or_else(|| format!("`{text}` is no whole number from 1 to 60"))
}
