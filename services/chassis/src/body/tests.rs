use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::Body;
use hyper::body::Frame;

use super::*;

/// Yields its pieces, then never ends.
struct Stalling(Vec<Bytes>);

impl hyper::body::Body for Stalling {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, std::io::Error>>> {
        match self.0.pop() {
            Some(piece) => Poll::Ready(Some(Ok(Frame::data(piece)))),
            None => Poll::Pending,
        }
    }
}

fn post(body: impl Into<Body>) -> Request {
    Request::new(body.into())
}

#[tokio::test]
async fn reads_up_to_the_limit() {
    let limits = BodyLimits::bytes(3);
    assert_eq!(collect(post("abc"), limits).await.unwrap(), "abc");
    assert_eq!(collect(post(""), limits).await.unwrap(), "");
    assert_eq!(collect(post("abcd"), limits).await.unwrap_err(), BodyError::TooLarge);
}

#[tokio::test]
async fn an_announced_length_is_refused_unread() {
    let mut request = post(Body::new(Stalling(Vec::new())));
    request.headers_mut().insert(CONTENT_LENGTH, http::HeaderValue::from(4));
    assert_eq!(collect(request, BodyLimits::bytes(3)).await.unwrap_err(), BodyError::TooLarge);
}

#[tokio::test(start_paused = true)]
async fn silence_ends_it() {
    let begin = Instant::now();
    let body = Body::new(Stalling(vec![Bytes::from_static(b"ab")]));
    assert_eq!(collect(post(body), BodyLimits::bytes(9)).await.unwrap_err(), BodyError::TooSlow);
    assert_eq!(begin.elapsed().as_secs(), 10);
}
