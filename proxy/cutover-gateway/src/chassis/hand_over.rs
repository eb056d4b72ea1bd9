//! Handing listening sockets to a new process, without a refused connection.
//!
//! The new process waits at a Unix socket in a directory of its own; the old one sends the
//! sockets with their addresses (SCM_RIGHTS, unix(7)) and lets go of them only after the new one
//! has said that it serves. Connections that arrive in between wait in the sockets' backlog. If
//! the new process dies before, the old one goes on as if nothing had been.
//!
//! pingora's own hand-over is not used: it waits a fixed five seconds instead of for a word,
//! leaves its socket open to every user, and gives descriptors as numbers, which cannot become
//! sockets again without `unsafe`.

use std::{
    io::{self, IoSlice, IoSliceMut, Read, Write},
    mem::MaybeUninit,
    net::{SocketAddr, TcpListener},
    os::{
        fd::{AsFd, BorrowedFd},
        unix::{
            fs::PermissionsExt,
            net::{UnixListener, UnixStream},
        },
    },
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags,
};

use crate::listener::Listener;

/// Most listening sockets that can be handed over.
const LISTENERS_MAX: usize = 64;
/// How long the old process waits for the new one to serve.
const READY_WAIT: Duration = Duration::from_secs(30);
/// What the new process answers once it serves.
const READY: u8 = b'R';
/// Longest list of addresses, in bytes.
const ADDRESSES_BYTES_MAX: usize = 8 * 1024;

