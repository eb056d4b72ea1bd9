//! The process: an allocator, standard streams, an exit code.

use std::{
    io::{IsTerminal, stderr, stdin, stdout},
    process::ExitCode,
};

use cutover::{
    cli::{self, Io},
    config::Environment,
};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let mut io = Io {
        out: &mut stdout(),
        err: &mut stderr(),
        input: &mut stdin().lock(),
        out_is_terminal: stdout().is_terminal(),
        err_is_terminal: stderr().is_terminal(),
        input_is_terminal: stdin().is_terminal(),
        environment: Environment::of_process(),
    };
    ExitCode::from(cli::run(std::env::args_os(), &mut io).code())
}
