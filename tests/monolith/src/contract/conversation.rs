//! One play: connections, sessions, and the answers in the order they came.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::pin::Pin;
use std::time::Duration;

use ring::digest;
use tokio::time::timeout;

use super::exchange::{Answer, Exchange, Head, Kind};
use super::frames;
use super::http1::{Connection, RawBody, RawHead, WireError};
use super::player::Options;
use super::text;
use crate::session::hex;

/// Longer bodies are compared by their hash.
const BODY_LETTERS_MAX: usize = 6000;
/// How long a client that asked `Expect: 100-continue` waits before it sends the body anyway.
const CONTINUE_TIMEOUT: Duration = Duration::from_secs(2);
/// The demo seed's users.
const PASSWORDS: [(&str, &str); 3] =
    [("alice", "sesame"), ("bob", "hunter2"), ("carol", "letmein")];

pub(super) struct Conversation<'a> {
    addr: SocketAddr,
    options: &'a Options,
    by_id: HashMap<&'a str, &'a Exchange>,
    idle: Option<Connection>,
    /// Value of the session cookie by user.
    sessions: HashMap<String, String>,
    played: Vec<(&'a Exchange, Result<Answer, String>)>,
}

impl<'a> Conversation<'a> {
    pub(super) fn new(
        addr: SocketAddr,
        options: &'a Options,
        by_id: HashMap<&'a str, &'a Exchange>,
    ) -> Conversation<'a> {
        Conversation {
            addr,
            options,
            by_id,
            idle: None,
            sessions: HashMap::new(),
            played: Vec::new(),
        }
    }

    pub(super) fn into_played(self) -> Vec<(&'a Exchange, Result<Answer, String>)> {
        self.played
    }

    /// Plays one exchange and keeps its outcome. Boxed, since an exchange may play another.
    pub(super) fn play(
        &mut self,
        exchange: &'a Exchange,
    ) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(async move {
            let limit = self.options.timeout;
            let outcome = match timeout(limit, self.converse(exchange)).await {
                Ok(outcome) => outcome,
                Err(_) => Err(format!("no complete answer within {limit:?}")),
            };
            self.played.push((exchange, outcome));
        })
    }

    async fn converse(&mut self, exchange: &'a Exchange) -> Result<Answer, String> {
        let (head, body) = self.request(exchange).await?;
        let method = exchange.request_head.split(' ').next().unwrap_or_default();
        let (mut connection, interim, raw_head) = self.send(&head, &body).await?;
        let words = |error: WireError| error.to_string();
        let (raw_body, lines) = match exchange.kind {
            Kind::Events if raw_head.status() == "200" => {
                (RawBody::default(), self.follow(&mut connection, exchange).await?)
            }
            Kind::WebSocket if raw_head.status() == "101" => {
                (RawBody::default(), self.talk(&mut connection, exchange).await?)
            }
            _ => {
                let raw_body = connection.read_body(&raw_head, method).await.map_err(words)?;
                if connection.left_over() > 0 {
                    return Err(format!(
                        "{} bytes follow the end of the answer",
                        connection.left_over()
                    ));
                }
                let is_reusable =
                    raw_head.keeps_alive() && !raw_body.until_close && exchange.kind == Kind::Plain;
                self.idle =
                    Some(connection).filter(|_| is_reusable && !self.options.fresh_connections);
                let text = body_text(&raw_body.bytes);
                (raw_body, text)
            }
        };
        if let Some(user) = &exchange.session_of {
            let session = session_cookie(&raw_head).ok_or("the answer has no cookie `sid`")?;
            self.sessions.insert(user.clone(), session);
        }
        Ok(Answer {
            interim: interim.iter().map(head_text).collect(),
            head: head_text(&raw_head),
            body: lines,
            trailers: raw_body.trailers.iter().map(|line| text::render(line)).collect(),
        })
    }

    /// Head and body as bytes; opens the sessions that they name.
    async fn request(&mut self, exchange: &Exchange) -> Result<(Vec<u8>, Vec<u8>), String> {
        for (user, password) in PASSWORDS {
            let is_named = exchange.request_head.contains(&format!("{{{{sid:{user}}}}}"))
                || user == "alice" && exchange.request_head.contains("{{sid}}");
            if is_named && !self.sessions.contains_key(user) {
                let session = self.log_in(user, password).await?;
                self.sessions.insert(user.to_owned(), session);
            }
        }
        let script = exchange.kind != Kind::Plain;
        let body = if script { "" } else { &exchange.request_body };
        let body = text::expand(body, blob)?;
        let head = text::expand(&exchange.request_head.replace('\n', "\r\n"), |name| match name {
            "sid" => self.sessions.get("alice").map(|session| session.clone().into_bytes()),
            "length" => Some(body.len().to_string().into_bytes()),
            _ => self
                .sessions
                .get(name.strip_prefix("sid:")?)
                .map(|session| session.clone().into_bytes()),
        })?;
        Ok(([&head[..], b"\r\n"].concat(), body))
    }

    /// Sends and reads the heads that come back. A kept connection that turns out closed is
    /// replaced once, as any client would.
    async fn send(
        &mut self,
        head: &[u8],
        body: &[u8],
    ) -> Result<(Connection, Vec<RawHead>, RawHead), String> {
        if let Some(connection) = self.idle.take() {
            match attempt(connection, head, body).await {
                Err(WireError::NoAnswer) => {}
                outcome => return outcome.map_err(|error| error.to_string()),
            }
        }
        let opened = Connection::open(self.addr).await.map_err(|error| error.to_string())?;
        attempt(opened, head, body).await.map_err(|error| error.to_string())
    }

    /// Reads events as the script says: `expect N` events, `play TITLE`.
    async fn follow(
        &mut self,
        connection: &mut Connection,
        exchange: &'a Exchange,
    ) -> Result<String, String> {
        let mut received = Vec::new();
        let mut wanted = 0;
        for line in exchange.request_body.lines() {
            match line.split_once(' ') {
                Some(("expect", count)) => {
                    wanted += count.parse::<usize>().map_err(|_| bad_step(line))?
                }
                Some(("play", id)) => self.play_companion(id).await?,
                _ => return Err(bad_step(line)),
            }
            while event_ends(&received).len() < wanted {
                let chunk = connection.read_chunk().await.map_err(|error| error.to_string())?;
                received.extend(
                    chunk.ok_or_else(|| format!("the stream ended before event {wanted}"))?,
                );
            }
        }
        match event_ends(&received).get(wanted.wrapping_sub(1)) {
            Some(&end) => Ok(text::render(&received[..end])),
            None => Err("the script expects no event".to_owned()),
        }
    }

    /// Follows a script of frames: `send KIND CONTENT`, `expect N` frames, `play TITLE`.
    async fn talk(
        &mut self,
        connection: &mut Connection,
        exchange: &'a Exchange,
    ) -> Result<String, String> {
        let mut received = Vec::new();
        for line in exchange.request_body.lines() {
            match line.split_once(' ') {
                Some(("send", frame)) => {
                    let (kind, content) = frame.split_once(' ').unwrap_or((frame, ""));
                    let content = text::expand(content, blob)?;
                    let frame = frames::encode(kind, &content).ok_or_else(|| bad_step(line))?;
                    connection.write(&frame).await.map_err(|error| error.to_string())?;
                }
                Some(("expect", count)) => {
                    for _ in 0..count.parse::<usize>().map_err(|_| bad_step(line))? {
                        received.push(
                            frames::read(connection).await.map_err(|error| error.to_string())?,
                        );
                    }
                }
                Some(("play", id)) => self.play_companion(id).await?,
                _ => return Err(bad_step(line)),
            }
        }
        Ok(received.join("\n"))
    }

    async fn play_companion(&mut self, id: &str) -> Result<(), String> {
        let companion = self.by_id.get(id).copied().filter(|exchange| exchange.is_companion);
        let companion = companion.ok_or_else(|| format!("there is no companion `{id}`"))?;
        self.play(companion).await;
        Ok(())
    }

    async fn log_in(&self, user: &str, password: &str) -> Result<String, String> {
        let body = format!("{{\"login\":\"{user}\",\"password\":\"{password}\"}}");
        let head = format!(
            "POST /api/v1/login HTTP/1.1\r\nHost: home.example\r\nConnection: close\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        let addr = self.options.login.unwrap_or(self.addr);
        let failed = |why: String| format!("cannot log {user} in at {addr}: {why}");
        let opened = Connection::open(addr).await.map_err(|error| failed(error.to_string()))?;
        let sent = attempt(opened, head.as_bytes(), body.as_bytes()).await;
        let (_, _, answer) = sent.map_err(|error| failed(error.to_string()))?;
        session_cookie(&answer)
            .ok_or_else(|| failed(format!("status {}, no cookie `sid`", answer.status())))
    }
}

