//! Upstreams that do as they are told, byte for byte.

use std::{
    io::{self, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, AtomicUsize, Ordering},
        mpsc,
    },
    time::{Duration, Instant},
};

use socket2::{Domain, Socket, Type};

use super::PATIENCE;

/// What an upstream does with one connection; `None`: nothing listens at its address.
pub(crate) type Behaviour = Option<Box<Speaks>>;

/// What it does, until the connection has ended.
pub(crate) type Speaks = dyn Fn(&Seen, TcpStream) -> io::Result<()> + Send + Sync;

/// A scripted upstream.
pub(crate) struct Script {
    pub(crate) address: SocketAddr,
    pub(crate) seen: Arc<Seen>,
    /// Bound, though perhaps nobody listens: the port is this test's.
    socket: Socket,
}

/// What an upstream has seen.
#[derive(Default)]
pub(crate) struct Seen {
    requests: AtomicUsize,
    /// Connections ever made, and those open now and at most at once.
    connections: AtomicUsize,
    open: AtomicUsize,
    open_max: AtomicUsize,
    last: Mutex<String>,
    pub(crate) sent: AtomicU64,
    progress: Mutex<Option<Instant>>,
}

// === behaviours ===

/// Answers each request with `reply`.
pub(crate) fn answer(reply: &'static str) -> Behaviour {
    closes_after(usize::MAX, reply)
}

/// Answers each request with the status line and fields that its `x-answer` names, `|` between
/// lines; without it not at all.
pub(crate) fn as_asked() -> Behaviour {
    Some(Box::new(|seen, mut stream| {
        while seen.request(&mut stream)? {
            let asked = seen.last.lock().unwrap().clone();
            let answer = asked.split("x-answer: ").nth(1).and_then(|rest| rest.split('\r').next());
            let Some(answer) = answer else { return stream.read(&mut [0]).map(|_| ()) };
            let head = answer.replace('|', "\r\n");
            write!(stream, "HTTP/1.1 {head}\r\ncontent-length: 0\r\n\r\n")?;
        }
        Ok(())
    }))
}

/// As `answer`, but closes the connection after `count` answers.
pub(crate) fn closes_after(count: usize, reply: &'static str) -> Behaviour {
    Some(Box::new(move |seen, mut stream| {
        for _ in 0..count {
            if !seen.request(&mut stream)? {
                break;
            }
            stream.write_all(reply.as_bytes())?;
        }
        Ok(())
    }))
}

/// Nothing listens at its address.
pub(crate) fn refuses() -> Behaviour {
    None
}

/// Reads a request and closes.
pub(crate) fn closes() -> Behaviour {
    Some(Box::new(|seen, mut stream| seen.request(&mut stream).map(|_| ())))
}

/// Reads a request and says nothing.
pub(crate) fn silent() -> Behaviour {
    Some(Box::new(|seen, mut stream| {
        seen.request(&mut stream)?;
        stream.read(&mut [0]).map(|_| ())
    }))
}

/// Reads to the end of the connection and answers nothing.
pub(crate) fn reads_all() -> Behaviour {
    Some(Box::new(|seen, mut stream| {
        let mut all = Vec::new();
        let _ = stream.read_to_end(&mut all);
        seen.note(&all);
        Ok(())
    }))
}

/// Sends `reply` and closes in the middle of it.
pub(crate) fn cut(reply: &'static str) -> Behaviour {
    Some(Box::new(move |seen, mut stream| {
        seen.request(&mut stream)?;
        stream.write_all(reply.as_bytes())
    }))
}

