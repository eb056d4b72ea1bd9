//! One child process: started in a group of its own, its output kept in a file, gone at drop.
//!
//! Nothing outlives us. At drop the whole group is killed and seen to be gone; should we be
//! killed ourselves, the kernel kills the child (`setpriv --pdeathsig`, from util-linux). That
//! signal follows the *thread* that started the child, hence the nursery, a thread
//! that lives as long as we do.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use anyhow::Context;
use rustix::process::{Pid, Signal, kill_process, kill_process_group};

use crate::wait;

mod nursery;

/// What to start.
#[derive(Clone, Debug)]
pub struct Spec {
    name: String,
    program: PathBuf,
    args: Vec<OsString>,
    env: Vec<(String, String)>,
    dir: Option<PathBuf>,
}

/// A running child.
pub struct Process {
    name: String,
    pid: Pid,
    child: Mutex<Child>,
    stdout: PathBuf,
    stderr: PathBuf,
}

/// Bytes of a process's memory that are in RAM.
#[derive(Clone, Copy, Debug)]
pub struct Memory {
    /// At the moment of the look.
    pub now: u64,
    /// The most since it was started.
    pub peak: u64,
}

impl Spec {
    /// `program` without arguments; `name` names it in messages and log files.
    pub fn new(name: impl Into<String>, program: impl Into<PathBuf>) -> Spec {
        let (name, program) = (name.into(), program.into());
        Spec { name, program, args: Vec::new(), env: Vec::new(), dir: None }
    }

    /// Adds one argument.
    #[must_use]
    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Spec {
        self.args.push(arg.as_ref().to_owned());
        self
    }

    /// Adds several arguments.
    #[must_use]
    pub fn args<A: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = A>) -> Spec {
        self.args.extend(args.into_iter().map(|arg| arg.as_ref().to_owned()));
        self
    }

    /// Sets an environment variable.
    #[must_use]
    pub fn env(mut self, name: impl Into<String>, value: impl Into<String>) -> Spec {
        self.env.push((name.into(), value.into()));
        self
    }

    /// Sets the working directory; ours otherwise.
    #[must_use]
    pub fn dir(mut self, dir: impl Into<PathBuf>) -> Spec {
        self.dir = Some(dir.into());
        self
    }

    /// Starts it. Its output goes to `NAME.out` and `NAME.err` in `log_dir`.
    pub fn start(self, log_dir: &Path) -> anyhow::Result<Process> {
        let stdout = log_dir.join(format!("{}.out", self.name));
        let stderr = log_dir.join(format!("{}.err", self.name));
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL", "--"]).arg(&self.program).args(&self.args);
        command.envs(self.env).stdin(Stdio::null());
        command.stdout(append(&stdout)?).stderr(append(&stderr)?);
        if let Some(dir) = &self.dir {
            command.current_dir(dir);
        }
        let child = nursery::spawn(command).with_context(|| {
            format!("cannot start {} by setpriv (package util-linux)", self.program.display())
        })?;
        let pid = Pid::from_child(&child);
        Ok(Process { name: self.name, pid, child: Mutex::new(child), stdout, stderr })
    }
}

fn append(path: &Path) -> anyhow::Result<File> {
    let file = File::options().create(true).append(true).open(path);
    file.with_context(|| format!("cannot write the log {}", path.display()))
}

// === impl Process ===

impl Process {
    /// Its name in messages.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its process id, which is also its group's.
    pub fn id(&self) -> u32 {
        self.pid.as_raw_nonzero().get().unsigned_abs()
    }

