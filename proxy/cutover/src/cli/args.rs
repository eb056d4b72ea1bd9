//! What can be typed.

mod alert;
mod dashboards;
mod gates;
mod journey;
mod local;
mod parity;
mod remote;
mod runbook;
mod slo;
mod trace;

use std::{path::PathBuf, time::Duration};

use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};

pub(super) use self::{
    alert::*, dashboards::*, gates::*, journey::*, local::*, parity::*, remote::*, runbook::*,
    slo::*, trace::*,
};

/// Examples come first, as people read help for them.
const TEMPLATE: &str = "\
{about-with-newline}
{before-help}{usage-heading} {usage}

{all-args}{after-help}";

const MAIN_EXAMPLES: &str = "\
Examples:
  cutover check                              is the configuration right?
  cutover run -c cutover.toml                the proxy
  cutover status --watch                     where every route stands
  cutover promote device-read --reason \"parity holds\"
  cutover rollback --all --reason \"incident 42\"";

const EXIT_CODES: &str = "\
Exit codes:
  0 done   1 failed or blocked   2 usage   3 changes pending (plan), differences found   4 not allowed
  8 still in progress   78 invalid configuration

Environment:
  CUTOVER_ADMIN, CUTOVER_CA, CUTOVER_TOKEN_FILE      as --admin, --ca, --token-file
  CUTOVER_TOKEN                                      the token itself
  CUTOVER__STORE__URL and its like                   override keys of the process file
  NO_COLOR                                           no colours";

/// Moves routes from a monolith to new services, step by step and back again.
#[derive(Debug, Parser)]
#[command(
    name = "cutover",
    version,
    help_template = TEMPLATE,
    before_help = MAIN_EXAMPLES,
    after_help = EXIT_CODES,
    max_term_width = 100,
    disable_help_subcommand = true,
    subcommand_required = true,
    arg_required_else_help = true
)]
pub(super) struct Args {
    #[command(flatten)]
    pub(super) global: Global,
    #[command(subcommand)]
    pub(super) command: Command,
}

/// What every command takes.
#[derive(Clone, Debug, ClapArgs)]
pub(super) struct Global {
    /// Form of the data on standard output
    #[arg(
        short,
        long,
        value_enum,
        default_value_t,
        global = true,
        help_heading = "Global options"
    )]
    pub(super) output: Output,
    /// Admin API of the running proxy [default: that of ./cutover.toml, else http://127.0.0.1:9900]
    #[arg(long, value_name = "URL", global = true, help_heading = "Global options")]
    pub(super) admin: Option<String>,
    /// File with the bearer token [default: that of ./cutover.toml]
    #[arg(long, value_name = "FILE", global = true, help_heading = "Global options")]
    pub(super) token_file: Option<PathBuf>,
    /// PEM authorities that an https admin API must chain to [default: the system's]
    #[arg(long, value_name = "FILE", global = true, help_heading = "Global options")]
    pub(super) ca: Option<PathBuf>,
    /// How long to wait for an answer, or with --wait for all nodes: 500ms, 10s, 2m
    #[arg(
        long,
        value_name = "TIME",
        value_parser = duration,
        default_value = "10s",
        global = true,
        help_heading = "Global options"
    )]
    pub(super) timeout: Duration,
}

// Variants without doc comments: help stays on one line.
/// Form of the data: for people, the same for wide terminals, one JSON document, one JSON object
/// a line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Output {
    #[default]
    Table,
    Wide,
    Json,
    Jsonl,
}

#[derive(Debug, Subcommand)]
#[command(help_template = TEMPLATE)]
pub(super) enum Command {
    Run(Run),
    Check(Check),
    Explain(Explain),
    Schema(Schema),
    Plan(Plan),
    Apply(Apply),
    Export(Export),
    Status(Status),
    History(History),
    Journey(Journey),
    Gate(Gate),
    Ready(Ready),
    Audit(Audit),
    Diffs(Diffs),
    Tolerate(Tolerate),
    Rejudge(Rejudge),
    Replay(Replay),
    Slo(Slo),
    Alert(Alert),
    Trace(Trace),
    Runbook(Runbook),
    Promote(Promote),
    Rollback(Rollback),
    Hold(Hold),
    Release(Release),
    Rehearse(Rehearse),
    Token(Token),
    Dashboards(Dashboards),
    Doctor(Doctor),
    Completion(Completion),
    Man(Man),
}

/// Parses `500ms`, `10s`, `2m`, `1h`, `30d`; a number alone is seconds.
fn duration(text: &str) -> Result<Duration, String> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().map_err(|_| wrong(text))?;
    let seconds = |factor: u64| number.checked_mul(factor).map(Duration::from_secs);
    let duration = match unit {
        "ms" => Some(Duration::from_millis(number)),
        "s" | "" => seconds(1),
        "m" => seconds(60),
        "h" => seconds(3600),
        "d" => seconds(86_400),
        _ => None,
    };
    duration.filter(|duration| !duration.is_zero()).ok_or_else(|| wrong(text))
}

fn wrong(text: &str) -> String {
    format!("`{text}` is no time: write it like 500ms, 10s, 2m, 1h or 30d")
}

// === impl Output ===

impl Output {
    /// Whether programs read it.
    pub(super) fn is_json(self) -> bool {
        matches!(self, Output::Json | Output::Jsonl)
    }
}
