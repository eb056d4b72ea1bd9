//! The clocks, in virtual time.

use std::time::Duration;

use bytes::Bytes;
use expect_test::expect;
use http::Response;
use http_body_util::Full;
use tokio::io::AsyncReadExt;
use tokio::time::{Instant, sleep};

use super::super::GuardConfig;
use super::rig::{Rig, echo};

/// What the server answers and notes, and the second in which it closes.
async fn ending(rig: &mut Rig, start: Instant) -> String {
    let answers = rig.rest().await;
    let status = answers.lines().next().unwrap_or("nothing").to_owned();
    format!("{status} at {} s\n{}", start.elapsed().as_secs(), rig.log.lines())
}

#[tokio::test(start_paused = true)]
async fn a_silent_connection_ends() {
    let (start, mut rig) = (Instant::now(), Rig::echo(GuardConfig::default()));
    expect![[r#"
        nothing at 60 s
        expired idle"#]]
    .assert_eq(&ending(&mut rig, start).await);
}

#[tokio::test(start_paused = true)]
async fn an_idle_connection_ends() {
    let (start, mut rig) = (Instant::now(), Rig::echo(GuardConfig::default()));
    sleep(Duration::from_secs(50)).await;
    rig.send(b"GET /1 HTTP/1.1\r\nHost: a\r\n\r\n").await;
    rig.until("\r\n\r\n/1").await;
    expect![[r#"
        nothing at 110 s
        GET /1 ""
        expired idle"#]]
    .assert_eq(&ending(&mut rig, start).await);
}

#[tokio::test(start_paused = true)]
async fn a_dripping_head_ends() {
    let (start, mut rig) = (Instant::now(), Rig::echo(GuardConfig::default()));
    sleep(Duration::from_secs(5)).await;
    for byte in b"GET / HTTP/" {
        rig.send(&[*byte]).await;
        sleep(Duration::from_secs(1)).await;
    }
    expect![[r#"
        HTTP/1.1 408 Request Timeout at 16 s
        expired head
        refused head head_timeout"#]]
    .assert_eq(&ending(&mut rig, start).await);
}

#[tokio::test(start_paused = true)]
async fn a_dripping_second_head_ends() {
    let (start, mut rig) = (Instant::now(), Rig::echo(GuardConfig::default()));
    rig.send(b"GET /1 HTTP/1.1\r\nHost: a\r\n\r\n").await;
    rig.until("\r\n\r\n/1").await;
    rig.send(b"GET /2 HTTP/1.1\r\n").await;
    sleep(Duration::from_secs(9)).await;
    rig.send(b"Host: a").await;
    expect![[r#"
        HTTP/1.1 408 Request Timeout at 10 s
        GET /1 ""
        expired head
        refused head head_timeout"#]]
    .assert_eq(&ending(&mut rig, start).await);
}

#[tokio::test(start_paused = true)]
async fn a_body_that_stops_ends() {
    let (start, mut rig) = (Instant::now(), Rig::echo(GuardConfig::default()));
    rig.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n").await;
    rig.send(&[b'x'; 50_000]).await;
    expect![[r#"
        HTTP/1.1 200 OK at 30 s
        expired body
        POST / failed: error reading a body from connection: request body too slow (body)"#]]
    .assert_eq(&ending(&mut rig, start).await);
}

#[tokio::test(start_paused = true)]
async fn a_dripping_body_ends() {
    let (start, mut rig) = (Instant::now(), Rig::echo(GuardConfig::default()));
    rig.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n").await;
    for _ in 0..60 {
        rig.send(b"x").await;
        sleep(Duration::from_secs(1)).await;
    }
    expect![[r#"
        HTTP/1.1 200 OK at 60 s
        expired body_rate
        POST / failed: error reading a body from connection: request body too slow (body_rate)"#]]
    .assert_eq(&ending(&mut rig, start).await);
}

#[tokio::test(start_paused = true)]
async fn a_slow_but_steady_body_passes() {
    let mut rig = Rig::echo(GuardConfig::default());
    rig.send(b"POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 12000\r\n\r\n").await;
    for _ in 0..60 {
        rig.send(&[b'x'; 200]).await;
        sleep(Duration::from_secs(1)).await;
    }
    assert!(rig.until("\r\n\r\n/1").await.starts_with("HTTP/1.1 200"));
}

#[tokio::test(start_paused = true)]
async fn a_slow_service_costs_the_client_nothing() {
    let mut rig = Rig::new(GuardConfig::default(), |request, _, log| async move {
        sleep(Duration::from_secs(3600)).await;
        echo(request, &log).await
    });
    // The body is there but not asked for: no clock may run.
    rig.send(b"POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc").await;
    assert!(rig.until("\r\n\r\n/1").await.starts_with("HTTP/1.1 200"));
    expect![[r#"POST /1 "abc""#]].assert_eq(&rig.log.lines());
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_stops_ends() {
    let mut rig = Rig::new(GuardConfig::default(), |_, _, _| async move {
        Response::new(Full::from(Bytes::from(vec![b'x'; 1_000_000])))
    });
    rig.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
    sleep(Duration::from_secs(29)).await;
    expect![[""]].assert_eq(&rig.log.lines());
    sleep(Duration::from_secs(2)).await;
    expect!["expired write"].assert_eq(&rig.log.lines());
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_takes_a_little_now_and_then_gets_all() {
    let mut rig = Rig::new(GuardConfig::default(), |_, _, _| async move {
        Response::new(Full::from(Bytes::from(vec![b'x'; 20_000])))
    });
    rig.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
    let mut total = 0;
    while total < 20_000 {
        sleep(Duration::from_secs(25)).await;
        total += rig.client.read(&mut [0; 2000]).await.unwrap();
    }
    expect![[""]].assert_eq(&rig.log.lines());
}
