//! Arguments of `runbook`.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Subcommand};

use super::TEMPLATE;

/// Show what to do about an alert, and do it
#[derive(Debug, ClapArgs)]
#[command(
    help_template = TEMPLATE,
    subcommand_required = true,
    arg_required_else_help = true,
    before_help = "\
Examples:
  cutover runbook list
  cutover runbook show CutoverSLOErrorBudgetBurn
  cutover runbook run CutoverSLOErrorBudgetBurn --var ROUTE=device-read                 looks only
  cutover runbook run CutoverSLOErrorBudgetBurn --var ROUTE=device-read --block mitigate --yes"
)]
pub(in crate::cli) struct Runbook {
    #[command(subcommand)]
    pub(in crate::cli) command: RunbookCommand,
    /// Read runbooks from this directory instead of those of this version
    #[arg(long, value_name = "DIR", global = true)]
    pub(in crate::cli) dir: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum RunbookCommand {
    /// List them
    List,
    /// Print one
    Show {
        /// Which
        #[arg(value_name = "NAME")]
        name: String,
    },
    Run(RunbookRun),
}

/// Run the blocks of one, in order, until one does not end well
#[derive(Debug, ClapArgs)]
#[command(
    help_template = TEMPLATE,
    before_help = "\
Examples:
  cutover runbook run CutoverFallbackActive --var ROUTE=device-read --dry-run
  cutover runbook run rollback-all --block mitigate --yes",
    after_help = "\
Without --yes nothing is changed: blocks that would are left out, and refused where named by --block.
Blocks are run by sh, with this cutover first on their path."
)]
pub(in crate::cli) struct RunbookRun {
    /// Which
    #[arg(value_name = "NAME")]
    pub(in crate::cli) name: String,
    /// Only this block; may be given several times
    #[arg(long, value_name = "BLOCK")]
    pub(in crate::cli) block: Vec<String>,
    /// Print what would be run
    #[arg(long)]
    pub(in crate::cli) dry_run: bool,
    /// A variable that its blocks need
    #[arg(long, value_name = "NAME=VALUE", value_parser = var)]
    pub(in crate::cli) var: Vec<(String, String)>,
    /// Also run what changes something
    #[arg(long)]
    pub(in crate::cli) yes: bool,
}

/// Values that mean nothing to a shell, whatever a block forgets to quote.
fn var(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or(format!("`{text}` is no NAME=VALUE"))?;
    let is_name = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_';
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || b"-_.:/%".contains(&b);
    if name.is_empty()
        || !name.bytes().all(is_name)
        || name.starts_with(|c: char| c.is_ascii_digit())
    {
        return Err(format!("`{name}` is no name of a variable: use A-Z, 0-9 and _"));
    }
    if value.is_empty()
        || value.len() > 256
        || value.starts_with('-')
        || !value.bytes().all(is_plain)
    {
        return Err(format!(
            "the value of `{name}` may hold 1 to 256 of a-z, A-Z, 0-9 and -_.:/% and does not begin with -"
        ));
    }
    Ok((name.to_owned(), value.to_owned()))
}
