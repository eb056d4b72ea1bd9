//! Request bodies, read whole within a size and two limits of time.

use std::time::Duration;

use axum::extract::Request;
use bytes::{Bytes, BytesMut};
use http::header::CONTENT_LENGTH;
use http_body_util::BodyExt;
use hyper::body::Body as _;
use tokio::time::{Instant, timeout_at};

/// What a client may take.
#[derive(Clone, Copy, Debug)]
pub struct BodyLimits {
    /// Largest body.
    pub bytes_max: usize,
    /// Longest silence within it.
    pub silence_max: Duration,
    /// Longest time for all of it.
    pub duration_max: Duration,
}

/// Why a body was not read to its end. The connection cannot carry another request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// More than `bytes_max`, by `Content-Length` before a byte was read.
    #[error("the body is too large")]
    TooLarge,
    /// A limit of time passed.
    #[error("the body came too slowly")]
    TooSlow,
    /// The client left or broke the framing.
    #[error("the body broke off")]
    CutShort,
}

impl BodyLimits {
    /// `bytes_max` bytes, 10 s of silence, 60 s in all.
    pub const fn bytes(bytes_max: usize) -> BodyLimits {
        let (silence_max, duration_max) = (Duration::from_secs(10), Duration::from_secs(60));
        BodyLimits { bytes_max, silence_max, duration_max }
    }
}

/// Reads the body of `request`; trailers are ignored.
pub async fn collect(request: Request, limits: BodyLimits) -> Result<Bytes, BodyError> {
    let announced = request.headers().get(CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    let announced: Option<u64> = announced.and_then(|text| text.parse().ok());
    if announced.is_some_and(|length| length > limits.bytes_max as u64) {
        return Err(BodyError::TooLarge);
    }
    let mut body = request.into_body();
    let deadline = Instant::now() + limits.duration_max;
    let mut collected = BytesMut::new();
    while !body.is_end_stream() {
        let next = deadline.min(Instant::now() + limits.silence_max);
        let frame = timeout_at(next, body.frame()).await.map_err(|_| BodyError::TooSlow)?;
        let Some(frame) = frame else { break };
        let Ok(data) = frame.map_err(|_| BodyError::CutShort)?.into_data() else { continue };
        if collected.len() + data.len() > limits.bytes_max {
            return Err(BodyError::TooLarge);
        }
        collected.extend_from_slice(&data);
    }
    Ok(collected.freeze())
}

#[cfg(test)]
mod tests;
