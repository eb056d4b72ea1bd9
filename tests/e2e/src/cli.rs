//! Runs commands to their end and shows what they said.

use std::ffi::OsStr;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, ensure};
use serde::de::DeserializeOwned;
use tokio::process::Command;

/// Longest that a command may run.
const DEADLINE: Duration = Duration::from_secs(60);

/// How a command ended.
#[derive(Clone, Debug)]
pub struct Said {
    /// The command line, for messages.
    pub command: String,
    /// Exit code; -1 after a signal.
    pub code: i32,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

/// Runs `program` in `dir` without input and waits for its end. It dies with us.
pub async fn run<A: AsRef<OsStr>>(
    program: &Path,
    args: impl IntoIterator<Item = A>,
    env: &[(&str, &str)],
    dir: &Path,
) -> anyhow::Result<Said> {
    let args: Vec<_> = args.into_iter().map(|arg| arg.as_ref().to_owned()).collect();
    let name = program.file_name().unwrap_or_default();
    let words = std::iter::once(name).chain(args.iter().map(AsRef::as_ref));
    let command = words.map(OsStr::to_string_lossy).collect::<Vec<_>>().join(" ");
    let child = Command::new(program)
        .args(&args)
        .envs(env.iter().copied())
        .current_dir(dir)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .with_context(|| format!("cannot start {}", program.display()))?;
    let output = tokio::time::timeout(DEADLINE, child.wait_with_output()).await;
    let output = output.with_context(|| format!("`{command}` did not end within 60 s"))??;
    Ok(Said {
        command,
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    })
}

// === impl Said ===

impl Said {
    /// Fails unless it ended with 0.
    pub fn ok(self) -> anyhow::Result<Said> {
        let Said { command, code, stdout, stderr } = &self;
        ensure!(*code == 0, "`{command}` ended with {code}\n{stdout}{stderr}");
        Ok(self)
    }

    /// Its output as JSON. Fails unless it ended with 0.
    pub fn json<T: DeserializeOwned>(self) -> anyhow::Result<T> {
        let said = self.ok()?;
        serde_json::from_str(&said.stdout)
            .with_context(|| format!("`{}` said no such JSON: {}", said.command, said.stdout))
    }
}
