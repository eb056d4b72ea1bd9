//! Arguments of commands that ask the admin API.

use std::path::PathBuf;

use clap::{Args as ClapArgs, ValueEnum};

use super::TEMPLATE;

/// Show what a directory of configuration would change, and what stands in the way
#[derive(Debug, ClapArgs)]
#[command(
    help_template = TEMPLATE,
    before_help = "\
Examples:
  cutover plan deploy/                       exit code 3: there are changes
  cutover plan deploy/ -o json"
)]
pub(in crate::cli) struct Plan {
    /// The process file, or the directory that holds it
    #[arg(value_name = "DIR")]
    pub(in crate::cli) path: PathBuf,
}

/// Put a directory of configuration in force
#[derive(Debug, ClapArgs)]
#[command(
    help_template = TEMPLATE,
    before_help = "\
Examples:
  cutover plan deploy/ -o json               gives the revision to expect
  cutover apply deploy/ --expect 17 --reason \"release 2026-11\" --wait",
    after_help = "\
Who may: a migrator. All of it or nothing is put in force, and the files on the proxy's disk are
replaced by these."
)]
pub(in crate::cli) struct Apply {
    /// The process file, or the directory that holds it
    #[arg(value_name = "DIR")]
    pub(in crate::cli) path: PathBuf,
    /// Apply only if the store is still at this revision, which `cutover plan` gives: if anything
    /// was moved or applied since, nothing is changed
    #[arg(long, value_name = "REV")]
    pub(in crate::cli) expect: u64,
    #[command(flatten)]
    pub(in crate::cli) why: Why,
}

/// Write the configuration in force back as files
#[derive(Debug, ClapArgs)]
#[command(
    help_template = TEMPLATE,
    before_help = "\
Examples:
  cutover export                             to standard output, file by file
  cutover export --dir deploy/               files with every phase as it is now"
)]
pub(in crate::cli) struct Export {
    /// Write the files below this directory instead of to standard output
    #[arg(long, value_name = "DIR")]
    pub(in crate::cli) dir: Option<PathBuf>,
}

/// Show where routes stand
#[derive(Debug, ClapArgs)]
#[command(
    help_template = TEMPLATE,
    before_help = "\
Examples:
  cutover status
  cutover status device-read -o json
  cutover status --watch",
    after_help = "\
Columns: SPLIT is new's share. RPS is requests a second over the last 10 s. SUCCESS and P95 are
legacy / new. PARITY is how many of new's answers are as legacy's at least, as sure as 95 %. A dash
means there is nothing to tell yet. With ROUTE: what parity still needs, and what stands in the way."
)]
pub(in crate::cli) struct Status {
    /// Only this route
    #[arg(value_name = "ROUTE")]
    pub(in crate::cli) route: Option<String>,
    /// Redraw every second until interrupted
    #[arg(short, long)]
    pub(in crate::cli) watch: bool,
}

/// Show what changed, when, by whom and why
#[derive(Debug, ClapArgs)]
#[command(
    help_template = TEMPLATE,
    before_help = "\
Examples:
  cutover history
  cutover history device-read --limit 5"
)]
pub(in crate::cli) struct History {
    /// Only this route
    #[arg(value_name = "ROUTE")]
    pub(in crate::cli) route: Option<String>,
    /// Most entries, newest first
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub(in crate::cli) limit: u32,
}

/// Move a route forward: to the next step, or as told
#[derive(Debug, ClapArgs)]
#[command(
    help_template = TEMPLATE,
    before_help = "\
Examples:
  cutover promote device-read --reason \"parity 99.99 % for a week\"      the next step
  cutover promote device-read --percent 25 --reason \"looks good\" --wait
  cutover promote --group devices --to live --reason \"all green\"",
    after_help = "\
The next step is shadow, canary 1, 5, 25, 50, 100 % (or the steps of the route's own gates), live,
retired. A larger step within canary, such as from 5 to 50 %, needs nothing more.

Who may: a migrator. An approver's token is needed
  to enter `retired`: legacy is given up, there is no way back
  to skip a phase, as from shadow to live: together with --force"
)]
pub(in crate::cli) struct Promote {
    #[command(flatten)]
    pub(in crate::cli) scope: Scope,
    /// Phase to move to
    #[arg(long, value_enum, value_name = "PHASE")]
    pub(in crate::cli) to: Option<Phase>,
    /// Share of subjects that new serves, 0.01 to 100: means canary
    #[arg(long, value_name = "N")]
    pub(in crate::cli) percent: Option<String>,
    /// Allow to skip a phase; without it that is refused. Needs an approver's token, and the history
    /// shows it
    #[arg(long)]
    pub(in crate::cli) force: bool,
    #[command(flatten)]
    pub(in crate::cli) change: Change,
}