/// 100, then the body, then 103, then the answer.
pub(crate) fn interim() -> Behaviour {
    Some(Box::new(|seen, mut stream| {
        seen.head(&mut stream)?;
        stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
        stream.read_exact(&mut [0; 2])?;
        stream.write_all(b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n")?;
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")
    }))
}

/// 103 after 103 and no answer.
pub(crate) fn hints_forever() -> Behaviour {
    Some(Box::new(|seen, mut stream| {
        seen.request(&mut stream)?;
        loop {
            stream.write_all(b"HTTP/1.1 103 Early Hints\r\n\r\n")?;
            std::thread::park_timeout(Duration::from_millis(10));
        }
    }))
}

/// Answers each request with `reply`, but not before `pause` is over.
pub(crate) fn pauses(pause: Duration, reply: &'static str) -> Behaviour {
    Some(Box::new(move |seen, mut stream| {
        while seen.request(&mut stream)? {
            let due = Instant::now() + pause;
            while Instant::now() < due {
                std::thread::park_timeout(due - Instant::now());
            }
            stream.write_all(reply.as_bytes())?;
        }
        Ok(())
    }))
}

/// Records each request's trace though it was not told to, and says so.
pub(crate) fn records_traces() -> Behaviour {
    Some(Box::new(|seen, mut stream| {
        while seen.request(&mut stream)? {
            let head = seen.last.lock().unwrap().to_lowercase();
            let parent = head.split("traceparent: ").nth(1).unwrap_or_default();
            let unflagged = parent.get(..53).unwrap_or_default();
            write!(
                stream,
                "HTTP/1.1 200 OK\r\nContent-Length: 5\r\ntraceresponse: {unflagged}01\r\n\r\nhello"
            )?;
        }
        Ok(())
    }))
}

/// Switches protocols and echoes.
pub(crate) fn websocket() -> Behaviour {
    Some(Box::new(|seen, mut stream| {
        seen.head(&mut stream)?;
        stream.write_all(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")?;
        let mut buffer = [0; 64];
        loop {
            let read = stream.read(&mut buffer)?;
            if read == 0 {
                return Ok(());
            }
            stream.write_all(&buffer[..read])?;
        }
    }))
}

/// Answers once it is released.
pub(crate) fn held(reply: &'static str) -> (Behaviour, mpsc::Sender<()>) {
    let (release, released) = mpsc::channel();
    let released = Mutex::new(released);
    let behaviour: Behaviour = Some(Box::new(move |seen, mut stream| {
        seen.request(&mut stream)?;
        let _ = released.lock().unwrap().recv();
        stream.write_all(reply.as_bytes())
    }));
    (behaviour, release)
}

/// An answer of `bytes` bytes.
pub(crate) fn endless(bytes: u64) -> Behaviour {
    Some(Box::new(move |seen, mut stream| {
        seen.request(&mut stream)?;
        write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {bytes}\r\n\r\n")?;
        let chunk = [b'x'; 16 * 1024];
        while seen.sent.load(Ordering::Relaxed) < bytes {
            stream.write_all(&chunk)?;
            seen.sent.fetch_add(chunk.len() as u64, Ordering::Relaxed);
            *seen.progress.lock().unwrap() = Some(Instant::now());
        }
        Ok(())
    }))
}

// === impl Script ===

impl Script {
    pub(super) fn start(behaviour: Behaviour) -> Script {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        socket.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
        let address = socket.local_addr().unwrap().as_socket().unwrap();
        let script = Script { address, seen: Arc::default(), socket };
        if let Some(behaviour) = behaviour {
            script.listen(behaviour);
        }
        script
    }

    /// Begins to listen; until then connections are refused.
    pub(crate) fn listen(&self, behaviour: Box<Speaks>) {
        self.socket.listen(1024).unwrap();
        let accepting = TcpListener::from(self.socket.try_clone().unwrap());
        let (shared, behaviour) = (Arc::clone(&self.seen), Arc::new(behaviour));
        std::thread::spawn(move || {
            for stream in accepting.incoming().flatten() {
                let (seen, behaviour) = (Arc::clone(&shared), Arc::clone(&behaviour));
                seen.connections.fetch_add(1, Ordering::Relaxed);
                seen.open.fetch_add(1, Ordering::Relaxed);
                let port = stream.local_addr().unwrap().port();
                seen.open_max.fetch_max(established(port), Ordering::Relaxed);
                std::thread::spawn(move || {
                    let _ = behaviour(&seen, stream);
                    seen.open.fetch_sub(1, Ordering::Relaxed);
                });
            }
        });
    }

    /// Connections ever made.
    pub(crate) fn connections(&self) -> usize {
        self.seen.connections.load(Ordering::Relaxed)
    }

    /// Connections open now.
    pub(crate) fn open(&self) -> usize {
        self.seen.open.load(Ordering::Relaxed)
    }

    /// The most connections that were open at once, as the kernel saw it: one that the client has
    /// closed does not count, even if nobody here has noticed.
    pub(crate) fn open_max(&self) -> usize {
        self.seen.open_max.load(Ordering::Relaxed)
    }

    pub(crate) fn requests(&self) -> usize {
        self.seen.requests.load(Ordering::Relaxed)
    }

    /// The last request, byte for byte.
    pub(crate) fn last(&self) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let last = self.seen.last.lock().unwrap().clone();
            if !last.is_empty() {
                return last;
            }
            assert!(Instant::now() < deadline, "no request came");
            std::thread::park_timeout(Duration::from_millis(5));
        }
    }

    /// The same, empty if there was none.
    pub(crate) fn last_if_any(&self) -> String {
        self.seen.last.lock().unwrap().clone()
    }

    pub(crate) fn sent(&self) -> u64 {
        self.seen.sent.load(Ordering::Relaxed)
    }

    /// Whether nothing could be sent for `time`.
    pub(crate) fn is_stalled(&self, time: Duration) -> bool {
        self.seen.progress.lock().unwrap().is_some_and(|at| at.elapsed() > time)
    }
}

