//! What can be typed.

use std::{path::PathBuf, time::Duration};

use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

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
  0 done   1 failed or blocked   2 usage   3 changes pending (plan)   4 not allowed
  8 still in progress   78 invalid configuration

Environment:
  CUTOVER_ADMIN, CUTOVER_TOKEN_FILE, CUTOVER_TOKEN   as --admin, --token-file, and the token itself
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
    Promote(Promote),
    Rollback(Rollback),
    Hold(Hold),
    Release(Release),
    Token(Token),
    Doctor(Doctor),
    Completion(Completion),
    Man(Man),
}

/// Run the proxy
#[derive(Debug, ClapArgs)]
#[command(
    help_template = TEMPLATE,
    before_help = "\
Examples:
  cutover run -c /etc/cutover/cutover.toml
  cutover run -c cutover.toml --upgrade      take over from the process that runs now:
  kill -QUIT OLD_PID                         it hands its sockets over and drains",
    after_help = "\
Signals:
  SIGHUP   read the configuration again; an invalid one changes nothing
  SIGTERM  stop accepting, finish what is in flight, end
  SIGQUIT  hand the sockets to a process started with --upgrade, then drain
  SIGINT   as SIGTERM; a second one ends at once"
)]
pub(super) struct Run {
    /// The process file
    #[arg(short, long, value_name = "FILE", default_value = "cutover.toml")]
    pub(super) config: PathBuf,
    /// Take the listening sockets over from the process that runs now
    #[arg(long)]
    pub(super) upgrade: bool,
}

/// Check the configuration: every mistake, with file, line, column and remedy
#[derive(Debug, ClapArgs)]
#[command(
    help_template = TEMPLATE,
    before_help = "\
Examples:
  cutover check                              ./cutover.toml and what it includes
  cutover check /etc/cutover                 a directory
  cutover check --no-files                   in CI, without certificates and secrets
  cutover check --online                     and are the upstreams there?
  cutover check --explain                    what is in force, defaults filled in"
)]
pub(super) struct Check {
    /// The process file, or the directory that holds `cutover.toml`
    #[arg(value_name = "DIR", default_value = ".")]
    pub(super) path: PathBuf,
    /// Do not read the certificates and secrets that the configuration names
    #[arg(long)]
    pub(super) no_files: bool,
    /// Also see whether upstreams and the OTLP receiver can be reached
    #[arg(long)]
    pub(super) online: bool,
    /// Treat warnings as errors
    #[arg(long)]
    pub(super) deny_warnings: bool,
    /// Print the whole configuration in force, defaults filled in, secrets as references
    #[arg(long)]
    pub(super) explain: bool,
}

/// Say which route a request meets, which side serves it, and why
#[derive(Debug, ClapArgs)]
#[command(
    help_template = TEMPLATE,
    before_help = "\
Examples:
  cutover explain GET /api/v1/devices/7
  cutover explain GET /api/v1/devices/7 --subject dev-7 -H 'X-Region: eu'
  cutover explain GET /api/v1/devices/7 --admin http://127.0.0.1:9900     as it runs now
  cutover explain --code group_split                                      what a code means"
)]
pub(super) struct Explain {
    /// Method of the request
    #[arg(required_unless_present = "code", value_name = "METHOD")]
    pub(super) method: Option<String>,
    /// Path of the request, or a URL with host
    #[arg(required_unless_present = "code", value_name = "PATH")]
    pub(super) path: Option<String>,
    /// Whom the decision sticks to, instead of reading it from the request
    #[arg(long, value_name = "S")]
    pub(super) subject: Option<String>,
    /// A header of the request
    #[arg(short = 'H', long, value_name = "NAME: VALUE")]
    pub(super) header: Vec<String>,
    /// The process file, or the directory that holds it
    #[arg(short, long, value_name = "FILE", default_value = ".")]
    pub(super) config: PathBuf,
    /// Explain a code instead
    #[arg(long, value_name = "CODE", conflicts_with_all = ["method", "path", "subject", "header"])]
    pub(super) code: Option<String>,
}

/// Print the JSON Schema of the configuration, for editors and linters
#[derive(Debug, ClapArgs)]
#[command(
    help_template = TEMPLATE,
    before_help = "\
Examples:
  cutover schema > cutover.schema.json
  cutover schema --team > team.schema.json
  taplo lint --schema file://$PWD/team.schema.json routes/*.toml"
)]
pub(super) struct Schema {
    /// That of a team's file instead of the process file's
    #[arg(long)]
    pub(super) team: bool,
}

