//! Accepting connections, within limits.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use tokio::net::TcpStream;

use super::{Presence, Presences, Stage};
use crate::{listener::Listener, metrics::TurnedAway};

/// Pause after an accept that failed for want of file descriptors or memory: trying at once
/// would only burn the CPU that is needed to get out of it.
const PAUSE: Duration = Duration::from_millis(20);

/// A connection that was let in.
pub(crate) struct Accepted<S> {
    pub(crate) stream: S,
    pub(crate) peer: SocketAddr,
    pub(crate) presence: Presence,
}

/// What serves connections. HTTP does; MQTT will on the same chassis.
pub(crate) trait Connections: Send + Sync + 'static {
    /// At most so many connections in all, and from one address.
    fn limits(&self) -> (usize, usize);

    /// How long a drain waits for requests in flight.
    fn drain(&self) -> Duration;

    /// Told of each connection that was closed at the door.
    fn turned_away(&self, reason: TurnedAway);

    /// Serves one connection until it ends.
    fn serve(
        self: Arc<Self>,
        listener: Arc<Listener>,
        accepted: Accepted<TcpStream>,
    ) -> impl Future<Output = ()> + Send;

    /// Runs on each worker thread as long as it lives.
    fn housekeeping(&self) -> impl Future<Output = ()> + Send;
}

/// Accepts on one worker thread until the process drains.
pub(super) async fn accept<C: Connections>(
    connections: Arc<C>,
    listener: Arc<Listener>,
    presences: Arc<Presences>,
) {
    let socket = match listener.accepting() {
        Ok(socket) => socket,
        Err(error) => {
            return tracing::error!(address = %listener.address, %error, "cannot listen");
        }
    };
    loop {
        tokio::select! {
            biased;
            () = presences.wait_for(Stage::Draining) => break,
            accepted = socket.accept() => take(accepted, &connections, &listener, &presences).await,
        }
    }
    drop(socket);
    if let Some(last) = listener.leave()
        && presences.empties_backlog()
    {
        empty(last, &connections, &listener, &presences).await;
    }
}

/// Takes who is in the backlog of a socket, and closes it: between the two nobody else gets there
/// but by a hair.
async fn empty<C: Connections>(
    socket: std::net::TcpListener,
    connections: &Arc<C>,
    listener: &Arc<Listener>,
    presences: &Arc<Presences>,
) {
    let mut waiting = Vec::new();
    loop {
        // Asked itself and not by readiness, which lags behind.
        match socket.accept() {
            Ok(accepted) => waiting.push(accepted),
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
            Err(_) => break,
        }
    }
    drop(socket);
    for (stream, peer) in waiting {
        let stream = stream.set_nonblocking(true).and_then(|()| TcpStream::from_std(stream));
        take(stream.map(|stream| (stream, peer)), connections, listener, presences).await;
    }
}

async fn take<C: Connections>(
    accepted: io::Result<(TcpStream, SocketAddr)>,
    connections: &Arc<C>,
    listener: &Arc<Listener>,
    presences: &Arc<Presences>,
) {
    let (stream, peer) = match accepted {
        Ok(accepted) => accepted,
        Err(error) => {
            tracing::warn!(address = %listener.address, %error, "accepting a connection failed");
            return tokio::time::sleep(PAUSE).await;
        }
    };
    let (in_all_max, per_address_max) = connections.limits();
    match presences.enter(peer.ip(), in_all_max, per_address_max) {
        Ok(presence) => {
            // Answers leave when hyper flushes them; waiting for more would only delay them.
            let _ = stream.set_nodelay(true);
            let accepted = Accepted { stream, peer, presence };
            tokio::spawn(Arc::clone(connections).serve(Arc::clone(listener), accepted));
        }
        Err(reason) => connections.turned_away(reason),
    }
}
