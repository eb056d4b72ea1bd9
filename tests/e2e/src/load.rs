//! A load generator that counts every request and measures from the moment it was due.
//!
//! Workers with one connection each take the next shot from a common list. With a
//! [`Pace::PerSecond`] a shot has a due time, and one that starts late because the server kept
//! all workers busy is measured from when it was due: no coordinated omission.
//! Nothing is sampled. A shot fails unless a whole answer with the wanted status arrives.
//!
//! A kept-alive connection may be closed by the server at the moment that a request is sent over
//! it. Like every client (RFC 9110 §9.2.2), the load then sends an idempotent request once more
//! over a new connection, and counts that as [`Outcome::resent`].

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{Method, Request};
use tokio::task::JoinSet;

use crate::client::{self, Answer, Client};
use crate::upstream::SERVED_BY;

mod report;

pub use report::{Latency, Report};

/// How fast shots follow each other.
#[derive(Clone, Copy, Debug)]
pub enum Pace {
    /// Each worker shoots again as soon as it has its answer.
    Closed,
    /// So many shots per second over all workers, whether answers come or not.
    PerSecond(f64),
}

/// What is to be done.
#[derive(Clone)]
pub struct Plan {
    /// Whom to ask.
    pub target: SocketAddr,
    /// Connections, and so requests at once.
    pub workers: usize,
    /// How fast.
    pub pace: Pace,
    /// Gives shot number `n`.
    pub shots: Arc<dyn Fn(u64) -> Shot + Send + Sync>,
}

/// One request to make.
#[derive(Clone, Debug)]
pub struct Shot {
    /// Index by which shots are counted apart, such as "reads" and "writes".
    pub kind: usize,
    /// Number of the subject, for whoever judges the answers.
    pub subject: u32,
    /// Its method.
    pub method: Method,
    /// Its path and query.
    pub path: String,
    /// Further headers.
    pub headers: Vec<(&'static str, String)>,
    /// Its body.
    pub body: Bytes,
    /// The status that counts as success.
    pub wanted: u16,
}

/// What became of a shot. Times are microseconds since the load began.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Its kind.
    pub kind: usize,
    /// Its subject.
    pub subject: u32,
    /// When it was due, or begun if we were early.
    pub due_us: u64,
    /// When its first byte was about to be sent.
    pub sent_us: u64,
    /// When the last byte of its answer, or its failure, arrived.
    pub done_us: u64,
    /// The answer's status, or why there was none.
    pub result: Result<u16, Arc<str>>,
    /// Who answered, by header [`SERVED_BY`].
    pub served_by: Option<Box<str>>,
    /// Whether it got what it wanted.
    pub good: bool,
    /// Whether it was sent a second time, because the server had closed an idle connection.
    pub resent: bool,
}

/// A load under way.
pub struct Load {
    shared: Arc<Shared>,
    workers: JoinSet<()>,
}

struct Shared {
    plan: Plan,
    began: Instant,
    next: AtomicU64,
    stop: AtomicBool,
    outcomes: Mutex<Vec<Outcome>>,
}

// === impl Load ===

impl Load {
    /// Begins at once.
    pub fn start(plan: Plan) -> Load {
        let shared = Arc::new(Shared {
            began: Instant::now(),
            next: AtomicU64::new(0),
            stop: AtomicBool::new(false),
            outcomes: Mutex::default(),
            plan,
        });
        let mut workers = JoinSet::new();
        for _ in 0..shared.plan.workers {
            workers.spawn(work(Arc::clone(&shared)));
        }
        Load { shared, workers }
    }

    /// When it began: the zero of [`Outcome`]'s times.
    pub fn began(&self) -> Instant {
        self.shared.began
    }

    /// What is done so far.
    pub fn report(&self) -> Report {
        Report::new(self.shared.outcomes().clone())
    }

    /// How many shots are done so far.
    pub fn done(&self) -> usize {
        self.shared.outcomes().len()
    }

    /// What is done since the first `from` shots.
    pub fn report_since(&self, from: usize) -> Report {
        Report::new(self.shared.outcomes()[from..].to_vec())
    }

