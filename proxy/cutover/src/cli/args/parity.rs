//! Arguments of commands about how answers differ.

use std::path::PathBuf;

use clap::{ArgGroup, Args as ClapArgs};
use cutover_domain::compare::{Format, Kind, Normal, Pattern, day_start};

use super::TEMPLATE;

/// Show how new's answers differ from legacy's, and what would settle it
#[derive(Debug, ClapArgs)]
#[command(
    help_template = TEMPLATE,
    before_help = "\
Examples:
  cutover diffs device-read
  cutover diffs device-read --path body.name
  cutover diffs device-read --sample 5f3a0c21e97d4b68
                                             one request and its answers, place by place
  cutover diffs device-read --export found/  each sample as a file, with the request to send again
  cutover diffs device-read --exit-code      in CI: 3 if anything differs",
    after_help = "\
Differences that look alike make a cluster: same path, kind and look of the values. Clusters come by
EXCESS: how many pairs more new differed alone than legacy's second answer did; legacy's own noise
is no fault of new. Values are never shown: what is kept of them is type, length and a keyed hash,
unless the route's `shadow.keep` names their path.

STANDING: regression, proven; suspect, too few pairs for a proof; noise, legacy differs from itself
there as well; untestable, so often that nothing can be said without a rule."
)]
pub(in crate::cli) struct Diffs {
    /// The route
    #[arg(value_name = "ROUTE")]
    pub(in crate::cli) route: String,
    /// Only differences at this path
    #[arg(long, value_name = "PATH")]
    pub(in crate::cli) path: Option<String>,
    /// Most clusters, 1 to 200: 20 without this, and all with `--export`
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=200))]
    pub(in crate::cli) limit: Option<u64>,
    /// Show one sample instead: ids stand in the column SAMPLES of `-o wide`
    #[arg(long, value_name = "ID", conflicts_with_all = ["path", "export", "exit_code"])]
    pub(in crate::cli) sample: Option<String>,
    /// Write the samples of all clusters below this directory, a file each
    #[arg(long, value_name = "DIR")]
    pub(in crate::cli) export: Option<PathBuf>,
    /// End with 3 if there are differences, instead of 0
    #[arg(long)]
    pub(in crate::cli) exit_code: bool,
}

/// Judge kept mismatches by the rules of files, before those are in force
#[derive(Debug, ClapArgs)]
#[command(
    help_template = TEMPLATE,
    before_help = "\
Examples:
  cutover rejudge device-read                by the rules of ./cutover.toml and its team files
  cutover rejudge device-read -c deploy/     by those of another directory
  cutover rejudge device-read --exit-code    in CI: 3 unless all are gone",
    after_help = "\
OUTCOME: gone, no sample differs any more; stays, one does at least; undecidable, a rule looks at a
value that is redacted: KEEP is what `shadow.keep` would have to name for later samples to tell.
Nothing is changed: `cutover apply`, or the changed files themselves, put rules in force."
)]
pub(in crate::cli) struct Rejudge {
    /// The route
    #[arg(value_name = "ROUTE")]
    pub(in crate::cli) route: String,
    /// The process file with the rules, or the directory that holds it
    #[arg(short, long, value_name = "FILE", default_value = ".")]
    pub(in crate::cli) config: PathBuf,
    /// End with 3 unless all are gone, instead of 0
    #[arg(long)]
    pub(in crate::cli) exit_code: bool,
}

/// Send kept requests to a service, and judge its answers as a candidate's
#[derive(Debug, ClapArgs)]
#[command(
    help_template = TEMPLATE,
    before_help = "\
Examples:
  cutover replay device-read --against http://127.0.0.1:9101
  cutover replay device-read --against https://staging.example.org -H 'Authorization: Bearer ...'
  cutover replay device-read --against http://127.0.0.1:9101 --path body.name --limit 10",
    after_help = "\
Requests of which enough is kept are sent one after the other, each with `Cutover-Shadow: 1` as copies
have it; the others are counted with what `shadow.keep` would have to name. Answers are judged by the
rules in force and forgotten; parity counts none of them.

Who may: an operator. Exit code 3: an answer differs."
)]
pub(in crate::cli) struct Replay {
    /// The route
    #[arg(value_name = "ROUTE")]
    pub(in crate::cli) route: String,
    /// Where to send them: scheme and host
    #[arg(long, value_name = "URL")]
    pub(in crate::cli) against: String,
    /// A header of every request, in place of what it had
    #[arg(short = 'H', long, value_name = "NAME: VALUE")]
    pub(in crate::cli) header: Vec<String>,
    /// Only requests that differed at this path
    #[arg(long, value_name = "PATH")]
    pub(in crate::cli) path: Option<String>,
    /// Most requests to send, newest first, 1 to 4,000
    #[arg(
        long, value_name = "N", default_value_t = 100,
        value_parser = clap::value_parser!(u64).range(1..=4_000)
    )]
    pub(in crate::cli) limit: u64,
}

