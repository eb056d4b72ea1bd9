//! Bodies that flow: WebSocket, server-sent events, gRPC over HTTP/2, and bodies of any size at
//! the pace of whoever reads them.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use e2e::client::{Answer, Client};
use e2e::raw::RawConnection;
use e2e::script::{Act, Script};
use e2e::{Config, Proxy, Rig, eventually};
use futures_util::{SinkExt, StreamExt, stream};
use http::{HeaderMap, HeaderValue, Request, Response};
use http_body_util::{BodyExt, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpListener;
use tokio_tungstenite::tungstenite::Message;

const MIB: u64 = 1 << 20;

async fn in_front_of(url: String, listener: &str) -> (Rig, Proxy) {
    let rig = Rig::new().unwrap();
    let mut config = Config::new([("legacy", url)]);
    config.listener = listener.to_owned();
    let proxy = rig.proxy(config).await.unwrap();
    (rig, proxy)
}

/// A WebSocket server that answers every message with itself.
async fn echo() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let Ok(mut socket) = tokio_tungstenite::accept_async(stream).await else { return };
                while let Some(Ok(message)) = socket.next().await {
                    if message.is_close() || socket.send(message).await.is_err() {
                        return;
                    }
                }
            });
        }
    });
    addr
}

#[tokio::test]
async fn a_websocket_carries_messages_both_ways_until_it_is_closed() {
    let (_rig, proxy) = in_front_of(format!("http://{}", echo().await), "").await;
    let url = format!("ws://{}/ws", proxy.addr());
    let (mut socket, answer) = tokio_tungstenite::connect_async(&url).await.unwrap();
    assert_eq!(answer.status(), 101);
    for message in [Message::text("häuser"), Message::binary(vec![7; 200_000]), Message::text("")]
    {
        socket.send(message.clone()).await.unwrap();
        assert_eq!(socket.next().await.unwrap().unwrap(), message);
    }
    socket.close(None).await.unwrap();
    let end = tokio::time::timeout(Duration::from_secs(10), socket.next()).await;
    assert!(
        !matches!(end, Err(_) | Ok(Some(Ok(Message::Text(_) | Message::Binary(_))))),
        "{end:?}"
    );
}

#[tokio::test]
async fn an_event_arrives_before_the_next_one_is_made() {
    let event = |n: u32| Act::Send(format!("e\r\nid: {n}\ndata: x\n\r\n").into());
    let acts = vec![
        Act::Send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec()),
        event(1),
        Act::Wait,
        event(2),
        Act::Wait,
        event(3),
        Act::Send(b"0\r\n\r\n".to_vec()),
    ];
    let script = Script::start([("events", acts)]).await.unwrap();
    let (_rig, proxy) = in_front_of(script.url(), "").await;
    let mut connection = RawConnection::open(proxy.addr()).await.unwrap();
    connection
        .send("GET /events HTTP/1.1\r\nHost: a\r\nAccept: text/event-stream\r\n\r\n")
        .await
        .unwrap();
    assert_eq!(connection.head().await.unwrap().status(), 200);
    for n in 1..=3 {
        // The upstream makes the next event only when this one has arrived.
        assert_eq!(connection.line().await.unwrap().to_ascii_lowercase(), "e");
        assert_eq!(
            connection.exactly(16).await.unwrap(),
            format!("id: {n}\ndata: x\n\r\n").as_bytes()
        );
        script.go_on();
    }
    assert_eq!(connection.line().await.unwrap(), "0");
}

/// A gRPC-like server over cleartext HTTP/2: echoes each message and ends with `grpc-status`.
async fn grpc() -> SocketAddr {
    async fn serve(request: Request<Incoming>) -> Result<Response<BoxedFrames>, Infallible> {
        let is_bad = request.uri().path().ends_with("/Fail");
        let te = request.headers().get("te").cloned();
        let body = request.into_body();
        let mut trailers = HeaderMap::new();
        trailers.insert("grpc-status", HeaderValue::from_static(if is_bad { "5" } else { "0" }));
        trailers.insert("grpc-message", HeaderValue::from_static("done"));
        if let Some(te) = te {
            trailers.insert("x-te", te);
        }
        let echoed = body.into_data_stream().filter_map(async |piece| piece.ok()).map(Frame::data);
        let frames = echoed
            .chain(stream::once(async { Frame::trailers(trailers) }))
            .map(Ok::<_, Infallible>);
        let mut response = Response::new(BodyExt::boxed_unsync(StreamBody::new(frames)));
        response.headers_mut().insert("content-type", HeaderValue::from_static("application/grpc"));
        Ok(response)
    }
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let builder = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
            tokio::spawn(builder.serve_connection(TokioIo::new(stream), service_fn(serve)));
        }
    });
    addr
}

type BoxedFrames = http_body_util::combinators::UnsyncBoxBody<Bytes, Infallible>;

