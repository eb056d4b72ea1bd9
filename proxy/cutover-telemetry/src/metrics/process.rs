//! What the process costs its machine, read from the kernel at each scrape.
//!
//! Names and meanings are those that Prometheus's client libraries share (prometheus.io, "Writing
//! client libraries", process metrics). What the kernel does not tell is left out of the scrape.

use std::fs;
use std::time::{SystemTime, UNIX_EPOCH};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::{Registry, Unit};
use rustix::process::{Resource, getrlimit};
use rustix::time::{ClockId, clock_gettime};

/// Registers `process_*`: CPU, memory, file descriptors, threads, start time.
pub fn register_process(registry: &mut Registry) {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    registry.register_collector(Box::new(Process { started_seconds: since_epoch.as_secs_f64() }));
}

/// The process itself.
#[derive(Debug)]
struct Process {
    started_seconds: f64,
}

/// Of `/proc/self/status` (proc_pid_status(5)).
#[derive(Debug, PartialEq, Eq)]
struct Status {
    resident_bytes: Option<u64>,
    virtual_bytes: Option<u64>,
    threads: Option<u64>,
}

// === impl Process ===

impl Collector for Process {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> std::fmt::Result {
        let cpu = ConstCounter::new(cpu_seconds());
        let help = "User and system CPU time spent";
        let unit = Some(&Unit::Seconds);
        cpu.encode(encoder.encode_descriptor("process_cpu", help, unit, cpu.metric_type())?)?;
        let status = Status::parse(&fs::read_to_string("/proc/self/status").unwrap_or_default());
        let bytes = Some(&Unit::Bytes);
        for (name, help, unit, value) in [
            ("process_resident_memory", "Resident memory", bytes, status.resident_bytes),
            ("process_virtual_memory", "Virtual memory", bytes, status.virtual_bytes),
            ("process_threads", "Threads", None, status.threads),
            ("process_open_fds", "Open file descriptors", None, open_fds()),
            ("process_max_fds", "File descriptors that may be open", None, max_fds()),
        ] {
            let Some(value) = value else { continue };
            let gauge = ConstGauge::new(i64::try_from(value).unwrap_or(i64::MAX));
            gauge.encode(encoder.encode_descriptor(name, help, unit, gauge.metric_type())?)?;
        }
        let started = ConstGauge::new(self.started_seconds);
        let (name, help) = ("process_start_time", "When the process began, since 1970");
        let unit = Some(&Unit::Seconds);
        started.encode(encoder.encode_descriptor(name, help, unit, started.metric_type())?)
    }
}

fn cpu_seconds() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

fn open_fds() -> Option<u64> {
    // The directory that is being read is open, too.
    fs::read_dir("/proc/self/fd").ok().map(|fds| (fds.count() as u64).saturating_sub(1))
}

/// `None`: as many as the kernel has.
fn max_fds() -> Option<u64> {
    getrlimit(Resource::Nofile).current
}

// === impl Status ===

impl Status {
    fn parse(text: &str) -> Status {
        let number = |key: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(key))?;
            line.split_whitespace().next()?.parse::<u64>().ok()
        };
        let bytes = |key| number(key).map(|kib| kib.saturating_mul(1024));
        Status {
            resident_bytes: bytes("VmRSS:"),
            virtual_bytes: bytes("VmSize:"),
            threads: number("Threads:"),
        }
    }
}

#[cfg(test)]
mod tests;
