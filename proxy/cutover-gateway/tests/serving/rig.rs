//! A gateway between two scripted upstreams.

use std::{
    io::{self, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, AtomicUsize, Ordering},
        mpsc,
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use cutover_domain::{
    Declaration, EndpointMatch, Group, RouteSpec, RouteState, RouteTable, Scheme, Target, Timeouts,
    Upstream, UpstreamTls, WriteClass,
};
use cutover_gateway::{
    Gateway, GatewayHandle, GatewayMetrics, Inherited, RouteCounts, Settings, Telemetry,
    settings::{Limits, ListenerSettings},
};
use prometheus_client::registry::Registry;

use cutover_telemetry::{
    Tracer, Trust,
    canonical::CanonicalLog,
    logs::{LogFormat, LogGuard},
    metrics::TelemetryMetrics,
    sampling::Sampler,
};

/// How long anything may take before a test fails.
const PATIENCE: Duration = Duration::from_secs(10);

pub(crate) struct Rig {
    pub(crate) handle: GatewayHandle,
    pub(crate) legacy: Script,
    #[allow(dead_code, reason = "kept alive")]
    pub(crate) new: Script,
    declaration: Declaration,
    registry: Registry,
    revision: AtomicU64,
    thread: Option<JoinHandle<()>>,
    _log: LogGuard,
}

/// A gateway that takes over.
pub(crate) struct Successor {
    pub(crate) handle: mpsc::Receiver<(GatewayHandle, LogGuard)>,
    pub(crate) thread: JoinHandle<()>,
}

/// What an upstream does with one connection; `None`: nothing listens at its address.
pub(crate) type Behaviour = Option<Box<dyn Fn(&Seen, TcpStream) -> io::Result<()> + Send + Sync>>;

/// A scripted upstream.
pub(crate) struct Script {
    address: SocketAddr,
    seen: Arc<Seen>,
    _socket: Option<TcpListener>,
}

/// What an upstream has seen.
#[derive(Default)]
pub(crate) struct Seen {
    requests: AtomicUsize,
    connections: AtomicUsize,
    last: Mutex<String>,
    sent: AtomicU64,
    progress: Mutex<Option<Instant>>,
}

pub(crate) struct Client(TcpStream);

pub(crate) fn route(id: &str, method: &str, path: &str, writes: WriteClass) -> RouteSpec {
    RouteSpec {
        id: id.into(),
        group: "g".into(),
        endpoint: EndpointMatch {
            methods: vec![method.parse().unwrap()],
            host: None,
            path: path.parse().unwrap(),
            headers: vec![],
        },
        legacy: "legacy".into(),
        new: Some("new".into()),
        writes: Some(writes),
        target: Target::phase(cutover_domain::Phase::Legacy),
        timeouts: Timeouts { first_byte_ms: Some(700), ..Timeouts::default() },
    }
}

// === behaviours ===

/// Answers each request with `reply`.
pub(crate) fn answer(reply: &'static str) -> Behaviour {
    closes_after(usize::MAX, reply)
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

pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

fn settings(address: SocketAddr) -> Settings {
    Settings {
        listeners: vec![ListenerSettings::http(address)],
        limits: Limits { workers: 1, ..Limits::default() },
        ..Settings::default()
    }
}

fn gateway(
    settings: Settings,
    declaration: &Declaration,
    inherited: Option<&mut Inherited>,
    registry: &mut Registry,
) -> (Gateway, LogGuard) {
    let telemetry_metrics = TelemetryMetrics::new();
    let log = LogGuard::start(io::sink(), &telemetry_metrics).unwrap();
    let canonical = CanonicalLog::new(log.writer().clone(), LogFormat::Json, 1.0).unwrap();
    let telemetry = Telemetry {
        tracer: Tracer::new(Trust::Always, Sampler::default(), None),
        canonical,
        metrics: GatewayMetrics::register(registry),
    };
    let table = RouteTable::build(declaration, 1, |_| RouteState::INITIAL).unwrap();
    (Gateway::start(settings, Arc::new(table), telemetry, inherited).unwrap(), log)
}

// === impl Rig ===

impl Rig {
    pub(crate) fn start(routes: &[RouteSpec], [legacy, new]: [Behaviour; 2]) -> Rig {
        Rig::with(routes, [legacy, new], |_| {})
    }

    pub(crate) fn with(
        routes: &[RouteSpec],
        [legacy, new]: [Behaviour; 2],
        change: impl FnOnce(&mut Settings),
    ) -> Rig {
        let (legacy, new) = (Script::start(legacy), Script::start(new));
        let upstream = |name: &str, script: &Script| Upstream {
            name: name.into(),
            scheme: Scheme::Http,
            host: script.address.ip().to_string(),
            port: script.address.port(),
            timeouts: Timeouts { first_byte_ms: Some(5000), ..Timeouts::default() },
            connections_max: 100,
            tls: UpstreamTls::default(),
        };
        let declaration = Declaration {
            upstreams: vec![upstream("legacy", &legacy), upstream("new", &new)],
            groups: vec![Group {
                id: "g".into(),
                subjects: vec![cutover_domain::SubjectSource::Path("id".into())],
                ..Group::default()
            }],
            routes: routes.to_vec(),
            default: "legacy".into(),
        };
        let mut settings = settings(([127, 0, 0, 1], 0).into());
        change(&mut settings);
        let mut registry = Registry::default();
        let (gateway, log) = gateway(settings, &declaration, None, &mut registry);
        let handle = gateway.handle();
        let thread = std::thread::spawn(move || gateway.run());
        let revision = AtomicU64::new(1);
        Rig {
            handle,
            legacy,
            new,
            declaration,
            registry,
            revision,
            thread: Some(thread),
            _log: log,
        }
    }

    /// Starts a second gateway that takes over this one's sockets at `path`.
    pub(crate) fn successor(&self, path: &std::path::Path) -> Successor {
        let settings = settings(self.handle.addresses()[0]);
        let (path, declaration) = (path.to_owned(), self.declaration.clone());
        let (sender, handle) = mpsc::channel();
        let thread = std::thread::spawn(move || {
            let mut inherited = Inherited::receive(&path, PATIENCE).unwrap();
            let (gateway, log) =
                gateway(settings, &declaration, Some(&mut inherited), &mut Registry::default());
            sender.send((gateway.handle(), log)).unwrap();
            inherited.serving().unwrap();
            gateway.run();
        });
        Successor { handle, thread }
    }

    pub(crate) fn client(&self) -> Client {
        let stream = TcpStream::connect(self.handle.addresses()[0]).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        Client(stream)
    }

    /// Puts a route into a phase.
    pub(crate) fn put(&self, id: &str, target: Target) {
        let revision = self.revision.fetch_add(1, Ordering::Relaxed) + 1;
        let state = |route: &RouteSpec| match route.id == id {
            true => RouteState::INITIAL.at(target, revision),
            false => RouteState::INITIAL,
        };
        let table = RouteTable::build(&self.declaration, revision, state).unwrap();
        assert_eq!(self.handle.publish(Arc::new(table)).unwrap().revision, revision);
    }

    /// Declares other routes.
    pub(crate) fn declare(&self, routes: &[RouteSpec]) {
        let revision = self.revision.fetch_add(1, Ordering::Relaxed) + 1;
        let declaration = Declaration { routes: routes.to_vec(), ..self.declaration.clone() };
        let table = RouteTable::build(&declaration, revision, |_| RouteState::INITIAL).unwrap();
        self.handle.publish(Arc::new(table)).unwrap();
    }

    /// All metrics as text.
    pub(crate) fn metrics(&self) -> String {
        cutover_telemetry::metrics::encode(&self.registry)
    }

    pub(crate) fn counts(&self, route: &str) -> RouteCounts {
        self.handle.counts().into_iter().find(|counts| counts.route == route).unwrap()
    }

    pub(crate) fn drain(&self) {
        block_on(self.handle.drain());
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.thread.as_ref().unwrap().is_finished()
    }

    /// Waits for a state, at most for [`PATIENCE`].
    pub(crate) fn until(&self, condition: impl Fn() -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !condition() {
            assert!(Instant::now() < deadline, "it never came to that");
            std::thread::park_timeout(Duration::from_millis(5));
        }
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        block_on(self.handle.stop());
        let ended = self.thread.take().unwrap().join();
        if !std::thread::panicking() {
            ended.unwrap();
        }
    }
}

// === impl Script ===

impl Script {
    fn start(behaviour: Behaviour) -> Script {
        let socket = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = socket.local_addr().unwrap();
        let seen = Arc::<Seen>::default();
        let Some(behaviour) = behaviour else {
            return Script { address, seen, _socket: None };
        };
        let (accepting, shared) = (socket.try_clone().unwrap(), Arc::clone(&seen));
        let behaviour = Arc::new(behaviour);
        std::thread::spawn(move || {
            for stream in accepting.incoming().flatten() {
                let (seen, behaviour) = (Arc::clone(&shared), Arc::clone(&behaviour));
                seen.connections.fetch_add(1, Ordering::Relaxed);
                std::thread::spawn(move || {
                    let _ = behaviour(&seen, stream);
                });
            }
        });
        Script { address, seen, _socket: Some(socket) }
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
    fn request(&self, stream: &mut TcpStream) -> io::Result<bool> {
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

    fn head(&self, stream: &mut TcpStream) -> io::Result<()> {
        let head = read_head(stream)?;
        self.note(&head);
        Ok(())
    }

    fn note(&self, request: &[u8]) {
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

// === impl Client ===

impl Client {
    pub(crate) fn send(&mut self, bytes: &str) {
        self.0.write_all(bytes.as_bytes()).unwrap();
    }

    /// Sends a request and reads its answer, which must have a `Content-Length`.
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

    pub(crate) fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}
