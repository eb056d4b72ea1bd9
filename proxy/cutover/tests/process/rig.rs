//! A proxy in a directory of its own, two upstreams, and commands against it.

use std::{
    fmt,
    fs::{self, File},
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::atomic::{AtomicU8, Ordering},
    thread,
    time::{Duration, Instant},
};

/// Longest wait for anything to come true.
const PATIENCE: Duration = Duration::from_secs(20);

/// A running proxy; killed when dropped.
pub(crate) struct Proxy {
    pub(crate) dir: PathBuf,
    pub(crate) http: SocketAddr,
    pub(crate) admin: SocketAddr,
    /// Legacy's and new's.
    pub(crate) upstreams: [SocketAddr; 2],
    child: Child,
    /// Kept by the first process of a directory.
    _dir: Option<tempfile::TempDir>,
}

/// What is waited for at first. A proxy that is not ready has said why.
struct Ready<'a>(&'a Proxy);

/// A command that goes on; killed when dropped.
pub(crate) struct Beside {
    child: Child,
    out: PathBuf,
    err: PathBuf,
}

/// How a command ended.
pub(crate) struct Said {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// A team's file with one route that both sides can serve.
pub(crate) const TEAM: &str = r#"[group.devices]
owner = "devices-team"
salt = "devices-1"
subject = ["path:id"]

[[route]]
id = "device-read"
group = "devices"
match = { methods = ["GET"], path = "/devices/{id}" }
new = "registry"
phase = "shadow"
"#;

/// A free port at a loopback address that nobody else uses: neither another test nor a client,
/// whose port the kernel chooses, takes it before the proxy does, or after its end.
fn free() -> SocketAddr {
    static NEXT: AtomicU8 = AtomicU8::new(1);
    let [.., high, low] = std::process::id().to_be_bytes();
    let address = [127, high, low, NEXT.fetch_add(1, Ordering::Relaxed)];
    TcpListener::bind(SocketAddr::from((address, 0))).unwrap().local_addr().unwrap()
}

/// Waits until `look` gives something.
pub(crate) fn until<T>(what: impl fmt::Display, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "{what}: not within {PATIENCE:?}");
        thread::park_timeout(Duration::from_millis(10));
    }
}

/// An upstream that gives every request the same answer.
fn upstream(text: &'static str) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            thread::spawn(move || answer(stream, text));
        }
    });
    address
}

fn answer(mut stream: TcpStream, text: &str) {
    let media = if text.starts_with('{') { "application/json" } else { "text/plain" };
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    loop {
        let mut line = String::new();
        loop {
            line.clear();
            match reader.read_line(&mut line) {
                Ok(0) | Err(_) => return,
                Ok(_) if line == "\r\n" => break,
                Ok(_) => {}
            }
        }
        let length = text.len();
        let head = format!("content-type: {media}\r\ncontent-length: {length}");
        let answer = format!("HTTP/1.1 200 OK\r\n{head}\r\n\r\n{text}");
        if stream.write_all(answer.as_bytes()).is_err() {
            return;
        }
    }
}

/// One request on a connection of its own: status and body; `None` if nobody answers.
pub(crate) fn get(address: SocketAddr, path: &str) -> Option<(u16, String)> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream.set_read_timeout(Some(PATIENCE)).ok()?;
    let request = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).ok()?;
    let mut text = String::new();
    stream.read_to_string(&mut text).ok()?;
    let status = text.split(' ').nth(1)?.parse().ok()?;
    let body = text.split_once("\r\n\r\n")?.1.to_owned();
    Some((status, body))
}

/// Writes as editors should: whole or not at all.
pub(crate) fn put(path: &Path, text: &str) {
    let new = path.with_extension("new");
    fs::write(&new, text).unwrap();
    fs::rename(new, path).unwrap();
}

// === impl Proxy ===

impl Proxy {
    /// Starts one in a new directory and waits until it serves.
    pub(crate) fn start() -> Proxy {
        let proxy = Proxy::start_unready("");
        proxy.ready();
        proxy
    }

