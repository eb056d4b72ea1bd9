//! Clients cannot tell the proxy from the monolith, nor can the monolith tell it from clients.
//!
//! Each case is one request, played straight to a scripted upstream and then through Cutover.
//! Both ends are compared as they came over the wire. What may differ is named here and nowhere
//! else: hop-by-hop fields, the framing they describe, the version of each hop, the case of
//! names in trailers and interim answers, and the trace context that is added. ARCHITECTURE.md says why.

use std::net::SocketAddr;

use e2e::raw::{RawConnection, RawResponse};
use e2e::script::{Act, Heard, Script};
use e2e::{Config, Proxy, Rig};

/// Fields about one connection only (RFC 9110 §7.6.1), and those that the framing decides.
const HOP_BY_HOP: &[&str] = &[
    "connection",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// What Cutover adds for the upstream.
const ADDED: &[&str] = &["traceparent", "tracestate"];

struct Case {
    name: &'static str,
    request: Vec<u8>,
    answer: Vec<Act>,
}

/// What both ends saw of one exchange.
#[derive(Debug, PartialEq)]
struct Seen {
    request_line: String,
    request_fields: Vec<(String, String)>,
    request_body: Vec<u8>,
    request_trailers: Vec<String>,
    interim: Vec<RawResponse>,
    status_line: String,
    response_fields: Vec<(String, String)>,
    response_body: Vec<u8>,
    response_trailers: Vec<(String, String)>,
}

fn case(name: &'static str, request: impl Into<Vec<u8>>, answer: impl Into<Vec<u8>>) -> Case {
    Case { name, request: request.into(), answer: vec![Act::ReadBody, Act::Send(answer.into())] }
}

fn get(name: &'static str, answer: impl Into<Vec<u8>>) -> Case {
    case(name, format!("GET /{name} HTTP/1.1\r\nHost: home.example\r\n\r\n"), answer)
}

fn ask(name: &'static str, request: impl AsRef<[u8]>) -> Case {
    case(name, request.as_ref(), OK)
}

const OK: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

fn answers() -> Vec<Case> {
    let head = |name, answer: &str| {
        case(name, format!("HEAD /{name} HTTP/1.1\r\nHost: a\r\n\r\n"), answer)
    };
    let long =
        format!("HTTP/1.1 200 OK\r\nX-Long: {}\r\nContent-Length: 0\r\n\r\n", "v".repeat(8000));
    let big =
        [b"HTTP/1.1 200 OK\r\nContent-Length: 3145728\r\n\r\n".to_vec(), pattern(3 << 20)].concat();
    vec![
        get("plain", OK),
        get("no-date-no-server", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
        get(
            "date-and-server",
            "HTTP/1.1 200 OK\r\nDate: Mon, 01 Jan 2001 00:00:00 GMT\r\nServer: Apache/2.2.15 (HomeHub)\r\nContent-Length: 0\r\n\r\n",
        ),
        get("reason", "HTTP/1.1 200 Very Fine Indeed\r\nContent-Length: 0\r\n\r\n"),
        get("no-reason", "HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n"),
        get("unknown-status", "HTTP/1.1 599 Own Invention\r\nContent-Length: 3\r\n\r\nabc"),
        get("no-content", "HTTP/1.1 204 No Content\r\nX-A: 1\r\n\r\n"),
        get("not-modified", "HTTP/1.1 304 Not Modified\r\nETag: W/\"d3-4\"\r\n\r\n"),
        get(
            "redirect",
            "HTTP/1.1 302 Found\r\nLocation: /user.php?a=b\r\nContent-Length: 0\r\n\r\n",
        ),
        get("server-error", "HTTP/1.1 500 Oops\r\nContent-Length: 4\r\n\r\nfail"),
        get("unavailable", "HTTP/1.1 503 Later\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n"),
        get(
            "field-case",
            "HTTP/1.1 200 OK\r\nX-ODD-cAsE: 1\r\nlower: 2\r\nETAG: \"x\"\r\ncontent-length: 0\r\n\r\n",
        ),
        get(
            "repeated",
            "HTTP/1.1 200 OK\r\nSet-Cookie: a=1; Path=/\r\nVary: Cookie\r\nSet-Cookie: b=2\r\nVary: Accept\r\nSet-Cookie: a=3\r\nContent-Length: 0\r\n\r\n",
        ),
        get("empty-value", "HTTP/1.1 200 OK\r\nX-Empty:\r\nContent-Length: 0\r\n\r\n"),
        get(
            "latin-1",
            b"HTTP/1.1 200 OK\r\nX-Name: K\xfcche\r\nContent-Length: 0\r\n\r\n".to_vec(),
        ),
        get("long-field", long),
        get(
            "many-fields",
            format!(
                "HTTP/1.1 200 OK\r\n{}Content-Length: 0\r\n\r\n",
                (0..90).map(|n| format!("X-{n}: {n}\r\n")).collect::<String>()
            ),
        ),
        get(
            "binary",
            [
                b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 256\r\n\r\n"
                    .to_vec(),
                (0..=255).collect(),
            ]
            .concat(),
        ),
        get("big", big),
        get(
            "chunked",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n1;x=y\r\n \r\n5\r\nworld\r\n0\r\n\r\n",
        ),
        get(
            "until-close",
            "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\nuntil the end",
        )
        .closing(),
        get(
            "range",
            "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 2-5/10\r\nContent-Length: 4\r\n\r\n2345",
        ),
        get(
            "several-ranges",
            "HTTP/1.1 206 Partial Content\r\nContent-Type: multipart/byteranges; boundary=B\r\nContent-Length: 18\r\n\r\n--B\r\n\r\n01\r\n--B--\r\n",
        ),
        get(
            "not-satisfiable",
            "HTTP/1.1 416 Range Not Satisfiable\r\nContent-Range: bytes */10\r\nContent-Length: 0\r\n\r\n",
        ),
        get(
            "challenges",
            "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Session realm=\"a\"\r\nWWW-Authenticate: Basic realm=\"b\"\r\nContent-Length: 0\r\n\r\n",
        ),
        head("head-length", "HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n\r\n"),
        head(
            "head-chunked",
            "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nTransfer-Encoding: chunked\r\n\r\n",
        ),
        case(
            "trailers",
            "GET /trailers HTTP/1.1\r\nHost: a\r\nTE: trailers\r\nConnection: TE\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTrailer: X-Checksum, X-Rows\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-Checksum: 17\r\nX-Rows: 1\r\n\r\n",
        ),
        get(
            "early-hints",
            "HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </b.css>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
        ),
        get(
            "processing",
            "HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
        ),
        get(
            "cache-fields",
            "HTTP/1.1 200 OK\r\nCache-Control: private, no-cache\r\nAge: 0\r\nWarning: 110 - \"stale\"\r\nContent-Length: 0\r\n\r\n",
        ),
    ]
}

fn requests() -> Vec<Case> {
    let chunked = "POST /chunked-up HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nwiki\r\n5;n=v\r\npedia\r\n0\r\n\r\n";
    let trailers = "POST /trailers-up HTTP/1.1\r\nHost: a\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nwiki\r\n0\r\nX-Sum: 9\r\n\r\n";
    let big = [
        b"PUT /big-up HTTP/1.1\r\nHost: a\r\nContent-Length: 3145728\r\n\r\n".to_vec(),
        pattern(3 << 20),
    ]
    .concat();
    vec![
        ask(
            "fields",
            "GET /fields HTTP/1.1\r\nHOST: Home.Example:8080\r\nuser-agent: x\r\nX-ODD-cAsE: 1\r\nAccept: a\r\naccept: b\r\nCookie: a=1; b=2\r\nX-Empty:\r\n\r\n",
        ),
        ask("latin-1-up", b"GET /latin-1-up HTTP/1.1\r\nHost: a\r\nX-Name: K\xfcche\r\n\r\n"),
        ask(
            "nominated",
            "GET /nominated HTTP/1.1\r\nHost: a\r\nConnection: X-Mine, keep-alive\r\nKeep-Alive: timeout=5\r\nX-Other: 1\r\n\r\n",
        ),
        ask(
            "encoded",
            "GET /encoded/a%2Fb/%7Euser/%E4%BD%A0/;p=1/$&'()*+,:@ HTTP/1.1\r\nHost: a\r\n\r\n",
        ),
        ask("dots", "GET /dots/../x/./y//z HTTP/1.1\r\nHost: a\r\n\r\n"),
        ask("query", "GET /query?a=1&&b=%20+c&=x?y/z&[k]=v|w HTTP/1.1\r\nHost: a\r\n\r\n"),
        ask("empty-query", "GET /empty-query? HTTP/1.1\r\nHost: a\r\n\r\n"),
        ask("http-1.0", "GET /http-1.0 HTTP/1.0\r\nHost: a\r\n\r\n"),
        ask(
            "forwarded",
            "GET /forwarded HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 203.0.113.9\r\nForwarded: for=203.0.113.9\r\nVia: 1.1 edge\r\n\r\n",
        ),
        ask(
            "conditional",
            "GET /conditional HTTP/1.1\r\nHost: a\r\nIf-None-Match: W/\"a\", \"b\"\r\nIf-Modified-Since: Mon, 01 Jan 2001 00:00:00 GMT\r\nRange: bytes=0-4,7-\r\nIf-Range: \"a\"\r\n\r\n",
        ),
        ask(
            "form",
            "POST /form HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 7\r\n\r\na=1&b=2",
        ),
        ask(
            "nothing-posted",
            "POST /nothing-posted HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n",
        ),
        ask(
            "delete-with-body",
            "DELETE /delete-with-body HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}",
        ),
        ask(
            "get-with-body",
            "GET /get-with-body HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc",
        ),
        ask("purge", "PURGE /purge HTTP/1.1\r\nHost: a\r\n\r\n"),
        ask("options", "OPTIONS /options HTTP/1.1\r\nHost: a\r\nOrigin: http://b\r\n\r\n"),
        ask("chunked-up", chunked),
        ask("trailers-up", trailers),
        ask("big-up", big),
    ]
}

impl Case {
    /// The upstream closes after its answer.
    fn closing(mut self) -> Case {
        self.answer.push(Act::Close);
        self
    }
}

#[tokio::test]
async fn answers_arrive_as_they_were_sent() {
    compare(answers()).await;
}

#[tokio::test]
async fn requests_arrive_as_they_were_sent() {
    compare(requests()).await;
}

async fn compare(cases: Vec<Case>) {
    let script =
        Script::start(cases.iter().map(|case| (case.name, case.answer.clone()))).await.unwrap();
    let rig = Rig::new().unwrap();
    let proxy = rig.proxy(Config::new([("legacy", script.url())])).await.unwrap();
    let mut complaints = Vec::new();
    for case in &cases {
        let straight = play(script.addr(), case, &script).await.unwrap();
        match play(proxy.addr(), case, &script).await {
            Ok(through) if through == straight => {}
            Ok(through) => complaints.push(difference(case.name, &straight, &through)),
            Err(error) => complaints.push(format!("{}: {error:#}", case.name)),
        }
    }
    assert!(
        complaints.is_empty(),
        "{} of {} differ:\n{}",
        complaints.len(),
        cases.len(),
        complaints.join("\n")
    );
}

async fn play(addr: SocketAddr, case: &Case, script: &Script) -> anyhow::Result<Seen> {
    let before = script.heard().len();
    let mut connection = RawConnection::open(addr).await?;
    connection.send(&case.request).await?;
    let mut interim = Vec::new();
    let head = loop {
        match connection.head().await? {
            head if head.status() < 200 => interim.push(head),
            head => break head,
        }
    };
    let response = connection.rest(head, case.request.starts_with(b"HEAD ")).await?;
    let heard = script.heard().into_iter().nth(before);
    Ok(Seen::new(heard.unwrap_or_default(), interim, response))
}

impl Seen {
    fn new(heard: Heard, interim: Vec<RawResponse>, response: RawResponse) -> Seen {
        let fields = heard.head.iter().skip(1).filter_map(|line| line.split_once(':'));
        let fields = fields.map(|(name, value)| (name.to_owned(), value.trim().to_owned()));
        Seen {
            request_line: own_version(heard.head.first().map_or("", String::as_str)),
            request_fields: end_to_end(fields.collect(), &heard),
            request_body: heard.body,
            request_trailers: heard.trailers.iter().map(|line| line.to_ascii_lowercase()).collect(),
            interim: interim.into_iter().map(lower_interim).collect(),
            status_line: own_version(&response.status_line),
            response_fields: end_to_end(response.headers, &Heard::default()),
            response_body: response.body,
            response_trailers: lower_names(response.trailers),
        }
    }
}

/// Each hop speaks its own version of HTTP/1 (RFC 9110 §2.5).
fn own_version(line: &str) -> String {
    line.replace("HTTP/1.0", "HTTP/1.1")
}

fn lower_interim(head: RawResponse) -> RawResponse {
    RawResponse { headers: lower_names(head.headers), ..head }
}

fn lower_names(fields: Vec<(String, String)>) -> Vec<(String, String)> {
    fields.into_iter().map(|(name, value)| (name.to_ascii_lowercase(), value)).collect()
}

/// Fields that must pass, sorted by name; the order of equal names stays.
fn end_to_end(mut fields: Vec<(String, String)>, heard: &Heard) -> Vec<(String, String)> {
    let nominated = if heard.path() == "nominated" { &["x-mine"][..] } else { &[] };
    fields.retain(|(name, _)| {
        let name = name.to_ascii_lowercase();
        let name = name.as_str();
        !HOP_BY_HOP.contains(&name) && !ADDED.contains(&name) && !nominated.contains(&name)
    });
    fields.sort_by_key(|(name, _)| name.to_ascii_lowercase());
    fields
}

fn difference(name: &str, straight: &Seen, through: &Seen) -> String {
    let lines = |seen: &Seen| {
        let mut text = format!("{seen:#?}");
        if seen.response_body.len() > 300 || seen.request_body.len() > 300 {
            text = format!(
                "bodies of {} and {} bytes",
                seen.request_body.len(),
                seen.response_body.len()
            );
        }
        text.lines().map(str::to_owned).collect::<Vec<_>>()
    };
    let (straight, through) = (lines(straight), lines(through));
    let gone =
        straight.iter().filter(|line| !through.contains(line)).map(|line| format!("  - {line}\n"));
    let come =
        through.iter().filter(|line| !straight.contains(line)).map(|line| format!("  + {line}\n"));
    format!("{name}:\n{}{}", gone.collect::<String>(), come.collect::<String>())
}

/// Bytes that repeat nowhere near.
fn pattern(length: u32) -> Vec<u8> {
    (0..length).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect()
}

/// A proxy's client may name the whole URL; the origin gets a path (RFC 9112 §3.2.1).
#[tokio::test]
async fn an_absolute_target_becomes_a_path() {
    let (script, _rig, proxy) = scripted([("x", vec![Act::Send(OK.to_vec())])]).await;
    let request = "GET http://home.example/x?y=1 HTTP/1.1\r\nHost: home.example\r\n\r\n";
    let response = RawConnection::exchange(proxy.addr(), request).await.unwrap();
    assert_eq!(response.text(), "ok");
    let heard = &script.heard()[0];
    assert_eq!(heard.head[0], "GET /x?y=1 HTTP/1.1");
    assert_eq!(heard.field("host"), Some("home.example"));
}

#[tokio::test]
async fn a_body_waits_for_the_upstreams_100_continue() {
    let acts = vec![
        Act::Wait,
        Act::Send(b"HTTP/1.1 100 Continue\r\n\r\n".to_vec()),
        Act::ReadBody,
        Act::Send(OK.to_vec()),
    ];
    let refuse = vec![
        Act::Send(b"HTTP/1.1 417 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".to_vec()),
        Act::Close,
    ];
    let (script, _rig, proxy) = scripted([("go", acts), ("refused", refuse)]).await;
    let mut connection = RawConnection::open(proxy.addr()).await.unwrap();
    connection
        .send("PUT /go HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n")
        .await
        .unwrap();
    e2e::eventually("the head upstream", async || (script.heard().len() == 1).then_some(()))
        .await
        .unwrap();
    script.go_on();
    assert_eq!(connection.head().await.unwrap().status(), 100);
    connection.send("body").await.unwrap();
    assert_eq!(connection.response(false).await.unwrap().text(), "ok");
    assert_eq!(script.heard()[0].body, b"body");

    let mut connection = RawConnection::open(proxy.addr()).await.unwrap();
    connection
        .send(
            "PUT /refused HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n",
        )
        .await
        .unwrap();
    // The final answer comes without a 100 before it.
    assert_eq!(connection.head().await.unwrap().status(), 417);
}

#[tokio::test]
async fn pipelined_requests_are_answered_in_order() {
    let answer = |text: &str| {
        vec![Act::Send(
            format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{text}", text.len()).into(),
        )]
    };
    let slow = vec![Act::Pause(std::time::Duration::from_millis(100)), answer("one").remove(0)];
    let (_script, _rig, proxy) =
        scripted([("one", slow), ("two", answer("two")), ("three", answer("three"))]).await;
    let mut connection = RawConnection::open(proxy.addr()).await.unwrap();
    let requests: String = ["one", "two", "three"]
        .map(|name| format!("GET /{name} HTTP/1.1\r\nHost: a\r\n\r\n"))
        .concat();
    connection.send(requests).await.unwrap();
    for name in ["one", "two", "three"] {
        assert_eq!(connection.response(false).await.unwrap().text(), name);
    }
}

#[tokio::test]
async fn an_answer_that_breaks_off_breaks_off_for_the_client_too() {
    let cut = |text: &str| {
        vec![Act::Send(text.into()), Act::Pause(std::time::Duration::from_millis(50)), Act::Reset]
    };
    let (_script, _rig, proxy) = scripted([
        ("length", cut("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")),
        ("chunked", cut("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n")),
    ])
    .await;
    for name in ["length", "chunked"] {
        let request = format!("GET /{name} HTTP/1.1\r\nHost: a\r\n\r\n");
        let error = RawConnection::exchange(proxy.addr(), request).await.unwrap_err();
        assert!(!format!("{error:#}").contains("20 s"), "{name}: {error:#}");
    }
}

#[tokio::test]
async fn an_upstream_that_does_not_answer_gives_502_or_504() {
    let script = Script::start([
        ("hang", vec![Act::Hang]),
        ("reset", vec![Act::Reset]),
        ("garbage", vec![Act::Send(b"this is not HTTP\r\n\r\n".to_vec()), Act::Close]),
    ])
    .await
    .unwrap();
    let rig = Rig::new().unwrap();
    let mut config = Config::new([("legacy", script.url())]);
    config.upstream =
        "timeouts = { connect_ms = 500, first_byte_ms = 300, idle_ms = 300 }\n".to_owned();
    let proxy = rig.proxy(config).await.unwrap();
    for (name, status) in [("hang", 504), ("reset", 502), ("garbage", 502)] {
        let request = format!("GET /{name} HTTP/1.1\r\nHost: a\r\n\r\n");
        let response = RawConnection::exchange(proxy.addr(), request).await.unwrap();
        assert_eq!(response.status(), status, "{name}: {}", response.text());
    }
}

async fn scripted<const N: usize>(scripts: [(&'static str, Vec<Act>); N]) -> (Script, Rig, Proxy) {
    let script = Script::start(scripts).await.unwrap();
    let rig = Rig::new().unwrap();
    let proxy = rig.proxy(Config::new([("legacy", script.url())])).await.unwrap();
    (script, rig, proxy)
}
