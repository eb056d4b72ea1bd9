//! Interim answers: before the final one, never inside another.

use bytes::Bytes;
use expect_test::expect;
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use http_body_util::Full;

use super::super::{GuardConfig, InterimRefused, guard};
use super::rig::{Rig, echo};

#[tokio::test(start_paused = true)]
async fn interim_answers_precede_the_final_one() {
    let mut rig = Rig::new(GuardConfig::default(), |request, handle, log| async move {
        let interim = handle.interim();
        let mut headers = HeaderMap::new();
        headers.insert("link", HeaderValue::from_static("</a.css>; rel=preload"));
        interim.push_head(StatusCode::PROCESSING, &HeaderMap::new()).unwrap();
        interim.push_head(StatusCode::EARLY_HINTS, &headers).unwrap();
        interim.drained().await;
        echo(request, &log).await
    });
    rig.send(b"GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n").await;
    expect![[r#"
        HTTP/1.1 102 Processing

        HTTP/1.1 103 Early Hints
        link: </a.css>; rel=preload

        HTTP/1.1 200 OK
        content-length: 2

        /1HTTP/1.1 102 Processing

        HTTP/1.1 103 Early Hints
        link: </a.css>; rel=preload

        HTTP/1.1 200 OK
        content-length: 2

        /2"#]]
    .assert_eq(&rig.rest().await);
}

/// A service that fails may forget to wait; its answer must not overtake.
#[tokio::test(start_paused = true)]
async fn a_final_answer_does_not_overtake() {
    let mut rig = Rig::new(GuardConfig::default(), |request, handle, log| async move {
        handle.interim().push_head(StatusCode::EARLY_HINTS, &HeaderMap::new()).unwrap();
        echo(request, &log).await
    });
    rig.send(b"GET /1 HTTP/1.1\r\nHost: a\r\n\r\n").await;
    expect![[r#"
        HTTP/1.1 103 Early Hints

        HTTP/1.1 200 OK
        content-length: 2

        /1"#]]
    .assert_eq(&rig.until("\r\n\r\n/1").await);
}

/// hyper parses the next request before it has flushed; the order holds all the same.
#[tokio::test(start_paused = true)]
async fn pipelined_answers_keep_their_order() {
    let mut rig = Rig::new(GuardConfig::default(), |request, handle, log| async move {
        if request.uri().path() == "/2" {
            handle.interim().push_head(StatusCode::EARLY_HINTS, &HeaderMap::new()).unwrap();
        }
        echo(request, &log).await
    });
    rig.send(b"GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n").await;
    expect![[r#"
        HTTP/1.1 200 OK
        content-length: 2

        /1HTTP/1.1 103 Early Hints

        HTTP/1.1 200 OK
        content-length: 2

        /2"#]]
    .assert_eq(&rig.rest().await);
}

/// As an upstream's connection does, which runs in a task of its own.
#[tokio::test(start_paused = true)]
async fn another_task_may_push() {
    let mut rig = Rig::new(GuardConfig::default(), |request, handle, log| async move {
        let interim = handle.interim();
        let (tell, told) = tokio::sync::oneshot::channel();
        tokio::spawn(async move {
            tokio::time::sleep(std::time::Duration::from_secs(1)).await;
            interim.push_head(StatusCode::EARLY_HINTS, &HeaderMap::new()).unwrap();
            tokio::time::sleep(std::time::Duration::from_secs(1)).await;
            let _ = tell.send(());
        });
        told.await.unwrap();
        echo(request, &log).await
    });
    rig.send(b"GET /1 HTTP/1.1\r\nHost: a\r\n\r\n").await;
    let start = tokio::time::Instant::now();
    expect![[r#"
        HTTP/1.1 103 Early Hints

    "#]]
    .assert_eq(&rig.until("\r\n\r\n").await);
    assert_eq!(start.elapsed().as_secs(), 1, "written when pushed, not with the final answer");
    assert!(rig.until("\r\n\r\n/1").await.starts_with("HTTP/1.1 200"));
}

/// A body is sent slowly to a slow reader; hints of the next request wait.
#[tokio::test(start_paused = true)]
async fn a_large_answer_is_not_cut_by_the_next_requests_hints() {
    let mut rig = Rig::new(GuardConfig::default(), |request, handle, _| async move {
        if request.uri().path() == "/2" {
            handle.interim().push_head(StatusCode::EARLY_HINTS, &HeaderMap::new()).unwrap();
            handle.interim().drained().await;
            return Response::new(Full::from("second"));
        }
        Response::new(Full::from(Bytes::from(vec![b'x'; 100_000])))
    });
    rig.send(b"GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n").await;
    let answers = rig.rest().await.replace(&"x".repeat(100_000), "(100,000 x)");
    expect![[r#"
        HTTP/1.1 200 OK
        content-length: 100000

        (100,000 x)HTTP/1.1 103 Early Hints

        HTTP/1.1 200 OK
        content-length: 6

        second"#]]
    .assert_eq(&answers);
}

#[tokio::test(start_paused = true)]
async fn the_queue_is_bounded_and_ends_with_the_connection() {
    let (_client, server) = tokio::io::duplex(64);
    let (guarded, handle) = guard(server, &GuardConfig::default(), std::sync::Arc::new(()));
    let interim = handle.interim();
    for _ in 0..16 {
        interim.push(Bytes::from_static(b"HTTP/1.1 102 Processing\r\n\r\n")).unwrap();
    }
    assert_eq!(
        interim.push(Bytes::from_static(b"HTTP/1.1 103 \r\n\r\n")),
        Err(InterimRefused::Full)
    );
    let waiting = tokio::spawn(interim.drained());
    tokio::task::yield_now().await;
    assert!(!waiting.is_finished());
    drop(guarded);
    waiting.await.unwrap();
    assert_eq!(interim.push(Bytes::new()), Err(InterimRefused::Gone));
    let large = Bytes::from(vec![0; 16 * 1024 + 1]);
    let (_guarded, handle) =
        guard(tokio::io::empty(), &GuardConfig::default(), std::sync::Arc::new(()));
    assert_eq!(handle.interim().push(large), Err(InterimRefused::Full));
}

#[test]
fn only_interim_statuses_are_taken() {
    let (_guarded, handle) =
        guard(tokio::io::empty(), &GuardConfig::default(), std::sync::Arc::new(()));
    for status in [StatusCode::SWITCHING_PROTOCOLS, StatusCode::OK, StatusCode::BAD_REQUEST] {
        assert_eq!(
            handle.interim().push_head(status, &HeaderMap::new()),
            Err(InterimRefused::NotInterim)
        );
    }
}
