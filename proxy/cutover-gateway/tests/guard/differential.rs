//! Whatever passes the guard is split by HAProxy and nginx into the requests
//! that the guard saw, or refused by them.
//!
//! Many cases share a connection: each is followed by a sentinel request, so
//! that what the backend noted tells where a peer stopped. A peer that stops
//! has refused (or was asked to close) the case after the last sentinel; the
//! cases behind it go on a new connection. A peer that forwards anything but
//! the requests expected, or that waits for more where a message has ended,
//! has split differently: a failure.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;

use super::mutate::{Case, corpus};
use super::peers::{Backend, Forwarded, Peer};
use super::requests::{passed_whole, split};

/// Mutated heads in the slow tier.
const CASES: usize = 1_000_000;
/// Cases on one connection, as long as the peer refuses none.
const BATCH: usize = 24;
/// Connections at once to each peer.
const CONNECTIONS: usize = 24;
/// How long a peer may take to answer all that was sent.
const PATIENCE: Duration = Duration::from_secs(20);

/// What passed of one case, and the requests it consists of.
struct Input {
    bytes: Vec<u8>,
    expected: Vec<Forwarded>,
}

#[derive(Default)]
struct Tally {
    inputs: AtomicUsize,
    refused: AtomicUsize,
    requests: AtomicUsize,
}

#[tokio::test]
#[ignore = "slow tier: needs haproxy and nginx (Debian: haproxy, nginx-light), and minutes in release"]
async fn peers_split_alike() {
    let backend = Backend::default();
    let address = backend.start().await;
    let peers = [Peer::haproxy(address).await, Peer::nginx(address).await].map(Arc::new);
    let tallies = [Arc::new(Tally::default()), Arc::new(Tally::default())];
    let free = Arc::new(Semaphore::new(2 * CONNECTIONS));
    let (corpus, mut rng) = (corpus(), fastrand::Rng::with_seed(0x6375_746f_7665_7221));
    let mut batch: Vec<Input> = corpus.iter().filter_map(|bytes| Input::new(bytes)).collect();
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..CASES {
        batch.extend(Input::new(&Case::random(&mut rng).bytes(&corpus)));
        if batch.len() < BATCH {
            continue;
        }
        let inputs = Arc::new(std::mem::take(&mut batch));
        for (peer, tally) in peers.iter().zip(&tallies) {
            let permit = free.clone().acquire_owned().await.unwrap();
            let (peer, tally, backend, inputs) =
                (peer.clone(), tally.clone(), backend.clone(), inputs.clone());
            tasks.spawn(async move {
                compare(&peer, &tally, &backend, &inputs).await;
                drop(permit);
            });
        }
        while let Some(done) = tasks.try_join_next() {
            done.unwrap();
        }
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap();
    }
    for (peer, tally) in peers.iter().zip(&tallies) {
        let (inputs, refused, requests) =
            (tally.inputs.load(Relaxed), tally.refused.load(Relaxed), tally.requests.load(Relaxed));
        println!(
            "{}: of {CASES} cases {inputs} passed the guard, {requests} requests alike, {refused} cases not finished",
            peer.name
        );
        assert!(
            requests > inputs / 2,
            "{} forwarded almost nothing: nothing was compared",
            peer.name
        );
    }
}

impl Input {
    /// `None` if no request passes.
    fn new(case: &[u8]) -> Option<Self> {
        let bytes = passed_whole(case).to_vec();
        let expected: Vec<Forwarded> = split(&bytes)
            .into_iter()
            .map(|seen| {
                (seen.method, path_of(&seen.target), seen.body.expect("only whole messages"))
            })
            .collect();
        (!expected.is_empty()).then_some(Self { bytes, expected })
    }
}

fn path_of(target: &str) -> String {
    let uri = http::Uri::try_from(target).expect("the guard passes what http::Uri takes");
    uri.path_and_query().map_or("", |path| path.as_str()).to_owned()
}

/// Sends all inputs, over as many connections as it takes.
async fn compare(peer: &Peer, tally: &Tally, backend: &Backend, inputs: &[Input]) {
    let mut left = inputs;
    while !left.is_empty() {
        let forwarded = send(peer, backend, left).await;
        let done = judge(peer, left, &forwarded);
        tally.requests.fetch_add(forwarded.len(), Relaxed);
        tally.inputs.fetch_add(done, Relaxed);
        left = &left[done..];
        if !left.is_empty() {
            tally.inputs.fetch_add(1, Relaxed);
            tally.refused.fetch_add(1, Relaxed);
            left = &left[1..];
        }
    }
}

/// How many inputs were forwarded with their sentinels; the requests noted
/// must be the beginning of those expected.
fn judge(peer: &Peer, inputs: &[Input], forwarded: &[Forwarded]) -> usize {
    let mut seen = forwarded.iter();
    for (done, input) in inputs.iter().enumerate() {
        let sentinel = ("GET".to_owned(), sentinel_path(done), Vec::new());
        for expected in input.expected.iter().chain([&sentinel]) {
            match seen.next() {
                Some(request) if request == expected => {}
                None => return done,
                Some(request) => panic!(
                    "{} splits differently\ninput: {}\nexpected: {expected:?}\nforwarded: {request:?}",
                    peer.name,
                    input.bytes.escape_ascii()
                ),
            }
        }
    }
    inputs.len()
}

fn sentinel_path(index: usize) -> String {
    format!("/sentinel/{index}")
}

/// One connection: everything at once, then reads until the last sentinel is
/// answered or the peer closes. What the backend noted for it.
async fn send(peer: &Peer, backend: &Backend, inputs: &[Input]) -> Vec<Forwarded> {
    let mut stream = TcpStream::connect(peer.address).await.unwrap();
    // Reset at the end, so that no port is kept in TIME_WAIT.
    stream.set_zero_linger().unwrap();
    let tag = format!("{}-{}", peer.name, stream.local_addr().unwrap().port());
    let mut bytes = Vec::new();
    for (i, input) in inputs.iter().enumerate() {
        bytes.extend_from_slice(&input.bytes);
        bytes.extend_from_slice(
            format!("GET {} HTTP/1.1\r\nHost: sentinel\r\n\r\n", sentinel_path(i)).as_bytes(),
        );
    }
    let last = format!("x-path: {}\r\n", sentinel_path(inputs.len() - 1));
    let (mut reading, mut writing) = stream.split();
    let write = async {
        // A peer that refuses closes before it has read all.
        let _ = writing.write_all(&bytes).await;
        std::future::pending::<()>().await;
    };
    let talk = async {
        tokio::select! {
            () = write => {}
            () = read_until(&mut reading, last.as_bytes()) => {}
        }
    };
    if tokio::time::timeout(PATIENCE, talk).await.is_err() {
        let shown: Vec<_> =
            inputs.iter().map(|input| input.bytes.escape_ascii().to_string()).collect();
        panic!("{} waits for more\nnoted: {:?}\ninputs: {shown:#?}", peer.name, backend.take(&tag));
    }
    backend.take(&tag)
}

/// Until `end` was read or the stream ends.
async fn read_until(stream: &mut (impl AsyncReadExt + Unpin), end: &[u8]) {
    let mut bytes = Vec::with_capacity(8192);
    let mut searched = 0;
    while let Ok(1..) = stream.read_buf(&mut bytes).await {
        if memchr::memmem::find(&bytes[searched..], end).is_some() {
            return;
        }
        searched = bytes.len().saturating_sub(end.len());
    }
}