async fn attempt(
    mut connection: Connection,
    head: &[u8],
    body: &[u8],
) -> Result<(Connection, Vec<RawHead>, RawHead), WireError> {
    let waits =
        head.to_ascii_lowercase().windows(20).any(|window| window == b"expect: 100-continue");
    let first = if waits { head.to_vec() } else { [head, body].concat() };
    connection.write(&first).await.map_err(|_| WireError::NoAnswer)?;
    if waits {
        let _ = timeout(CONTINUE_TIMEOUT, connection.has_more()).await;
    } else if !connection.has_more().await.unwrap_or(false) {
        return Err(WireError::NoAnswer);
    }
    let mut interim = Vec::new();
    let mut is_body_due = waits;
    loop {
        if is_body_due && connection.left_over() == 0 {
            connection.write(body).await?;
            is_body_due = false;
        }
        let raw_head = connection.read_head().await?;
        if !raw_head.status().starts_with('1') || raw_head.status() == "101" {
            return Ok((connection, interim, raw_head));
        }
        if is_body_due && raw_head.status() == "100" {
            connection.write(body).await?;
            is_body_due = false;
        }
        interim.push(raw_head);
    }
}

/// `blob:N` stands for N bytes, the same every time, among them every value.
fn blob(name: &str) -> Option<Vec<u8>> {
    let length: u32 = name.strip_prefix("blob:")?.parse().ok()?;
    Some((0..length).map(|at| (at.wrapping_mul(2_246_822_519) >> 16) as u8).collect())
}

