//! The figures as Markdown: the latest run in full, earlier ones as one line each.

use std::fmt::Write;
use std::path::Path;
use std::process::Command;

use anyhow::Context;

use crate::judge::{Figures, Scene, bars};
use crate::peers::{KINDS, Told, WEIGHED};

/// Heads what is written by hand and stays as it is: figures that other slow tests print.
const BY_HAND: &str = "## Figures of the other slow tests\n";
const HISTORY: &str = "## Earlier and latest runs\n\n";
const HISTORY_HEAD: &str = "| date | commit | 1 KiB µs | × HAProxy | × Envoy | 64 KiB × HAProxy | idle KiB |\n|---|---|---|---|---|---|---|\n";

/// The latest run in full.
pub(crate) fn report(figures: &Figures, rounds: usize) -> String {
    let mut text = format!(
        "# What a proxied request costs\n\n\
         {} · commit {} · {} · median of {rounds} interleaved rounds\n\n\
         Closed loop, one worker, run time of the process ÷ requests, in µs (lowest–highest).\n\
         Cutover as users run it: metrics on, 5 % of requests traced and exported, 1 % logged.\n\
         `routed` compares 10 with 10,000 routes; `1 KiB` and `64 KiB` pass what matches no route.\n\
         `copied`: 1 KiB of JSON at a steady rate, for cutover-shadow and envoy-mirror with a copy\n\
         of every request; Cutover's are compared by structure, a tenth with a second legacy answer.\n\
         `told`: 1 KiB of a route in canary. told-nothing has no traces, lines and objectives; what\n\
         is counted cannot be turned off, since gates need it. told-default is what users run.\n\n\
         | | 1 KiB | 64 KiB | routed | copied | told |\n|---|---|---|---|---|---|\n",
        today(),
        commit(),
        machine()
    );
    for kind in KINDS {
        let _ = write!(text, "| {kind} |");
        for scene in Scene::ALL {
            let cell = figures.cpu(scene, kind).zip(figures.spread(scene, kind));
            let cell =
                cell.map(|(median, (low, high))| format!(" {median:.1} ({low:.1}–{high:.1}) |"));
            text.push_str(cell.as_deref().unwrap_or(" |"));
        }
        text.push('\n');
    }
    text.push_str("\nWhat telling costs a request, by rounds compared with telling nothing:\n\n");
    for (what, told) in [
        ("defaults: 5 % of traces, 1 % of lines, objectives", Told::Default),
        ("the same with a line for every request", Told::AllLines),
        ("the same with every trace", Told::AllTraces),
    ] {
        if let Some(micros) = figures.told(told) {
            let _ = writeln!(text, "- {what}: {micros:.2} µs");
        }
    }
    text.push_str(
        "\nResident memory per idle kept-alive connection, each having served one request:\n\n",
    );
    for kind in WEIGHED {
        if let Some(bytes) = figures.idle(kind) {
            let _ = writeln!(text, "- {kind}: {:.1} KiB", bytes / 1024.0);
        }
    }
    text.push_str("\n| promise | measured | bar | |\n|---|---|---|---|\n");
    for bar in bars(figures) {
        text.push_str(&bar.row());
        text.push('\n');
    }
    text.push('\n');
    text
}

/// Replaces the report in `path`, keeps what is written by hand, and adds a line to its history.
pub(crate) fn write(path: &Path, report: &str, figures: &Figures) -> anyhow::Result<()> {
    let old = std::fs::read_to_string(path).unwrap_or_default();
    let (before, history) = old.split_once(HISTORY).unwrap_or((&old, HISTORY_HEAD));
    let by_hand = before.find(BY_HAND).map_or("", |start| &before[start..]);
    let (history, line) = (history.trim_end(), line(figures));
    let text = format!("{report}{by_hand}{HISTORY}{history}\n{line}\n");
    std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}

fn line(figures: &Figures) -> String {
    use crate::peers::Kind;
    let ours = Kind::Cutover { routes: 10 };
    let number =
        |figure: Option<f64>| figure.map_or("–".to_owned(), |figure| format!("{figure:.2}"));
    let cells = [
        today(),
        commit(),
        number(figures.cpu(Scene::Small, ours)),
        number(figures.ratio(Scene::Small, Kind::Haproxy)),
        number(figures.ratio(Scene::Small, Kind::Envoy)),
        number(figures.ratio(Scene::Large, Kind::Haproxy)),
        number(figures.idle(ours).map(|bytes| bytes / 1024.0)),
    ];
    format!("| {} |", cells.join(" | "))
}

fn today() -> String {
    said("date", &["-u", "+%Y-%m-%d"])
}

fn commit() -> String {
    said("git", &["rev-parse", "--short", "HEAD"])
}

fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    format!("{cores} cores, {}", model.map_or("unknown CPU", |(_, model)| model))
}

/// What a command says; its name with a question mark if it cannot.
fn said(command: &str, args: &[&str]) -> String {
    let output = Command::new(command).args(args).output().ok().filter(|it| it.status.success());
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    text.unwrap_or_else(|| format!("{command}?"))
}