/// Why sockets could not be handed over. The process that had them goes on serving.
#[derive(Debug, thiserror::Error)]
pub enum HandOverError {
    /// Nobody waits at the path.
    #[error(
        "no process waits at {}: start the new one with `cutover run --upgrade` first",
        .0.display()
    )]
    Nobody(PathBuf, #[source] io::Error),
    /// Sending failed.
    #[error("the listening sockets could not be sent")]
    Send(#[source] io::Error),
    /// The new process did not say that it serves.
    #[error("the new process ended, or did not serve within {READY_WAIT:?}")]
    NotReady(#[source] io::Error),
    /// The path cannot be listened on.
    #[error("cannot wait at {}: its directory must exist and be writable", .0.display())]
    Wait(PathBuf, #[source] io::Error),
    /// No process sent its sockets in time.
    #[error("no process handed its sockets over within {0:?}: send SIGQUIT to the one that serves")]
    NoSockets(Duration),
    /// What came was not what a process of ours sends.
    #[error("what came from the old process is no list of sockets")]
    Malformed(#[source] io::Error),
    /// A drain is under way, so there is nothing left to hand over.
    #[error("this process is draining already")]
    Draining,
    /// The hand-over itself was cut short.
    #[error("the hand-over was interrupted")]
    Interrupted,
}

/// Sockets received from the process before.
#[derive(Debug)]
pub struct Inherited {
    listeners: Vec<(SocketAddr, TcpListener)>,
    old: UnixStream,
}

/// Sends `listeners` to the process waiting at `path`; returns once it serves. Blocks.
pub(super) fn send(path: &Path, listeners: &[Arc<Listener>]) -> Result<(), HandOverError> {
    let nobody = |source| HandOverError::Nobody(path.to_owned(), source);
    let mut stream = UnixStream::connect(path).map_err(nobody)?;
    let addresses: Vec<String> =
        listeners.iter().map(|listener| listener.address.to_string()).collect();
    let sockets: Vec<TcpListener> = listeners
        .iter()
        .map(|listener| listener.socket())
        .collect::<io::Result<_>>()
        .map_err(HandOverError::Send)?;
    let descriptors: Vec<BorrowedFd<'_>> = sockets.iter().map(AsFd::as_fd).collect();
    send_descriptors(&stream, addresses.join("\n").as_bytes(), &descriptors)
        .map_err(HandOverError::Send)?;
    stream.set_read_timeout(Some(READY_WAIT)).map_err(HandOverError::NotReady)?;
    let mut answer = [0];
    stream.read_exact(&mut answer).map_err(HandOverError::NotReady)?;
    match answer {
        [READY] => Ok(()),
        _ => Err(HandOverError::NotReady(io::ErrorKind::InvalidData.into())),
    }
}

fn send_descriptors(
    stream: &UnixStream,
    payload: &[u8],
    descriptors: &[BorrowedFd<'_>],
) -> io::Result<()> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(LISTENERS_MAX))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !control.push(SendAncillaryMessage::ScmRights(descriptors)) {
        return Err(io::Error::other(format!("more than {LISTENERS_MAX} listeners")));
    }
    let length = u32::try_from(payload.len()).map_err(io::Error::other)?.to_be_bytes();
    let parts = [IoSlice::new(&length), IoSlice::new(payload)];
    let sent = rustix::net::sendmsg(stream, &parts, &mut control, SendFlags::empty())?;
    let rest = (length.len() + payload.len()).checked_sub(sent);
    match rest {
        Some(0) => Ok(()),
        _ => Err(io::ErrorKind::WriteZero.into()),
    }
}

// === impl Inherited ===

impl Inherited {
    /// Waits at `path` for the process before to send its sockets. Blocks.
    pub fn receive(path: &Path, patience: Duration) -> Result<Inherited, HandOverError> {
        let wait = |source| HandOverError::Wait(path.to_owned(), source);
        let listener = listen(path).map_err(wait)?;
        let accepted = accept_within(&listener, patience);
        let _ = std::fs::remove_file(path);
        let old = accepted.map_err(wait)?.ok_or(HandOverError::NoSockets(patience))?;
        old.set_nonblocking(false).map_err(HandOverError::Malformed)?;
        old.set_read_timeout(Some(patience)).map_err(HandOverError::Malformed)?;
        let listeners = receive_listeners(&old).map_err(HandOverError::Malformed)?;
        Ok(Inherited { listeners, old })
    }

    /// Takes the socket that listens on `address`, if the process before had one.
    pub(crate) fn take(&mut self, address: SocketAddr) -> Option<TcpListener> {
        let at = self.listeners.iter().position(|(known, _)| *known == address)?;
        Some(self.listeners.swap_remove(at).1)
    }

    /// Tells the process before that this one serves; sockets not taken are closed.
    pub fn serving(mut self) -> io::Result<()> {
        self.old.write_all(&[READY])
    }
}

/// Listens at `path`. The socket gets its name last: whoever sees it can connect, and only its
/// owner ever can. One left behind by a process that was killed is replaced.
fn listen(path: &Path) -> io::Result<UnixListener> {
    let unnamed = path.with_extension("part");
    let _ = std::fs::remove_file(&unnamed);
    let listener = UnixListener::bind(&unnamed)?;
    std::fs::set_permissions(&unnamed, std::fs::Permissions::from_mode(0o600))?;
    listener.set_nonblocking(true)?;
    std::fs::rename(&unnamed, path)?;
    Ok(listener)
}

/// Polls, since a blocking accept has no time-out; this process serves nobody yet.
fn accept_within(listener: &UnixListener, patience: Duration) -> io::Result<Option<UnixStream>> {
    let deadline = Instant::now() + patience;
    loop {
        match listener.accept() {
            Ok((stream, _)) => return Ok(Some(stream)),
            Err(error) if error.kind() != io::ErrorKind::WouldBlock => return Err(error),
            Err(_) if Instant::now() >= deadline => return Ok(None),
            Err(_) => std::thread::park_timeout(Duration::from_millis(20)),
        }
    }
}

fn receive_listeners(stream: &UnixStream) -> io::Result<Vec<(SocketAddr, TcpListener)>> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(LISTENERS_MAX))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let mut length = [0; 4];
    let parts = &mut [IoSliceMut::new(&mut length)];
    let received = rustix::net::recvmsg(stream, parts, &mut control, RecvFlags::CMSG_CLOEXEC)?;
    let length = u32::from_be_bytes(length) as usize;
    if received.bytes != 4 || length > ADDRESSES_BYTES_MAX {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut descriptors = Vec::new();
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(rights) = message {
            descriptors.extend(rights);
        }
    }
    let mut addresses = vec![0; length];
    (&mut &*stream).read_exact(&mut addresses)?;
    let addresses = String::from_utf8(addresses).map_err(io::Error::other)?;
    let addresses: Vec<SocketAddr> = addresses
        .lines()
        .map(|line| line.parse().map_err(io::Error::other))
        .collect::<io::Result<_>>()?;
    if addresses.len() != descriptors.len() {
        return Err(io::ErrorKind::InvalidData.into());
    }
    Ok(addresses.into_iter().zip(descriptors.into_iter().map(TcpListener::from)).collect())
}
