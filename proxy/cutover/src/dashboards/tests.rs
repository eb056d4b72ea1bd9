use std::{collections::BTreeSet, fs, path::Path};

use super::{
    grafana::{Item, Panel, Target},
    *,
};
use crate::slo::{
    fixed::FIXED,
    rules::{ERROR_BUDGET_EXHAUSTED, SLO_ERROR_BUDGET_BURN, SLO_METRIC_ABSENT},
};

mod lints;

/// Every panel of a dashboard.
fn panels(file: &File) -> Vec<&Panel> {
    let items = file.dashboard.panels.iter();
    let panels = items.filter_map(|item| match item {
        Item::Panel(panel) => Some(&**panel),
        Item::Row(_) => None,
    });
    panels.collect()
}

/// Every query, with where it stands.
fn targets(files: &[File]) -> Vec<(String, &Target)> {
    let mut targets = Vec::new();
    for file in files {
        for panel in panels(file) {
            for target in &panel.targets {
                let place = format!("{}: {}: {}", file.name, panel.title, target.ref_id);
                targets.push((place, target));
            }
        }
    }
    targets
}

#[test]
fn committed_files_are_what_is_generated() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../dashboards");
    let files = all(HERE);
    for file in &files {
        let path = dir.join(file.name).with_extension("json");
        let committed = fs::read_to_string(&path).unwrap_or_default();
        assert!(
            committed == file.text(),
            "{} is not what is generated: cargo run -p cutover -- dashboards generate",
            path.display()
        );
    }
    let names: BTreeSet<_> = files.iter().map(|file| format!("{}.json", file.name)).collect();
    let found: BTreeSet<_> = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".json"))
        .collect();
    assert_eq!(found, names, "a file that nobody generates");
}

#[test]
fn panels_lie_side_by_side_and_none_on_another() {
    for file in all(HERE) {
        let mut taken = BTreeSet::new();
        for item in &file.dashboard.panels {
            let (title, place) = match item {
                Item::Row(row) => (row.title, row.grid_pos),
                Item::Panel(panel) => (panel.title, panel.grid_pos),
            };
            assert!(place.w > 0 && place.h > 0 && place.x + place.w <= 24, "{title}: {place:?}");
            for x in place.x..place.x + place.w {
                for y in place.y..place.y + place.h {
                    assert!(taken.insert((x, y)), "{}: {title} covers another", file.name);
                }
            }
        }
    }
}

#[test]
fn runbooks_are_those_of_alerts() {
    let objectives = [SLO_ERROR_BUDGET_BURN, ERROR_BUDGET_EXHAUSTED, SLO_METRIC_ABSENT];
    let alerts: BTreeSet<&str> = FIXED.iter().map(|fixed| fixed.alert).chain(objectives).collect();
    let mut named = BTreeSet::new();
    for file in all(HERE) {
        for panel in panels(&file) {
            let links = panel.description.split("${runbooks}/").skip(1);
            named.extend(links.filter_map(|rest| rest.split(')').next()).map(str::to_owned));
        }
    }
    assert!(named.len() > 8, "{named:?}");
    let unknown: Vec<_> = named.iter().filter(|alert| !alerts.contains(&***alert)).collect();
    assert!(unknown.is_empty(), "no such alerts: {unknown:?}");
}

#[test]
fn links_lead_to_dashboards_that_exist() {
    let files = all(HERE);
    let known: BTreeSet<&str> = files.iter().map(|file| file.dashboard.uid).collect();
    assert_eq!(known.len(), files.len(), "two dashboards have the same uid");
    let mut links = 0;
    for file in &files {
        for uid in file.text().split("/d/").skip(1).filter_map(|rest| rest.split('?').next()) {
            assert!(known.contains(uid), "{} leads to {uid}", file.name);
            links += 1;
        }
    }
    assert!(links > 0, "no table leads anywhere");
}
