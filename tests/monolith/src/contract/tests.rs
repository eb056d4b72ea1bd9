//! The judge is judged: an honest server passes, and every single lie of another is told.

use std::net::SocketAddr;
use std::path::Path;

use expect_test::{Expect, expect};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;

const RECORDING: &str = r#"A comment.

### a page
# tags: page read
GET /page HTTP/1.1
Host: home.example

<<<
HTTP/1.1 200 Fine Indeed
Content-Type: text/plain
Vary: Cookie
X-Request-Id: req-{{request}}
Vary: Accept
Date: {{date}}
Content-Length: 6

hello

---
"#;

const HONEST: &str = "HTTP/1.1 200 Fine Indeed\r\nContent-Type: text/plain\r\nVary: Cookie\r\n\
    X-Request-Id: req-00c0ffee\r\nVary: Accept\r\nDate: Sat, 21 Nov 2026 08:21:54 GMT\r\n\
    Content-Length: 6\r\n\r\nhello\n";

fn parse(text: &str) -> Vec<Exchange> {
    exchange::parse(Path::new("test.http"), text).unwrap()
}

/// Answers each connection's first request with the next of `answers`, then closes.
async fn serve(answers: Vec<Vec<u8>>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    tokio::spawn(async move {
        for answer in answers {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = Vec::new();
            while !request.windows(4).any(|window| window == b"\r\n\r\n") {
                stream.read_buf(&mut request).await.unwrap();
            }
            stream.write_all(&answer).await.unwrap();
        }
    });
    addr
}

/// Plays `recording` against a server that answers `answer`.
async fn judge(recording: &str, answer: &str, options: &Options) -> Report {
    let addr = serve(vec![answer.as_bytes().to_vec()]).await;
    play(addr, &parse(recording), options).await
}

async fn check(answer: &str, expected: Expect) {
    let report = judge(RECORDING, answer, &Options::default()).await;
    let reasons: Vec<String> =
        report.failed.into_iter().flat_map(|failure| failure.reasons).collect();
    expected.assert_eq(&reasons.join("\n"));
}

#[tokio::test]
async fn an_honest_answer_passes() {
    let report =
        judge(RECORDING, HONEST, &Options { strict_order: true, ..Options::default() }).await;
    assert_eq!(report.to_string(), "1 passed, 0 failed");
    assert!(report.is_clean());
}

