//! The walls between our crates, read from our own manifests and sources.
//!
//! In the manner of rust-analyzer's tidiness tests: a wall that only a document knows is crossed
//! on a busy day. A new crate, or a new line in a manifest, has to be agreed to here.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use toml::Table;

/// What each crate may name among our own: the table of the architecture.
const OURS: &[(&str, &[&str])] = &[
    ("cutover-domain", &[]),
    ("cutover-telemetry", &[]),
    ("cutover-gateway", &["cutover-domain", "cutover-telemetry"]),
    ("cutover-shadow", &["cutover-domain", "cutover-telemetry"]),
    ("cutover-store", &["cutover-domain"]),
    ("cutover-control", &["cutover-domain", "cutover-store", "cutover-telemetry"]),
    (
        "cutover",
        &[
            "cutover-control",
            "cutover-domain",
            "cutover-gateway",
            "cutover-shadow",
            "cutover-store",
            "cutover-telemetry",
        ],
    ),
    ("chassis", &["cutover-telemetry"]),
    ("registry", &["chassis"]),
    ("legacy-adapter", &["chassis"]),
    ("monolith", &[]),
    ("e2e", &["cutover-domain", "monolith"]),
    ("bench", &["e2e"]),
];

/// Where big or dangerous crates live; nobody else may name them outside tests.
const HOMES: &[(&str, &[&str])] = &[
    ("pingora-core", &["cutover-gateway"]),
    ("sqlx", &["cutover-store", "chassis", "registry", "legacy-adapter", "monolith"]),
    ("axum", &["cutover-control", "chassis", "registry", "monolith", "e2e"]),
    ("jsonwebtoken", &["cutover-gateway"]),
    ("notify", &["cutover"]),
    ("serde-saphyr", &["cutover"]),
    // The console's.
    ("maud", &["cutover-control"]),
    ("pulldown-cmark", &["cutover-control"]),
    ("clap", &["cutover", "registry", "legacy-adapter", "monolith", "e2e", "bench"]),
    ("anyhow", &["cutover", "chassis", "registry", "legacy-adapter", "monolith", "e2e", "bench"]),
    ("opentelemetry_sdk", &["cutover-telemetry", "monolith"]),
    // Its retries know no deadline; ours are bounded.
    ("opentelemetry-otlp", &["monolith"]),
];

/// All that decisions may be made of: leaf crates without clock, randomness, I/O or async.
const DOMAIN: &[&str] = &["bytes", "http", "smallvec", "thiserror", "xxhash-rust"];

/// TLS is rustls on ring; nothing may bring another.
const UNWANTED: &[&str] = &["openssl-sys", "native-tls", "aws-lc-rs", "aws-lc-sys", "boring-sys"];

#[test]
fn every_crate_names_only_those_of_ours_that_it_may() {
    let manifests = manifests();
    let known: BTreeSet<&str> = OURS.iter().map(|(name, _)| *name).collect();
    let found: BTreeSet<&str> = manifests.keys().map(String::as_str).collect();
    assert_eq!(found, known, "the workspace and the table of walls name different crates");
    for (name, allowed) in OURS {
        for dependency in dependencies(&manifests[*name], "dependencies") {
            let is_ours = known.contains(dependency.as_str());
            let may = allowed.contains(&dependency.as_str());
            assert!(!is_ours || may, "{name} may not depend on {dependency}: see ARCHITECTURE.md");
        }
    }
}

#[test]
fn tests_of_a_service_see_no_other_service() {
    let manifests = manifests();
    let services = ["registry", "legacy-adapter", "cutover"];
    for name in services {
        for dependency in dependencies(&manifests[name], "dev-dependencies") {
            let other = services.contains(&dependency.as_str());
            assert!(!other, "{name}'s tests may not depend on {dependency}: start it as a process");
        }
    }
}

#[test]
fn big_crates_stay_in_their_homes() {
    let manifests = manifests();
    for (guest, homes) in HOMES {
        for (name, manifest) in &manifests {
            let names_it = dependencies(manifest, "dependencies").contains(*guest);
            assert!(
                !names_it || homes.contains(&name.as_str()),
                "{name} may not depend on {guest}"
            );
        }
    }
}

