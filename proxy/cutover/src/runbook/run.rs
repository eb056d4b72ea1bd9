//! Runs a block: by `sh`, in a process group of its own, within its time, as often as it may.

use std::{
    process::Stdio,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::{
    io::{AsyncRead, AsyncReadExt},
    process::{Child, Command},
};

use super::Block;

/// Pause between two attempts.
const PAUSE: Duration = Duration::from_millis(500);
/// Most bytes that are kept of each of an attempt's streams; the rest is read and forgotten.
const OUTPUT_BYTES_MAX: usize = 256 * 1024;

/// How a block ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Well.
    Ok,
    /// With this exit code; `None`: by a signal.
    Failed(Option<i32>),
    /// Well, but without what was expected.
    Unexpected,
    /// Not within its time.
    TimedOut,
}

/// What became of a block.
#[derive(Clone, Debug)]
pub struct Ran {
    /// How the last attempt ended.
    pub ended: Ended,
    /// What the last attempt wrote, errors behind the rest.
    pub output: String,
    /// Attempts made, from 1.
    pub attempts: u32,
    /// Time that all of them took.
    pub took: Duration,
}

/// Runs a block with these variables on top of ours. Fails where there is no `sh`.
pub async fn run(block: &Block, vars: &[(String, String)]) -> std::io::Result<Ran> {
    let began = Instant::now();
    let mut attempts = 0;
    loop {
        attempts += 1;
        let (ended, output) = attempt(block, vars).await?;
        let took = began.elapsed();
        let may_retry = block.retry.is_some_and(|retry| took + PAUSE < retry);
        if ended == Ended::Ok || !may_retry {
            return Ok(Ran { ended, output, attempts, took });
        }
        tokio::time::sleep(PAUSE).await;
    }
}

async fn attempt(block: &Block, vars: &[(String, String)]) -> std::io::Result<(Ended, String)> {
    let mut command = Command::new("sh");
    command.args(["-eu", "-c", &block.script]).envs(vars.iter().map(|(k, v)| (k, v)));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.process_group(0).kill_on_drop(true).spawn()?;
    let group = child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
    let Ok(finished) = tokio::time::timeout(block.timeout, finish(&mut child)).await else {
        // What it started goes with it.
        if let Some(group) = group {
            let _ = kill_process_group(group, Signal::KILL);
        }
        let _ = child.wait().await;
        return Ok((Ended::TimedOut, String::new()));
    };
    let (status, output) = finished?;
    let ended = match status.success() {
        false => Ended::Failed(status.code()),
        true if block.is_met(&output, vars) => Ended::Ok,
        true => Ended::Unexpected,
    };
    Ok((ended, output))
}

async fn finish(child: &mut Child) -> std::io::Result<(std::process::ExitStatus, String)> {
    let (out, err) = (child.stdout.take(), child.stderr.take());
    let (out, err, status) = tokio::join!(all(out), all(err), child.wait());
    Ok((status?, format!("{}{}", out?, err?)))
}

/// A stream's text, its end left out where it is long.
async fn all(stream: Option<impl AsyncRead + Unpin>) -> std::io::Result<String> {
    let Some(mut stream) = stream else { return Ok(String::new()) };
    let (mut kept, mut piece) = (Vec::new(), vec![0; 8 * 1024]);
    loop {
        let read = stream.read(&mut piece).await?;
        if read == 0 {
            return Ok(String::from_utf8_lossy(&kept).into_owned());
        }
        let room = OUTPUT_BYTES_MAX.saturating_sub(kept.len());
        kept.extend_from_slice(&piece[..read.min(room)]);
    }
}

// === impl Ended ===

impl Ended {
    /// As people and programs read it.
    pub fn told(&self) -> String {
        match self {
            Ended::Ok => "ok".into(),
            Ended::Failed(Some(code)) => format!("ended with {code}"),
            Ended::Failed(None) => "ended by a signal".into(),
            Ended::Unexpected => "did not say what was expected".into(),
            Ended::TimedOut => "did not end in time".into(),
        }
    }
}
