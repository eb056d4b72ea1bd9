use super::*;

#[test]
fn a_dropped_entry_is_a_line() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("access.log");
    let log = AccessLog::open(&path).unwrap();
    let mut entry = log.begin(&http::Method::GET, "/health");
    (entry.status, entry.bytes) = (200, 15);
    drop(entry);
    drop(log.begin(&http::Method::POST, "/login"));
    log.close();
    let text = std::fs::read_to_string(&path).unwrap();
    let lines: Vec<Vec<&str>> = text.lines().map(|line| line.split(' ').collect()).collect();
    assert_eq!(lines.len(), 2);
    assert!(lines[0][0].parse::<u64>().unwrap() > 1_700_000_000_000);
    assert_eq!(lines[0][1..], ["GET", "/health", "200", "15"]);
    assert_eq!(lines[1][1..], ["POST", "/login", "499", "0"]);
}

#[test]
fn lines_after_the_end_are_dropped_quietly() {
    let dir = tempfile::tempdir().unwrap();
    let log = AccessLog::open(&dir.path().join("access.log")).unwrap();
    log.close();
    drop(log.begin(&http::Method::GET, "/"));
    log.close();
}
