//! Requests as the guard's grammar reads them, and as hyper does.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use bytes::Bytes;
use cutover_gateway::guard::{
    Answering, ConnHandle, GuardConfig, Limits, Phase, Scan, Scanner, guard,
};
use http::header::CONNECTION;
use http::{HeaderMap, Request, Response, Version};
use http_body_util::BodyExt;
use hyper::body::{Body, Frame, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream};

/// One request as split from the stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) method: String,
    pub(crate) target: String,
    /// Field lines of the head.
    pub(crate) fields: usize,
    /// `None`: its end has not come.
    pub(crate) body: Option<Vec<u8>>,
    /// Whether the connection ends after it.
    pub(crate) last: bool,
}

/// The part of `input` that the guard lets pass, upgrades being declined.
pub(crate) fn passed(input: &[u8]) -> &[u8] {
    let mut scanner = Scanner::new(Limits::default());
    let mut from = 0;
    while from < input.len() {
        match scanner.scan(&input[from..]) {
            Scan::Pass => break,
            Scan::Hold { at } => {
                from += at;
                scanner.resume();
            }
            Scan::Refuse { at, .. } => return &input[..from + at],
        }
    }
    input
}

/// The longest part of `input` that passes and consists of whole messages.
pub(crate) fn passed_whole(input: &[u8]) -> &[u8] {
    let mut scanner = Scanner::new(Limits::default());
    let mut whole = 0;
    for (i, byte) in passed(input).chunks(1).enumerate() {
        if let Scan::Hold { .. } = scanner.scan(byte) {
            scanner.resume();
        }
        if scanner.phase() == Phase::Idle {
            whole = i + 1;
        }
    }
    &input[..whole]
}

/// Splits what has passed. The grammar is so narrow by then that this needs
/// no judgement; it shares no code with the guard or with hyper.
pub(crate) fn split(mut input: &[u8]) -> Vec<Seen> {
    let mut all = Vec::new();
    while let Some((seen, rest)) = split_one(input) {
        all.push(seen);
        input = rest;
    }
    all
}

fn split_one(input: &[u8]) -> Option<(Seen, &[u8])> {
    let input = input.strip_prefix(b"\r\n").unwrap_or(input);
    let end = input.windows(4).position(|four| four == b"\r\n\r\n")?;
    let head: String = input[..end].iter().map(|&b| char::from(b)).collect();
    let mut lines = head.split("\r\n");
    let words: Vec<&str> = lines.next()?.split(' ').collect();
    let fields: Vec<(String, String)> = lines
        .map(|line| {
            let (name, value) = line.split_once(':').expect("the guard wants a colon");
            (name.to_lowercase(), value.trim_matches([' ', '\t']).to_lowercase())
        })
        .collect();
    let value = |wanted: &str| {
        fields.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.as_str())
    };
    let rest = &input[end + 4..];
    let (body, rest) = match (value("transfer-encoding"), value("content-length")) {
        (Some(_), _) => unchunk(rest).map_or((None, &[][..]), |(body, rest)| (Some(body), rest)),
        (None, length) => {
            let length =
                length.map_or(0, |length| length.parse().expect("the guard wants a number"));
            match rest.split_at_checked(length) {
                Some((body, rest)) => (Some(body.to_vec()), rest),
                None => (None, &[][..]),
            }
        }
    };
    let options: Vec<&str> = fields
        .iter()
        .filter(|(name, _)| name == "connection")
        .flat_map(|(_, value)| value.split(',').map(|option| option.trim_matches([' ', '\t'])))
        .collect();
    let last =
        options.contains(&"close") || (words[2] == "HTTP/1.0" && !options.contains(&"keep-alive"));
    let seen = Seen {
        method: words[0].to_owned(),
        target: words[1].to_owned(),
        fields: fields.len(),
        body,
        last,
    };
    Some((seen, rest))
}

fn unchunk(mut input: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let mut body = Vec::new();
    loop {
        let end = input.windows(2).position(|two| two == b"\r\n")?;
        let line = std::str::from_utf8(&input[..end]).expect("the guard wants ASCII");
        let size = usize::from_str_radix(line.split(';').next()?, 16)
            .expect("the guard wants hexadecimal");
        input = &input[end + 2..];
        if size == 0 {
            break;
        }
        let (data, rest) = input.split_at_checked(size)?;
        body.extend_from_slice(data);
        input = rest.get(2..)?;
    }
    loop {
        let end = input.windows(2).position(|two| two == b"\r\n")?;
        input = &input[end + 2..];
        if end == 0 {
            return Some((body, input));
        }
    }
}

/// What hyper's server, unguarded, makes of `input`; upgrades are declined.
pub(crate) async fn by_hyper(input: &[u8]) -> Vec<Seen> {
    let (client, server) = tokio::io::duplex(1 << 20);
    serve(client, server, None, &[input]).await
}

/// What hyper's server makes of `input` behind the guard, where it comes in
/// two pieces.
pub(crate) async fn by_guarded(input: &[u8], cut: usize) -> Vec<Seen> {
    let (client, server) = tokio::io::duplex(1 << 20);
    let (guarded, handle) = guard(server, &GuardConfig::default(), Arc::new(()));
    let (first, second) = input.split_at(cut % (input.len() + 1));
    serve(client, guarded, Some(handle), &[first, second]).await
}

async fn serve(
    mut client: DuplexStream,
    server: impl AsyncRead + AsyncWrite + Unpin,
    handle: Option<ConnHandle>,
    pieces: &[&[u8]],
) -> Vec<Seen> {
    let all = Arc::new(Mutex::new(Vec::new()));
    let service = service_fn(|request: Request<Incoming>| {
        let answering = handle.as_ref().map(ConnHandle::answering);
        let all = all.clone();
        async move {
            let seen = see(request).await;
            all.lock().unwrap().push(seen);
            Ok::<_, Infallible>(Response::new(Answer(answering)))
        }
    });
    let mut http = http1::Builder::new();
    // The end of input must not cut off what came before.
    http.max_headers(256).half_close(true);
    let serving = http.serve_connection(TokioIo::new(server), service);
    let talking = async {
        for piece in pieces {
            // A server that has refused closes before all was sent.
            let _ = client.write_all(piece).await;
            tokio::task::yield_now().await;
        }
        let _ = client.shutdown().await;
        client.read_to_end(&mut Vec::new()).await.unwrap();
    };
    let _ = tokio::join!(serving, talking);
    std::mem::take(&mut *all.lock().unwrap())
}

/// An empty answer, which tells the guard of its end.
struct Answer(#[expect(dead_code, reason = "its drop is what tells")] Option<Answering>);

impl Body for Answer {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(None)
    }

    fn is_end_stream(&self) -> bool {
        true
    }
}

async fn see(request: Request<Incoming>) -> Seen {
    let (head, body) = request.into_parts();
    let body = body.collect().await.ok().map(|body| body.to_bytes().to_vec());
    let last = has_option(&head.headers, "close")
        || (head.version == Version::HTTP_10 && !has_option(&head.headers, "keep-alive"));
    Seen {
        method: head.method.to_string(),
        target: head.uri.to_string(),
        fields: head.headers.len(),
        body,
        last,
    }
}

/// Whether the `Connection` fields have this option.
fn has_option(headers: &HeaderMap, wanted: &str) -> bool {
    let values = headers
        .get_all(CONNECTION)
        .into_iter()
        .map(|value| String::from_utf8_lossy(value.as_bytes()));
    values.into_iter().any(|value| {
        value.split(',').any(|option| option.trim_matches([' ', '\t']).eq_ignore_ascii_case(wanted))
    })
}
