//! `cutover completion`

use crate::cli::{
    args::Completion,
    command,
    exit::{Exit, Failure},
    io::Io,
};

pub(in crate::cli) fn run(args: &Completion, io: &mut Io<'_>) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command(), "cutover", &mut script);
    io.out.write_all(&script)?;
    Ok(Exit::Done)
}
