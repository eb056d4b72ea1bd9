//! `cutover token --side`: a tester's override, signed with the configured key.

use std::time::SystemTime;

use cutover_domain::Side;

use super::load;
use crate::{
    cli::{
        args::{self, Token},
        exit::{Exit, Failure},
        io::Io,
    },
    config::Depth,
};

pub(in crate::cli) fn run(args: &Token, io: &mut Io<'_>) -> Result<Exit, Failure> {
    let side = match args.side {
        Some(args::Side::Legacy) => Side::Legacy,
        Some(args::Side::New) => Side::New,
        None => {
            return Err(Failure::usage("`cutover token` needs `--side`, or a command")
                .hint("`cutover token --side new`, or `cutover token create|list|remove`"));
        }
    };
    let config = load(&args.config, Depth::Whole, io)?;
    let Some(key) = &config.settings.override_key else {
        return Err(Failure::new("no_override_key", "`[admin] override_key` is not set").hint(
            "make one with `openssl rand -hex 32 > override.key`, set `override_key = \"file:override.key\"`, and reload",
        ));
    };
    let token = key
        .sign(side, args.ttl, SystemTime::now())
        .map_err(|error| Failure::usage(error.to_string()))?;
    io.tell("send it as the header or cookie `Cutover-Override`; whoever has it chooses the side");
    writeln!(io.out, "{token}")?;
    Ok(Exit::Done)
}
