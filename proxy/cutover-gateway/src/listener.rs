//! A listening address: its socket, its TLS, and what its clients may do.

use std::{io, net::SocketAddr, sync::Arc};

use arc_swap::ArcSwap;
use parking_lot::Mutex;
use socket2::{Domain, Protocol, Socket, Type};

use crate::{chassis::Inherited, settings::ListenerSettings, tls::TlsListener};

/// Connections that may wait to be accepted; the kernel cuts it to `net.core.somaxconn`.
const BACKLOG: i32 = 65_535;

/// A listening address in use.
#[derive(Debug)]
pub(crate) struct Listener {
    /// Its position among the listeners.
    pub(crate) position: usize,
    /// Where it listens; the port is never 0.
    pub(crate) address: SocketAddr,
    pub(crate) tls: Option<Arc<TlsListener>>,
    settings: ArcSwap<ListenerSettings>,
    /// `None` once it is closed.
    socket: Mutex<Option<std::net::TcpListener>>,
}

// === impl Listener ===

impl Listener {
    /// Takes over the socket of the process before, or opens one.
    pub(crate) fn open(
        position: usize,
        settings: &ListenerSettings,
        tls: Option<Arc<TlsListener>>,
        inherited: Option<&mut Inherited>,
    ) -> io::Result<Listener> {
        let socket = match inherited.and_then(|inherited| inherited.take(settings.address)) {
            Some(socket) => socket,
            None => bind(settings.address)?,
        };
        Ok(Listener {
            position,
            address: socket.local_addr()?,
            tls,
            settings: ArcSwap::from_pointee(settings.clone()),
            socket: Mutex::new(Some(socket)),
        })
    }

    /// What its clients may do, from the next connection on.
    pub(crate) fn settings(&self) -> Arc<ListenerSettings> {
        self.settings.load_full()
    }

    pub(crate) fn set_settings(&self, settings: &ListenerSettings) {
        self.settings.store(Arc::new(settings.clone()));
    }

    /// The socket, for one worker thread's runtime.
    pub(crate) fn accepting(&self) -> io::Result<tokio::net::TcpListener> {
        let socket = self.socket()?;
        socket.set_nonblocking(true)?;
        tokio::net::TcpListener::from_std(socket)
    }

    /// Another handle to the socket. Fails once it is closed.
    pub(crate) fn socket(&self) -> io::Result<std::net::TcpListener> {
        match &*self.socket.lock() {
            Some(socket) => socket.try_clone(),
            None => Err(io::ErrorKind::NotConnected.into()),
        }
    }

    /// Lets go of the socket: once the workers have too, connecting is refused.
    pub(crate) fn close(&self) {
        self.socket.lock().take();
    }
}

fn bind(address: SocketAddr) -> io::Result<std::net::TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    // A restarted process need not wait for connections of the one before to be forgotten.
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}
