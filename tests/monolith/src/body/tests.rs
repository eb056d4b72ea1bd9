use std::convert::Infallible;

use axum::body::Body;
use futures_util::{StreamExt, stream};
use tokio::time::sleep;

use super::*;

fn slow(pause: Duration, chunks: usize) -> Request {
    let chunks = stream::iter(0..chunks).then(move |_| async move {
        sleep(pause).await;
        Ok::<_, Infallible>(Bytes::from_static(b"x"))
    });
    Request::new(Body::from_stream(chunks))
}

#[tokio::test(start_paused = true)]
async fn silence_ends_a_body() {
    assert_eq!(collect(slow(Duration::from_secs(9), 3), 10).await.unwrap(), "xxx");
    assert_eq!(collect(slow(Duration::from_secs(11), 3), 10).await, Err(Refusal::TOO_SLOW));
}

#[tokio::test(start_paused = true)]
async fn a_body_that_drips_ends_too() {
    let begun = Instant::now();
    assert_eq!(collect(slow(Duration::from_secs(9), 100), 1000).await, Err(Refusal::TOO_SLOW));
    assert_eq!(begun.elapsed(), BODY_TIMEOUT);
}

#[tokio::test]
async fn the_limit_is_exact() {
    let request = |length| Request::new(Body::from(vec![b'x'; length]));
    assert_eq!(collect(request(10), 10).await.unwrap().len(), 10);
    assert_eq!(collect(request(11), 10).await, Err(Refusal::TOO_LARGE));
}

#[tokio::test(start_paused = true)]
async fn an_announced_length_is_refused_unread() {
    let mut request = slow(Duration::from_secs(1), 5);
    request.headers_mut().insert(CONTENT_LENGTH, 11.into());
    let begun = Instant::now();
    assert_eq!(collect(request, 10).await, Err(Refusal::TOO_LARGE));
    assert!(begun.elapsed().is_zero());
}

#[tokio::test]
async fn a_broken_body_is_refused() {
    let broken = Body::from_stream(stream::iter([Err::<Bytes, _>(std::io::Error::other("gone"))]));
    assert_eq!(collect(Request::new(broken), 10).await, Err(Refusal::CUT_SHORT));
}

#[test]
fn only_objects_are_json() {
    #[derive(Debug, PartialEq, serde::Deserialize)]
    struct Point {
        x: i64,
    }
    assert_eq!(from_json::<Point>(b" {\"x\":1}"), Ok(Point { x: 1 }));
    for bad in ["[1]", "1", "", "{\"x\":1}x", "{\"x\":\"1\"}", "\u{feff}{\"x\":1}"] {
        assert_eq!(from_json::<Point>(bad.as_bytes()), Err(Refusal::BAD_JSON), "{bad}");
    }
}
