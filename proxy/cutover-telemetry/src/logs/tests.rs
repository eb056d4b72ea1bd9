use std::io::{self, Write};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::metrics::{DropReason, Signal};

#[derive(Clone, Default)]
struct Output(Arc<Mutex<Vec<u8>>>);

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A reader that takes nothing until it is let go.
struct Stuck {
    entered: SyncSender<()>,
    release: Receiver<()>,
}

impl Write for Stuck {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let _ = self.entered.try_send(());
        let _ = self.release.recv();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The lines that `log` writes under this filter.
fn lines(filter: &str, format: LogFormat, log: impl FnOnce()) -> Vec<String> {
    let output = Output::default();
    let guard = LogGuard::start(output.clone(), &TelemetryMetrics::new()).unwrap();
    let config = LogConfig { filter: filter.to_owned(), format };
    let layer = layer(&config, guard.writer()).unwrap();
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), log);
    assert!(guard.flush(Duration::from_secs(10)));
    let bytes = output.0.lock().unwrap().clone();
    let text = String::from_utf8(bytes).unwrap();
    text.lines().map(str::to_owned).collect()
}

fn json(filter: &str, log: impl FnOnce()) -> Vec<Value> {
    let lines = lines(filter, LogFormat::Json, log);
    let parse = |line: &String| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}"));
    lines.iter().map(parse).collect()
}

#[test]
fn an_event_is_one_json_object() {
    let objects = json("info", || {
        let error = io::Error::other("disk\n\"full\"");
        tracing::info!(
            route = "device-read",
            revision = 7_u64,
            ratio = 0.5,
            odd = f64::NAN,
            is_held = true,
            error = &error as &dyn std::error::Error,
            trace_id = %"0abc",
            target = "mine",
            "table {} applied",
            7
        );
        tracing::debug!("not asked for");
    });
    let [object] = &objects[..] else { panic!("{objects:?}") };
    assert_eq!(object["message"], "table 7 applied");
    assert_eq!(object["severity"], "INFO");
    assert_eq!(object["target"], "cutover_telemetry::logs::tests");
    assert_eq!(object["route"], "device-read");
    assert_eq!(object["revision"], 7);
    assert_eq!(object["ratio"], 0.5);
    assert_eq!(object["odd"], "NaN");
    assert_eq!(object["is_held"], true);
    assert_eq!(object["error"], "disk\n\"full\"");
    assert_eq!(object["trace_id"], "0abc");
    assert_eq!(object["field.target"], "mine");
    let timestamp = object["timestamp"].as_str().unwrap();
    assert!(timestamp.starts_with("20") && timestamp.ends_with('Z'), "{timestamp}");
}

#[test]
fn the_readable_form_cannot_be_broken_by_values() {
    let lines = lines("info", LogFormat::Text, || {
        tracing::warn!(path = "a\nb\x1b[2J\x7f", "said: {}", "x\ny");
    });
    let [line] = &lines[..] else { panic!("{lines:?}") };
    let tail = r#"  WARN cutover_telemetry::logs::tests: said: x\ny path="a\nb\u001b[2J\u007f""#;
    assert!(line.ends_with(tail), "{line}");
}

#[test]
fn pingora_is_quiet_about_requests_and_connections() {
    use tracing::{error, info, warn};
    let objects = json("info", || {
        info!(target: "pingora_core::server", "starting");
        error!(target: "pingora_proxy", "fail on /secret/path");
        error!(target: "pingora_core::apps::http_app", "fail");
        warn!(target: "pingora_core::server", "kept");
    });
    let messages: Vec<_> = objects.iter().map(|object| &object["message"]).collect();
    assert_eq!(messages, ["kept"]);
}

/// The one test that may set the process-wide subscriber.
#[test]
fn what_pingora_logs_comes_through_with_its_own_target() {
    let output = Output::default();
    let metrics = TelemetryMetrics::new();
    let config = LogConfig { filter: "info".to_owned(), format: LogFormat::Json };
    let guard = init_to(output.clone(), &config, &metrics).unwrap();
    assert!(matches!(init_to(output.clone(), &config, &metrics), Err(LogError::AlreadySet(_))));
    let listening = "pingora_core::services::listening";
    log::error!(target: listening, "Downstream handshake error from 192.0.2.1: bad");
    log::error!(target: listening, "Accept() failed: too many open files");
    log::info!(target: "pingora_core::server", "Server starting");
    log::error!(target: "pingora_core::apps::http_app", "fails on /secret");
    assert!(guard.flush(Duration::from_secs(10)));

    let bytes = output.0.lock().unwrap().clone();
    let text = String::from_utf8(bytes).unwrap();
    let of_pingora: Vec<_> = text.lines().filter(|line| line.contains("pingora")).collect();
    let [line] = &of_pingora[..] else { panic!("{text}") };
    let object: Value = serde_json::from_str(line).unwrap();
    assert_eq!(object["target"], listening);
    assert_eq!(object["severity"], "ERROR");
    assert_eq!(object["message"], "Accept() failed: too many open files");
    assert!(!line.contains("log."), "{line}");
}

