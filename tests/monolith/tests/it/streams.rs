//! A third party's WebSocket client, the end of streams, and limits.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

use crate::rig::Rig;

const DEADLINE: Duration = Duration::from_secs(10);

async fn session(rig: &Rig) -> String {
    let body = r#"{"login":"alice","password":"sesame"}"#;
    let answer = rig
        .raw(&format!(
            "POST /api/v1/login HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        ))
        .await;
    let from = answer.find("sid=").unwrap();
    answer[from..].split(';').next().unwrap().to_owned()
}

#[tokio::test]
async fn a_strangers_websocket_client_is_served_until_the_end() {
    let rig = Rig::start().await;
    let mut request =
        format!("ws://{}/ws/devices/3", rig.monolith.addr()).into_client_request().unwrap();
    request.headers_mut().insert("cookie", session(&rig).await.parse().unwrap());
    let (mut socket, _) = tokio_tungstenite::connect_async(request).await.unwrap();
    assert!(
        socket.next().await.unwrap().unwrap().into_text().unwrap().contains("\"type\":\"state\"")
    );
    socket.send(Message::text(r#"{"name":"unlock"}"#)).await.unwrap();
    assert!(
        socket.next().await.unwrap().unwrap().into_text().unwrap().contains("\"type\":\"echo\"")
    );
    assert!(socket.next().await.unwrap().unwrap().into_text().unwrap().contains("\"seq\":1"));
    let (ended, ()) = tokio::join!(socket.next(), rig.monolith.stop());
    assert!(matches!(ended, Some(Ok(Message::Close(_)))), "{ended:?}");
}

#[tokio::test]
async fn an_event_stream_ends_when_the_monolith_stops() {
    let rig = Rig::start().await;
    let session = session(&rig).await;
    let mut stream = TcpStream::connect(rig.monolith.addr()).await.unwrap();
    let request = format!(
        "GET /api/v1/homes/1/events/stream HTTP/1.1\r\nHost: h\r\nCookie: {session}\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b": welcome\n\n\r\n") {
        assert!(stream.read_buf(&mut answer).await.unwrap() > 0);
    }
    let rest = async { tokio::time::timeout(DEADLINE, stream.read_to_end(&mut answer)).await };
    let (ended, ()) = tokio::join!(rest, rig.monolith.stop());
    ended.expect("the stream ends").unwrap();
    assert!(answer.ends_with(b"\r\n0\r\n\r\n"), "it ends with the last chunk");
}

#[tokio::test]
async fn a_request_under_way_is_answered_before_the_end() {
    let rig = Rig::start().await;
    let mut stream = TcpStream::connect(rig.monolith.addr()).await.unwrap();
    stream
        .write_all(b"GET /report.php?lines=4&pause_ms=100 HTTP/1.1\r\nHost: h\r\n\r\n")
        .await
        .unwrap();
    let mut answer = Vec::new();
    stream.read_buf(&mut answer).await.unwrap();
    let (read, ()) = tokio::join!(stream.read_to_end(&mut answer), rig.monolith.stop());
    read.unwrap();
    let text = String::from_utf8_lossy(&answer);
    assert!(text.contains("line 4") && text.ends_with("0\r\n\r\n"), "{text}");
}

#[tokio::test]
async fn an_export_waits_for_a_reader_that_does_not_read() {
    let rig = Rig::start().await;
    let session = session(&rig).await;
    let mut stream = TcpStream::connect(rig.monolith.addr()).await.unwrap();
    let request = format!(
        "GET /api/v1/homes/1/export.csv?rows=10000000 HTTP/1.1\r\nHost: h\r\nCookie: {session}\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut first = [0; 1000];
    stream.read_exact(&mut first).await.unwrap();
    drop(stream);
    let log = rig.access_log();
    rig.monolith.stop().await;
    let seen = std::fs::read_to_string(log).unwrap();
    let line = seen.lines().find(|line| line.contains("export.csv")).unwrap();
    let bytes: u64 = line.rsplit(' ').next().unwrap().parse().unwrap();
    assert!(bytes < 50_000_000, "sent {bytes} bytes to no one");
}

#[tokio::test]
async fn a_body_larger_than_allowed_is_refused_while_it_comes() {
    let rig = Rig::start().await;
    let session = session(&rig).await;
    let mut stream = TcpStream::connect(rig.monolith.addr()).await.unwrap();
    let head = format!(
        "POST /api/v1/devices HTTP/1.1\r\nHost: h\r\nCookie: {session}\r\nTransfer-Encoding: chunked\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let chunk = format!("8000\r\n{}\r\n", "x".repeat(0x8000));
    // Three chunks of 32 KiB are more than 64 KiB; the last chunk never comes.
    for _ in 0..3 {
        stream.write_all(chunk.as_bytes()).await.unwrap();
    }
    let mut answer = Vec::new();
    while !answer.windows(4).any(|window| window == b"\r\n\r\n") {
        let read = tokio::time::timeout(DEADLINE, stream.read_buf(&mut answer)).await;
        assert!(read.expect("an answer in time").unwrap() > 0);
    }
    let text = String::from_utf8_lossy(&answer);
    assert!(
        text.starts_with("HTTP/1.1 413 Payload Too Large\r\n")
            && text.contains("\r\nConnection: close\r\n"),
        "{text}"
    );
}
