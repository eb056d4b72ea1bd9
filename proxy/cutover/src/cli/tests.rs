use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
};

use clap::Parser;
use expect_test::{Expect, expect};

use super::{args::Args, *};
use crate::config::Environment;

mod documented;
mod local;
mod runbook;
mod slo;
mod tolerate;

/// What a command said.
struct Said {
    exit: Exit,
    out: String,
    err: String,
}

/// Runs a command line as a script would: no terminal anywhere, no variables.
fn cutover<A: Into<OsString>>(args: impl IntoIterator<Item = A>) -> Said {
    run_with(args, Environment::default(), "", false)
}

fn run_with<A: Into<OsString>>(
    args: impl IntoIterator<Item = A>,
    environment: Environment,
    input: &str,
    terminal: bool,
) -> Said {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let args = std::iter::once(OsString::from("cutover")).chain(args.into_iter().map(Into::into));
    let exit = run(
        args,
        &mut Io {
            out: &mut out,
            err: &mut err,
            input: &mut input.as_bytes(),
            out_is_terminal: terminal,
            err_is_terminal: terminal,
            input_is_terminal: terminal,
            environment,
        },
    );
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Said { exit, out: text(out), err: text(err) }
}

impl Said {
    /// Both streams and the exit code; paths of the test are replaced.
    fn check(&self, dir: &Path, expected: Expect) {
        let shown = |text: &str| text.replace(&dir.display().to_string(), "DIR");
        let (out, err) = (shown(&self.out), shown(&self.err));
        expected.assert_eq(&format!("{out}--- stderr\n{err}--- exit {}\n", self.exit.code()));
    }
}

/// An example of the repository.
fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(name)
}

/// A copy of the smallest example that a test may change.
fn copied() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::copy(example("minimal/cutover.toml"), dir.path().join("cutover.toml")).unwrap();
    dir
}

fn edit(dir: &Path, from: &str, to: &str) {
    let path = dir.join("cutover.toml");
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains(from), "{from:?} is not in the file");
    fs::write(path, text.replace(from, to)).unwrap();
}
