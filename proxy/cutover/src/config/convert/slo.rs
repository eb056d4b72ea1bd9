//! `slo` of routes: objectives that can be met, and thresholds that can be measured.

use std::collections::{BTreeMap, BTreeSet};

use cutover_telemetry::metrics::DURATION_SECONDS;

use super::{Context, Item};
use crate::{
    config::{
        code::Code, diagnostic::Diagnostic, document, files::Files, node::Node, source::Place,
        suggest::nearest,
    },
    slo::{
        Objective, of_journey, of_routes,
        openslo::{self, Flaw, Parsed},
        unreachable,
    },
};

/// Most thresholds beside the histogram's own bounds. Each costs one series a route and side.
const THRESHOLDS_MAX: usize = 8;

/// Checks every objective, and gives the thresholds in seconds that are no bounds of the histograms
/// by themselves: the data plane makes them bounds, since a share below a threshold can only be
/// counted where a bucket ends.
pub(super) fn thresholds(
    routes: &[Item<'_, document::Route>],
    context: &mut Context<'_>,
) -> Vec<f64> {
    let mut extra: BTreeSet<u32> = BTreeSet::new();
    for item in routes {
        let Some(slo) = &item.doc.slo else { continue };
        if let Some(availability) = slo.availability {
            objective(availability, item.node.find(&["slo", "availability"]), context);
        }
        let Some(latency) = &slo.latency else { continue };
        objective(latency.target, item.node.find(&["slo", "latency", "target"]), context);
        let seconds = f64::from(latency.under_ms) / 1000.0;
        if DURATION_SECONDS.contains(&seconds) || extra.contains(&latency.under_ms) {
            continue;
        }
        if extra.len() == THRESHOLDS_MAX {
            let node = item.node.find(&["slo", "latency", "under_ms"]);
            too_many(node, &extra, context);
            continue;
        }
        extra.insert(latency.under_ms);
    }
    extra.into_iter().map(|ms| f64::from(ms) / 1000.0).collect()
}

/// Every objective: of routes, of journeys, then of OpenSLO files. Two of one name are refused, and
/// what can never fire is told.
pub(super) fn objectives(
    files: &Files,
    routes: &[Item<'_, document::Route>],
    groups: &[Item<'_, document::Group>],
    journeys: &[Item<'_, document::Journey>],
    bounds: &[f64],
    context: &mut Context<'_>,
) -> Vec<Objective> {
    let owner = |group: &str| {
        let group = groups.iter().find(|item| item.name == group);
        group.map_or("", |group| group.doc.owner.as_str())
    };
    let mut all = Declared::default();
    for item in routes {
        for objective in of_routes([(&item.doc, owner(&item.doc.group))]) {
            all.add(objective, item.node.find(&["slo"]).place.clone(), context);
        }
    }
    for item in journeys {
        // Whoever accepts the changes answers for what becomes of them.
        let start = item.doc.start.route.as_slice().first();
        let route = routes.iter().find(|route| Some(&route.name) == start);
        let owner = route.map_or("", |route| owner(&route.doc.group));
        all.add(of_journey(&item.name, &item.doc, owner), item.node.key_place(), context);
    }
    for (source, text) in &files.slos {
        for Parsed { objective, at, .. } in from_file(*source, text, context) {
            let place = Place::new(*source, at);
            check_route(&objective, routes, &place, context);
            check_bounds(&objective, bounds, &place, context);
            all.add(objective, place, context);
        }
    }
    all.objectives
}

/// Objectives so far, and where each is declared.
#[derive(Default)]
struct Declared {
    objectives: Vec<Objective>,
    places: BTreeMap<String, Place>,
}

fn from_file(source: usize, text: &str, context: &mut Context<'_>) -> Vec<Parsed> {
    let told = |flaw: &Flaw, diagnostic: Diagnostic| {
        let diagnostic = diagnostic.at(Place::new(source, flaw.at.clone()));
        match flaw.hint {
            Some(hint) => diagnostic.hint(hint),
            None => diagnostic,
        }
    };
    match openslo::parse(text) {
        Ok(parsed) => {
            for note in parsed.iter().flat_map(|parsed| &parsed.notes) {
                context.push(told(note, Diagnostic::warning(note.code, &*note.message)));
            }
            parsed
        }
        Err(flaws) => {
            for flaw in &flaws {
                context.push(told(flaw, Diagnostic::error(flaw.code, &*flaw.message)));
            }
            Vec::new()
        }
    }
}

fn check_route(
    objective: &Objective,
    routes: &[Item<'_, document::Route>],
    place: &Place,
    context: &mut Context<'_>,
) {
    let Some(route) = &objective.route else { return };
    if routes.iter().any(|item| item.name == *route) {
        return;
    }
    let message = format!(
        "the objective `{}` is about the route `{route}`, which is not declared",
        objective.name
    );
    let diagnostic = Diagnostic::error(Code::SloConflict, message).at(place.clone());
    let known = routes.iter().map(|item| item.name.as_str());
    context.push(match nearest(route, known) {
        Some(meant) => diagnostic.hint(format!("did you mean `{meant}`?")),
        None => diagnostic.hint("name a route in `cutover.dev/route`, or leave it out"),
    });
}

/// A threshold of our own histogram that is none of its bounds is never counted.
fn check_bounds(objective: &Objective, extra: &[f64], place: &Place, context: &mut Context<'_>) {
    let own = "cutover_request_duration_seconds_bucket";
    let bounds = objective.users.bad.split(own).skip(1).filter_map(|rest| {
        let selector = rest.split('}').next()?;
        selector.split_once("le=\"")?.1.split('"').next()
    });
    for le in bounds {
        let is_bound = le.parse().is_ok_and(|seconds: f64| {
            seconds.is_infinite() || DURATION_SECONDS.iter().chain(extra).any(|it| *it == seconds)
        });
        if !is_bound {
            let message = format!("`{}` counts below {le} s, where no bucket ends", objective.name);
            context.push(
                Diagnostic::error(Code::SloThresholds, message).at(place.clone()).hint(
                    "use a bound of the histogram, or declare the threshold as a route's `slo`",
                ),
            );
        }
    }
}

fn check_reachable(objective: &Objective, place: &Place, context: &mut Context<'_>) {
    if objective.budget >= 1.0 {
        // No objective at all, which is told already.
        return;
    }
    for pair in unreachable(objective.budget, objective.period_days) {
        let message = format!(
            "`{}` can never burn {} times too fast: even failing always does not",
            objective.name, pair.factor
        );
        context.push(
            Diagnostic::warning(Code::SloUnreachable, message)
                .at(place.clone())
                .why(format!("no alert looks at its last {}", pair.long))
                .hint("raise the objective, or live with the slower alerts"),
        );
    }
}

fn conflict(name: &str, place: Place, first: Place, context: &mut Context<'_>) {
    let message = format!("the objective `{name}` is declared twice");
    context.push(
        Diagnostic::error(Code::SloConflict, message)
            .at(place)
            .also(first, "declared here first")
            .hint(
                "rename one of them; our own are called ROUTE-availability, ROUTE-latency, JOURNEY-journey",
            ),
    );
}

/// An objective that can be missed and met.
pub(super) fn objective(percent: f64, node: &Node, context: &mut Context<'_>) {
    if percent > 0.0 && percent < 100.0 {
        return;
    }
    let message = format!("an objective lies above 0 and below 100 %, {percent} does not");
    let diagnostic = Diagnostic::error(Code::SloObjective, message).at(node.place.clone());
    context.push(if percent == 100.0 {
        diagnostic.hint("100 % leaves no budget for a single failure; use 99.9 or 99.99")
    } else {
        diagnostic.hint("write it in percent, like 99.9")
    });
}

fn too_many(node: &Node, extra: &BTreeSet<u32>, context: &mut Context<'_>) {
    let message = format!("more than {THRESHOLDS_MAX} different latency thresholds");
    let standard = DURATION_SECONDS.map(|seconds| format!("{}", seconds * 1000.0));
    let known = extra.iter().map(u32::to_string).chain(standard).collect::<Vec<_>>();
    context.push(
        Diagnostic::error(Code::SloThresholds, message)
            .at(node.place.clone())
            .why("each becomes a bucket of every route's latency histogram")
            .hint(format!("use one that is there already, in ms: {}", known.join(", "))),
    );
}

// === impl Declared ===

impl Declared {
    /// One more, unless there is one of its name.
    fn add(&mut self, objective: Objective, place: Place, context: &mut Context<'_>) {
        check_reachable(&objective, &place, context);
        if let Some(first) = self.places.get(&objective.name) {
            return conflict(&objective.name, place, first.clone(), context);
        }
        self.places.insert(objective.name.clone(), place);
        self.objectives.push(objective);
    }
}
