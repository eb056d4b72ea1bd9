//! Reads the process file, lays the environment over it, and finds the team files.

use std::{
    fs, io,
    path::{Component, Path},
};

use super::{
    code::Code,
    diagnostic::{Diagnostic, Report},
    document::{ProcessFile, TeamFile},
    environment::Environment,
    includes::Includes,
    node::{self, Node, Value},
    shape::Shape,
    source::{Place, Sources, shown},
};

/// The trees of all files, judged by shape.
pub(crate) struct Files {
    pub(crate) process: Node,
    pub(crate) teams: Vec<Node>,
    /// OpenSLO files, which are no trees: position in the sources, and text.
    pub(crate) slos: Vec<(usize, String)>,
    /// Every file read, by its path below the process file's directory; the process file first.
    pub(crate) read: Vec<String>,
    /// Patterns that team files come from.
    pub(crate) includes: Includes,
}

/// Where texts come from, by path below one directory, `/` between parts.
pub(crate) trait Texts {
    /// The whole text of a file.
    fn read(&self, path: &str) -> io::Result<String>;
    /// The files that a pattern of `*` and `?` matches.
    fn expand(&self, pattern: &str) -> Vec<String>;
    /// The path as it is shown to people.
    fn shown(&self, path: &str) -> String;
}

/// Files below a directory.
pub(crate) struct OnDisk<'a>(pub(crate) &'a Path);

/// Texts that came over the network.
pub(crate) struct InMemory<'a>(pub(crate) &'a [(String, String)]);

/// Largest file that is read, in bytes: more is a mistake, not a configuration.
const FILE_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// Reads everything. `None` if there is no process file to begin with.
pub(crate) fn read(
    name: &str,
    texts: &dyn Texts,
    environment: &Environment,
    sources: &mut Sources,
    report: &mut Report,
) -> Option<Files> {
    let mut process = read_one(name, texts, sources, report)?;
    let shape = Shape::of::<ProcessFile>();
    lay_over(&mut process, environment, &shape, sources, report);
    shape.check(&mut process, report);
    let team_shape = Shape::of::<TeamFile>();
    let mut read = vec![name.to_owned()];
    let mut teams = Vec::new();
    let teams_patterns = patterns("include", name, &process, report);
    let slos_patterns = patterns("slos", name, &process, report);
    let all = teams_patterns.iter().chain(&slos_patterns);
    let names = all.map(|(pattern, _)| (*pattern).to_owned()).collect();
    let includes = Includes::new(name, names);
    for path in included(&teams_patterns, texts, report) {
        if read.contains(&path) {
            continue;
        }
        if let Some(mut team) = read_one(&path, texts, sources, report) {
            team_shape.check(&mut team, report);
            teams.push(team);
        }
        read.push(path);
    }
    let mut slos = Vec::new();
    for path in included(&slos_patterns, texts, report) {
        if read.contains(&path) {
            continue;
        }
        let source = source_of(&path, texts, sources, report);
        slos.extend(source.and_then(|at| Some((at, sources.get(at)?.text.clone()))));
        read.push(path);
    }
    Some(Files { process, teams, slos, read, includes })
}

fn read_one(
    path: &str,
    texts: &dyn Texts,
    sources: &mut Sources,
    report: &mut Report,
) -> Option<Node> {
    let source = source_of(path, texts, sources, report)?;
    let text = sources.get(source)?.text.clone();
    Some(node::parse(&text, source, report))
}

/// The position of a file's text in the sources. `None`, and reported: it cannot be read.
fn source_of(
    path: &str,
    texts: &dyn Texts,
    sources: &mut Sources,
    report: &mut Report,
) -> Option<usize> {
    let shown = texts.shown(path);
    match texts.read(path) {
        Ok(text) => Some(sources.add(shown, path, text)),
        Err(error) => {
            let message = format!("`{shown}` cannot be read: {error}");
            let diagnostic = Diagnostic::error(Code::FileUnreadable, message);
            report.push(match error.kind() {
                io::ErrorKind::NotFound => diagnostic
                    .hint("name the configuration, or run in the directory of `cutover.toml`"),
                io::ErrorKind::PermissionDenied => {
                    diagnostic.hint("let the user that runs cutover read it")
                }
                _ => diagnostic,
            });
            None
        }
    }
}

