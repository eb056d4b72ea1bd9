//! Recordings in memory, and reading them from files.

use std::path::{Path, PathBuf};

use super::text::{MARKS, TITLE};

/// One recorded exchange.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exchange {
    /// Unique over all files.
    pub(super) id: String,
    /// Where it stands.
    pub(super) file: PathBuf,
    /// Line of its title, from 1.
    pub(super) line: usize,
    pub(super) tags: Vec<String>,
    pub(super) kind: Kind,
    /// Played only by another exchange.
    pub(super) is_companion: bool,
    /// The user whose session the answer's cookie is, from here on.
    pub(super) session_of: Option<String>,
    /// Head and body with placeholders, lines ending in `\n`; the body of a stream is its script.
    pub(super) request_head: String,
    pub(super) request_body: String,
    /// `None` when nothing was recorded yet.
    pub(super) expected: Option<Answer>,
}

/// How an exchange goes on after the head of the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// One answer with one body.
    Plain,
    /// Server-sent events, read one by one, then closed.
    Events,
    /// WebSocket frames.
    WebSocket,
}

/// An answer in its textual form.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Answer {
    /// 1xx answers before the real one, without 101.
    pub(super) interim: Vec<Head>,
    pub(super) head: Head,
    /// Body, or events, or a line per frame.
    pub(super) body: String,
    /// Lines `Name: value`.
    pub(super) trailers: Vec<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) status_line: String,
    /// Lines `Name: value` in their order.
    pub(super) lines: Vec<String>,
}

/// Why recordings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// A file or the directory cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// What was read.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// A file is not of the form that `contract/README.md` describes.
    #[error("{}:{line}: {why}", path.display())]
    Form {
        /// The file.
        path: PathBuf,
        /// Line, from 1.
        line: usize,
        /// What is wrong.
        why: String,
    },
}

impl Exchange {
    /// Its name, unique in the suite.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Its tags, such as `devices`, `read`, `write`, `after-write`.
    pub fn tags(&self) -> &[String] {
        &self.tags
    }
}

/// Reads all `*.http` of `dir`, in the order of their names.
pub fn load(dir: &Path) -> Result<Vec<Exchange>, LoadError> {
    let mut exchanges: Vec<Exchange> = Vec::new();
    for path in files(dir)? {
        let text = read(&path)?;
        for exchange in parse(&path, &text)? {
            if exchanges.iter().any(|other| other.id == exchange.id) {
                let why = format!("`{}` stands in two places; titles must differ", exchange.id);
                return Err(LoadError::Form { path, line: exchange.line, why });
            }
            exchanges.push(exchange);
        }
    }
    Ok(exchanges)
}

pub(super) fn files(dir: &Path) -> Result<Vec<PathBuf>, LoadError> {
    let cannot = |source| LoadError::Read { path: dir.to_owned(), source };
    let mut files = Vec::new();
    for entry in std::fs::read_dir(dir).map_err(cannot)? {
        files.push(entry.map_err(cannot)?.path());
    }
    files.retain(|path| path.extension().is_some_and(|extension| extension == "http"));
    files.sort();
    Ok(files)
}

pub(super) fn read(path: &Path) -> Result<String, LoadError> {
    std::fs::read_to_string(path)
        .map_err(|source| LoadError::Read { path: path.to_owned(), source })
}

/// Reads the recordings of one file; what stands before the first title is a comment.
pub(super) fn parse(path: &Path, text: &str) -> Result<Vec<Exchange>, LoadError> {
    let lines: Vec<&str> = text.lines().collect();
    let titles: Vec<usize> = (0..lines.len()).filter(|&at| lines[at].starts_with(TITLE)).collect();
    let ends = titles.iter().copied().skip(1).chain([lines.len()]);
    let recordings = titles.iter().copied().zip(ends);
    let parsed = recordings.map(|(from, to)| {
        let recording = parse_one(path, from + 1, &lines[from..to]);
        recording.map_err(|(line, why)| LoadError::Form {
            path: path.to_owned(),
            line: from + line + 1,
            why,
        })
    });
    parsed.collect()
}

