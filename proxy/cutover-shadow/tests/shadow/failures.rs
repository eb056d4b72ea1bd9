//! Candidates that do not answer: each copy is a mismatch of kind `status`, until the breaker
//! leaves them alone.

use std::time::Duration;

use bytes::Bytes;
use cutover_domain::{
    Side, WriteClass,
    compare::{Incomparable, Rules},
    exchange::{Copied, Dropped},
    parity::Verdict,
};
use cutover_shadow::Outcome;
use http::{Response, StatusCode};
use http_body_util::Full;
use tokio::{io::AsyncWriteExt, net::TcpStream};

use crate::rig::{JSON, Parts, Rig, Server, answer, asked, bytes, live, parts, refuses};

/// Copies that are sent one after another.
const COPIES: u64 = 15;

/// Sends copies to a candidate that fails each in the same way.
async fn fails(parts: Parts, new: Server, shape: &str) -> Rig {
    let legacy = refuses().await;
    let mut rig = parts.start(&legacy, &new);
    for _ in 0..10 {
        let record = rig.compared(rig.exchange("/api/x", Some(live(JSON, "{}")))).await;
        assert_eq!(record.verdict, Verdict::Mismatch);
        assert_eq!(record.copy_duration, None);
        let [difference] = &record.differences[..] else {
            panic!("one difference: {:?}", record.differences);
        };
        assert_eq!((difference.path.as_str(), difference.kind.as_str()), ("status", "status"));
        assert_eq!(&*difference.shape, shape);
    }
    // Ten in a row are enough.
    for _ in 10..COPIES {
        rig.take(rig.exchange("/api/x", Some(live(JSON, "{}"))));
    }
    let accounting = rig.settled(COPIES).await;
    assert_eq!((accounting.mismatches, accounting.dropped(Dropped::Breaker)), (10, COPIES - 10));
    rig
}

#[tokio::test]
async fn refuses_to_connect() {
    fails(parts(), refuses().await, "answer→connect").await;
}

#[tokio::test]
async fn hangs() {
    let hangs = bytes(|stream| async {
        let _stream = asked(stream, b"").await;
        std::future::pending::<()>().await;
    });
    fails(parts(), hangs.await, "answer→deadline").await;
}

#[tokio::test]
async fn resets() {
    let resets = bytes(|stream: TcpStream| async {
        stream.set_zero_linger().unwrap();
        drop(asked(stream, b"").await);
    });
    fails(parts().patient(), resets.await, "answer→reset").await;
}

#[tokio::test]
async fn resets_within_its_answer() {
    let resets = bytes(|stream: TcpStream| async {
        let half = b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf ";
        drop(asked(stream, half).await);
    });
    fails(parts().patient(), resets.await, "answer→reset").await;
}

#[tokio::test]
async fn speaks_something_else() {
    let mumbles = bytes(|stream| async {
        let _stream = asked(stream, b"220 mail.example ESMTP\r\n\r\n").await;
        std::future::pending::<()>().await;
    });
    fails(parts().patient(), mumbles.await, "answer→protocol").await;
}

#[tokio::test]
async fn trickles() {
    let trickles = bytes(|stream| async {
        let head = b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n";
        let Some(mut stream) = asked(stream, head).await else { return };
        let mut beat = tokio::time::interval(Duration::from_millis(20));
        while stream.write_all(b"x").await.is_ok() {
            beat.tick().await;
        }
    });
    fails(parts(), trickles.await, "answer→deadline").await;
}

#[tokio::test]
async fn answers_endlessly() {
    let answers = bytes(|stream| async {
        let head = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
        let Some(mut stream) = asked(stream, head).await else { return };
        let chunk = [b"10000\r\n", &[b'x'; 0x1_0000][..], b"\r\n"].concat();
        while stream.write_all(&chunk).await.is_ok() {}
    });
    fails(parts().patient(), answers.await, "answer→over_cap").await;
}

#[tokio::test]
async fn answers_ten_megabytes_of_headers() {
    let answers = bytes(|stream| async {
        let Some(mut stream) = asked(stream, b"HTTP/1.1 200 OK\r\n").await else { return };
        let field = [b"x-filler: ", &[b'x'; 1_000][..], b"\r\n"].concat();
        for _ in 0..10_000 {
            if stream.write_all(&field).await.is_err() {
                return;
            }
        }
    });
    fails(parts().patient(), answers.await, "answer→protocol").await;
}

#[tokio::test]
async fn answers_more_than_is_kept_where_legacy_does_not() {
    let legacy = refuses().await;
    let new = answer(|_| {
        let body = Bytes::from(vec![b'x'; 2 * 1024 * 1024]);
        Response::new(Full::new(body))
    })
    .await;
    let mut rig = parts().patient().start(&legacy, &new);
    let record = rig.compared(rig.exchange("/api/x", Some(live(JSON, "{}")))).await;
    assert_eq!(record.verdict, Verdict::Mismatch);
    assert_eq!(&*record.differences[0].shape, "answer→over_cap");
    rig.settled(1).await;
}