/// Puts `CUTOVER__STORE__URL` and its like into the process file's tree. Each value's place is in
/// a source of its own, so that a mistake is reported with the variable's name.
fn lay_over(
    process: &mut Node,
    environment: &Environment,
    shape: &Shape,
    sources: &mut Sources,
    report: &mut Report,
) {
    for (name, path, text) in environment.overrides() {
        let line = format!("{name}={text}");
        let source = sources.add("environment", "environment", line.as_str());
        let at = Place::new(source, name.len() + 1..line.len());
        let value = match shape.takes_text(&path) {
            true => Value::String(text.to_owned()),
            false => value_of(text, source),
        };
        let key = Some(Place::new(source, 0..name.len()));
        let node = Node { place: at.clone(), key, value, broken: false };
        if !put(process, &path, node) {
            let message = format!("`{name}` overrides something inside a value that is no table");
            report.push(Diagnostic::error(Code::UnknownKey, message).at(at));
        }
    }
}

/// A number, boolean or list as TOML writes it; else the text itself.
fn value_of(text: &str, source: usize) -> Value {
    let mut scratch = Report::default();
    let document = node::parse(&format!("x = {text}"), source, &mut scratch);
    match document.get("x") {
        Some(node) if scratch.errors() == 0 => node.value.clone(),
        _ => Value::String(text.to_owned()),
    }
}

fn put(tree: &mut Node, path: &[String], node: Node) -> bool {
    let Some((first, rest)) = path.split_first() else { return false };
    if rest.is_empty() {
        return match &mut tree.value {
            Value::Table(entries) => {
                entries.insert(first.clone(), node);
                true
            }
            Value::Array(items) => {
                match first.parse::<usize>().ok().and_then(|at| items.get_mut(at)) {
                    Some(item) => {
                        *item = node;
                        true
                    }
                    None => false,
                }
            }
            _ => false,
        };
    }
    if let Value::Table(entries) = &mut tree.value
        && !entries.contains_key(first)
    {
        let empty = Value::Table(Default::default());
        let place = node.place.clone();
        let table = Node { place, key: node.key.clone(), value: empty, broken: false };
        entries.insert(first.clone(), table);
    }
    tree.get_mut(first).is_some_and(|inner| put(inner, rest, node))
}

/// What `include` or `slos` names, without a leading `./`, and where it does.
fn patterns<'n>(
    key: &str,
    own: &str,
    process: &'n Node,
    report: &mut Report,
) -> Vec<(&'n str, &'n Node)> {
    let mut patterns = Vec::new();
    for node in process.get(key).map_or(&[][..], Node::items) {
        let Value::String(pattern) = &node.value else { continue };
        let pattern = pattern.strip_prefix("./").unwrap_or(pattern);
        let (code, message, hint) = match pattern {
            _ if !is_below(pattern) => (
                Code::IncludeOutside,
                format!("`{pattern}` leads out of the configuration's directory"),
                "keep team files below the directory of the process file",
            ),
            _ if pattern == own => (
                Code::IncludeSelf,
                format!("`{pattern}` includes itself"),
                "name team files here, like `routes/*.toml`, or leave this one out",
            ),
            _ => {
                patterns.push((pattern, node));
                continue;
            }
        };
        report.push(Diagnostic::error(code, message).at(node.place.clone()).hint(hint));
    }
    patterns
}

