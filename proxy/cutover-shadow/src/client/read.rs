//! Reading an answer to its end, within bounds.

use std::{
    net::SocketAddr,
    pin::Pin,
    task::{Context, Poll},
};

use cutover_domain::exchange::{Dropped, RESPONSE_BYTES_MAX, Tee};
use http::{HeaderMap, Response};
use http_body::{Body as _, Frame};
use hyper::body::Incoming;
use tokio::time::Instant;

use super::connection::fault;
use crate::lane::{Bounds, Failure, Fault, Reply};

/// Reads the whole answer within `bounds`; `drive` is called whenever more is waited for. Beyond
/// [`RESPONSE_BYTES_MAX`] only length and hash of the body are kept.
pub(super) async fn whole(
    response: Response<Incoming>,
    start: Instant,
    peer: Option<SocketAddr>,
    bounds: &Bounds,
    mut drive: impl FnMut(&mut Context<'_>),
) -> Result<Reply, Failure> {
    let exhausted = |_| Failure::Ours(Dropped::Budget);
    let mut reserved = bounds.budget.reserve(0).map_err(exhausted)?;
    let (parts, mut body) = response.into_parts();
    reserved.grow(bytes_of(&parts.headers)).map_err(exhausted)?;
    let mut tee = Tee::new(RESPONSE_BYTES_MAX);
    let (mut length, mut trailers) = (0, HeaderMap::new());
    while let Some(frame) = frame(&mut body, &mut drive).await? {
        match frame.into_data() {
            Ok(data) => {
                length += data.len() as u64;
                if length > bounds.body_bytes_max {
                    return Err(Failure::Theirs(Fault::Endless));
                }
                tee.pass(&data, &mut reserved).map_err(exhausted)?;
            }
            Err(frame) => {
                trailers = frame.into_trailers().unwrap_or_default();
                reserved.grow(bytes_of(&trailers)).map_err(exhausted)?;
            }
        }
    }
    Ok(Reply {
        status: parts.status,
        headers: parts.headers,
        body: tee.finish(),
        trailers,
        duration: start.elapsed(),
        version: parts.version,
        peer,
        _reserved: reserved,
    })
}

fn bytes_of(fields: &HeaderMap) -> u64 {
    fields.iter().map(|(name, value)| (name.as_str().len() + value.len()) as u64).sum()
}

async fn frame(
    body: &mut Incoming,
    drive: &mut impl FnMut(&mut Context<'_>),
) -> Result<Option<Frame<bytes::Bytes>>, Failure> {
    let frame = std::future::poll_fn(|cx| {
        if let Poll::Ready(frame) = Pin::new(&mut *body).poll_frame(cx) {
            return Poll::Ready(frame);
        }
        drive(cx);
        Pin::new(&mut *body).poll_frame(cx)
    });
    frame.await.transpose().map_err(|error| Failure::Theirs(fault(&error)))
}
