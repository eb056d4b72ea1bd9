//! The wrapper around hyper: what reaches the service, what the client gets.

use bytes::Bytes;
use expect_test::{Expect, expect};
use http::Response;
use http_body_util::Full;
use tokio::io::AsyncWriteExt;
use tokio::time::Instant;

use super::super::{GuardConfig, Limits};
use super::rig::Rig;

/// Sends `input` in one piece; the answers, then what the server noted.
async fn exchange(config: GuardConfig, input: &[u8]) -> String {
    let mut rig = Rig::echo(config);
    rig.send(input).await;
    let answers = rig.rest().await;
    format!("{answers}\n---\n{}\n", rig.log.lines())
}

async fn check(input: &[u8], expected: Expect) {
    expected.assert_eq(&exchange(GuardConfig::default(), input).await);
}

#[tokio::test(start_paused = true)]
async fn pipelined_requests_pass() {
    let input = b"GET /1 HTTP/1.1\r\nHost: a\r\n\r\nPOST /2 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc\
        POST /3 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2;x\r\nde\r\n0\r\nX: y\r\n\r\n";
    check(
        input,
        expect![[r#"
        HTTP/1.1 200 OK
        content-length: 2

        /1HTTP/1.1 200 OK
        content-length: 2

        /2HTTP/1.1 200 OK
        content-length: 2

        /3
        ---
        GET /1 ""
        POST /2 "abc"
        POST /3 "de"
        expired idle
    "#]],
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_bad_first_head_is_answered_with_its_reason() {
    check(
        b"GET / HTTP/1.1\r\nHost: a\nX: y\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n",
        expect![[r#"
        HTTP/1.1 400 Bad Request
        content-type: text/plain
        content-length: 38
        connection: close

        bare_lf: a line ends in LF without CR

        ---
        refused head bare_lf
    "#]],
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_answer_to_head_has_no_body() {
    check(
        b"HEAD / HTTP/1.1\r\n\r\n",
        expect![[r#"
        HTTP/1.1 400 Bad Request
        content-type: text/plain
        content-length: 0
        connection: close


        ---
        refused head host_missing
    "#]],
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_bad_head_behind_an_unanswered_request_waits_its_turn() {
    check(
        b"GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\n\r\n",
        expect![[r#"
        HTTP/1.1 200 OK
        content-length: 2

        /1HTTP/1.1 400 Bad Request
        connection: close
        content-length: 0


        ---
        refused head host_missing
        GET /1 ""
    "#]],
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_bad_head_behind_an_answered_request_is_answered_with_its_reason() {
    let mut rig = Rig::echo(GuardConfig::default());
    rig.send(b"GET /1 HTTP/1.1\r\nHost: a\r\n\r\n").await;
    expect![[r#"
        HTTP/1.1 200 OK
        content-length: 2

        /1"#]]
    .assert_eq(&rig.until("\r\n\r\n/1").await);
    rig.send(b"GET /2 HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n").await;
    expect![[r#"
        HTTP/1.1 400 Bad Request
        content-type: text/plain
        content-length: 45
        connection: close

        length_repeated: Content-Length occurs twice
    "#]]
    .assert_eq(&rig.rest().await);
    expect![[r#"
        GET /1 ""
        refused head length_repeated"#]]
    .assert_eq(&rig.log.lines());
}

#[tokio::test(start_paused = true)]
async fn each_status_is_told() {
    let long = format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "a".repeat(9000));
    let large = format!("GET / HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n", "a".repeat(33_000));
    let many = format!("GET / HTTP/1.1\r\nHost: a\r\n{}\r\n", "X: y\r\n".repeat(100));
    let inputs = [
        &long,
        &large,
        &many,
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n",
        "\x16\x03\x01",
    ];
    let mut lines = String::new();
    for input in inputs {
        let answer = exchange(GuardConfig::default(), input.as_bytes()).await;
        lines.push_str(&format!("{}\n", answer.lines().next().unwrap()));
    }
    expect![[r#"
        HTTP/1.1 414 URI Too Long
        HTTP/1.1 431 Request Header Fields Too Large
        HTTP/1.1 431 Request Header Fields Too Large
        HTTP/1.1 505 HTTP Version Not Supported
        HTTP/1.1 501 Not Implemented
        HTTP/1.1 400 Bad Request
    "#]]
    .assert_eq(&lines);
}

/// hyper holds a part of the head already when the bad byte comes.
#[tokio::test(start_paused = true)]
async fn a_bad_head_in_two_pieces_never_reaches_the_service() {
    let inputs: [&[u8]; 5] = [
        b"GET / HTTP/1.1\r\nHost: a\r\nX: y\n\r\n",
        b"GET / HTTP/1.1\r\nX: y\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\n\r\r\n",
        b"\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ];
    for input in inputs {
        for at in 1..input.len() {
            let mut rig = Rig::echo(GuardConfig::default());
            rig.send(&input[..at]).await;
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
            rig.send(&input[at..]).await;
            let answers = rig.rest().await;
            assert!(
                answers.starts_with("HTTP/1.1 400") || answers.starts_with("HTTP/1.1 505"),
                "{at}: {answers}"
            );
            assert_eq!(
                answers.lines().filter(|line| line.starts_with("HTTP/1.1 ")).count(),
                1,
                "{at}: {answers}"
            );
            // hyper, which tries the first piece at once, may refuse before the guard.
            let log = rig.log.lines();
            assert!(
                log.is_empty() || log.starts_with("refused head ") && log.lines().count() == 1,
                "{at}: {log}"
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_refused_body_fails_in_the_service() {
    check(
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n3 \r\ndef\r\n0\r\n\r\n",
        expect![[r#"
            HTTP/1.1 200 OK
            content-length: 1

            /
            ---
            refused body chunk_size
            POST / failed: error reading a body from connection: request body refused: chunk_size: a chunk size is missing, not hexadecimal or too large
        "#]],
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_handle_knows_what_was_refused() {
    let mut rig = Rig::new(GuardConfig::default(), |request, handle, log| async move {
        log.note(format!("before: {:?}", handle.refused()));
        let answer = super::rig::echo(request, &log).await;
        log.note(format!("after: {:?}, head: {}", handle.refused(), handle.request_head_refused()));
        answer
    });
    rig.send(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n").await;
    tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    rig.send(b"x").await;
    rig.rest().await;
    expect![[r#"
        before: None
        refused body chunk_size
        POST / failed: error reading a body from connection: request body refused: chunk_size: a chunk size is missing, not hexadecimal or too large
        after: Some(ChunkSize), head: false"#]].assert_eq(&rig.log.lines());
}

#[tokio::test(start_paused = true)]
async fn what_a_refused_client_goes_on_sending_is_read_for_a_while() {
    let mut rig = Rig::echo(GuardConfig::default());
    let start = Instant::now();
    rig.send(b"GET /\r\n\r\n").await;
    // The answer comes at once and ends the server's side.
    let answer = rig.rest().await;
    assert!(answer.starts_with("HTTP/1.1 400"));
    assert!(start.elapsed().is_zero());
    // More than the stream buffers can be sent until the linger is over.
    rig.client.write_all(&[b'x'; 100_000]).await.unwrap();
    let mut refused = false;
    for _ in 0..100 {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        refused |= rig.client.write_all(&[b'x'; 5000]).await.is_err();
    }
    assert!(refused, "the server never closed");
}

#[tokio::test(start_paused = true)]
async fn a_large_body_passes_through_small_reads() {
    let mut rig = Rig::new(GuardConfig::default(), |request, _, log| async move {
        use http_body_util::BodyExt;
        let body = request.into_body().collect().await.unwrap().to_bytes();
        log.note(format!("{} bytes, all x: {}", body.len(), body.iter().all(|&b| b == b'x')));
        Response::new(Full::<Bytes>::default())
    });
    rig.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n").await;
    rig.send(&vec![b'x'; 1_000_000]).await;
    rig.rest().await;
    expect![[r#"
        1000000 bytes, all x: true
        expired idle"#]]
    .assert_eq(&rig.log.lines());
}

#[tokio::test(start_paused = true)]
async fn limits_are_those_configured() {
    let limits = Limits { target_bytes_max: 4, ..Limits::default() };
    let config = GuardConfig { limits, ..GuardConfig::default() };
    let answer = exchange(config, b"GET /2345 HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 414"), "{answer}");
}
