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
    let mut written = Written::default();
    let finished = tokio::time::timeout(block.timeout, finish(&mut child, &mut written)).await;
    let Ok(finished) = finished else {
        // What it started goes with it.
        if let Some(group) = group {
            let _ = kill_process_group(group, Signal::KILL);
        }
        let _ = child.wait().await;
        return Ok((Ended::TimedOut, written.text()));
    };
    let (status, output) = (finished?, written.text());
    let ended = match status.success() {
        false => Ended::Failed(status.code()),
        true if block.is_met(&output, vars) => Ended::Ok,
        true => Ended::Unexpected,
    };
    Ok((ended, output))
}

/// What an attempt has written so far.
#[derive(Default)]
struct Written {
    out: Vec<u8>,
    err: Vec<u8>,
}

async fn finish(
    child: &mut Child,
    written: &mut Written,
) -> std::io::Result<std::process::ExitStatus> {
    let (out, err) = (child.stdout.take(), child.stderr.take());
    let (out, err, status) =
        tokio::join!(all(out, &mut written.out), all(err, &mut written.err), child.wait());
    out.and(err)?;
    status
}

/// Reads a stream to its end, of which what is too long is not kept.
async fn all(stream: Option<impl AsyncRead + Unpin>, kept: &mut Vec<u8>) -> std::io::Result<()> {
    let Some(mut stream) = stream else { return Ok(()) };
    let mut piece = vec![0; 8 * 1024];
    loop {
        let read = stream.read(&mut piece).await?;
        if read == 0 {
            return Ok(());
        }
        let room = OUTPUT_BYTES_MAX.saturating_sub(kept.len());
        kept.extend_from_slice(&piece[..read.min(room)]);
    }
}

// === impl Written ===

impl Written {
    /// Errors behind the rest.
    fn text(&self) -> String {
        let text = String::from_utf8_lossy;
        format!("{}{}", text(&self.out), text(&self.err))
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
