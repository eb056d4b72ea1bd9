//! The demo's process. Its story is in `e2e::demo`.

use std::process::ExitCode;

use clap::Parser;
use e2e::demo::{self, Options};

#[tokio::main]
async fn main() -> ExitCode {
    demo::run(Options::parse()).await
}
