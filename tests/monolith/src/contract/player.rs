//! Playing exchanges against a server, in their order.

use std::collections::HashMap;
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use super::compare;
use super::conversation::Conversation;
use super::exchange::{Answer, Exchange};

/// How to play and how to judge.
#[derive(Clone, Debug)]
pub struct Options {
    /// Plays what has one of these tags; empty plays all.
    pub only: Vec<String>,
    /// Leaves out what has one of these tags, whatever `only` says.
    pub skip: Vec<String>,
    /// Where sessions are opened when an exchange needs one; `None` is the server under test. A
    /// service without a log-in is played with the monolith's address here and the same key file.
    pub login: Option<SocketAddr>,
    /// Whether the order of different headers counts too. Default: no.
    pub strict_order: bool,
    /// Whether headers of the connection count (`Connection`, `Keep-Alive`). Default: yes.
    pub hop_by_hop: bool,
    /// Header names whose presence and values do not count. Default: none.
    pub ignored_headers: Vec<String>,
    /// Whether each exchange gets a connection of its own. Default: no, kept-alive ones are used.
    pub fresh_connections: bool,
    /// For one exchange. Default: 10 s.
    pub timeout: Duration,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            only: Vec::new(),
            skip: Vec::new(),
            login: None,
            strict_order: false,
            hop_by_hop: true,
            ignored_headers: Vec::new(),
            fresh_connections: false,
            timeout: Duration::from_secs(10),
        }
    }
}

/// What came of it. `Display` tells each failure, then `N passed, N failed`.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Exchanges that went as recorded.
    pub passed: usize,
    /// The others, in their order.
    pub failed: Vec<Failure>,
}

/// An exchange that went otherwise.
#[derive(Clone, Debug)]
pub struct Failure {
    /// Title of the exchange.
    pub id: String,
    /// Where it stands.
    pub file: PathBuf,
    /// Line of the title, from 1.
    pub line: usize,
    /// What differed, never empty.
    pub reasons: Vec<String>,
}

/// Plays the chosen `exchanges` against the server at `addr`, one after the other.
///
/// The server must be fresh and seeded as [`super::config`] says. A failure does not end the play.
pub async fn play(addr: SocketAddr, exchanges: &[Exchange], options: &Options) -> Report {
    let mut report = Report::default();
    for (exchange, played) in perform(addr, exchanges, options).await {
        let reasons = match (&exchange.expected, played) {
            (_, Err(why)) => vec![why],
            (None, Ok(_)) => vec!["nothing is recorded yet; record first".to_owned()],
            (Some(expected), Ok(actual)) => compare::differences(expected, &actual, options),
        };
        if reasons.is_empty() {
            report.passed += 1;
        } else {
            let Exchange { id, file, line, .. } = exchange.clone();
            report.failed.push(Failure { id, file, line, reasons });
        }
    }
    report
}

/// Plays and gives the answers, companions' included, in the order in which they were played.
pub(super) async fn perform<'a>(
    addr: SocketAddr,
    exchanges: &'a [Exchange],
    options: &'a Options,
) -> Vec<(&'a Exchange, Result<Answer, String>)> {
    let by_id: HashMap<&str, &Exchange> =
        exchanges.iter().map(|exchange| (exchange.id(), exchange)).collect();
    let mut conversation = Conversation::new(addr, options, by_id);
    for exchange in exchanges.iter().filter(|exchange| is_chosen(exchange, options)) {
        conversation.play(exchange).await;
    }
    conversation.into_played()
}

fn is_chosen(exchange: &Exchange, options: &Options) -> bool {
    let has_one = |tags: &[String]| tags.iter().any(|tag| exchange.tags.contains(tag));
    let wanted = options.only.is_empty() || has_one(&options.only);
    wanted && !has_one(&options.skip) && !exchange.is_companion
}

impl Report {
    /// Whether something was played and all of it went as recorded.
    pub fn is_clean(&self) -> bool {
        self.failed.is_empty() && self.passed > 0
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Failure { id, file, line, reasons } in &self.failed {
            writeln!(f, "FAILED {id} ({}:{line})", file.display())?;
            for reason in reasons {
                writeln!(f, "    {reason}")?;
            }
        }
        write!(f, "{} passed, {} failed", self.passed, self.failed.len())
    }
}