#[tokio::test]
async fn grpc_passes_with_its_trailers() {
    let url = format!("h2c://{}", grpc().await);
    let (_rig, proxy) = in_front_of(url, "http2 = \"cleartext\"\n").await;
    let mut client = Client::h2c(proxy.addr()).await.unwrap();
    for (method, status) in [("Echo", "0"), ("Fail", "5")] {
        let request = Request::post(format!("/home.Devices/{method}"))
            .header("content-type", "application/grpc")
            .header("te", "trailers");
        let answer =
            client.ask(request.body(Bytes::from_static(b"\0\0\0\0\x02hi")).unwrap()).await.unwrap();
        assert_eq!(answer.body, &b"\0\0\0\0\x02hi"[..]);
        assert_eq!(answer.header("content-type"), Some("application/grpc"));
        assert_eq!(answer.trailers["grpc-status"], status);
        assert_eq!(answer.trailers["grpc-message"], "done");
        assert_eq!(answer.trailers["x-te"], "trailers", "TE: trailers must reach a gRPC server");
    }
}

#[tokio::test]
async fn a_grpc_conversation_goes_back_and_forth_within_one_call() {
    let url = format!("h2c://{}", grpc().await);
    let (_rig, proxy) = in_front_of(url, "http2 = \"cleartext\"\n").await;
    let mut client = Client::h2c(proxy.addr()).await.unwrap();
    let (say, mut said) = tokio::sync::mpsc::channel::<Bytes>(1);
    let body = stream::poll_fn(move |cx| said.poll_recv(cx));
    let body = StreamBody::new(body.map(|piece| Ok::<_, Infallible>(Frame::data(piece))));
    let request = Request::post("/home.Devices/Chat").body(BodyExt::boxed(body)).unwrap();
    let call =
        tokio::spawn(async move { client.send(request).await.map(|answer| (answer, client)) });
    say.send(Bytes::from_static(b"one")).await.unwrap();
    let (mut answer, _client) = call.await.unwrap().unwrap();
    for word in ["one", "two", "three"] {
        // The answer to one word is there before the next is said.
        let frame = answer.body_mut().frame().await.unwrap().unwrap();
        assert_eq!(frame.into_data().unwrap(), word.as_bytes());
        match word {
            "one" => say.send(Bytes::from_static(b"two")).await.unwrap(),
            "two" => say.send(Bytes::from_static(b"three")).await.unwrap(),
            _ => {}
        }
    }
    drop(say);
    assert_eq!(Answer::collect(answer).await.unwrap().trailers["grpc-status"], "0");
}

#[tokio::test]
async fn a_slow_reader_slows_the_upstream_and_fills_no_memory() {
    const SIZE: u64 = 512 * MIB;
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {SIZE}\r\n\r\n");
    let script =
        Script::start([("flood", vec![Act::Send(head.into()), Act::Flood(SIZE)])]).await.unwrap();
    let (_rig, proxy) = in_front_of(script.url(), "").await;
    let before = resident_bytes(&proxy);
    let mut connection = RawConnection::open(proxy.addr()).await.unwrap();
    connection.send("GET /flood HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    assert_eq!(connection.head().await.unwrap().status(), 200);
    let held = settled(|| script.flooded()).await;
    // Socket buffers of two connections, and what the proxy holds in between.
    assert!(held < 32 * MIB, "the upstream could send {} MiB that nobody reads", held / MIB);
    let grown = resident_bytes(&proxy).saturating_sub(before);
    assert!(grown < 16 * MIB, "the proxy grew by {} MiB", grown / MIB);
    // Reading goes on to the last byte.
    let mut left = SIZE;
    while left > 0 {
        let length = left.min(4 * MIB);
        connection.exactly(usize::try_from(length).unwrap()).await.unwrap();
        left -= length;
    }
    let grown = resident_bytes(&proxy).saturating_sub(before);
    assert!(grown < 16 * MIB, "the proxy grew by {} MiB", grown / MIB);
}

#[tokio::test]
async fn a_slow_upstream_slows_the_sender() {
    const SIZE: u64 = 256 * MIB;
    let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok".to_vec();
    let script =
        Script::start([("slow", vec![Act::Wait, Act::ReadBody, Act::Send(answer)])]).await.unwrap();
    let (_rig, proxy) = in_front_of(script.url(), "").await;
    let before = resident_bytes(&proxy);
    let mut connection = RawConnection::open(proxy.addr()).await.unwrap();
    connection
        .send(format!("PUT /slow HTTP/1.1\r\nHost: a\r\nContent-Length: {SIZE}\r\n\r\n"))
        .await
        .unwrap();
    let piece = vec![b'x'; MIB as usize];
    let mut sent = 0;
    while sent < SIZE {
        let taken = tokio::time::timeout(Duration::from_millis(500), connection.send(&piece)).await;
        match taken {
            Ok(result) => result.unwrap(),
            Err(_) => break,
        }
        sent += MIB;
    }
    assert!(sent < 32 * MIB, "{} MiB were taken that nobody reads", sent / MIB);
    let grown = resident_bytes(&proxy).saturating_sub(before);
    assert!(grown < 16 * MIB, "the proxy grew by {} MiB", grown / MIB);
}

/// The value once it stays the same over 300 ms.
async fn settled(value: impl Fn() -> u64) -> u64 {
    let mut last = (value(), std::time::Instant::now());
    eventually("a value that stays", async || {
        let now = value();
        if now != last.0 {
            last = (now, std::time::Instant::now());
        }
        (now > 0 && last.1.elapsed() > Duration::from_millis(300)).then_some(now)
    })
    .await
    .unwrap()
}

fn resident_bytes(proxy: &Proxy) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", proxy.process().id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
}
