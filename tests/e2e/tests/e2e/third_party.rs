//! Servers that we did not write, in front of and behind Cutover.

use std::net::SocketAddr;
use std::path::PathBuf;

use e2e::process::{Process, Spec};
use e2e::raw::{RawConnection, RawResponse};
use e2e::{Config, Rig, ports};

/// A tool of `tests/.venv`. Panics with the command that installs it.
pub(crate) fn tool(path: &str) -> PathBuf {
    let venv = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../.venv");
    let tool = venv.join(path);
    assert!(tool.exists(), "{} is missing: tests/all installs it", tool.display());
    // Not canonical: Python finds its packages by the path of the link.
    tool
}

/// httpbin tells what it was asked. The trace context that Cutover adds (ARCHITECTURE.md) is
/// taken out before it, so that everything else can be compared byte for byte.
const WITHOUT_TRACE: &str = "\
from httpbin import app as httpbin

def app(environ, start_response):
    environ.pop('HTTP_TRACEPARENT', None)
    environ.pop('HTTP_TRACESTATE', None)
    return httpbin(environ, start_response)
";

async fn httpbin(rig: &Rig) -> (Process, SocketAddr) {
    let addr = ports::free();
    std::fs::write(rig.dir().join("without_trace.py"), WITHOUT_TRACE).unwrap();
    let process = Spec::new("httpbin", tool("bin/gunicorn"))
        .args(["--bind", &addr.to_string(), "--workers", "1", "--threads", "4"])
        .args(["--worker-class", "gthread", "--keep-alive", "60", "without_trace:app"])
        .dir(rig.dir())
        .start(rig.dir())
        .unwrap();
    process
        .until("listens", async || tokio::net::TcpStream::connect(addr).await.ok().map(drop))
        .await
        .unwrap();
    (process, addr)
}

/// Every kind of endpoint of httpbin; `{}` in a request is its body's length.
fn requests() -> Vec<(&'static str, &'static str)> {
    let mut requests = Vec::new();
    for path in [
        "/",
        "/html",
        "/json",
        "/xml",
        "/robots.txt",
        "/deny",
        "/encoding/utf8",
        "/gzip",
        "/deflate",
        "/brotli",
        "/get?a=1&b=%20c&a=2",
        "/headers",
        "/ip",
        "/user-agent",
        "/anything/x%2Fy/z?q",
        "/base64/SGVsbG8%3D",
        "/bytes/2048?seed=7",
        "/stream-bytes/5000?seed=7&chunk_size=700",
        "/stream/5",
        "/range/1024",
        "/links/10/3",
        "/drip?duration=0.2&numbytes=20&code=200&delay=0",
        "/delay/0.2",
        "/image/png",
        "/image/jpeg",
        "/image/svg",
        "/cookies",
        "/cookies/set?a=b&c=d",
        "/cookies/delete?a",
        "/redirect/3",
        "/relative-redirect/2",
        "/absolute-redirect/2",
        "/redirect-to?url=%2Fget&status_code=307",
        "/cache",
        "/cache/60",
        "/etag/abc",
        "/response-headers?X-One=1&X-One=2&Content-Type=text%2Fplain",
        "/bearer",
        "/basic-auth/user/secret",
        "/hidden-basic-auth/user/secret",
        "/forms/post",
        "/spec.json",
        "/no/such/page",
        "/status/200",
        "/status/201",
        "/status/204",
        "/status/302",
        "/status/304",
        "/status/400",
        "/status/401",
        "/status/402",
        "/status/404",
        "/status/406",
        "/status/418",
        "/status/429",
        "/status/500",
        "/status/503",
    ] {
        requests.push(("GET", path));
    }
    requests.extend([
        ("HEAD", "/get"),
        ("HEAD", "/bytes/100?seed=1"),
        ("HEAD", "/stream/3"),
        ("OPTIONS", "/get"),
        ("TRACE", "/trace"),
    ]);
    requests.extend(["POST", "PUT", "PATCH", "DELETE"].map(|method| (method, "/anything")));
    requests.extend([
        ("POST", "/post"),
        ("PUT", "/put"),
        ("PATCH", "/patch"),
        ("DELETE", "/delete"),
        ("POST", "/get"),
        ("POST", "/status/201"),
    ]);
    requests
}