/// Ends of the complete events: each ends at an empty line.
fn event_ends(received: &[u8]) -> Vec<usize> {
    (2..=received.len()).filter(|&end| received[..end].ends_with(b"\n\n")).collect()
}

fn bad_step(line: &str) -> String {
    format!("`{line}` is no step of a script")
}

fn session_cookie(head: &RawHead) -> Option<String> {
    let lines = head.lines.iter().filter_map(|line| std::str::from_utf8(line).ok());
    let cookies = lines.filter_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("set-cookie").then(|| value.trim())
    });
    let mut sessions = cookies.filter_map(|cookie| cookie.strip_prefix("sid="));
    sessions.next().map(|session| session.split(';').next().unwrap_or_default().to_owned())
}

fn head_text(head: &RawHead) -> Head {
    Head {
        status_line: text::render(&head.status_line),
        lines: head.lines.iter().map(|line| text::render(line)).collect(),
    }
}

fn body_text(bytes: &[u8]) -> String {
    let text = text::render(bytes);
    if text.len() <= BODY_LETTERS_MAX {
        return text;
    }
    let masked = super::mask::apply(bytes);
    let hash = hex(digest::digest(&digest::SHA256, &masked).as_ref());
    format!("{{{{sha256:{hash}:{}}}}}", bytes.len())
}