const TWICE: &str = r#"{"a":1,"a":2}"#;

/// Answers so to everything.
async fn says(status: u16, body: &str) -> Server {
    let body = Bytes::copy_from_slice(body.as_bytes());
    answer(move |_| {
        let response = Response::builder().status(status).header("content-type", JSON);
        response.body(Full::new(body.clone())).unwrap()
    })
    .await
}

#[tokio::test]
async fn answers_what_cannot_be_read_where_legacy_does_not() {
    let deep = format!("{}{}", "[".repeat(80), "]".repeat(80));
    let many = format!("[{}0]", "0,".repeat(20_000));
    for (body, why) in [(&*deep, "limit"), (&*many, "limit"), (TWICE, "duplicate_key")] {
        let (legacy, new) = (refuses().await, says(200, body).await);
        let mut rig = parts().patient().start(&legacy, &new);
        let shape = format!("answer→{why}");
        for _ in 0..15 {
            let record = rig.compared(rig.exchange("/api/x", Some(live(JSON, "{}")))).await;
            assert_eq!(record.verdict, Verdict::Mismatch, "{why}");
            let [difference] = &record.differences[..] else { panic!("{:?}", record.differences) };
            assert_eq!((difference.path.as_str(), &*difference.shape), ("status", &*shape));
        }
        // It answers, so the breaker lets it.
        assert_eq!(rig.settled(15).await.mismatches, 15);
        let clusters = rig.report().mismatches.clusters;
        assert_eq!((clusters.len(), clusters[0].samples.len()), (1, 15));
        let sample = rig.handle.sample("read", clusters[0].samples[0].head.id).unwrap().unwrap();
        assert_eq!((sample.candidate, sample.fault.as_deref()), (None, Some(why)));
        let rejudged = rig.handle.rejudge("read", &Rules::default(), 0).unwrap();
        assert_eq!(rejudged.clusters[0].outcome, Outcome::Stays);
    }
}

#[tokio::test]
async fn what_legacy_answers_that_cannot_be_read_is_no_fault_of_the_candidate() {
    let unread = Verdict::Incomparable(Incomparable::DuplicateKey);
    let (legacy, new) = (says(200, TWICE).await, says(200, TWICE).await);
    let mut rig = parts().patient().start(&legacy, &new);
    let record = rig.compared(rig.exchange("/api/x", Some(live(JSON, TWICE)))).await;
    assert_eq!(record.verdict, unread);
    // Its second answer tells as much.
    let mut started = parts().patient();
    started.writes = Some(WriteClass::Safe);
    let mut rig = started.start(&legacy, &new);
    let record = rig.compared(rig.exchange("/api/x", Some(live(JSON, "{}")))).await;
    assert_eq!(record.verdict, unread);
    rig.settled(1).await;
}

#[tokio::test]
async fn the_body_of_an_error_need_not_be_read() {
    for (status, live_status, verdict) in
        [(404, 404, Verdict::Match), (500, 503, Verdict::Match), (500, 200, Verdict::Mismatch)]
    {
        let (legacy, new) = (refuses().await, says(status, TWICE).await);
        let mut rig = parts().patient().start(&legacy, &new);
        let mut response = live(JSON, "{}");
        response.status = StatusCode::from_u16(live_status).unwrap();
        let record = rig.compared(rig.exchange("/api/x", Some(response))).await;
        assert_eq!(record.verdict, verdict, "{:?}", record.differences);
        if let Some(difference) = record.differences.first() {
            assert_eq!(&*difference.shape, format!("{live_status}→{status}"));
        }
    }
}

#[tokio::test]
async fn serves_more_than_is_kept_where_legacy_does_not() {
    let mut started = parts().patient();
    started.phase = cutover_domain::Phase::Live;
    let (legacy, new) = (says(200, "{}").await, refuses().await);
    let mut rig = started.start(&legacy, &new);
    let mut response = live(JSON, "");
    response.body = Copied::Digest { length: 2 << 20, hash: 1 };
    let mut exchange = rig.exchange("/api/x", Some(response));
    (exchange.served, exchange.candidate) = (Side::New, Side::Legacy);
    let record = rig.compared(exchange).await;
    assert_eq!(record.verdict, Verdict::Mismatch);
    assert_eq!(&*record.differences[0].shape, "answer→over_cap");
    rig.settled(1).await;
}

#[tokio::test]
async fn a_connection_that_was_closed_while_idle_is_no_failure() {
    let legacy = refuses().await;
    // It says nothing of closing, as servers that run out of patience.
    let new = bytes(|stream| async {
        let answer =
            b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}";
        drop(asked(stream, answer).await);
    })
    .await;
    let mut rig = parts().patient().start(&legacy, &new);
    for at in 0..50 {
        let record = rig.compared(rig.exchange("/api/x", Some(live(JSON, "{}")))).await;
        assert_eq!(record.verdict, Verdict::Match, "copy {at}: {:?}", record.differences);
    }
    rig.settled(50).await;
}