/// Add a rule to the route's file: what may differ, where, why and until when
#[derive(Debug, ClapArgs)]
#[command(
    help_template = TEMPLATE,
    group(ArgGroup::new("action").multiple(false)),
    before_help = "\
Examples:
  cutover tolerate device-read body.seen                   the rule that evidence speaks for
  cutover tolerate device-read body.seen --shape rfc3339 --reason \"legacy's clock\"
  cutover tolerate device-read body.total --number 0.01 --reason \"rounds\"
  cutover tolerate device-read 'body.meta.**' --ignore --reason \"debug only\"
  cutover tolerate device-read body.old --ignore missing --reason \"nobody reads it\" --expires 2027-01-31",
    after_help = "\
PATH is `status`, `header.NAME`, `trailer.NAME` or `body.devices[].name`; `.*` is any key, `.**`
everything within.

The whole configuration is checked before anything is written. The running proxy takes a changed file
over by itself; parity then begins anew, as verdicts by other rules cannot be counted together.
`status`, `missing` and `type` break clients: they are ignored at one exact path and for a time only,
30 days unless --expires says otherwise."
)]
pub(in crate::cli) struct Tolerate {
    /// The route
    #[arg(value_name = "ROUTE")]
    pub(in crate::cli) route: String,
    /// Where answers may differ
    #[arg(value_name = "PATH", value_parser = pattern)]
    pub(in crate::cli) path: Pattern,
    #[command(flatten)]
    pub(in crate::cli) action: Action,
    /// Why, for whoever reads it next year. Asked for at a terminal
    #[arg(long, value_name = "TEXT")]
    pub(in crate::cli) reason: Option<String>,
    /// Last day on which the rule holds
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = day)]
    pub(in crate::cli) expires: Option<String>,
    /// Add the suggested rule without asking
    #[arg(short, long)]
    pub(in crate::cli) yes: bool,
    /// Only print the lines; write nothing
    #[arg(long)]
    pub(in crate::cli) print: bool,
    /// Wait until the proxy has the rule in force
    #[arg(long, conflicts_with = "print")]
    pub(in crate::cli) wait: bool,
    /// The process file whose team files are changed, or the directory that holds it
    #[arg(short, long, value_name = "FILE", default_value = ".")]
    pub(in crate::cli) config: PathBuf,
}

/// What may differ; one of these, or none for the suggested one.
#[derive(Debug, ClapArgs)]
pub(in crate::cli) struct Action {
    /// Differences of these kinds; without one, all that break no client: header, extra, value, order,
    /// length, text
    #[arg(
        long, value_name = "KIND", num_args = 0.., value_delimiter = ',', group = "action",
        value_parser = kind, help_heading = "What may differ"
    )]
    pub(in crate::cli) ignore: Option<Vec<Kind>>,
    /// Values of one format: uuid, ulid, rfc3339, date, http-date, integer, number, hex, base64, jwt,
    /// non-empty
    #[arg(
        long, value_name = "FORMAT", group = "action", value_parser = format,
        help_heading = "What may differ"
    )]
    pub(in crate::cli) shape: Option<Format>,
    /// The order of a list whose elements this field tells apart; empty: the whole element
    #[arg(long, value_name = "KEY", group = "action", help_heading = "What may differ")]
    pub(in crate::cli) unordered_by: Option<String>,
    /// Numbers by at most this: 0.01
    #[arg(long, value_name = "X", group = "action", help_heading = "What may differ")]
    pub(in crate::cli) number: Option<String>,
    /// Moments by at most so many milliseconds
    #[arg(long, value_name = "MS", group = "action", help_heading = "What may differ")]
    pub(in crate::cli) time_ms: Option<u64>,
    /// The order of a list
    #[arg(long, group = "action", help_heading = "What may differ")]
    pub(in crate::cli) order: bool,
    /// New may have more than legacy
    #[arg(long, group = "action", help_heading = "What may differ")]
    pub(in crate::cli) extra: bool,
    /// Values that map one-to-one, as ids do; rules of one name share the mapping
    #[arg(long, value_name = "SPACE", group = "action", help_heading = "What may differ")]
    pub(in crate::cli) renamed: Option<String>,
    /// Texts that are equal after these steps: trim, space, lower-case, unquote, sort-list, origin,
    /// trailing-slash
    #[arg(
        long, value_name = "STEP", num_args = 1.., value_delimiter = ',', group = "action",
        value_parser = normal, help_heading = "What may differ"
    )]
    pub(in crate::cli) normalise: Option<Vec<Normal>>,
    /// Nothing, the reverse: compare what is left out by default, as bodies of errors (at `body`)
    #[arg(long, group = "action", help_heading = "What may differ")]
    pub(in crate::cli) compare: bool,
}

fn pattern(text: &str) -> Result<Pattern, String> {
    text.parse().map_err(|error: cutover_domain::compare::BadPattern| error.to_string())
}

fn kind(text: &str) -> Result<Kind, String> {
    text.parse().map_err(|error: cutover_domain::compare::BadKind| error.to_string())
}

fn format(text: &str) -> Result<Format, String> {
    text.parse().map_err(|error: cutover_domain::compare::BadFormat| error.to_string())
}

fn normal(text: &str) -> Result<Normal, String> {
    text.parse().map_err(|error: cutover_domain::compare::BadNormal| error.to_string())
}

fn day(text: &str) -> Result<String, String> {
    match day_start(text) {
        Some(_) => Ok(text.to_owned()),
        None => Err(format!("`{text}` is no day: write it like 2026-12-31")),
    }
}