#[tokio::test]
async fn a_changed_byte_is_told() {
    check(
        &HONEST.replace("hello", "hallo"),
        expect![[r#"body differs from letter 1 on: expected "hello\n", got "hallo\n" (6 and 6 letters in all)"#]],
    )
    .await;
    check(
        &HONEST.replace("hello\n", "hello\r"),
        expect![[r#"body differs from letter 5 on: expected "hello\n", got "hello{{cr}}" (6 and 11 letters in all)"#]],
    )
    .await;
}

#[tokio::test]
async fn a_changed_head_is_told() {
    for (from, to, told) in [
        (
            "Content-Type",
            "content-type",
            "header content-type: expected [\"Content-Type: text/plain\"], got [\"content-type: text/plain\"]",
        ),
        (
            "text/plain",
            "text/plain ",
            "header content-type: expected [\"Content-Type: text/plain\"], got [\"Content-Type: text/plain \"]",
        ),
        (
            "Fine Indeed",
            "OK",
            "status line: expected `HTTP/1.1 200 Fine Indeed`, got `HTTP/1.1 200 OK`",
        ),
        (
            "HTTP/1.1 200",
            "HTTP/1.1 201",
            "status line: expected `HTTP/1.1 200 Fine Indeed`, got `HTTP/1.1 201 Fine Indeed`",
        ),
        (
            "HTTP/1.1 200",
            "HTTP/1.0 200",
            "status line: expected `HTTP/1.1 200 Fine Indeed`, got `HTTP/1.0 200 Fine Indeed`",
        ),
        (
            "Vary: Accept\r\n",
            "",
            "header vary: expected [\"Vary: Cookie\", \"Vary: Accept\"], got [\"Vary: Cookie\"]",
        ),
        (
            "Vary: Accept\r\n",
            "Vary: Accept\r\nVia: 1.1 x\r\n",
            "header via: expected [], got [\"Via: 1.1 x\"]",
        ),
        (
            "Cookie",
            "Cookie, Accept",
            "header vary: expected [\"Vary: Cookie\", \"Vary: Accept\"], got [\"Vary: Cookie, Accept\", \"Vary: Accept\"]",
        ),
        (
            "req-00c0ffee",
            "req-00C0FFEE",
            "header x-request-id: expected [\"X-Request-Id: req-{{request}}\"], got [\"X-Request-Id: req-00C0FFEE\"]",
        ),
        (
            "Sat, 21 Nov 2026 08:21:54 GMT",
            "now",
            "header date: expected [\"Date: {{date}}\"], got [\"Date: now\"]",
        ),
        ("Content-Length: 6", "Transfer-Encoding: chunked", "malformed line end: \"hello\""),
        ("\r\nVary: Cookie\r\n", "\r\nVary: Cookie\n", "malformed line end: \"Vary: Cookie\""),
    ] {
        let report = judge(RECORDING, &HONEST.replacen(from, to, 1), &Options::default()).await;
        assert!(report.failed[0].reasons.contains(&told.to_owned()), "{from} to {to}: {report}");
    }
}

#[tokio::test]
async fn order_within_a_name_counts_and_across_names_on_demand() {
    let swapped = HONEST
        .replace("Vary: Cookie", "Vary: x")
        .replace("Vary: Accept", "Vary: Cookie")
        .replace("Vary: x", "Vary: Accept");
    assert!(!judge(RECORDING, &swapped, &Options::default()).await.is_clean());
    let moved = HONEST
        .replace("Content-Type: text/plain\r\n", "")
        .replace("\r\nDate:", "\r\nContent-Type: text/plain\r\nDate:");
    assert!(judge(RECORDING, &moved, &Options::default()).await.is_clean());
    let strict = Options { strict_order: true, ..Options::default() };
    assert!(!judge(RECORDING, &moved, &strict).await.is_clean());
}

#[tokio::test]
async fn headers_can_be_left_out_of_the_verdict() {
    let added = HONEST.replace("Date:", "Connection: keep-alive\r\nX-Extra: 1\r\nDate:");
    let lenient = Options {
        hop_by_hop: false,
        ignored_headers: vec!["x-extra".to_owned()],
        ..Options::default()
    };
    assert!(judge(RECORDING, &added, &lenient).await.is_clean());
    assert_eq!(judge(RECORDING, &added, &Options::default()).await.failed[0].reasons.len(), 2);
}

#[tokio::test]
async fn too_little_and_too_much_is_told() {
    check(
        HONEST.strip_suffix('\n').unwrap(),
        expect!["the connection was closed in the middle of the body"],
    )
    .await;
    check(&HONEST[..60], expect!["the connection was closed in the middle of the head"]).await;
    check("", expect!["the connection was closed before any answer"]).await;
    check(&format!("{HONEST}HTTP"), expect!["4 bytes follow the end of the answer"]).await;
}

#[tokio::test]
async fn a_server_that_hangs_is_told() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let options = Options { timeout: std::time::Duration::from_millis(50), ..Options::default() };
    let report = play(listener.local_addr().unwrap(), &parse(RECORDING), &options).await;
    assert_eq!(report.failed[0].reasons, ["no complete answer within 50ms"]);
}

const TRAILERS: &str = "### t\nGET /t HTTP/1.1\nHost: h\n\n<<<\nHTTP/1.1 103 Early Hints\nLink: </a>\n\n\
    HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\nabcd\n~~~\nX-Sum: 1\n---\n";

#[tokio::test]
async fn interim_answers_chunks_and_trailers_are_judged() {
    let answer = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\
        1;x=y\r\na\r\n3\r\nbcd\r\n0\r\nX-Sum: 1\r\n\r\n";
    let judged = async |answer: &str| judge(TRAILERS, answer, &Options::default()).await;
    assert!(judged(answer).await.is_clean(), "{}", judged(answer).await);
    assert!(
        judged(&answer.replace("1;x=y\r\na\r\n3\r\nbcd", "4\r\nabcd")).await.is_clean(),
        "chunking is free"
    );
    for (from, to, told) in [
        ("X-Sum: 1", "X-Sum: 2", "trailer x-sum: expected [\"X-Sum: 1\"], got [\"X-Sum: 2\"]"),
        ("X-Sum: 1\r\n", "", "trailer x-sum: expected [\"X-Sum: 1\"], got []"),
        (
            "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n",
            "",
            "interim answers: expected 1, got 0",
        ),
        ("</a>", "</b>", "header link: expected [\"Link: </a>\"], got [\"Link: </b>\"]"),
        ("0\r\nX-Sum: 1\r\n\r\n", "", "the connection was closed in the middle of a chunk"),
        ("bcd\r\n", "bcdX", "malformed"),
    ] {
        let report = judged(&answer.replacen(from, to, 1)).await;
        let reasons = &report.failed[0].reasons;
        assert!(
            reasons.iter().any(|reason| reason.starts_with(told)),
            "{from} to {to}: {reasons:?}"
        );
    }
}

#[tokio::test]
async fn only_what_is_chosen_is_played() {
    let other = RECORDING.replace("a page", "another").replace("page read", "page write");
    let exchanges = parse(&format!("{RECORDING}{other}"));
    let count = async |only: &[&str], skip: &[&str]| {
        let owned = |tags: &[&str]| tags.iter().map(|&tag| tag.to_owned()).collect();
        let options = Options { only: owned(only), skip: owned(skip), ..Options::default() };
        play(serve(vec![HONEST.into(); 2]).await, &exchanges, &options).await.passed
    };
    assert_eq!(count(&[], &[]).await, 2);
    assert_eq!(count(&["read"], &[]).await, 1);
    assert_eq!(count(&["page"], &["write"]).await, 1);
    assert_eq!(count(&["none"], &[]).await, 0);
    assert!(!Report::default().is_clean(), "nothing played proves nothing");
}

#[test]
fn every_byte_has_one_text() {
    for bytes in [
        &b"plain \xc3\xa9\ttab\r\nline"[..],
        b"---\n### x\n~~~\n<<<",
        b"{{date}} {{ }} {{{",
        b"\xff\xfe\0\x7f",
        b"",
        b"\n\n",
    ] {
        // `{{date}}` of the data is taken for a mask; nothing in the suite has it.
        let text = text::render(bytes);
        let back =
            text::expand(&text, |name| Some(format!("{{{{{name}}}}}").into_bytes())).unwrap();
        assert_eq!(back, bytes, "{text}");
        assert!(
            !text.lines().any(|line| text::MARKS.contains(&line) || line.starts_with(text::TITLE))
        );
    }
    assert_eq!(text::render(b"a\xff\0b\r\n"), "a{{x:ff00}}b{{cr}}\n");
}

#[test]
fn masks_cover_what_is_volatile_and_no_more() {
    let sid = format!("Set-Cookie: sid=12.1710028800.{}; Path=/", "0a".repeat(32));
    assert_eq!(text::render(sid.as_bytes()), "Set-Cookie: sid=12.1710028800.{{signature}}; Path=/");
    assert_eq!(text::render(b"\"req-0123abcd\""), "\"req-{{request}}\"");
    for kept in [
        "req-0123abc",
        "req-0123ABCD",
        "sid=1.2.abc",
        "sid=deleted",
        "Date: 2024-03-01",
        "Last-Modified: Fri, 01 Mar 2024 12:34:56 GMT",
    ] {
        assert_eq!(text::render(kept.as_bytes()), kept);
    }
}

#[test]
fn malformed_recordings_are_refused_with_their_line() {
    let refused =
        |text: &str| exchange::parse(Path::new("test.http"), text).unwrap_err().to_string();
    assert_eq!(refused("### a\n# tags: x\n"), "test.http:3: a request was expected");
    assert_eq!(
        refused("### a\n# stream: tapes\nGET / HTTP/1.1\n"),
        "test.http:2: `stream: tapes` is not known"
    );
    assert_eq!(
        refused("x\n### a\nGET / HTTP/1.1\n\n<<<\nHTTP/1.1 200 OK\n\nx\n"),
        "test.http:8: `---` was expected"
    );
}

#[tokio::test]
async fn a_recording_is_replaced_and_its_request_kept() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("a.http");
    std::fs::write(&file, RECORDING.replace("hello", "old")).unwrap();
    assert_eq!(record(dir.path(), serve(vec![HONEST.into()]).await).await.unwrap(), 1);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), RECORDING);
    let error = record(dir.path(), serve(vec![Vec::new()]).await).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "`a page` was not answered: the connection was closed before any answer"
    );
}