/// Further fields that change what httpbin does.
const FIELDS: &[(&str, &str)] = &[
    ("/range/1024", "Range: bytes=100-199\r\n"),
    ("/range/1024", "Range: bytes=2000-\r\n"),
    ("/etag/abc", "If-None-Match: abc\r\n"),
    ("/etag/abc", "If-Match: def\r\n"),
    ("/cache", "If-Modified-Since: Mon, 01 Jan 2001 00:00:00 GMT\r\n"),
    ("/cookies", "Cookie: a=1; b=\"2\"\r\n"),
    ("/basic-auth/user/secret", "Authorization: Basic dXNlcjpzZWNyZXQ=\r\n"),
    ("/bearer", "Authorization: Bearer t\r\n"),
    ("/headers", "X-Many: 1\r\nX-Many: 2\r\nAccept-Language: de\r\n"),
    ("/image", "Accept: image/webp\r\n"),
];

#[tokio::test]
async fn httpbin_passes_unchanged() {
    let rig = Rig::new().unwrap();
    let (_process, httpbin) = httpbin(&rig).await;
    let proxy = rig.proxy(Config::new([("legacy", format!("http://{httpbin}"))])).await.unwrap();
    let mut complaints = Vec::new();
    let mut count = 0;
    for (method, path, fields) in requests()
        .into_iter()
        .map(|(method, path)| (method, path, ""))
        .chain(FIELDS.iter().map(|(path, fields)| ("GET", *path, *fields)))
    {
        let request = request(method, path, fields);
        let straight = RawConnection::exchange(httpbin, &request).await.unwrap();
        let through = RawConnection::exchange(proxy.addr(), &request).await;
        count += 1;
        let straight = comparable(path, straight);
        match through.map(|through| comparable(path, through)) {
            Ok(through) if through == straight => {}
            Ok(through) => {
                complaints.push(format!("{method} {path} {fields}\n- {straight:?}\n+ {through:?}"));
            }
            Err(error) => complaints.push(format!("{method} {path} {fields}: {error:#}")),
        }
    }
    assert!(
        complaints.is_empty(),
        "{} of {count} differ:\n{}",
        complaints.len(),
        complaints.join("\n")
    );
}

fn request(method: &str, path: &str, fields: &str) -> String {
    let body =
        if matches!(method, "POST" | "PUT" | "PATCH" | "DELETE") { "a=1&b=%C3%BC" } else { "" };
    let of_body = match body.len() {
        0 => String::new(),
        length => format!(
            "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {length}\r\n"
        ),
    };
    format!(
        "{method} {path} HTTP/1.1\r\nHost: bin.example\r\nUser-Agent: rig\r\nAccept: */*\r\n{fields}{of_body}\r\n{body}"
    )
}

/// What must be the same: status line, end-to-end fields in order of each name, bytes.
/// Left out is what httpbin makes anew for each answer: dates, and the tag of `/cache`.
fn comparable(path: &str, mut response: RawResponse) -> RawResponse {
    const HOP_BY_HOP: &[&str] = &["connection", "keep-alive", "transfer-encoding"];
    response.headers.retain(|(name, _)| {
        let name = name.to_ascii_lowercase();
        let is_new = matches!(name.as_str(), "date" | "last-modified");
        let is_tag = name == "etag" && path == "/cache";
        !is_new && !is_tag && !HOP_BY_HOP.contains(&name.as_str())
    });
    response.headers.sort_by_key(|(name, _)| name.to_ascii_lowercase());
    response
}
