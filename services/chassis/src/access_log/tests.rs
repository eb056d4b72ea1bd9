use super::*;

#[test]
fn a_line_per_request_is_there_after_close() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("access.log");
    let log = AccessLog::open(&path).unwrap();
    let mut entry = log.begin(&Method::GET, "/api/v1/devices/3");
    entry.status = 200;
    entry.bytes = 253;
    drop(entry);
    let mut shadow = log.begin(&Method::DELETE, "/api/v1/devices/3");
    shadow.is_shadow = true;
    drop(shadow);
    drop(log.begin(&Method::POST, &"ü".repeat(2000)));
    log.close();
    let text = std::fs::read_to_string(&path).unwrap();
    let lines: Vec<Vec<&str>> = text.lines().map(|line| line.split(' ').collect()).collect();
    assert_eq!(lines[0][1..], ["GET", "/api/v1/devices/3", "200", "253"]);
    assert!(lines[0][0].parse::<i64>().unwrap() > 1_700_000_000_000);
    assert_eq!(lines[1][1..], ["DELETE", "/api/v1/devices/3", "499", "0", "shadow"]);
    assert_eq!(lines[2][1..], ["POST", &"ü".repeat(512), "499", "0"]);
    assert_eq!(lines.len(), 3);
}

#[test]
fn a_closed_or_absent_log_takes_no_harm() {
    let dir = tempfile::tempdir().unwrap();
    let log = AccessLog::open(&dir.path().join("access.log")).unwrap();
    let late = log.begin(&Method::GET, "/");
    log.close();
    log.close();
    drop(late);
    drop(AccessLog::default().begin(&Method::GET, "/"));
    assert_eq!(std::fs::read_to_string(dir.path().join("access.log")).unwrap(), "");
}