    /// Its memory in RAM, now and at most so far, in bytes (`VmRSS`, `VmHWM`:
    /// proc_pid_status(5)).
    pub fn memory(&self) -> anyhow::Result<Memory> {
        let status = read(&PathBuf::from(format!("/proc/{}/status", self.id())));
        let bytes = |key: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(key));
            let kib = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<u64>().ok());
            kib.map(|kib| 1024 * kib).with_context(|| format!("{} has no {key}", self.name))
        };
        Ok(Memory { now: bytes("VmRSS:")?, peak: bytes("VmHWM:")? })
    }

    /// Sends `signal` to the process, not to its group. Does nothing once it has ended.
    pub fn signal(&self, signal: Signal) {
        if self.ended().is_none() {
            let _ = kill_process(self.pid, signal);
        }
    }

    /// `kill -9`, then waits until the kernel has buried it.
    pub async fn kill(&self) -> anyhow::Result<()> {
        self.signal(Signal::KILL);
        self.exit(wait::DEADLINE).await.map(drop)
    }

    /// How it ended, if it has.
    pub fn ended(&self) -> Option<ExitStatus> {
        let mut child = self.child.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        child.try_wait().ok().flatten()
    }

    /// Waits for its end.
    pub async fn exit(&self, deadline: Duration) -> anyhow::Result<ExitStatus> {
        let what = format!("the end of {}", self.name);
        let ended = wait::within(deadline, what, async || self.ended()).await;
        ended.with_context(|| self.last_words())
    }

    /// Looks with `probe` until it gives a value; gives up at once if the process ends.
    pub async fn until<T>(
        &self,
        what: &str,
        mut probe: impl AsyncFnMut() -> Option<T>,
    ) -> anyhow::Result<T> {
        let state =
            wait::eventually(format!("{}: {what}", self.name), async || match probe().await {
                Some(value) => Some(Ok(value)),
                None => self.ended().map(Err),
            });
        match state.await.with_context(|| self.last_words())? {
            Ok(value) => Ok(value),
            Err(status) => {
                let last_words = self.last_words();
                anyhow::bail!("{} ended ({status}) before: {what}\n{last_words}", self.name)
            }
        }
    }

    /// What it wrote to standard output so far.
    pub fn stdout(&self) -> String {
        read(&self.stdout)
    }

    /// What it wrote to standard error so far.
    pub fn stderr(&self) -> String {
        read(&self.stderr)
    }

    /// The end of its output, for messages.
    pub fn last_words(&self) -> String {
        let tail = |text: String| {
            let lines: Vec<&str> = text.lines().collect();
            let first = lines.len().saturating_sub(30);
            lines[first..]
                .iter()
                .map(|line| format!("  {} | {line}\n", self.name))
                .collect::<String>()
        };
        format!("{}{}", tail(self.stdout()), tail(self.stderr()))
    }

    /// Kills the group and waits until none of it is left. Says who is, if someone stays.
    fn bury(&self) -> Result<(), String> {
        let _ = kill_process_group(self.pid, Signal::KILL);
        let began = Instant::now();
        // A killed member that is not our child is buried by init, a moment later.
        while began.elapsed() < Duration::from_secs(5) {
            if self.ended().is_some() && !group_lives(self.id()) {
                return Ok(());
            }
            std::thread::park_timeout(Duration::from_millis(2));
        }
        Err(format!("{} (process group {}) is still there after SIGKILL", self.name, self.id()))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let panicking = std::thread::panicking();
        if panicking {
            eprint!("{}", self.last_words());
        }
        if let Err(left) = self.bury() {
            assert!(panicking, "{left}");
            eprintln!("{left}");
        }
    }
}

/// Whether someone of the group runs. The dead whom init has not buried yet do not count.
fn group_lives(group: u32) -> bool {
    let Ok(entries) = fs::read_dir("/proc") else { return false };
    let stats = entries.flatten().map(|entry| read(&entry.path().join("stat")));
    // `pid (name) state parent group …`; the name may hold anything, a parenthesis too.
    stats.filter_map(|stat| stat.rsplit_once(") ").map(|(_, rest)| rest.to_owned())).any(|rest| {
        let mut fields = rest.split(' ');
        let state = fields.next();
        let its_group = fields.nth(1).and_then(|field| field.parse().ok());
        its_group == Some(group) && !matches!(state, Some("Z" | "X"))
    })
}

/// Logs may hold anything.
fn read(path: &Path) -> String {
    fs::read(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests;