#[test]
fn the_configured_filter_has_the_last_word() {
    let objects = json("warn,pingora_core=info", || {
        tracing::info!(target: "pingora_core::server", "asked for");
        tracing::info!("not asked for");
    });
    assert_eq!(objects.len(), 1);
    let config = LogConfig { filter: "info,=nonsense=".to_owned(), format: LogFormat::Json };
    let error = init(&config, &TelemetryMetrics::new()).unwrap_err();
    assert!(error.to_string().contains("`info,=nonsense=`"), "{error}");
}

#[test]
fn long_values_are_cut() {
    let objects = json("info", || tracing::info!(value = "ä".repeat(5000)));
    let value = objects[0]["value"].as_str().unwrap();
    assert!(value.len() <= 4096 + '…'.len_utf8() && value.ends_with("ä…"));
}

#[test]
fn a_stuck_reader_costs_lines_and_nothing_else() {
    let (entered, has_entered) = sync_channel(1);
    let (release, is_released) = sync_channel::<()>(1);
    let metrics = TelemetryMetrics::new();
    let stuck = Stuck { entered, release: is_released };
    let guard = LogGuard::start(stuck, &metrics).unwrap();
    let writer = guard.writer().clone();
    writer.write(b"first\n");
    has_entered.recv().unwrap();
    // The thread hangs in the first write; 8192 more may wait.
    for _ in 0..10_000 {
        writer.write(b"line\n");
    }
    let dropped = || metrics.dropped_total(Signal::Logs, DropReason::QueueFull);
    assert_eq!(dropped(), 10_000 - 8192);
    assert!(!guard.flush(Duration::from_millis(20)));

    drop(release);
    assert!(guard.flush(Duration::from_secs(10)));
    assert_eq!(metrics.exported_total(Signal::Logs), 8193);
}

#[test]
fn waiting_bytes_are_bounded_too() {
    let (entered, has_entered) = sync_channel(1);
    let (release, is_released) = sync_channel::<()>(1);
    let metrics = TelemetryMetrics::new();
    let stuck = Stuck { entered, release: is_released };
    let guard = LogGuard::start(stuck, &metrics).unwrap();
    guard.writer().write(b"first\n");
    has_entered.recv().unwrap();
    let megabyte = vec![b'x'; 1024 * 1024];
    for _ in 0..10 {
        guard.writer().write(&megabyte);
    }
    // Three fit beside the first line, which is still being written.
    assert_eq!(metrics.dropped_total(Signal::Logs, DropReason::QueueFull), 7);
    drop(release);
    assert!(guard.flush(Duration::from_secs(10)));
}

#[test]
fn a_reader_that_went_away_costs_lines_not_the_process() {
    struct Gone;
    impl Write for Gone {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let metrics = TelemetryMetrics::new();
    let guard = LogGuard::start(Gone, &metrics).unwrap();
    guard.writer().write(b"line\n");
    assert!(guard.flush(Duration::from_secs(10)));
    assert_eq!(metrics.dropped_total(Signal::Logs, DropReason::Unreachable), 1);
}

#[test]
fn dates_are_gregorian() {
    let cases = [
        (0, "1970-01-01T00:00:00.000Z"),
        (951_782_399_999, "2000-02-28T23:59:59.999Z"),
        (951_782_400_000, "2000-02-29T00:00:00.000Z"),
        (951_868_800_000, "2000-03-01T00:00:00.000Z"),
        (1_795_248_301_123, "2026-11-21T08:05:01.123Z"),
        (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
        (253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
        (253_402_300_800_000, "9999-12-31T23:59:59.999Z"),
    ];
    for (millis, expected) in cases {
        let at = UNIX_EPOCH + Duration::from_millis(millis);
        assert_eq!(time::rfc3339_millis(at), expected.as_bytes(), "{expected}");
    }
    assert_eq!(
        time::rfc3339_millis(SystemTime::UNIX_EPOCH - Duration::from_secs(1)),
        *b"1970-01-01T00:00:00.000Z"
    );
}

proptest! {
    #[test]
    fn any_text_survives_json(text in ".{0,200}", key in "[a-z.]{1,12}") {
        let mut buffer = Vec::new();
        let mut line = Line::begin(&mut buffer, LogFormat::Json, UNIX_EPOCH, "INFO", "test");
        line.text(&format!("k.{key}"), &text);
        line.end();
        let object: Value = serde_json::from_slice(&buffer).unwrap();
        prop_assert_eq!(object[format!("k.{key}")].as_str(), Some(text.as_str()));
        prop_assert_eq!(buffer.iter().filter(|byte| **byte == b'\n').count(), 1);
    }
}