/// Show what a directory of configuration would change, and what stands in the way
#[derive(Debug, ClapArgs)]
#[command(
    help_template = TEMPLATE,
    before_help = "\
Examples:
  cutover plan deploy/                       exit code 3: there are changes
  cutover plan deploy/ -o json"
)]
pub(super) struct Plan {
    /// The process file, or the directory that holds it
    #[arg(value_name = "DIR")]
    pub(super) path: PathBuf,
}

/// Put a directory of configuration in force
#[derive(Debug, ClapArgs)]
#[command(
    help_template = TEMPLATE,
    before_help = "\
Examples:
  cutover plan deploy/ -o json               gives the revision to expect
  cutover apply deploy/ --expect 17 --reason \"release 2026-11\" --wait"
)]
pub(super) struct Apply {
    /// The process file, or the directory that holds it
    #[arg(value_name = "DIR")]
    pub(super) path: PathBuf,
    /// Store-wide revision that the plan was made on; another one is refused
    #[arg(long, value_name = "REV")]
    pub(super) expect: u64,
    #[command(flatten)]
    pub(super) why: Why,
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
pub(super) struct Export {
    /// Write the files below this directory instead of to standard output
    #[arg(long, value_name = "DIR")]
    pub(super) dir: Option<PathBuf>,
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
legacy / new. A dash means there is nothing to tell yet."
)]
pub(super) struct Status {
    /// Only this route
    #[arg(value_name = "ROUTE")]
    pub(super) route: Option<String>,
    /// Redraw every second until interrupted
    #[arg(short, long)]
    pub(super) watch: bool,
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
pub(super) struct History {
    /// Only this route
    #[arg(value_name = "ROUTE")]
    pub(super) route: Option<String>,
    /// Most entries, newest first
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub(super) limit: u32,
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
The next step is shadow, canary 1, 5, 25, 50, 100 %, live. Retiring legacy and skipping a phase
(--force) need an approver."
)]
pub(super) struct Promote {
    #[command(flatten)]
    pub(super) scope: Scope,
    /// Phase to move to
    #[arg(long, value_enum, value_name = "PHASE")]
    pub(super) to: Option<Phase>,
    /// Share of subjects that new serves, 0.01 to 100: means canary
    #[arg(long, value_name = "N")]
    pub(super) percent: Option<String>,
    /// Skip phases: needs an approver and is recorded
    #[arg(long)]
    pub(super) force: bool,
    #[command(flatten)]
    pub(super) change: Change,
}

/// Move a route back: to its safe phase, or as told
#[derive(Debug, ClapArgs)]
#[command(
    help_template = TEMPLATE,
    before_help = "\
Examples:
  cutover rollback device-read --reason \"p95 doubled\" --wait
  cutover rollback --all --reason \"incident 42\"                         the off switch"
)]
pub(super) struct Rollback {
    #[command(flatten)]
    pub(super) scope: ScopeOrAll,
    /// Phase to move back to [default: the safe phase, in which legacy serves everyone]
    #[arg(long, value_enum, value_name = "PHASE")]
    pub(super) to: Option<Phase>,
    /// Share of subjects that new keeps: means canary
    #[arg(long, value_name = "N")]
    pub(super) percent: Option<String>,
    #[command(flatten)]
    pub(super) change: Change,
}

/// Put a latch on a route: nothing moves it forward until it is released
#[derive(Debug, ClapArgs)]
#[command(
    help_template = TEMPLATE,
    before_help = "\
Examples:
  cutover hold device-read --reason \"change freeze\""
)]
pub(super) struct Hold {
    #[command(flatten)]
    pub(super) scope: Scope,
    #[command(flatten)]
    pub(super) change: Change,
}

/// Take the latch off a route
#[derive(Debug, ClapArgs)]
#[command(
    help_template = TEMPLATE,
    before_help = "\
Examples:
  cutover release device-read --reason \"freeze is over\""
)]
pub(super) struct Release {
    #[command(flatten)]
    pub(super) scope: Scope,
    #[command(flatten)]
    pub(super) change: Change,
}

/// Sign a tester's override, or manage tokens of the admin API
#[derive(Debug, ClapArgs)]
#[command(
    help_template = TEMPLATE,
    before_help = "\
Examples:
  cutover token --side new --ttl 1h          an override, for the header Cutover-Override
  curl -H \"Cutover-Override: $(cutover token --side new)\" http://127.0.0.1:8080/...
  cutover token create --role operator --name pager --ttl 30d
  cutover token list",
    args_conflicts_with_subcommands = true
)]
pub(super) struct Token {
    #[command(subcommand)]
    pub(super) command: Option<TokenCommand>,
    /// Side that serves the bearer of the override
    #[arg(long, value_enum, value_name = "SIDE")]
    pub(super) side: Option<Side>,
    /// How long the override is valid, at most 8h: 30m, 1h
    #[arg(long, value_name = "TIME", value_parser = duration, default_value = "1h")]
    pub(super) ttl: Duration,
    /// The process file, or the directory that holds it: its `[admin] override_key` signs
    #[arg(short, long, value_name = "FILE", default_value = ".")]
    pub(super) config: PathBuf,
}

