//! Every kind of fault, as a client meets it.

use std::time::{Duration, Instant};

use monolith::{Fault, FaultKind};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::rig::Rig;

async fn rig_with(kind: FaultKind) -> Rig {
    let rig = Rig::start().await;
    rig.monolith.set_faults(vec![Fault::everywhere(kind).on("/api")]).unwrap();
    rig
}

const PATH: &str = "/api/v1/catalog";

#[tokio::test]
async fn latency_delays_only_what_it_strikes() {
    let rig = rig_with(FaultKind::Latency { ms: 300 }).await;
    let begun = Instant::now();
    assert!(rig.get(PATH).await.starts_with("HTTP/1.1 200 OK\r\n"));
    assert!(begun.elapsed() >= Duration::from_millis(300));
}

#[tokio::test]
async fn status_replaces_the_answer() {
    let rig = rig_with(FaultKind::Status { status: 503 }).await;
    let answer = rig.get(PATH).await;
    assert!(answer.starts_with("HTTP/1.1 503 Service Unavailable\r\n"), "{answer}");
    assert!(answer.contains("\"code\":\"E_FAULT\""), "{answer}");
    assert!(rig.get("/health").await.ends_with("OK\n"), "other paths are well");
    rig.monolith.set_faults(Vec::new()).unwrap();
    assert!(rig.get(PATH).await.starts_with("HTTP/1.1 200 OK\r\n"));
}

#[tokio::test]
async fn cutoff_ends_the_connection_after_so_many_bytes() {
    let rig = Rig::start().await;
    let whole = rig.get(PATH).await;
    for after_bytes in [0, 10, 1000] {
        let fault = Fault::everywhere(FaultKind::Cutoff { after_bytes });
        rig.monolith.set_faults(vec![fault]).unwrap();
        let answer = rig.get(PATH).await;
        assert_eq!(answer.len() as u64, after_bytes);
        assert!(whole.starts_with(&answer[..answer.len().min(17)]));
    }
}

#[tokio::test]
async fn a_cutoff_does_not_outlive_its_answer() {
    let rig = Rig::start().await;
    let cutoff = Fault::everywhere(FaultKind::Cutoff { after_bytes: 1000 }).on("/health");
    rig.monolith.set_faults(vec![cutoff]).unwrap();
    let two = "GET /health HTTP/1.1\r\nHost: h\r\n\r\n\
        GET /api/v1/catalog HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";
    let answers = rig.raw(two).await;
    assert!(answers.contains("OK\n") && answers.ends_with("]}\n"), "{answers}");
}

#[tokio::test]
async fn wrong_field_keeps_the_framing_right() {
    let rig = Rig::start().await;
    let whole = rig.get(PATH).await;
    let fault = Fault::everywhere(FaultKind::WrongField { field: "sku".to_owned() });
    rig.monolith.set_faults(vec![fault]).unwrap();
    let answer = rig.get(PATH).await;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let (_, right) = whole.split_once("\r\n\r\n").unwrap();
    assert_eq!(body, right.replacen("\"HH-0001\"", "\"?HH-0001\"", 1));
    assert!(head.contains(&format!("\r\nContent-Length: {}\r\n", body.len())), "{head}");
    assert!(rig.get("/health").await.ends_with("OK\n"), "no JSON, nothing to falsify");
}

#[tokio::test]
async fn hang_never_answers_and_the_log_says_who_gave_up() {
    let rig = rig_with(FaultKind::Hang).await;
    let mut stream = TcpStream::connect(rig.monolith.addr()).await.unwrap();
    stream.write_all(b"GET /api/v1/catalog HTTP/1.1\r\nHost: h\r\n\r\n").await.unwrap();
    let mut byte = [0];
    let read = tokio::time::timeout(Duration::from_millis(200), stream.read(&mut byte)).await;
    assert!(read.is_err(), "{read:?}");
    drop(stream);
    let log = rig.access_log();
    rig.monolith.stop().await;
    let seen = std::fs::read_to_string(log).unwrap();
    assert!(seen.trim_end().ends_with("GET /api/v1/catalog 499 0"), "{seen}");
}

#[tokio::test]
async fn a_share_strikes_every_kth_request() {
    let rig = Rig::start().await;
    let fault = Fault { share: 0.25, ..Fault::everywhere(FaultKind::Status { status: 500 }) };
    rig.monolith.set_faults(vec![fault]).unwrap();
    let mut struck = String::new();
    for _ in 0..8 {
        struck.push(if rig.get("/health").await.contains(" 500 ") { 'x' } else { '.' });
    }
    assert_eq!(struck, "...x...x");
}

#[tokio::test]
async fn the_control_listener_sets_shows_and_clears() {
    let rig = Rig::with(|config| config.control = Some("127.0.0.1:0".parse().unwrap())).await;
    let control = rig.monolith.control_addr().unwrap();
    let call = async |method: &str, body: &str| {
        let mut stream = TcpStream::connect(control).await.unwrap();
        let length = body.len();
        let request = format!(
            "{method} /faults HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}"
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    };
    let faults =
        r#"[{"path_prefix":"/health","methods":["GET"],"kind":"status","status":502,"share":1.0}]"#;
    assert!(call("PUT", faults).await.starts_with("HTTP/1.1 204"));
    assert!(call("GET", "").await.ends_with(faults));
    assert!(rig.get("/health").await.starts_with("HTTP/1.1 502 Bad Gateway\r\n"));
    let refused = call("PUT", r#"[{"kind":"status","status":99}]"#).await;
    assert!(
        refused.starts_with("HTTP/1.1 400") && refused.contains("fault 0: status 99"),
        "{refused}"
    );
    assert!(rig.get("/health").await.starts_with("HTTP/1.1 502"), "a refused list changes nothing");
    assert!(call("DELETE", "").await.starts_with("HTTP/1.1 204"));
    assert!(rig.get("/health").await.starts_with("HTTP/1.1 200"));
    assert!(
        rig.get("/faults").await.starts_with("HTTP/1.1 404"),
        "the public listener has no switch"
    );
}

#[tokio::test]
async fn the_control_listener_stays_on_loopback() {
    let dir = tempfile::tempdir().unwrap();
    let mut config = monolith::Config::new(dir.path().join("m.db"));
    config.control = Some("0.0.0.0:0".parse().unwrap());
    let error = monolith::Monolith::start(config).await.err().unwrap().to_string();
    assert!(error.contains("must listen on loopback"), "{error}");
}
