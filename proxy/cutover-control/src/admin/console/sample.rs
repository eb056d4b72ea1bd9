//! `/routes/{id}/samples/{sample}`: one mismatch, the answers side by side, as redacted as it is
//! kept.

use std::sync::Arc;

use maud::{Markup, html};

use super::{
    Showing,
    gate::Visit,
    page::{self, Frame},
    traces,
    widgets::{self, route_link, route_path},
};
use crate::{
    admin::{Admin, failure::Failure, samples::samples_answer},
    api::SampleRow,
    codes::Code,
    places::{Place, places},
};

/// Most places on the page.
const PLACES_MAX: usize = 1_000;
/// Steps of indentation.
const DEPTH_MAX: usize = 8;

pub(super) fn show(admin: Arc<Admin>, visit: Visit) -> Showing {
    Box::pin(async move {
        let (id, sample) = (visit.param(0).to_owned(), visit.param(1).to_owned());
        let answer = samples_answer(&admin, &id, Some(sample.clone()), None, 1).await?;
        let gone = || Failure::new(Code::UnknownSample, Code::UnknownSample.doc().summary);
        let row = answer.samples.first().ok_or_else(gone)?;
        let ids = [&row.name.trace_id, &row.name.copy_trace_id];
        let ids = ids.map(|id| traces::link(&admin, id));
        let all = visit.fields.get("all").is_some();
        let frame = Frame {
            title: &format!("Sample of {id}"),
            section: "Routes",
            command: format!("cutover diffs {id} --sample {sample}"),
            events: None,
        };
        Ok(page::show(&admin, &visit, &frame, &markup(&id, row, all, &ids)))
    })
}

fn markup(route: &str, row: &SampleRow, all: bool, ids: &[Markup; 2]) -> Markup {
    let places = places(&row.document);
    let again = row.document["reference"].is_object();
    let (differing, same): (Vec<&Place>, Vec<&Place>) =
        places.iter().partition(|place| place.differs());
    let shown: Vec<&Place> = if all { places.iter().collect() } else { differing };
    html! {
        div.head {
            h1 { "One mismatch" }
            p { "of " (route_link(route)) " · "
                a href={ (route_path(route)) "/diffs" } { "all differences" } }
        }
        section.panel { (about(row, ids)) }
        section.panel aria-labelledby="places" {
            h2 #places { "Place by place" }
            p.muted { "Values are as they are kept: type, length and keyed hash, where the route's file does not keep them." }
            (table(row, &shown, again))
            @if shown.len() > PLACES_MAX { p { "The first " (PLACES_MAX) " of " (shown.len()) " places." } }
            @if !all && !same.is_empty() {
                p { a href="?all=yes" { "Show " (same.len()) " more places that are equal" } }
            }
        }
    }
}

fn about(row: &SampleRow, [live, copy]: &[Markup; 2]) -> Markup {
    let name = &row.name;
    html! {
        dl.facts.wide {
            dt { "request" }
            dd { @match (&row.request, &row.not_replayable) {
                (Some(request), _) => code { (request.method) " " (request.target) },
                (None, Some(why)) => { code { (name.shape) } ", cannot be sent again: " (why.why) },
                (None, None) => code { (name.shape) },
            } }
            dt { "when" } dd { (widgets::moment(name.at_ms))
                @if name.older { " · before parity last began anew" } }
            dt { "trace, live" } dd { (live) }
            dt { "trace, copy" } dd { (copy) }
            dt { "kept for" }
            dd { @for cluster in &row.clusters { code { (cluster.path) } " " (cluster.kind) " " } }
            @if let Some(fault) = row.document["fault"].as_str() {
                dt { "new" } dd { "gave no answer: " (fault) }
            }
        }
    }
}

/// An aligned tree: names below the place that they are in, each side a column.
fn table(row: &SampleRow, places: &[&Place], again: bool) -> Markup {
    let mut open: Vec<&str> = Vec::new();
    html! {
        div.scroll tabindex="0" role="region" aria-label="Answers side by side" { table.tree {
            thead { tr { th scope="col" { "place" } th scope="col" { "what" }
                th.legacy scope="col" { "legacy" } th.new scope="col" { "new" }
                @if again { th.legacy scope="col" { "legacy again" } } } }
            tbody {
                @for place in places.iter().take(PLACES_MAX) {
                    @let parts = parts(&place.text);
                    @let (leaf, parents) = parts.split_last().map_or(("", &[][..]), |(leaf, rest)| (*leaf, rest));
                    @let common = common(&open, parents);
                    @for (depth, part) in parents.iter().enumerate().skip(common) {
                        tr.group { th class=(depth_class(depth)) colspan=(if again { "5" } else { "4" }) scope="rowgroup" { code { (part) } } }
                    }
                    ({ open = parents.to_vec(); line(row, place, leaf, parents.len(), again) })
                }
            }
        } }
    }
}

fn line(row: &SampleRow, place: &Place, leaf: &str, depth: usize, again: bool) -> Markup {
    let [legacy, new, second] = &place.values;
    let (class, mark) = change(row, place);
    let cell = |value: &Option<String>| {
        html! {
            @match value { Some(value) => code { (value) }, None => span.muted { "absent" } }
        }
    };
    html! {
        tr class=(class) {
            th class=(depth_class(depth)) scope="row" { code { (leaf) } }
            td { span.mark { (mark) } }
            td { (cell(legacy)) }
            td { (cell(new)) }
            @if again { td { @if second == legacy { span.muted { "as legacy" } } @else { (cell(second)) } } }
        }
    }
}

/// What happened at a place, as a class and in a word.
fn change(row: &SampleRow, place: &Place) -> (&'static str, &'static str) {
    let [legacy, new, _] = &place.values;
    if !place.differs() {
        return ("same", "same");
    }
    if !place.is_in(&row.clusters) {
        return ("noise", "noise, or allowed");
    }
    match (legacy, new) {
        (Some(_), None) => ("removed", "missing"),
        (None, Some(_)) => ("added", "extra"),
        _ => ("changed", "changed"),
    }
}

/// `body.devices[0].name` as `body`, `devices`, `[0]`, `name`.
fn parts(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    for dotted in text.split('.') {
        let mut rest = dotted;
        while let Some((at, _)) = rest.char_indices().skip(1).find(|(_, c)| *c == '[') {
            parts.push(&rest[..at]);
            rest = &rest[at..];
        }
        parts.push(rest);
    }
    parts
}

/// How many of the first parts are open already.
fn common(open: &[&str], parents: &[&str]) -> usize {
    open.iter().zip(parents).take_while(|(open, parent)| open == parent).count()
}

fn depth_class(depth: usize) -> String {
    format!("d{}", depth.min(DEPTH_MAX))
}

#[cfg(test)]
mod tests;
