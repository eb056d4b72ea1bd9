//! Commands that ask the admin API of a running proxy.

pub(super) mod alert;
pub(super) mod audit;
pub(super) mod diffs;
pub(super) mod gate;
pub(super) mod gitops;
pub(super) mod history;
pub(super) mod journey;
pub(super) mod moves;
pub(super) mod ready;
pub(super) mod rehearse;
pub(super) mod rejudge;
pub(super) mod replay;
pub(super) mod slo_status;
pub(super) mod status;
pub(super) mod token;
pub(super) mod tolerate;
pub(super) mod trace;

use std::{collections::BTreeMap, path::Path};

use cutover_control::{
    api::{FilesAnswer, RouteRow, StatusAnswer},
    words::{percent, target},
};
use cutover_domain::{Held, Phase, RouteState};

use super::{
    admin::Client,
    exit::{Exit, Failure},
    io::Io,
    local::tell,
};
use crate::config::{self, Config, Depth, Environment};

/// The running truth: the proxy's files, and the state of every route.
pub(super) fn truth(
    client: &Client,
    io: &mut Io<'_>,
) -> Result<(Config, BTreeMap<String, RouteState>), Failure> {
    let files: FilesAnswer = client.get("/api/v1/files")?;
    let status: StatusAnswer = client.get("/api/v1/status")?;
    let texts: Vec<(String, String)> =
        files.files.into_iter().map(|file| (file.path, file.text)).collect();
    let name = texts.first().map_or("cutover.toml", |(path, _)| path.as_str()).to_owned();
    let loaded =
        config::load_texts(Path::new(&name), &texts, &Environment::default(), Depth::WithoutFiles);
    let Some(config) = loaded.config else {
        tell(&loaded, io);
        return Err(Failure::new("bad_answer", "the proxy's files are not valid to this client")
            .exit(Exit::InvalidConfig)
            .hint("use the `cutover` of the same release as the proxy's"));
    };
    let states = status.routes.iter().map(|row| (row.id.clone(), state(row)));
    Ok((config, states.collect()))
}

fn state(row: &RouteRow) -> RouteState {
    let target = target(&row.at);
    RouteState {
        phase: target.phase,
        percent: target.percent,
        revision: row.revision,
        shadowed: Phase::from(row.safe_phase) == Phase::Shadow,
        held: row.held.clone().map(Held::because),
    }
}

/// All samples that there can be of a route.
const SAMPLES_MAX: u64 = 4_000;

/// As [`percent`], within a sentence: `99.50 %`.
fn percent_in_words(share: f64) -> String {
    percent(share).replace('%', " %")
}

/// What occurred and how often: `breaker 1, rate 8`.
fn reasons(counts: &BTreeMap<String, u64>) -> String {
    let counts: Vec<String> =
        counts.iter().map(|(reason, count)| format!("{reason} {count}")).collect();
    counts.join(", ")
}

/// Percent-encoded, as a path segment or a part of a query: names come from people.
pub(super) fn segment(name: &str) -> String {
    name.bytes().map(encode).collect()
}

fn encode(byte: u8) -> String {
    match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
            (byte as char).to_string()
        }
        other => format!("%{other:02X}"),
    }
}