impl Seen {
    /// Reads one request with its body; false at the end of the connection.
    pub(crate) fn request(&self, stream: &mut TcpStream) -> io::Result<bool> {
        let mut request = read_head(stream)?;
        if request.is_empty() {
            return Ok(false);
        }
        let head = String::from_utf8_lossy(&request).to_lowercase();
        let length = head.split("content-length: ").nth(1).and_then(|rest| rest.split('\r').next());
        if let Some(length) = length {
            let start = request.len();
            request.resize(start + length.parse::<usize>().unwrap(), 0);
            stream.read_exact(&mut request[start..])?;
        } else if head.contains("transfer-encoding: chunked") {
            while !request.windows(5).any(|end| end == b"\r\n0\r\n")
                || !request.ends_with(b"\r\n\r\n")
            {
                let mut byte = [0];
                stream.read_exact(&mut byte)?;
                request.push(byte[0]);
            }
        }
        self.note(&request);
        Ok(true)
    }

    pub(crate) fn head(&self, stream: &mut TcpStream) -> io::Result<()> {
        let head = read_head(stream)?;
        self.note(&head);
        Ok(())
    }

    pub(crate) fn note(&self, request: &[u8]) {
        *self.last.lock().unwrap() = String::from_utf8_lossy(request).into_owned();
        self.requests.fetch_add(1, Ordering::Relaxed);
    }
}

fn read_head(stream: &mut TcpStream) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        if stream.read(&mut byte)? == 0 {
            break;
        }
        head.push(byte[0]);
    }
    Ok(head)
}

/// Sockets of `port` that nobody has closed (proc_pid_net(5): state 01 is ESTABLISHED).
fn established(port: u16) -> usize {
    let local = format!(":{port:04X}");
    let table = std::fs::read_to_string("/proc/net/tcp").unwrap();
    let is_ours = |line: &&str| {
        let mut fields = line.split_ascii_whitespace().skip(1);
        fields.next().is_some_and(|own| own.ends_with(&local)) && fields.nth(1) == Some("01")
    };
    table.lines().filter(is_ours).count()
}
