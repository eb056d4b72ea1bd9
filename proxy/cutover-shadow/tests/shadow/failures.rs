//! Candidates that do not answer: each copy is a mismatch of kind `status`, until the breaker
//! leaves them alone.

use std::time::Duration;

use bytes::Bytes;
use cutover_domain::{exchange::Dropped, parity::Verdict};
use tokio::{io::AsyncWriteExt, net::TcpStream};

use crate::rig::{JSON, Parts, Rig, Server, asked, bytes, live, parts, refuses};

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
    let new = crate::rig::answer(|_| {
        let body = Bytes::from(vec![b'x'; 2 * 1024 * 1024]);
        http::Response::new(http_body_util::Full::new(body))
    })
    .await;
    let mut rig = parts().patient().start(&legacy, &new);
    let record = rig.compared(rig.exchange("/api/x", Some(live(JSON, "{}")))).await;
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