/// Move a route back: to its safe phase, or as told
#[derive(Debug, ClapArgs)]
#[command(
    help_template = TEMPLATE,
    before_help = "\
Examples:
  cutover rollback device-read --reason \"p95 doubled\" --wait
  cutover rollback --all --reason \"incident 42\"                         the off switch",
    after_help = "\
Who may: an operator. A rollback needs no approver and goes past a latch; it puts none on, which
`cutover hold` does. A retired route cannot go back.
With --all, --expect is the newest REV of `cutover history`."
)]
pub(in crate::cli) struct Rollback {
    #[command(flatten)]
    pub(in crate::cli) scope: ScopeOrAll,
    /// Phase to move back to [default: the safe phase, in which legacy serves everyone]
    #[arg(long, value_enum, value_name = "PHASE")]
    pub(in crate::cli) to: Option<Phase>,
    /// Share of subjects that new keeps: means canary
    #[arg(long, value_name = "N")]
    pub(in crate::cli) percent: Option<String>,
    #[command(flatten)]
    pub(in crate::cli) change: Change,
}

/// Put a latch on a route: nothing moves it forward until it is released
#[derive(Debug, ClapArgs)]
#[command(
    help_template = TEMPLATE,
    before_help = "\
Examples:
  cutover hold device-read --reason \"change freeze\"
  cutover hold --group devices --reason \"change freeze\"",
    after_help = "\
Who may: an operator. The route keeps its phase, and can still be rolled back."
)]
pub(in crate::cli) struct Hold {
    #[command(flatten)]
    pub(in crate::cli) scope: Scope,
    #[command(flatten)]
    pub(in crate::cli) change: Change,
}

/// Take the latch off a route
#[derive(Debug, ClapArgs)]
#[command(
    help_template = TEMPLATE,
    before_help = "\
Examples:
  cutover release device-read --reason \"freeze is over\"
  cutover release --group devices --reason \"freeze is over\"",
    after_help = "\
Who may: a migrator. The route stays where it is; `cutover promote` moves it on."
)]
pub(in crate::cli) struct Release {
    #[command(flatten)]
    pub(in crate::cli) scope: Scope,
    #[command(flatten)]
    pub(in crate::cli) change: Change,
}

/// One route or one group.
#[derive(Debug, ClapArgs)]
#[group(required = true, multiple = false, id = "scope")]
pub(in crate::cli) struct Scope {
    /// The route
    #[arg(value_name = "ROUTE")]
    pub(in crate::cli) route: Option<String>,
    /// Every route of a group
    #[arg(long, value_name = "GROUP")]
    pub(in crate::cli) group: Option<String>,
}

/// One route, one group, or everything.
#[derive(Debug, ClapArgs)]
#[group(required = true, multiple = false, id = "scope-or-all")]
pub(in crate::cli) struct ScopeOrAll {
    /// The route
    #[arg(value_name = "ROUTE")]
    pub(in crate::cli) route: Option<String>,
    /// Every route of a group
    #[arg(long, value_name = "GROUP")]
    pub(in crate::cli) group: Option<String>,
    /// Every route
    #[arg(long)]
    pub(in crate::cli) all: bool,
}

/// What every move takes.
#[derive(Debug, ClapArgs)]
pub(in crate::cli) struct Change {
    /// Move only if nobody has moved the route since this revision (REV of `cutover status -o wide`,
    /// a group's highest), else change nothing [default: whatever it is]
    #[arg(long, value_name = "REV")]
    pub(in crate::cli) expect: Option<u64>,
    #[command(flatten)]
    pub(in crate::cli) why: Why,
}

/// Why, and whether to wait.
#[derive(Debug, ClapArgs)]
pub(in crate::cli) struct Why {
    /// Why: recorded and shown in the history. Asked for at a terminal, else required
    #[arg(long, value_name = "TEXT")]
    pub(in crate::cli) reason: Option<String>,
    /// Wait until all nodes obey, and say how long that took
    #[arg(long)]
    pub(in crate::cli) wait: bool,
}

/// A phase, as typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum Phase {
    Legacy,
    Shadow,
    Canary,
    Live,
    Retired,
}