    /// As [`Proxy::start`], with what legacy and new answer, as JSON.
    pub(crate) fn start_answering(answers: [&'static str; 2]) -> Proxy {
        let proxy = Proxy::spawn("", answers);
        proxy.ready();
        proxy
    }

    /// As [`Proxy::start`], with further lines of the process file, without waiting.
    pub(crate) fn start_unready(more: &str) -> Proxy {
        Proxy::spawn(more, ["legacy", "new"])
    }

    fn spawn(more: &str, [legacy, new]: [&'static str; 2]) -> Proxy {
        let dir = tempfile::tempdir().unwrap();
        let (http, admin) = (free(), free());
        let (monolith, registry) = (upstream(legacy), upstream(new));
        let process = format!(
            "default = \"monolith\"\ninclude = [\"routes/*.toml\"]\n\n\
             [admin]\nlisten = \"{admin}\"\n\n[[listener]]\nlisten = \"{http}\"\n\n\
             [upstream.monolith]\nurl = \"http://{monolith}\"\n\n\
             [upstream.registry]\nurl = \"http://{registry}\"\n\n{more}"
        );
        fs::create_dir(dir.path().join("routes")).unwrap();
        fs::write(dir.path().join("cutover.toml"), process).unwrap();
        fs::write(dir.path().join("routes/devices.toml"), TEAM).unwrap();
        let child = spawn(dir.path(), &["run"], "log");
        let upstreams = [monolith, registry];
        Proxy { dir: dir.path().to_owned(), http, admin, upstreams, child, _dir: Some(dir) }
    }

    /// Starts another process in the same directory; it waits to be handed the sockets.
    pub(crate) fn upgrade(&self) -> Proxy {
        let child = spawn(&self.dir, &["run", "--upgrade"], "log.upgrade");
        until("the new process waits", || {
            self.dir.join("cutover-upgrade.sock").exists().then_some(())
        });
        let Proxy { http, admin, upstreams, .. } = *self;
        Proxy { dir: self.dir.clone(), http, admin, upstreams, child, _dir: None }
    }

    /// Starts another process in the same directory, whose process has ended, and waits until it
    /// serves.
    pub(crate) fn again(&self) -> Proxy {
        let child = spawn(&self.dir, &["run"], "log.again");
        let Proxy { http, admin, upstreams, .. } = *self;
        let again = Proxy { dir: self.dir.clone(), http, admin, upstreams, child, _dir: None };
        again.ready();
        again
    }

    pub(crate) fn ready(&self) {
        until(Ready(self), || {
            let (status, _) = get(self.admin, "/readyz")?;
            (status == 200).then_some(())
        });
    }

    /// Runs a command in its directory, as an operator would.
    pub(crate) fn cutover(&self, args: &[&str]) -> Said {
        let output = command(&self.dir, args).output().unwrap();
        Said::of(&output)
    }

    /// Starts a command in its directory that does not end by itself.
    pub(crate) fn beside(&self, args: &[&str]) -> Beside {
        let (out, err) = (self.file("beside.out"), self.file("beside.err"));
        let child = command(&self.dir, args)
            .stdout(File::create(&out).unwrap())
            .stderr(File::create(&err).unwrap())
            .spawn()
            .unwrap();
        Beside { child, out, err }
    }

    /// Which side answers a device.
    pub(crate) fn side(&self) -> String {
        get(self.http, "/devices/7").expect("an answer").1
    }

    pub(crate) fn wait_for_side(&self, side: &str) {
        until(side, || (self.side() == side).then_some(()));
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    pub(crate) fn edit(&self, name: &str, from: &str, to: &str) {
        let text = fs::read_to_string(self.file(name)).unwrap();
        assert!(text.contains(from), "{from:?} is not in {name}");
        put(&self.file(name), &text.replace(from, to));
    }

    pub(crate) fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args([name, &id]).status().unwrap().success());
    }

    /// Waits for its end and gives its exit code.
    pub(crate) fn exit(&mut self) -> i32 {
        let status = until("the process ends", || self.child.try_wait().unwrap());
        status.code().unwrap_or(-1)
    }

    /// Its exit code, if it has ended.
    pub(crate) fn exited(&mut self) -> Option<i32> {
        Some(self.child.try_wait().unwrap()?.code().unwrap_or(-1))
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.file("log")).unwrap()
    }

    /// Waits until the log has this.
    pub(crate) fn wait_for_log(&self, text: &str) {
        until(text, || self.log().contains(text).then_some(()));
    }
}

impl fmt::Display for Ready<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}ready", self.0.log())
    }
}

impl Beside {
    /// Waits until it has said this on standard error.
    pub(crate) fn wait_for(&self, text: &str) {
        until(text, || fs::read_to_string(&self.err).unwrap().contains(text).then_some(()));
    }

    /// The same on standard output.
    pub(crate) fn wait_for_data(&self, text: &str) {
        until(text, || fs::read_to_string(&self.out).unwrap().contains(text).then_some(()));
    }

    pub(crate) fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn command(dir: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cutover"));
    command.args(args).current_dir(dir).stdin(Stdio::null()).env_clear();
    command
}

fn spawn(dir: &Path, args: &[&str], log: &str) -> Child {
    let log = File::create(dir.join(log)).unwrap();
    command(dir, args).stdout(Stdio::null()).stderr(log).spawn().unwrap()
}

// === impl Said ===

impl Said {
    fn of(output: &Output) -> Said {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let code = output.status.code().unwrap_or(-1);
        Said { code, out: text(&output.stdout), err: text(&output.stderr) }
    }

    /// Fails unless it ended with `code`.
    #[track_caller]
    pub(crate) fn ends_with(self, code: i32) -> Said {
        assert_eq!(self.code, code, "{}{}", self.out, self.err);
        self
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {}", self.out))
    }
}
