//! Clients that speak raw HTTP/1, in cleartext or by TLS.

use std::{
    io::{self, Read, Write},
    net::{Shutdown, SocketAddr, TcpStream},
    sync::Arc,
    time::Duration,
};

use rustls::{ClientConnection, HandshakeKind, StreamOwned, pki_types::ServerName};
use socket2::SockRef;

use super::PATIENCE;

/// A client that speaks raw HTTP/1.
pub(crate) struct Client(Stream);

enum Stream {
    Plain(TcpStream),
    Tls(Box<StreamOwned<ClientConnection, TcpStream>>),
}

// === impl Client ===

impl Client {
    pub(super) fn connect(address: SocketAddr) -> Client {
        Client(Stream::Plain(connect(address)))
    }

    pub(super) fn connect_tls(address: SocketAddr, config: &Arc<rustls::ClientConfig>) -> Client {
        let name = ServerName::try_from("localhost").unwrap();
        let connection = ClientConnection::new(Arc::clone(config), name).unwrap();
        Client(Stream::Tls(Box::new(StreamOwned::new(connection, connect(address)))))
    }

    pub(crate) fn send(&mut self, bytes: &str) {
        self.try_send(bytes).unwrap();
    }

    pub(crate) fn try_send(&mut self, bytes: &str) -> io::Result<()> {
        self.0.write_all(bytes.as_bytes())
    }

    /// Sends a request and reads its answer, which has a `Content-Length` or no body.
    pub(crate) fn ask(&mut self, request: &str) -> String {
        self.send(request);
        let mut reply = self.read_until("\r\n\r\n");
        let head = reply.to_lowercase();
        let length = head.split("content-length: ").nth(1).and_then(|rest| rest.split('\r').next());
        let length: usize = length.unwrap_or("0").parse().unwrap();
        let mut body = vec![0; length];
        self.0.read_exact(&mut body).unwrap();
        reply.push_str(&String::from_utf8_lossy(&body));
        reply
    }

    /// The answer's first line; `None` if the connection ends without one.
    pub(crate) fn try_ask(&mut self, request: &str) -> Option<String> {
        self.try_send(request).ok()?;
        let mut byte = [0];
        let mut line = String::new();
        while !line.ends_with('\n') {
            if !matches!(self.0.read(&mut byte), Ok(1)) {
                return None;
            }
            line.push(byte[0].into());
        }
        Some(line)
    }

    pub(crate) fn read_until(&mut self, end: &str) -> String {
        let mut read = Vec::new();
        let mut byte = [0];
        while !read.ends_with(end.as_bytes()) {
            match self.0.read(&mut byte) {
                Ok(0) | Err(_) => {
                    panic!("ended before {end:?}: {:?}", String::from_utf8_lossy(&read))
                }
                Ok(_) => read.push(byte[0]),
            }
        }
        String::from_utf8_lossy(&read).into_owned()
    }

    pub(crate) fn read_to_end(&mut self) -> String {
        let mut read = Vec::new();
        match self.0.read_to_end(&mut read) {
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => {}
            Err(error) => panic!("{error}: {:?}", String::from_utf8_lossy(&read)),
        }
        String::from_utf8_lossy(&read).into_owned()
    }

    /// Reads at most so many bytes and forgets them; says how many there were.
    pub(crate) fn skip(&mut self, bytes: u64) -> u64 {
        io::copy(&mut (&mut self.0).take(bytes), &mut io::sink()).unwrap()
    }

    /// Whether something can be read within a moment.
    pub(crate) fn has_answer(&self) -> bool {
        let socket = self.0.socket();
        socket.set_read_timeout(Some(Duration::from_millis(1))).unwrap();
        let has = matches!(socket.peek(&mut [0]), Ok(1));
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        has
    }

    /// Sends no more.
    pub(crate) fn end(&self) {
        self.0.socket().shutdown(Shutdown::Write).unwrap();
    }

    /// Leaves as a killed process does.
    pub(crate) fn reset(self) {
        SockRef::from(self.0.socket()).set_linger(Some(Duration::ZERO)).unwrap();
    }

    /// The server's certificate.
    pub(crate) fn certificate(&mut self) -> Vec<u8> {
        let Stream::Tls(stream) = &mut self.0 else { panic!("no TLS") };
        while stream.conn.is_handshaking() {
            stream.conn.complete_io(&mut stream.sock).unwrap();
        }
        stream.conn.peer_certificates().unwrap()[0].to_vec()
    }

    /// Whether it continued an earlier session.
    pub(crate) fn was_resumed(&self) -> bool {
        let Stream::Tls(stream) = &self.0 else { panic!("no TLS") };
        stream.conn.handshake_kind() == Some(HandshakeKind::Resumed)
    }
}

fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_nodelay(true).unwrap();
    stream
}

// === impl Stream ===

impl Stream {
    fn socket(&self) -> &TcpStream {
        match self {
            Stream::Plain(stream) => stream,
            Stream::Tls(stream) => &stream.sock,
        }
    }
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Stream::Plain(stream) => stream.read(buffer),
            Stream::Tls(stream) => stream.read(buffer),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Stream::Plain(stream) => stream.write(bytes),
            Stream::Tls(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Stream::Plain(stream) => stream.flush(),
            Stream::Tls(stream) => stream.flush(),
        }
    }
}
