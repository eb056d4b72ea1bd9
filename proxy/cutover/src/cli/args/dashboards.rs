//! Arguments of `dashboards`.

use std::{path::PathBuf, time::Duration};

use clap::{Args as ClapArgs, Subcommand};

use super::{TEMPLATE, duration};
use crate::dashboards::HERE;

/// Write Grafana's dashboards, or see whether a Prometheus can fill them
#[derive(Debug, ClapArgs)]
#[command(
    help_template = TEMPLATE,
    before_help = "\
Examples:
  cutover dashboards generate --out /etc/grafana/dashboards
  cutover dashboards verify --prometheus http://127.0.0.1:9090",
    subcommand_required = true,
    arg_required_else_help = true
)]
pub(in crate::cli) struct Dashboards {
    #[command(subcommand)]
    pub(in crate::cli) command: DashboardsCommand,
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum DashboardsCommand {
    /// Write every dashboard as a file that Grafana reads
    Generate {
        /// Where to
        #[arg(long, value_name = "DIR", default_value = "dashboards")]
        out: PathBuf,
        /// Runbooks lie below it, by the alert's name
        #[arg(long, value_name = "URL", default_value = HERE.runbooks)]
        runbooks: String,
        /// The console is there
        #[arg(long, value_name = "URL", default_value = HERE.console)]
        console: String,
    },
    /// Ask a Prometheus every query of every dashboard: each must have an answer
    Verify {
        /// The Prometheus that scrapes Cutover
        #[arg(long, value_name = "URL")]
        prometheus: String,
        /// Look at so much time before now: 5m, 1h
        #[arg(long, value_name = "TIME", value_parser = duration, default_value = "1h")]
        range: Duration,
        /// How often it scrapes
        #[arg(long, value_name = "TIME", value_parser = duration, default_value = "15s")]
        scrape: Duration,
    },
}
