//! Arguments of commands about alerts.

use clap::{Args as ClapArgs, Subcommand};

use super::TEMPLATE;

/// Show alerts that were delivered, and what was done about them
#[derive(Debug, ClapArgs)]
#[command(
    help_template = TEMPLATE,
    before_help = "\
Examples:
  cutover alert list                         the newest alerts, and what was done
  cutover alert list -o wide                 what they say, too",
    after_help = "\
Alertmanager delivers them to POST /api/v1/alerts (role operator). The process remembers the newest
200; rollbacks are in `cutover history` for good. `cutover runbook show NAME` says what to do."
)]
pub(in crate::cli) struct Alert {
    #[command(subcommand)]
    pub(in crate::cli) command: AlertCommand,
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum AlertCommand {
    /// List alerts, those last heard of first
    List,
}