#[test]
fn decisions_are_made_of_leaf_crates_only() {
    let allowed: BTreeSet<String> = DOMAIN.iter().map(ToString::to_string).collect();
    let used = dependencies(&manifests()["cutover-domain"], "dependencies");
    let strange: Vec<_> = used.difference(&allowed).collect();
    assert!(strange.is_empty(), "cutover-domain must stay pure, yet names {strange:?}");
}

#[test]
fn every_crate_keeps_the_workspace_lints() {
    for (name, manifest) in manifests() {
        let inherits = manifest.get("lints").and_then(|lints| lints.get("workspace")?.as_bool());
        assert_eq!(inherits, Some(true), "{name} lacks `[lints] workspace = true`");
    }
}

#[test]
fn one_tls_and_one_cryptography() {
    let lock = read_toml(&root().join("Cargo.lock"));
    let packages = lock["package"].as_array().expect("a lock file lists packages");
    let named = |wanted: &str| {
        packages.iter().filter(|package| package["name"].as_str() == Some(wanted)).count()
    };
    for unwanted in UNWANTED {
        assert_eq!(named(unwanted), 0, "something brings {unwanted}: `cargo tree -i {unwanted}`");
    }
    for single in ["rustls", "ring", "hyper", "tokio", "pingora-core"] {
        assert_eq!(named(single), 1, "{single} is there in more than one version");
    }
}

#[test]
fn only_the_configuration_reads_the_environment() {
    let asks = ["env::var(", "env::var_os(", "env::vars(", "env::vars_os("];
    for path in sources(&["proxy", "services", "legacy-adapter"]) {
        let is_test = path
            .components()
            .any(|part| matches!(part.as_os_str().to_str(), Some("tests" | "tests.rs")));
        if is_test {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        let is_config = path.starts_with(root().join("proxy/cutover/src/config"));
        let reads = asks.iter().any(|ask| text.contains(ask));
        assert!(is_config || !reads, "{} reads the environment", path.display());
    }
}

#[test]
fn modules_are_laid_out_in_one_way() {
    for path in sources(&["proxy", "services", "legacy-adapter", "tests"]) {
        assert!(!path.ends_with("mod.rs"), "{}: use foo.rs beside foo/", path.display());
    }
}

#[test]
fn links_in_documents_lead_somewhere() {
    for document in ["README.md", "ARCHITECTURE.md"] {
        let text = fs::read_to_string(root().join(document)).unwrap();
        for target in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let file = target.split('#').next().unwrap_or_default();
            let is_far = file.contains("://") || file.is_empty();
            assert!(is_far || root().join(file).exists(), "{document} links to {target}");
        }
    }
}

#[test]
fn scripts_can_be_run() {
    use std::os::unix::fs::PermissionsExt;
    for script in ["tests/all", "tests/demo", ".ci/run"] {
        let mode = fs::metadata(root().join(script)).unwrap().permissions().mode();
        assert_eq!(mode & 0o111, 0o111, "{script} is not executable");
    }
}

/// Every manifest of the workspace, by package name.
fn manifests() -> BTreeMap<String, Table> {
    let workspace = read_toml(&root().join("Cargo.toml"));
    let members = workspace["workspace"]["members"].as_array().expect("the workspace has members");
    let directories = members.iter().filter_map(|member| member.as_str());
    let manifest = |directory: &str| read_toml(&root().join(directory).join("Cargo.toml"));
    let named = |manifest: Table| {
        let name = manifest["package"]["name"].as_str().map(str::to_owned);
        (name.expect("a package has a name"), manifest)
    };
    directories.map(manifest).map(named).collect()
}

fn dependencies(manifest: &Table, section: &str) -> BTreeSet<String> {
    let table = manifest.get(section).and_then(toml::Value::as_table);
    table.map(|table| table.keys().cloned().collect()).unwrap_or_default()
}

fn sources(directories: &[&str]) -> Vec<PathBuf> {
    let mut todo: Vec<PathBuf> =
        directories.iter().map(|directory| root().join(directory)).collect();
    let mut sources = Vec::new();
    while let Some(path) = todo.pop() {
        if path.is_dir() {
            let is_hidden =
                path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
            if !is_hidden {
                todo.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            sources.push(path);
        }
    }
    assert!(!sources.is_empty(), "no sources below {directories:?}");
    sources
}

fn read_toml(path: &Path) -> Table {
    let text =
        fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    text.parse().unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}