    /// Waits until `count` more shots are done.
    pub async fn more(&self, count: usize) -> anyhow::Result<()> {
        let wanted = self.done() + count;
        crate::eventually(format!("{count} more answers"), async || {
            (self.done() >= wanted).then_some(())
        })
        .await?;
        Ok(())
    }

    /// Takes no further shots, waits for the answers under way and gives the whole account.
    pub async fn stop(mut self) -> Report {
        self.shared.stop.store(true, Ordering::SeqCst);
        while self.workers.join_next().await.is_some() {}
        let outcomes = std::mem::take(&mut *self.shared.outcomes());
        Report::new(outcomes)
    }
}

// === impl Shared ===

impl Shared {
    fn outcomes(&self) -> std::sync::MutexGuard<'_, Vec<Outcome>> {
        self.outcomes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now_us(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    /// Waits for shot `n`'s time and gives the time to measure from.
    async fn due(&self, n: u64) -> u64 {
        let Pace::PerSecond(rate) = self.plan.pace else { return self.now_us() };
        let due = Duration::from_secs_f64(n as f64 / rate);
        if self.began.elapsed() >= due {
            return u64::try_from(due.as_micros()).unwrap_or(u64::MAX);
        }
        tokio::time::sleep_until((self.began + due).into()).await;
        // The timer's own lag is not the server's.
        self.now_us()
    }
}

async fn work(shared: Arc<Shared>) {
    let mut client = None;
    while !shared.stop.load(Ordering::SeqCst) {
        let n = shared.next.fetch_add(1, Ordering::SeqCst);
        let due_us = shared.due(n).await;
        if shared.stop.load(Ordering::SeqCst) {
            return;
        }
        let shot = (shared.plan.shots)(n);
        let sent_us = shared.now_us();
        let (answer, resent) = fire(&mut client, &shared.plan, &shot).await;
        let done_us = shared.now_us();
        if answer.is_err() {
            client = None;
        }
        shared.outcomes().push(outcome(&shot, answer, resent, [due_us, sent_us, done_us]));
    }
}

fn outcome(shot: &Shot, answer: anyhow::Result<Answer>, resent: bool, times: [u64; 3]) -> Outcome {
    let [due_us, sent_us, done_us] = times;
    let served_by = answer.as_ref().ok().and_then(|it| it.headers.get(SERVED_BY));
    let served_by = served_by.and_then(|name| name.to_str().ok()).map(Into::into);
    let result = answer.map(|it| it.status.as_u16()).map_err(|error| format!("{error:#}").into());
    let good = result.as_ref().is_ok_and(|&status| status == shot.wanted);
    let Shot { kind, subject, .. } = *shot;
    Outcome { kind, subject, due_us, sent_us, done_us, result, served_by, good, resent }
}

/// Gives the answer, and whether the request was sent twice.
async fn fire(
    client: &mut Option<Client>,
    plan: &Plan,
    shot: &Shot,
) -> (anyhow::Result<Answer>, bool) {
    if let Some(kept) = client.as_mut() {
        match ask(kept, shot).await {
            Err(error) if client::is_closed(&error) && shot.method.is_idempotent() => {}
            answer => return (answer, false),
        }
    }
    let resent = client.take().is_some();
    let answer = async {
        let fresh = client.insert(Client::http1(plan.target).await?);
        ask(fresh, shot).await
    };
    (answer.await, resent)
}

async fn ask(client: &mut Client, shot: &Shot) -> anyhow::Result<Answer> {
    let mut request = Request::builder().method(&shot.method).uri(&shot.path);
    for (name, value) in &shot.headers {
        request = request.header(*name, value);
    }
    client.ask(request.body(shot.body.clone())?).await
}

// === impl Shot ===

impl Shot {
    /// A GET that wants 200, of kind 0, without subject.
    pub fn get(path: impl Into<String>) -> Shot {
        Shot {
            kind: 0,
            subject: 0,
            method: Method::GET,
            path: path.into(),
            headers: Vec::new(),
            body: Bytes::new(),
            wanted: 200,
        }
    }
}
