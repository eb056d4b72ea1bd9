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
    socket: Mutex<Socketed>,
}

#[derive(Debug)]
struct Socketed {
    /// `None` once it is closed.
    socket: Option<std::net::TcpListener>,
    /// Worker threads that accept on it.
    workers: usize,
    /// Nobody begins to accept any more.
    is_closing: bool,
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
            socket: Mutex::new(Socketed { socket: Some(socket), workers: 0, is_closing: false }),
        })
    }

    /// What its clients may do, from the next connection on.
    pub(crate) fn settings(&self) -> Arc<ListenerSettings> {
        self.settings.load_full()
    }

    pub(crate) fn set_settings(&self, settings: &ListenerSettings) {
        self.settings.store(Arc::new(settings.clone()));
    }

    /// The socket, for one worker thread's runtime, until it [leaves](Listener::leave).
    pub(crate) fn accepting(&self) -> io::Result<tokio::net::TcpListener> {
        let mut socketed = self.socket.lock();
        let Some(socket) = socketed.socket.as_ref().filter(|_| !socketed.is_closing) else {
            return Err(io::ErrorKind::NotConnected.into());
        };
        let socket = socket.try_clone()?;
        socket.set_nonblocking(true)?;
        let socket = tokio::net::TcpListener::from_std(socket)?;
        socketed.workers += 1;
        Ok(socket)
    }

    /// Another handle to the socket. Fails once it is closed.
    pub(crate) fn socket(&self) -> io::Result<std::net::TcpListener> {
        match &self.socket.lock().socket {
            Some(socket) => socket.try_clone(),
            None => Err(io::ErrorKind::NotConnected.into()),
        }
    }

    /// The socket is to close when the last worker leaves it: then connecting is refused.
    pub(crate) fn close(&self) {
        let mut socketed = self.socket.lock();
        socketed.is_closing = true;
        if socketed.workers == 0 {
            socketed.socket = None;
        }
    }

    /// A worker has let go of its handle. The last one of a socket that is to close gets it, and
    /// closes it by dropping it: whoever is in its backlog then is cut off, so it had better be
    /// emptied right before.
    pub(crate) fn leave(&self) -> Option<std::net::TcpListener> {
        let mut socketed = self.socket.lock();
        socketed.workers -= 1;
        let is_last = socketed.is_closing && socketed.workers == 0;
        if is_last { socketed.socket.take() } else { None }
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

#[cfg(test)]
mod tests;
