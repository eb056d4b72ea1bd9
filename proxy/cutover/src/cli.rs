//! The command line: arguments in, data on standard output, talk on standard error, and an exit
//! code that scripts can rely on.
//!
//! [`run`] is the whole program but for the process itself, so tests call it as a shell would.
//! Commands are of two kinds: those that read the configuration alone, and those that ask the
//! admin API of a running proxy, which is the only way to change anything.

mod admin;
mod args;
mod exit;
mod io;
mod local;
mod output;
mod remote;

use std::ffi::OsString;

use clap::{CommandFactory, FromArgMatches};

use self::args::{Args, Command, SloCommand};
pub use self::{
    exit::{Exit, Failure},
    io::Io,
};

/// Runs one command line, program name included, and gives its exit code.
pub fn run(args: impl IntoIterator<Item = OsString>, io: &mut Io<'_>) -> Exit {
    let args = match parse(args) {
        Ok(args) => args,
        Err(error) => return io.tell_usage(&error),
    };
    match dispatch(&args, io) {
        Ok(exit) => exit,
        Err(failure) => io.tell_failure(&failure, args.global.output),
    }
}

/// The command line as a value; completions and manual pages are made from it.
pub fn command() -> clap::Command {
    Args::command()
}

fn parse(args: impl IntoIterator<Item = OsString>) -> Result<Args, clap::Error> {
    Args::from_arg_matches(&command().try_get_matches_from(args)?)
}

fn dispatch(args: &Args, io: &mut Io<'_>) -> Result<Exit, Failure> {
    let global = &args.global;
    match &args.command {
        Command::Run(run) => local::run::run(run, io),
        Command::Check(check) => local::check::run(check, global, io),
        Command::Explain(explain) => match &explain.code {
            Some(code) => local::explain_code::run(code, io),
            None => local::explain::run(explain, global, io),
        },
        Command::Schema(schema) => local::schema::run(schema, io),
        Command::Completion(completion) => local::completion::run(completion, io),
        Command::Man(man) => local::man::run(man, io),
        Command::Dashboards(dashboards) => local::dashboards::run(dashboards, global, io),
        Command::Doctor(doctor) => local::doctor::run(doctor, global, io),
        Command::Plan(plan) => remote::gitops::plan(plan, global, io),
        Command::Apply(apply) => remote::gitops::apply(apply, global, io),
        Command::Export(export) => remote::gitops::export(export, global, io),
        Command::Status(status) => remote::status::run(status, global, io),
        Command::History(history) => remote::history::run(history, global, io),
        Command::Gate(gate) => remote::gate::run(gate, global, io),
        Command::Ready(ready) => remote::ready::run(ready, global, io),
        Command::Audit(audit) => remote::audit::run(audit, global, io),
        Command::Alert(alert) => remote::alert::run(&alert.command, global, io),
        Command::Trace(trace) => remote::trace::run(&trace.command, global, io),
        Command::Journey(journey) => remote::journey::run(&journey.command, global, io),
        Command::Diffs(diffs) => remote::diffs::run(diffs, global, io),
        Command::Tolerate(tolerate) => remote::tolerate::run(tolerate, global, io),
        Command::Rejudge(rejudge) => remote::rejudge::run(rejudge, global, io),
        Command::Replay(replay) => remote::replay::run(replay, global, io),
        Command::Slo(slo) => match &slo.command {
            SloCommand::Status(status) => remote::slo_status::run(status, global, io),
            SloCommand::Import(import) => local::slo::import::run(import, global, io),
            SloCommand::Rules(rules) => local::slo::rules::run(rules, io),
        },
        Command::Runbook(runbook) => local::runbook::run(runbook, global, io),
        Command::Promote(promote) => remote::moves::promote(promote, global, io),
        Command::Rollback(rollback) => remote::moves::rollback(rollback, global, io),
        Command::Hold(hold) => remote::moves::hold(hold, global, io),
        Command::Release(release) => remote::moves::release(release, global, io),
        Command::Rehearse(rehearse) => remote::rehearse::run(rehearse, global, io),
        Command::Token(token) => match &token.command {
            Some(command) => remote::token::run(command, global, io),
            None => local::token::run(token, io),
        },
    }
}

#[cfg(test)]
mod tests;
