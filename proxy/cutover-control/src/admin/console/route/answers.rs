//! How the candidate answers, in short.

use maud::{Markup, html};

use super::Shown;
use crate::{
    admin::console::{live::Field, widgets},
    api::{ClusterRow, OutlookName, ParityRow, StandingName},
    words::percent,
};

pub(super) fn parity(shown: &Shown) -> Markup {
    let answer = &shown.parity;
    html! {
        section.panel aria-labelledby="parity" {
            h2 #parity { "Does new answer alike?" }
            @match &answer.parity {
                None => p { (widgets::sentence(answer.copies.why.as_deref().unwrap_or("nothing has been compared yet"))) },
                Some(parity) => {
                    (facts(shown, parity))
                    (clusters(shown))
                }
            }
        }
    }
}

fn facts(shown: &Shown, parity: &ParityRow) -> Markup {
    let counters = &parity.counters;
    html! {
        dl.facts.wide {
            dt { "at least" } dd { strong { (Field::Parity.show(&shown.row)) } span.muted { ", as sure as 95 %" } }
            dt { "judged" } dd { (counters.matches + counters.mismatches) " requests, "
                (counters.mismatches) " of them mismatches" }
            dt { "shapes compared" } dd { (parity.coverage.compared) " of " (parity.coverage.seen) }
            dt { "outlook" } dd { (outlook(parity)) }
            @if let Some(build) = &parity.basis.build { dt { "build of new" } dd { code { (build) } } }
        }
    }
}

fn outlook(parity: &ParityRow) -> String {
    let outlook = &parity.outlook;
    let target = percent(outlook.target).replace('%', " %");
    match (outlook.state, outlook.comparisons, outlook.seconds) {
        (OutlookName::Reached, ..) => format!("{target} is reached"),
        (OutlookName::Below, ..) => format!("below {target}: waiting does not help"),
        (OutlookName::Ahead, Some(more), Some(seconds)) => format!(
            "{more} more comparisons to {target}, {} at this rate",
            crate::words::age((seconds * 1_000.0) as u64)
        ),
        (OutlookName::Ahead, Some(more), None) => format!("{more} more comparisons to {target}"),
        (OutlookName::Ahead, None, _) => format!("not at {target} yet"),
    }
}

/// Where it differs most.
fn clusters(shown: &Shown) -> Markup {
    let diffs = &shown.diffs;
    let path = format!("{}/diffs", widgets::route_path(&shown.row.id));
    html! {
        @if diffs.clusters.is_empty() {
            p { "Nowhere different since " (widgets::moment(diffs.since_ms.unwrap_or_default())) "." }
        } @else {
            (cluster_table(&shown.row.id, &diffs.clusters))
            p { a href=(path) { "All " (diffs.clusters_total) " differences, and noise" } }
        }
    }
}

/// Mismatches that look alike, a line each.
pub(in crate::admin::console) fn cluster_table(route: &str, clusters: &[ClusterRow]) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label="Differences" { table.list {
            thead { tr { th scope="col" { "place" } th scope="col" { "how" }
                th scope="col" { "legacy → new" } th.num scope="col" { "count" }
                th.num scope="col" { "share" } th.num scope="col" { "over noise" }
                th scope="col" { "standing" } th scope="col" { "samples" } } }
            tbody { @for cluster in clusters { (cluster_line(route, cluster)) } }
        } }
    }
}

fn cluster_line(route: &str, cluster: &ClusterRow) -> Markup {
    html! {
        tr {
            th scope="row" { code { (cluster.path) } }
            td { (cluster.kind) }
            td { (cluster.values) }
            td.num { (cluster.count) }
            td.num { (percent(cluster.share).replace('%', " %")) }
            td.num { (cluster.excess) }
            td { (standing(cluster.standing)) }
            td {
                @for (at, sample) in cluster.samples.iter().take(5).enumerate() {
                    a href={ (widgets::route_path(route)) "/samples/" (widgets::encoded(&sample.id)) }
                        aria-label={ "sample " (at + 1) " of " (cluster.path) } { (at + 1) }
                    " "
                }
            }
        }
    }
}

fn standing(standing: StandingName) -> Markup {
    html! {
        @match standing {
            StandingName::Regression => span.mark.bad { "regression" },
            StandingName::Untestable => span.mark.warn { "untestable" },
            StandingName::Noise => span.mark { "noise" },
            StandingName::Suspect => span.mark.warn { "suspect" },
        }
    }
}
