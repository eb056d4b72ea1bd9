//! `cutover schema`

use crate::{
    cli::{
        args::Schema,
        exit::{Exit, Failure},
        io::Io,
    },
    config::{process_schema, team_schema},
};

pub(in crate::cli) fn run(args: &Schema, io: &mut Io<'_>) -> Result<Exit, Failure> {
    let schema = if args.team { team_schema() } else { process_schema() };
    write!(io.out, "{schema}")?;
    Ok(Exit::Done)
}
