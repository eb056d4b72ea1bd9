//! From Markdown to blocks.

use std::time::Duration;

use super::{About, Block, Runbook};

/// How long an attempt may take where its block does not say.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Why a text is no runbook.
#[derive(Debug, thiserror::Error)]
pub enum BadRunbook {
    /// It does not begin with `---`, lines, and `---`.
    #[error("it does not begin with front matter between lines of `---`")]
    NoFrontMatter,
    /// The front matter says something else than it may.
    #[error("its front matter is wrong")]
    FrontMatter(#[source] Box<serde_saphyr::Error>),
    /// No `# Title`.
    #[error("it has no heading")]
    NoTitle,
    /// A fence's attributes.
    #[error(
        "line {0}: `{1}` is no attribute: write {{name=x timeout=10s mutates=true expect=\"text\" retry=30s}}"
    )]
    Attribute(usize, String),
    /// A fence of commands without a name.
    #[error("line {0}: the block has no name")]
    NoName(usize),
    /// Two blocks of one name.
    #[error("line {0}: there is a block `{1}` already")]
    Twice(usize, String),
    /// A fence without end.
    #[error("line {0}: the block does not end")]
    Open(usize),
}

// === impl Runbook ===

impl Runbook {
    /// Reads a runbook.
    pub fn parse(name: &str, text: &str) -> Result<Runbook, BadRunbook> {
        let front = text.strip_prefix("---\n").and_then(|rest| rest.split_once("\n---\n"));
        let (front, body) = front.ok_or(BadRunbook::NoFrontMatter)?;
        let options = serde_saphyr::options! { with_snippet: false };
        let about: About = serde_saphyr::from_str_with_options(front, options)
            .map_err(|error| BadRunbook::FrontMatter(Box::new(error)))?;
        let title = body.lines().find_map(|line| line.strip_prefix("# "));
        let title = title.ok_or(BadRunbook::NoTitle)?.trim().to_owned();
        let (name, text) = (name.to_owned(), text.to_owned());
        let blocks = blocks(&text)?;
        Ok(Runbook { name, about, title, text, blocks })
    }
}

fn blocks(text: &str) -> Result<Vec<Block>, BadRunbook> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut lines = text.lines().zip(1..);
    while let Some((line, number)) = lines.next() {
        let Some(info) = line.strip_prefix("```") else { continue };
        let mut script = String::new();
        loop {
            match lines.next() {
                Some(("```", _)) => break,
                Some((line, _)) => script.extend([line, "\n"]),
                None => return Err(BadRunbook::Open(number)),
            }
        }
        let Some(attributes) = info.strip_prefix("sh {").and_then(|it| it.strip_suffix('}')) else {
            continue;
        };
        let block = block(attributes, script, number)?;
        if blocks.iter().any(|there| there.name == block.name) {
            return Err(BadRunbook::Twice(number, block.name));
        }
        blocks.push(block);
    }
    Ok(blocks)
}

fn block(attributes: &str, script: String, line: usize) -> Result<Block, BadRunbook> {
    let mut block = Block {
        name: String::new(),
        timeout: TIMEOUT,
        mutates: false,
        expect: None,
        retry: None,
        script,
        line,
    };
    for attribute in split(attributes) {
        let bad = || BadRunbook::Attribute(line, attribute.clone());
        let (key, value) = attribute.split_once('=').ok_or_else(bad)?;
        match key {
            "name" => block.name = value.to_owned(),
            "timeout" => block.timeout = seconds(value).ok_or_else(bad)?,
            "retry" => block.retry = Some(seconds(value).ok_or_else(bad)?),
            "mutates" => block.mutates = value.parse().map_err(|_| bad())?,
            "expect" => block.expect = Some(value.to_owned()),
            _ => return Err(bad()),
        }
    }
    if block.name.is_empty() {
        return Err(BadRunbook::NoName(line));
    }
    Ok(block)
}

/// At spaces outside of double quotes, which go.
fn split(attributes: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut is_quoted = false;
    for c in attributes.chars() {
        match c {
            '"' => is_quoted = !is_quoted,
            ' ' if !is_quoted => parts.push(String::new()),
            c => parts.last_mut().expect("it begins with one").push(c),
        }
    }
    parts.retain(|part| !part.is_empty());
    parts
}

/// `10s` or `2m`.
fn seconds(text: &str) -> Option<Duration> {
    let (number, factor) = match text.strip_suffix('m') {
        Some(minutes) => (minutes, 60),
        None => (text.strip_suffix('s')?, 1),
    };
    let seconds = number.parse::<u64>().ok()?.checked_mul(factor)?;
    (1..=3_600).contains(&seconds).then(|| Duration::from_secs(seconds))
}
