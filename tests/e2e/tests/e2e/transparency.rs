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

use self::cases::{Case, OK, answers, requests};

mod cases;

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
