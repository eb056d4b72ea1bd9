//! Samples as files: one each, by cluster, with the request to send again.

use std::{collections::BTreeMap, fs, path::Path};

use cutover_control::api::{ClusterName, DiffsAnswer, SamplesAnswer};
use serde_json::json;

use crate::cli::{exit::Failure, io::Io, local::count, output::API_VERSION};

/// Longest name of a directory that is made of a path, in characters.
const NAME_MAX: usize = 80;

/// Writes `DIR/clusters.json`, and each sample as `DIR/NNN-PATH-KIND/ID.json` for every cluster
/// that it belongs to. Files of the same names are replaced, others left alone.
pub(super) fn write(
    dir: &Path,
    diffs: &DiffsAnswer,
    samples: &SamplesAnswer,
    io: &mut Io<'_>,
) -> Result<(), Failure> {
    put(&dir.join("clusters.json"), "Diffs", &json!(diffs))?;
    let mut files = 0;
    let mut written = BTreeMap::new();
    for (at, cluster) in diffs.clusters.iter().enumerate() {
        let name = ClusterName {
            path: cluster.path.clone(),
            kind: cluster.kind.clone(),
            values: cluster.values.clone(),
        };
        let dir = dir.join(format!("{:03}-{}", at + 1, file_name(&name)));
        for sample in samples.samples.iter().filter(|sample| sample.clusters.contains(&name)) {
            put(&dir.join(format!("{}.json", sample.name.id)), "Sample", &json!(sample))?;
            files += 1;
            written.insert(&sample.name.id, sample);
        }
    }
    let files = count(files, "sample");
    io.tell(&format!("wrote {files} of {} below {}", clusters(diffs), dir.display()));
    let sendable = written.values().filter(|sample| sample.request.is_some()).count();
    let all = written.len();
    io.tell(&format!("{sendable} of {all} requests are kept whole enough to be sent again"));
    Ok(())
}

/// `4 clusters`, or `1 of 4 clusters` where `--limit` left some out.
fn clusters(diffs: &DiffsAnswer) -> String {
    let written = diffs.clusters.len();
    match usize::try_from(diffs.clusters_total).unwrap_or(usize::MAX) {
        all if all > written => format!("{written} of {}", count(all, "cluster")),
        _ => count(written, "cluster"),
    }
}

fn put(file: &Path, kind: &str, document: &serde_json::Value) -> Result<(), Failure> {
    let failed = |error: std::io::Error| {
        Failure::new("output", format!("`{}` cannot be written: {error}", file.display()))
            .hint("name a directory that you may write, with `--export DIR`")
    };
    let mut document = document.clone();
    document["api_version"] = API_VERSION.into();
    document["kind"] = kind.into();
    let text = serde_json::to_string_pretty(&document).unwrap_or_default();
    fs::create_dir_all(file.parent().unwrap_or(file)).map_err(failed)?;
    fs::write(file, format!("{text}\n")).map_err(failed)
}

/// A name that any file system takes, of what the cluster is about.
fn file_name(name: &ClusterName) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '_' };
    let path: String = name.path.chars().map(plain).take(NAME_MAX).collect();
    format!("{path}-{}", name.kind)
}
