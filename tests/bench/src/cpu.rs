//! Run time of a process, from the kernel's own account.

use std::future::Future;

use anyhow::Context;
use e2e::Process;

/// Clock ticks per second in `/proc`: fixed at 100 for user space on Linux.
const TICKS_PER_SECOND: f64 = 100.0;

/// What something brought, and the run time that a process spent meanwhile.
pub(crate) struct Cost<T> {
    /// What it brought.
    pub(crate) value: T,
    seconds: f64,
}

/// Does `work` and tells the run time that `process` spent meanwhile, all threads together.
pub(crate) async fn during<T>(
    process: &Process,
    work: impl Future<Output = anyhow::Result<T>>,
) -> anyhow::Result<Cost<T>> {
    let before = run_seconds(process)?;
    let value = work.await?;
    Ok(Cost { value, seconds: run_seconds(process)? - before })
}

impl<T> Cost<T> {
    /// Microseconds of run time for each of `count`.
    pub(crate) fn micros_per(&self, count: u64) -> f64 {
        self.seconds * 1e6 / count as f64
    }
}

/// User and system time so far. The kernel scales both to the exact run time, ended threads
/// included; only the sum is exact, to one tick.
fn run_seconds(process: &Process) -> anyhow::Result<f64> {
    let path = format!("/proc/{}/stat", process.id());
    let stat = std::fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))?;
    let (_, rest) = stat.rsplit_once(") ").context("a stat line has a name")?;
    // After the name: state is field 3, utime field 14, stime field 15.
    let mut fields = rest.split(' ').skip(11);
    let mut ticks = || fields.next().and_then(|field| field.parse::<f64>().ok());
    let (user, system) = (ticks().context("utime")?, ticks().context("stime")?);
    Ok((user + system) / TICKS_PER_SECOND)
}
