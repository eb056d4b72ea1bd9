//! What a request is held against: the proxy that runs, or the files alone.

use std::{
    fmt,
    path::{Path, PathBuf},
};

use cutover_domain::{RouteSpec, RouteState, RouteTable};

use crate::{
    cli::{
        admin::Client,
        args::{Explain, Global},
        exit::{Exit, Failure},
        io::Io,
        local::load,
        remote,
    },
    config::{Config, Depth, process_file, shown},
};

/// What is explained: a configuration and where its routes are.
pub(super) struct Subject {
    pub(super) config: Config,
    pub(super) table: RouteTable,
    pub(super) source: Source,
}

/// Who was asked.
pub(super) enum Source {
    /// The running proxy at this URL.
    Proxy(String),
    /// The files of this process file.
    Files(PathBuf),
}

/// The proxy that runs, where one answers; else, or if they are asked for, the files.
pub(super) fn find(args: &Explain, global: &Global, io: &mut Io<'_>) -> Result<Subject, Failure> {
    if args.files || (args.config.is_some() && global.admin.is_none()) {
        return of_files(args, io);
    }
    let client = Client::connect(global, io)?;
    match of_proxy(&client, io) {
        Err(failure) if is_away(&failure) && global.admin.is_none() => {
            io.tell(&format!("note: {failure}; asking the files"));
            of_files(args, io)
        }
        Err(failure) => Err(or_files(failure)),
        Ok(subject) => Ok(subject),
    }
}

/// Every route is where its file wants it.
fn of_files(args: &Explain, io: &mut Io<'_>) -> Result<Subject, Failure> {
    let path = args.config.as_deref().unwrap_or(Path::new("."));
    let config = load(path, Depth::WithoutFiles, io)?;
    let state = |spec: &RouteSpec| RouteState::INITIAL.at(spec.target, 0);
    subject(config, state, Source::Files(process_file(path)))
}

/// The running truth: the proxy's own files, and where it says the routes are.
fn of_proxy(client: &Client, io: &mut Io<'_>) -> Result<Subject, Failure> {
    let (config, states) = remote::truth(client, io)?;
    let state = |spec: &RouteSpec| states.get(&spec.id).cloned().unwrap_or(RouteState::INITIAL);
    subject(config, state, Source::Proxy(client.url().to_owned()))
}

fn subject(
    config: Config,
    state: impl FnMut(&RouteSpec) -> RouteState,
    source: Source,
) -> Result<Subject, Failure> {
    let table = RouteTable::build(&config.declaration, 0, state).map_err(|conflicts| {
        let words: Vec<String> = conflicts.iter().map(ToString::to_string).collect();
        Failure::new("invalid_config", words.join("; ")).exit(Exit::InvalidConfig)
    })?;
    Ok(Subject { config, table, source })
}

/// No proxy answered. One that refuses is there, and the files might not be its truth.
fn is_away(failure: &Failure) -> bool {
    matches!(failure.code(), "admin_unreachable" | "admin_timeout")
}

fn or_files(failure: Failure) -> Failure {
    let files = "`--files` asks the files instead";
    let hint = failure.hint.as_ref().map_or_else(|| files.to_owned(), |h| format!("{h}; {files}"));
    failure.hint(hint)
}

// === impl Source ===

impl Source {
    pub(super) fn document(&self) -> serde_json::Value {
        match self {
            Source::Proxy(url) => serde_json::json!({ "kind": "proxy", "at": url }),
            Source::Files(path) => serde_json::json!({ "kind": "files", "at": shown(path) }),
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Source::Proxy(url) => write!(f, "the proxy at {url}"),
            Source::Files(path) => write!(f, "the files of {}", shown(path)),
        }
    }
}
