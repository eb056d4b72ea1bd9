//! Committed dashboards before TypeScript's compiler and Grafana's own types.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Grafana's type of a dashboard, as JSON writes it: an enum's value instead of the enum, and what
/// the Prometheus data source adds to marks, in the place that every Grafana reads.
const OURS: &str = r"
import type { AnnotationQuery, Dashboard } from '@grafana/schema';

type Written<T> = T extends string ? `${T}`
  : T extends (infer Item)[] ? Written<Item>[]
  : T extends object ? { [Key in keyof T]: Written<T[Key]> }
  : T;

type Mark = AnnotationQuery & { expr: string; step: string; titleFormat: string; textFormat: string };

type Ours = Written<Omit<Dashboard, 'annotations'> & { annotations: { list: Mark[] } }>;
";

/// What the compiler says of `text` as the files' type; empty: it agrees.
fn complaints(dashboards: &[String]) -> String {
    let modules = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../.node/node_modules");
    let compiler = modules.join("typescript/bin/tsc");
    assert!(compiler.exists(), "{} is missing: tests/all installs it", compiler.display());
    // Below the modules' parent, where the compiler looks for them.
    let dir = tempfile::tempdir_in(modules.parent().unwrap()).unwrap();
    let all = dashboards.iter().enumerate();
    let all: String = all
        .map(|(number, text)| format!("export const d{number} = {} satisfies Ours;\n", text.trim()))
        .collect();
    fs::write(dir.path().join("all.ts"), format!("{OURS}{all}")).unwrap();
    let output = Command::new("node")
        .arg(compiler)
        .args(["--noEmit", "--strict", "--skipLibCheck", "--target", "es2022", "all.ts"])
        .args(["--module", "nodenext", "--moduleResolution", "nodenext", "--pretty", "false"])
        .current_dir(dir.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.success(), said.is_empty(), "{said}");
    said
}

fn committed() -> Vec<String> {
    let paths = fs::read_dir(directory()).unwrap().map(|entry| entry.unwrap().path());
    let json = paths.filter(|path| path.extension().is_some_and(|end| end == "json"));
    json.map(|path| fs::read_to_string(path).unwrap()).collect()
}

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../dashboards")
}

#[test]
fn dashboards_are_what_grafana_takes() {
    let dashboards = committed();
    assert!(dashboards.len() >= 4);
    let complaints = complaints(&dashboards);
    assert!(complaints.is_empty(), "{complaints}");
}

#[test]
fn a_wrong_dashboard_is_complained_of() {
    let dashboard = fs::read_to_string(directory().join("overview.json")).unwrap();
    for (right, wrong) in [
        ("\"editable\": false", "\"editable\": \"no\""),
        ("\"mode\": \"fixed\"", "\"mode\": \"fixd\""),
        ("\"schemaVersion\"", "\"schemaVerzion\""),
        ("\"h\": 4", "\"height\": 4"),
    ] {
        assert!(dashboard.contains(right), "{right}");
        let complaints = complaints(&[dashboard.replacen(right, wrong, 1)]);
        assert!(complaints.contains("error TS"), "{wrong} passes");
    }
}