/// The team files that patterns match, each pattern's in alphabetical order. A pattern that also
/// matches the process file itself does not mean it.
fn included(patterns: &[(&str, &Node)], texts: &dyn Texts, report: &mut Report) -> Vec<String> {
    let mut found = Vec::new();
    for (pattern, node) in patterns {
        let mut matches = texts.expand(pattern);
        if matches.is_empty() {
            let diagnostic = match pattern.contains(['*', '?']) {
                true => {
                    let message = format!("`{pattern}` matches no file");
                    Diagnostic::warning(Code::IncludeEmpty, message)
                }
                false => {
                    let message = format!("`{pattern}` does not exist");
                    Diagnostic::error(Code::FileUnreadable, message)
                }
            };
            report.push(
                diagnostic
                    .at(node.place.clone())
                    .hint("names are relative to the directory of the process file"),
            );
        }
        matches.sort();
        found.extend(matches);
    }
    found
}

/// Whether a path, relative to a directory, stays below it and can be a file's.
pub(crate) fn is_below(path: &str) -> bool {
    !path.is_empty()
        && !path.contains(char::is_control)
        && Path::new(path).components().all(|part| matches!(part, Component::Normal(_)))
}

/// The directory that a configuration's relative paths start from.
pub(crate) fn directory(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    }
}

/// As in a shell, a leading dot is matched only by a leading dot: editors' swap files are not
/// configuration.
pub(super) fn matches_name(pattern: &str, name: &str) -> bool {
    name.starts_with('.') == pattern.starts_with('.')
        && matches(pattern.as_bytes(), name.as_bytes())
}

fn matches(pattern: &[u8], name: &[u8]) -> bool {
    match (pattern.split_first(), name.split_first()) {
        (None, None) => true,
        (Some((b'*', rest)), _) => {
            matches(rest, name)
                || name.split_first().is_some_and(|(_, name)| matches(pattern, name))
        }
        (Some((b'?', rest)), Some((_, name))) => matches(rest, name),
        (Some((a, rest)), Some((b, name))) => a == b && matches(rest, name),
        _ => false,
    }
}

// === impl OnDisk ===

impl Texts for OnDisk<'_> {
    fn read(&self, path: &str) -> io::Result<String> {
        let path = self.0.join(path);
        if fs::metadata(&path)?.len() > FILE_BYTES_MAX {
            return Err(io::Error::other(format!("it is larger than {FILE_BYTES_MAX} bytes")));
        }
        fs::read_to_string(path)
    }

    fn expand(&self, pattern: &str) -> Vec<String> {
        let mut found = self.paths(pattern);
        found.retain(|path| self.0.join(path).is_file());
        found
    }

    fn shown(&self, path: &str) -> String {
        shown(&self.0.join(path))
    }
}

impl OnDisk<'_> {
    /// What a pattern matches, be it a file or a directory; a name without wildcards need not be.
    pub(super) fn paths(&self, pattern: &str) -> Vec<String> {
        let mut found = vec![String::new()];
        for name in pattern.split('/') {
            found = found.iter().flat_map(|dir| self.entries(dir, name)).collect();
        }
        found
    }

    /// What in the directory `dir` matches `name`, with `dir` in front.
    fn entries(&self, dir: &str, name: &str) -> Vec<String> {
        let joined = |entry: &str| match dir {
            "" => entry.to_owned(),
            dir => format!("{dir}/{entry}"),
        };
        if !name.contains(['*', '?']) {
            return vec![joined(name)];
        }
        let Ok(entries) = fs::read_dir(self.0.join(dir)) else { return Vec::new() };
        let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        names.filter(|entry| matches_name(name, entry)).map(|entry| joined(&entry)).collect()
    }
}

// === impl InMemory ===

impl Texts for InMemory<'_> {
    fn read(&self, path: &str) -> io::Result<String> {
        let found = self.0.iter().find(|(name, _)| name == path);
        found.map(|(_, text)| text.clone()).ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn expand(&self, pattern: &str) -> Vec<String> {
        let fits = |path: &&String| {
            path.split('/').count() == pattern.split('/').count()
                && pattern.split('/').zip(path.split('/')).all(|(p, name)| matches_name(p, name))
        };
        self.0.iter().map(|(path, _)| path).filter(fits).cloned().collect()
    }

    fn shown(&self, path: &str) -> String {
        path.to_owned()
    }
}

#[cfg(test)]
mod tests;
