//! Accepting connections, and ending them.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;

use super::Limits;
use super::front::Front;
use super::wire::{Wire, WireHandle};
use crate::drill::Fault;

/// After a failed accept, most likely for lack of descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// At the stop, what a client that has just connected gets to begin its request.
const FIRST_BYTES_GRACE: Duration = Duration::from_millis(100);
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// One listening port.
pub(crate) struct Listener {
    pub(crate) socket: TcpListener,
    pub(crate) host: Host,
}

/// How the connections of a port are served.
pub(crate) struct Host {
    pub(crate) front: Front,
    pub(crate) tls: Option<TlsAcceptor>,
    pub(crate) limits: Limits,
    pub(crate) title_case_headers: bool,
}

/// What made the accept loop wake up.
enum Event {
    Accepted(io::Result<(TcpStream, SocketAddr)>, OwnedSemaphorePermit),
    FaultChanged,
    Stop,
}

impl Listener {
    /// Serves until `stopped`, then lets requests under way finish, at most [`Limits::drain`].
    pub(crate) async fn serve(mut self, mut stopped: watch::Receiver<bool>) {
        let slots = Arc::new(Semaphore::new(self.host.limits.connections_max));
        let mut fault = self.host.front.faults.watch();
        let mut connections = JoinSet::new();
        loop {
            while connections.try_join_next().is_some() {}
            let event = tokio::select! {
                biased;
                () = stop(&mut stopped) => Event::Stop,
                _ = fault.changed() => Event::FaultChanged,
                (accepted, slot) = self.accept(&slots) => Event::Accepted(accepted, slot),
            };
            match event {
                Event::Stop => break,
                Event::FaultChanged if *fault.borrow_and_update() == Fault::Refuse => {
                    connections.shutdown().await;
                    let Some(listener) = self.play_dead(&mut fault, &mut stopped).await else {
                        return;
                    };
                    self = listener;
                }
                Event::FaultChanged => {}
                Event::Accepted(Ok((stream, _)), slot) => {
                    connections.spawn(self.host.connection(stream, slot, stopped.clone()));
                }
                Event::Accepted(Err(error), _) => {
                    self.host.front.metrics.accept_errors.inc();
                    tracing::warn!(%error, "cannot accept a connection; trying again shortly");
                    sleep(ACCEPT_PAUSE).await;
                }
            }
        }
        let Listener { socket, host } = self;
        host.take_backlog(socket, &slots, &mut connections, &stopped);
        let drained = async { while connections.join_next().await.is_some() {} };
        if timeout(host.limits.drain, drained).await.is_err() {
            let count = connections.len();
            tracing::warn!(count, "connections were cut since their requests did not end in time");
            connections.shutdown().await;
        }
    }

    async fn accept(
        &self,
        slots: &Arc<Semaphore>,
    ) -> (io::Result<(TcpStream, SocketAddr)>, OwnedSemaphorePermit) {
        let slot = Arc::clone(slots).acquire_owned().await.expect("the semaphore is never closed");
        (self.socket.accept().await, slot)
    }

    /// Closes the port until the fault is taken back; `None`: the service stopped meanwhile.
    async fn play_dead(
        self,
        fault: &mut watch::Receiver<Fault>,
        stopped: &mut watch::Receiver<bool>,
    ) -> Option<Listener> {
        let addr = self.socket.local_addr().ok()?;
        drop(self.socket);
        let healed = tokio::select! {
            healed = fault.wait_for(|fault| *fault != Fault::Refuse) => healed.is_ok(),
            () = stop(stopped) => false,
        };
        if !healed {
            return None;
        }
        loop {
            match TcpListener::bind(addr).await {
                Ok(socket) => return Some(Listener { socket, ..self }),
                Err(error) => tracing::error!(%error, %addr, "cannot listen again; trying on"),
            }
            tokio::select! {
                () = sleep(ACCEPT_PAUSE) => {}
                () = stop(stopped) => return None,
            }
        }
    }
}

impl Host {
    /// The kernel has completed these connections: their clients believe that we are there.
    ///
    /// Asks the kernel itself, since tokio would only tell what it has heard so far.
    fn take_backlog(
        &self,
        socket: TcpListener,
        slots: &Arc<Semaphore>,
        connections: &mut JoinSet<()>,
        stopped: &watch::Receiver<bool>,
    ) {
        let Ok(socket) = socket.into_std() else { return };
        while let Ok(slot) = Arc::clone(slots).try_acquire_owned() {
            let Ok((stream, _)) = socket.accept() else { break };
            let stream = stream.set_nonblocking(true).and_then(|()| TcpStream::from_std(stream));
            if let Ok(stream) = stream {
                connections.spawn(self.connection(stream, slot, stopped.clone()));
            }
        }
    }

    fn connection(
        &self,
        stream: TcpStream,
        slot: OwnedSemaphorePermit,
        stopped: watch::Receiver<bool>,
    ) -> impl Future<Output = ()> + Send + 'static {
        let (front, tls, limits) = (self.front.clone(), self.tls.clone(), self.limits);
        let title_case = self.title_case_headers;
        async move {
            let _slot = slot;
            let _open = Open::new(&front);
            // Fails on a connection that is gone already, which the first read finds out.
            let _ = stream.set_nodelay(true);
            let Some(tls) = tls else {
                return converse(stream, front, limits, title_case, stopped).await;
            };
            match timeout(HANDSHAKE_TIMEOUT, tls.accept(stream)).await {
                Ok(Ok(stream)) => converse(stream, front, limits, title_case, stopped).await,
                Ok(Err(error)) => {
                    front.metrics.accept_errors.inc();
                    tracing::debug!(%error, "TLS handshake failed");
                }
                Err(_) => {
                    front.metrics.accept_errors.inc();
                    tracing::debug!("TLS handshake took too long");
                }
            }
        }
    }
}

/// Serves the requests of one connection. At the stop it answers what it has begun to read.
async fn converse<S>(
    stream: S,
    front: Front,
    limits: Limits,
    title_case: bool,
    mut stopped: watch::Receiver<bool>,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let handle = WireHandle::default();
    let wire = TokioIo::new(Wire::new(stream, handle.clone(), limits.write_stall));
    let given = handle.clone();
    let service = service_fn(move |request| {
        let answered = front.clone().answer(request, given.clone());
        async move { Ok::<_, Infallible>(answered.await) }
    });
    let connection = http1::Builder::new()
        .title_case_headers(title_case)
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head_timeout)
        .max_headers(limits.headers_max)
        .max_buf_size(limits.head_bytes_max)
        .serve_connection(wire, service)
        .with_upgrades();
    tokio::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stop(&mut stopped) => {
            // hyper would close a connection that it has read nothing from, request under way or not.
            let grace = if handle.has_read() { Duration::ZERO } else { FIRST_BYTES_GRACE };
            match timeout(grace, connection.as_mut()).await {
                Ok(ended) => ended,
                Err(_) => {
                    connection.as_mut().graceful_shutdown();
                    connection.await
                }
            }
        }
    };
    if let Err(error) = ended {
        tracing::debug!(error = &error as &dyn std::error::Error, "connection ended early");
    }
}

/// Returns when the service stops, or is gone.
async fn stop(stopped: &mut watch::Receiver<bool>) {
    let _ = stopped.wait_for(|&stopped| stopped).await;
}

/// Counts an open connection.
struct Open(crate::metrics::Metrics);

impl Open {
    fn new(front: &Front) -> Open {
        front.metrics.connections.inc();
        Open(front.metrics.clone())
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.connections.dec();
    }
}