#[derive(Debug, Subcommand)]
pub(super) enum TokenCommand {
    /// Make a token of the admin API; it is shown once
    Create {
        /// What it may do
        #[arg(long, value_enum, value_name = "ROLE")]
        role: Role,
        /// What it is called in the history: a-z, 0-9, `-`, `_`, `.`
        #[arg(long, value_name = "NAME")]
        name: String,
        /// How long it is valid: 12h, 30d [default: 90d]
        #[arg(long, value_name = "TIME", value_parser = duration, default_value = "90d")]
        ttl: Duration,
    },
    /// List tokens; their texts are not kept
    List,
    /// Remove a token; it stops working at once
    Remove {
        /// Which
        #[arg(value_name = "NAME")]
        name: String,
    },
}

/// See whether this machine is ready to run, and what to do where it is not
#[derive(Debug, ClapArgs)]
#[command(
    help_template = TEMPLATE,
    before_help = "\
Examples:
  cutover doctor
  cutover doctor -c /etc/cutover/cutover.toml -o json"
)]
pub(super) struct Doctor {
    /// The process file, or the directory that holds it
    #[arg(short, long, value_name = "FILE", default_value = ".")]
    pub(super) config: PathBuf,
}

/// Print a completion script for a shell
#[derive(Debug, ClapArgs)]
#[command(
    help_template = TEMPLATE,
    before_help = "\
Examples:
  cutover completion bash > /etc/bash_completion.d/cutover
  cutover completion fish > ~/.config/fish/completions/cutover.fish"
)]
pub(super) struct Completion {
    /// Which shell
    #[arg(value_enum, value_name = "SHELL")]
    pub(super) shell: Shell,
}

/// Print the manual page, or write one for every command
#[derive(Debug, ClapArgs)]
#[command(
    help_template = TEMPLATE,
    before_help = "\
Examples:
  cutover man | man -l -
  cutover man --dir /usr/local/share/man/man1"
)]
pub(super) struct Man {
    /// Write a page for every command into this directory
    #[arg(long, value_name = "DIR")]
    pub(super) dir: Option<PathBuf>,
}

/// One route or one group.
#[derive(Debug, ClapArgs)]
#[group(required = true, multiple = false, id = "scope")]
pub(super) struct Scope {
    /// The route
    #[arg(value_name = "ROUTE")]
    pub(super) route: Option<String>,
    /// Every route of a group
    #[arg(long, value_name = "GROUP")]
    pub(super) group: Option<String>,
}

/// One route, one group, or everything.
#[derive(Debug, ClapArgs)]
#[group(required = true, multiple = false, id = "scope-or-all")]
pub(super) struct ScopeOrAll {
    /// The route
    #[arg(value_name = "ROUTE")]
    pub(super) route: Option<String>,
    /// Every route of a group
    #[arg(long, value_name = "GROUP")]
    pub(super) group: Option<String>,
    /// Every route
    #[arg(long)]
    pub(super) all: bool,
}

/// What every move takes.
#[derive(Debug, ClapArgs)]
pub(super) struct Change {
    /// Revision that the decision is based on; another one is refused [default: whatever it is]
    #[arg(long, value_name = "REV")]
    pub(super) expect: Option<u64>,
    #[command(flatten)]
    pub(super) why: Why,
}

/// Why, and whether to wait.
#[derive(Debug, ClapArgs)]
pub(super) struct Why {
    /// Why: recorded and shown in the history. Asked for at a terminal, else required
    #[arg(long, value_name = "TEXT")]
    pub(super) reason: Option<String>,
    /// Wait until all nodes obey, and say how long that took
    #[arg(long)]
    pub(super) wait: bool,
}

/// A phase, as typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Phase {
    Legacy,
    Shadow,
    Canary,
    Live,
    Retired,
}

/// A side, as typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Side {
    Legacy,
    New,
}

/// A role, as typed: each may do all that the ones before it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Role {
    /// Look
    Viewer,
    /// Hold, step back, roll back
    Operator,
    /// Move forward, apply files, release
    Migrator,
    /// Skip a phase, retire legacy
    Approver,
    /// Make and remove tokens
    Admin,
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

// === impl Role ===

impl Role {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Role::Viewer => "viewer",
            Role::Operator => "operator",
            Role::Migrator => "migrator",
            Role::Approver => "approver",
            Role::Admin => "admin",
        }
    }
}
