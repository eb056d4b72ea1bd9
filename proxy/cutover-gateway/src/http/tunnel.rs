//! Upgraded connections: WebSocket and whatever else both ends agree on.

use std::{sync::Arc, time::Duration};

use http::{Request, Response, header, request::Parts};
use hyper::{
    body::Incoming,
    upgrade::{OnUpgrade, Upgraded},
};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf};

use super::{answer::Answer, exchange::Exchange};
use crate::{chassis::Presence, upstream::Lease};

/// Bytes copied at a time, each way.
const BUFFER_BYTES: usize = 8 * 1024;

/// The client's end of a connection that may be upgraded.
pub(super) fn downstream(parts: &mut Parts) -> OnUpgrade {
    let mut request = Request::new(());
    std::mem::swap(request.extensions_mut(), &mut parts.extensions);
    let upgrade = hyper::upgrade::on(&mut request);
    std::mem::swap(request.extensions_mut(), &mut parts.extensions);
    upgrade
}

/// Answers 101 and joins both ends once hyper has let go of them.
pub(super) fn open(
    downstream: OnUpgrade,
    mut response: Response<Incoming>,
    lease: Lease,
    mut exchange: Box<Exchange>,
) -> Response<Answer> {
    let upstream = hyper::upgrade::on(&mut response);
    let connection = Arc::clone(&exchange.connection);
    if let Some(guard) = &connection.guard {
        guard.tunnel();
    }
    let idle = exchange.live.settings.limits.tunnel_idle;
    let presence = connection.presence.clone();
    tokio::spawn(async move {
        // The connection is the tunnel's now and does not go back to the pool.
        let _lease = lease;
        let _open = connection.shared.metrics.tunnel();
        if let (Ok(client), Ok(upstream)) = (downstream.await, upstream.await) {
            join(client, upstream, idle, presence).await;
        }
    });
    exchange.status = Some(response.status());
    let (mut parts, _) = response.into_parts();
    let upgrade = parts.headers.get(header::UPGRADE).cloned();
    super::headers::strip_response(&mut parts.headers);
    if let Some(upgrade) = upgrade {
        parts.headers.insert(header::UPGRADE, upgrade);
    }
    parts.headers.insert(header::CONNECTION, http::HeaderValue::from_static("upgrade"));
    Response::from_parts(parts, Answer::empty(Some(exchange)))
}

/// Copies both ways until both ends have closed, one has failed, nothing came either way for
/// `idle`, or the drain's patience is over.
async fn join(client: Upgraded, upstream: Upgraded, idle: Duration, presence: Presence) {
    let (client_in, client_out) = tokio::io::split(TokioIo::new(client));
    let (upstream_in, upstream_out) = tokio::io::split(TokioIo::new(upstream));
    let activity = tokio::sync::watch::channel(()).0;
    let copies = async {
        tokio::try_join!(
            copy(client_in, upstream_out, &activity),
            copy(upstream_in, client_out, &activity),
        )
    };
    tokio::select! {
        _ = copies => {}
        () = silence(&activity, idle) => {}
        () = presence.cut() => {}
    }
}

/// Copies until the end of `from` and passes the end on.
async fn copy(
    mut from: ReadHalf<TokioIo<Upgraded>>,
    mut to: WriteHalf<TokioIo<Upgraded>>,
    activity: &tokio::sync::watch::Sender<()>,
) -> std::io::Result<()> {
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        let read = from.read(&mut buffer).await?;
        if read == 0 {
            return to.shutdown().await;
        }
        to.write_all(&buffer[..read]).await?;
        to.flush().await?;
        activity.send_replace(());
    }
}

async fn silence(activity: &tokio::sync::watch::Sender<()>, idle: Duration) {
    let mut activity = activity.subscribe();
    while let Ok(Ok(())) = tokio::time::timeout(idle, activity.changed()).await {}
}
