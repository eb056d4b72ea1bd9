//! `cutover run`

use crate::{
    cli::{
        args::Run,
        exit::{Exit, Failure},
        io::Io,
    },
    config::{Depth, process_file},
    wiring,
};

pub(in crate::cli) fn run(args: &Run, io: &mut Io<'_>) -> Result<Exit, Failure> {
    let path = process_file(&args.config);
    let config = super::load(&path, Depth::Whole, io)?;
    let environment = io.environment.clone();
    wiring::run(config, environment, args.upgrade).map_err(|error| error.into_failure())?;
    Ok(Exit::Done)
}
