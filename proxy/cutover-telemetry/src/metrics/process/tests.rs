use super::*;
use crate::metrics::encode;

fn scrape() -> String {
    let mut registry = Registry::default();
    register_process(&mut registry);
    encode(&registry)
}

fn value(text: &str, name: &str) -> f64 {
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("no {name} in\n{text}")).parse().unwrap()
}

#[test]
fn the_kernel_tells_all_of_it() {
    let text = scrape();
    assert!(value(&text, "process_cpu_seconds_total") > 0.0);
    assert!(value(&text, "process_resident_memory_bytes") > 1e6);
    assert!(value(&text, "process_virtual_memory_bytes") > 1e6);
    assert!(value(&text, "process_threads") >= 1.0);
    assert!(value(&text, "process_max_fds") > value(&text, "process_open_fds"));
    let started =
        UNIX_EPOCH.elapsed().unwrap().as_secs_f64() - value(&text, "process_start_time_seconds");
    assert!((0.0..60.0).contains(&started), "{started}");
}

#[test]
fn an_open_file_is_counted() {
    // Other tests of this binary open and close files at the same time; a hundred is more.
    let before = value(&scrape(), "process_open_fds");
    let files: Vec<_> = (0..100).map(|_| fs::File::open("/dev/null").unwrap()).collect();
    let after = value(&scrape(), "process_open_fds");
    assert!(after - before > 50.0, "{before} → {after} with {} files", files.len());
}

#[test]
fn what_the_kernel_does_not_tell_is_left_out() {
    let status = Status::parse("Name:\tcutover\nVmRSS:\t    2048 kB\nThreads:\tmany\n");
    let expected = Status { resident_bytes: Some(2 << 20), virtual_bytes: None, threads: None };
    assert_eq!(status, expected);
}
