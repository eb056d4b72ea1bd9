//! Writing down what a server answers, as the new expectation.

use std::collections::HashMap;
use std::fmt::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use super::exchange::{self, Answer, Exchange, LoadError};
use super::player::{self, Options};

/// Why nothing, or not all, could be recorded. No file is touched unless every exchange was answered.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// The present recordings cannot be read.
    #[error("cannot record into {}", .0.display())]
    Load(PathBuf, #[source] LoadError),
    /// The server did not answer.
    #[error("`{id}` was not answered: {why}")]
    Play {
        /// Title of the exchange.
        id: String,
        /// What happened.
        why: String,
    },
    /// A file cannot be written.
    #[error("cannot write {}", .0.display())]
    Write(PathBuf, #[source] std::io::Error),
}

/// Plays all of `dir` against the fresh server at `addr` and replaces every expectation; gives the
/// number of exchanges. Titles, comments and requests stay as they are.
pub async fn record(dir: &Path, addr: SocketAddr) -> Result<usize, RecordError> {
    let cannot_load = |error| RecordError::Load(dir.to_owned(), error);
    let exchanges = exchange::load(dir).map_err(cannot_load)?;
    let mut answers = HashMap::new();
    for (exchange, played) in player::perform(addr, &exchanges, &Options::default()).await {
        let id = exchange.id().to_owned();
        answers.insert(id.clone(), played.map_err(|why| RecordError::Play { id, why })?);
    }
    for path in exchange::files(dir).map_err(cannot_load)? {
        let text = exchange::read(&path).map_err(cannot_load)?;
        let in_file = exchange::parse(&path, &text).map_err(cannot_load)?;
        let rewritten = rewrite(&text, &in_file, &answers);
        std::fs::write(&path, rewritten).map_err(|error| RecordError::Write(path, error))?;
    }
    Ok(answers.len())
}

fn rewrite(text: &str, exchanges: &[Exchange], answers: &HashMap<String, Answer>) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let first = exchanges.first().map_or(lines.len(), |exchange| exchange.line - 1);
    let mut written: String = lines[..first].iter().map(|line| format!("{line}\n")).collect();
    for (index, exchange) in exchanges.iter().enumerate() {
        if index > 0 {
            written.push('\n');
        }
        let title_and_comments =
            lines[exchange.line - 1..].iter().take_while(|line| line.starts_with('#'));
        title_and_comments.for_each(|line| written.push_str(&format!("{line}\n")));
        let _ = writeln!(written, "{}", exchange.request_head);
        if !exchange.request_body.is_empty() {
            let _ = writeln!(written, "{}", exchange.request_body);
        }
        if let Some(answer) = answers.get(exchange.id()) {
            write_answer(answer, &mut written);
        }
    }
    written
}

/// Writing to a String cannot fail.
fn write_answer(answer: &Answer, written: &mut String) {
    written.push_str("<<<\n");
    for head in answer.interim.iter().chain([&answer.head]) {
        let _ = writeln!(written, "{}", head.status_line);
        head.lines.iter().for_each(|line| written.push_str(&format!("{line}\n")));
        written.push('\n');
    }
    if !answer.body.is_empty() {
        let _ = writeln!(written, "{}", answer.body);
    }
    if !answer.trailers.is_empty() {
        written.push_str("~~~\n");
        answer.trailers.iter().for_each(|line| written.push_str(&format!("{line}\n")));
    }
    written.push_str("---\n");
}