/// Errors are a line counted from 0 and a reason.
fn parse_one(path: &Path, line: usize, lines: &[&str]) -> Result<Exchange, (usize, String)> {
    let mut exchange = Exchange {
        id: lines[0][TITLE.len()..].trim().to_owned(),
        file: path.to_owned(),
        line,
        tags: Vec::new(),
        kind: Kind::Plain,
        is_companion: false,
        session_of: None,
        request_head: String::new(),
        request_body: String::new(),
        expected: None,
    };
    let comments = lines[1..].iter().take_while(|line| line.starts_with('#')).count();
    for (at, comment) in lines[1..=comments].iter().enumerate() {
        parse_directive(&mut exchange, comment).map_err(|why| (at + 1, why))?;
    }
    let (request, after) = part(lines, comments + 1);
    (exchange.request_head, exchange.request_body) = head_and_body(request);
    if exchange.request_head.is_empty() {
        return Err((comments + 1, "a request was expected".to_owned()));
    }
    if lines.get(after) == Some(&"<<<") && lines.get(after + 1) != Some(&"---") {
        let (answer, end) = parse_answer(lines, after + 1)?;
        exchange.expected = Some(answer);
        if lines.get(end) != Some(&"---") {
            return Err((end.min(lines.len() - 1), "`---` was expected".to_owned()));
        }
    } else if after == lines.len() {
        // The empty lines before the next title are no part of the body.
        exchange.request_body.truncate(exchange.request_body.trim_end().len());
    }
    Ok(exchange)
}

fn parse_directive(exchange: &mut Exchange, comment: &str) -> Result<(), String> {
    let comment = comment.trim_start_matches('#').trim();
    let Some((name, value)) = comment.split_once(": ") else { return Ok(()) };
    match name {
        "tags" => exchange.tags = value.split_whitespace().map(str::to_owned).collect(),
        "session" => exchange.session_of = Some(value.to_owned()),
        "play" if value == "companion" => exchange.is_companion = true,
        "stream" if value == "events" => exchange.kind = Kind::Events,
        "stream" if value == "websocket" => exchange.kind = Kind::WebSocket,
        "play" | "stream" => return Err(format!("`{name}: {value}` is not known")),
        _ => {}
    }
    Ok(())
}

fn parse_answer(lines: &[&str], from: usize) -> Result<(Answer, usize), (usize, String)> {
    let (text, mut end) = part(lines, from);
    let mut rest = text;
    let mut answer = Answer::default();
    loop {
        let blank = rest.iter().position(|line| line.is_empty()).unwrap_or(rest.len());
        let Some((status_line, head)) = rest[..blank].split_first() else {
            return Err((from, "a status line was expected".to_owned()));
        };
        answer.head = Head {
            status_line: (*status_line).to_owned(),
            lines: head.iter().map(|&line| line.to_owned()).collect(),
        };
        rest = rest.get(blank + 1..).unwrap_or_default();
        if !answer.head.is_interim() {
            break;
        }
        answer.interim.push(std::mem::take(&mut answer.head));
    }
    answer.body = rest.join("\n");
    if lines.get(end) == Some(&"~~~") {
        let (trailers, after) = part(lines, end + 1);
        answer.trailers = trailers.iter().map(|&line| line.to_owned()).collect();
        end = after;
    }
    Ok((answer, end))
}

impl Head {
    /// A 1xx that another head follows.
    pub(super) fn is_interim(&self) -> bool {
        self.status().starts_with('1') && self.status() != "101"
    }

    pub(super) fn status(&self) -> &str {
        self.status_line.split(' ').nth(1).unwrap_or_default()
    }
}

/// Lines up to the next mark, and where that is.
fn part<'a, 'b>(lines: &'a [&'b str], from: usize) -> (&'a [&'b str], usize) {
    let length =
        lines[from..].iter().position(|line| MARKS.contains(line)).unwrap_or(lines.len() - from);
    (&lines[from..from + length], from + length)
}

fn head_and_body(lines: &[&str]) -> (String, String) {
    let blank = lines.iter().position(|line| line.is_empty()).unwrap_or(lines.len());
    let head = lines[..blank].iter().map(|line| format!("{line}\n")).collect();
    (head, lines.get(blank + 1..).unwrap_or_default().join("\n"))
}
