//! Arguments of commands that need no running proxy, and of `token`.

use std::{path::PathBuf, time::Duration};

use clap::{Args as ClapArgs, Subcommand, ValueEnum};
use clap_complete::Shell;

use super::{TEMPLATE, duration};

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
pub(in crate::cli) struct Run {
    /// The process file
    #[arg(short, long, value_name = "FILE", default_value = "cutover.toml")]
    pub(in crate::cli) config: PathBuf,
    /// Take the listening sockets over from the process that runs now
    #[arg(long)]
    pub(in crate::cli) upgrade: bool,
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
pub(in crate::cli) struct Check {
    /// The process file, or the directory that holds `cutover.toml`
    #[arg(value_name = "DIR", default_value = ".")]
    pub(in crate::cli) path: PathBuf,
    /// Do not read the certificates and secrets that the configuration names
    #[arg(long)]
    pub(in crate::cli) no_files: bool,
    /// Also see whether upstreams and the OTLP receiver can be reached
    #[arg(long)]
    pub(in crate::cli) online: bool,
    /// Treat warnings as errors
    #[arg(long)]
    pub(in crate::cli) deny_warnings: bool,
    /// Print the whole configuration in force, defaults filled in, secrets as references, and the
    /// header fields that are not compared
    #[arg(long)]
    pub(in crate::cli) explain: bool,
}

/// Say which route a request meets, which side serves it, and why
#[derive(Debug, ClapArgs)]
#[command(
    help_template = TEMPLATE,
    before_help = "\
Examples:
  cutover explain GET /api/v1/devices/7                    as it runs now
  cutover explain GET /api/v1/devices/7 --subject dev-7 -H 'X-Region: eu'
  cutover explain GET /api/v1/devices/7 --files            as ./cutover.toml asks
  cutover explain --code group_split                       what a code means",
    after_help = "\
The proxy that runs is asked; where none answers, the files are. The answer names its source."
)]
pub(in crate::cli) struct Explain {
    /// Method of the request
    #[arg(required_unless_present = "code", value_name = "METHOD")]
    pub(in crate::cli) method: Option<String>,
    /// Path of the request, or a URL with host
    #[arg(required_unless_present = "code", value_name = "PATH")]
    pub(in crate::cli) path: Option<String>,
    /// Whom the decision sticks to, instead of reading it from the request
    #[arg(long, value_name = "S")]
    pub(in crate::cli) subject: Option<String>,
    /// A header of the request
    #[arg(short = 'H', long, value_name = "NAME: VALUE")]
    pub(in crate::cli) header: Vec<String>,
    /// Ask the files, not the proxy: every route is where its file wants it
    #[arg(long)]
    pub(in crate::cli) files: bool,
    /// Ask the files of this process file, or of the directory that holds it
    #[arg(short, long, value_name = "FILE")]
    pub(in crate::cli) config: Option<PathBuf>,
    /// Explain a code instead
    #[arg(
        long,
        value_name = "CODE",
        conflicts_with_all = ["method", "path", "subject", "header", "files", "config"]
    )]
    pub(in crate::cli) code: Option<String>,
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
pub(in crate::cli) struct Schema {
    /// That of a team's file instead of the process file's
    #[arg(long)]
    pub(in crate::cli) team: bool,
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
pub(in crate::cli) struct Token {
    #[command(subcommand)]
    pub(in crate::cli) command: Option<TokenCommand>,
    /// Side that serves the bearer of the override
    #[arg(long, value_enum, value_name = "SIDE")]
    pub(in crate::cli) side: Option<Side>,
    /// How long the override is valid, at most 8h: 30m, 1h
    #[arg(long, value_name = "TIME", value_parser = override_life, default_value = "1h")]
    pub(in crate::cli) ttl: Duration,
    /// The process file, or the directory that holds it: its `[admin] override_key` signs
    #[arg(short, long, value_name = "FILE", default_value = ".")]
    pub(in crate::cli) config: PathBuf,
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum TokenCommand {
    /// Make a token of the admin API; it is shown once
    Create {
        /// What it may do
        #[arg(long, value_enum, value_name = "ROLE")]
        role: Role,
        /// What it is called in the history: a-z, 0-9, `-`, `_`, `.`
        #[arg(long, value_name = "NAME")]
        name: String,
        /// How long it is valid, 1m to 366d: 12h, 30d
        #[arg(long, value_name = "TIME", value_parser = token_life, default_value = "90d")]
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
pub(in crate::cli) struct Doctor {
    /// The process file, or the directory that holds it
    #[arg(short, long, value_name = "FILE", default_value = ".")]
    pub(in crate::cli) config: PathBuf,
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
pub(in crate::cli) struct Completion {
    /// Which shell
    #[arg(value_enum, value_name = "SHELL")]
    pub(in crate::cli) shell: Shell,
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
pub(in crate::cli) struct Man {
    /// Write a page for every command into this directory
    #[arg(long, value_name = "DIR")]
    pub(in crate::cli) dir: Option<PathBuf>,
}

/// A side, as typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum Side {
    Legacy,
    New,
}

/// A role, as typed: each may do all that the ones before it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum Role {
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

/// A time from one second to that of the gateway's longest override.
fn override_life(text: &str) -> Result<Duration, String> {
    let within = Duration::from_secs(1)..=Duration::from_secs(8 * 3600);
    let life = duration(text)?;
    within.contains(&life).then_some(life).ok_or("an override is valid for 1s to 8h".to_owned())
}

/// A time that the admin API takes.
fn token_life(text: &str) -> Result<Duration, String> {
    let within = Duration::from_secs(60)..=Duration::from_secs(366 * 86_400);
    let life = duration(text)?;
    within.contains(&life).then_some(life).ok_or("a token is valid for 1m to 366d".to_owned())
}

// === impl Role ===

impl Role {
    pub(in crate::cli) fn as_str(self) -> &'static str {
        match self {
            Role::Viewer => "viewer",
            Role::Operator => "operator",
            Role::Migrator => "migrator",
            Role::Approver => "approver",
            Role::Admin => "admin",
        }
    }
}
