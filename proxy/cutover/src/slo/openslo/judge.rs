//! Whether a document keeps OpenSLO's constraints, and what it becomes.

mod indicator;

use std::ops::Range;

use serde_saphyr::{Location, Spanned};

use super::{
    Flaw, Parsed,
    document::{Document, Head, ObjectiveDoc, Spec, TimeWindow},
};
use crate::{
    config::Code,
    slo::objective::{Kind, MIN_BAD_EVENTS, Objective, RUNBOOK, budget},
};

/// Most characters of a description.
const DESCRIPTION_MAX: usize = 1050;
const ANNOTATIONS: [&str; 3] =
    ["cutover.dev/route", "cutover.dev/min-bad-events", "cutover.dev/runbook"];

/// What is wrong with a document's first lines.
pub(super) fn head(head: &Head) -> Vec<Flaw> {
    let version = &head.api_version;
    let kind = &head.kind;
    let mut flaws = Vec::new();
    if version.value != "openslo/v1" {
        let message = format!("`{}` is no version that is understood", version.value);
        flaws.push(Flaw::new(Code::SloFile, message, at(version)).hint("write `openslo/v1`"));
    }
    if kind.value != "SLO" {
        let message = format!("a document of kind `{}` is not read", kind.value);
        let hint = "keep documents of kind `SLO` here, with the indicator inside";
        flaws.push(Flaw::new(Code::SloUnsupported, message, at(kind)).hint(hint));
    }
    flaws
}

/// What a document becomes.
pub(super) fn document(document: &Document) -> Result<Parsed, Vec<Flaw>> {
    let (metadata, spec) = (&document.metadata, &document.spec);
    let name = &metadata.name;
    let mut judge = Judge::default();
    judge.check(is_dns_label(&name.value), || {
        Flaw::new(Code::SloFile, format!("`{}` is no DNS label", name.value), at(name))
            .hint("use 1 to 63 characters of a-z, 0-9 and -, none of them - at either end")
    });
    if let Some(description) = &spec.description {
        judge.check(description.value.chars().count() <= DESCRIPTION_MAX, || {
            let message = format!("the description is longer than {DESCRIPTION_MAX} characters");
            Flaw::new(Code::SloFile, message, at(description))
        });
    }
    let indicator = judge.indicator(spec);
    let period_days = judge.period(&spec.time_window);
    judge.method(spec);
    let percent = judge.objectives(&spec.objectives);
    let annotations = judge.annotations(document);
    let made = (indicator, period_days, percent, annotations);
    let (Some(users), Some(period_days), Some(percent), Some(ours)) = made else {
        return Err(judge.flaws);
    };
    if !judge.flaws.is_empty() {
        return Err(judge.flaws);
    }
    let said = [metadata.display_name.as_ref(), spec.description.as_ref().map(|it| &it.value)];
    let title = said.into_iter().flatten().next().unwrap_or(&name.value);
    let objective = Objective {
        name: name.value.clone(),
        title: title.trim().trim_end_matches('.').to_owned(),
        route: ours.route,
        journey: None,
        owner: metadata.labels.get("team").map_or("", |team| team.first()).to_owned(),
        budget: budget(percent),
        period_days,
        min_bad_events: ours.min_bad_events,
        runbook: ours.runbook,
        kind: Kind::Custom,
        users,
        sides: None,
    };
    Ok(Parsed { objective, at: at(name), notes: ours.notes })
}

/// Bytes of a place, as far as they are known.
pub(super) fn range(location: &Location) -> Range<usize> {
    let span = location.span();
    let number = |value: Option<u64>| value.and_then(|it| usize::try_from(it).ok());
    let start = number(span.byte_offset()).unwrap_or(0);
    start..start + number(span.byte_len()).unwrap_or(0)
}

fn at<T>(spanned: &Spanned<T>) -> Range<usize> {
    range(&spanned.referenced)
}

fn is_dns_label(name: &str) -> bool {
    let inside = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    (1..=63).contains(&name.len())
        && name.bytes().all(inside)
        && !name.starts_with('-')
        && !name.ends_with('-')
}

/// Collects flaws; what could not be made is `None`.
#[derive(Debug, Default)]
struct Judge {
    flaws: Vec<Flaw>,
}

/// What annotations of ours say.
struct Ours {
    route: Option<String>,
    min_bad_events: u32,
    runbook: String,
    notes: Vec<Flaw>,
}

// === impl Judge ===

impl Judge {
    fn check(&mut self, is_right: bool, flaw: impl FnOnce() -> Flaw) {
        if !is_right {
            self.flaws.push(flaw());
        }
    }

    fn fail<T>(&mut self, flaw: Flaw) -> Option<T> {
        self.flaws.push(flaw);
        None
    }

    fn period(&mut self, windows: &Spanned<Vec<TimeWindow>>) -> Option<u32> {
        let [window] = windows.value.as_slice() else {
            let message = "`timeWindow` has exactly one item";
            return self.fail(Flaw::new(Code::SloFile, message, at(windows)));
        };
        if window.is_rolling == window.calendar.is_some() {
            let message = "a window has a `calendar` if and only if it does not roll";
            return self.fail(Flaw::new(Code::SloFile, message, at(&window.duration)));
        }
        if !window.is_rolling {
            let message = "budgets of calendar months are not kept";
            let flaw = Flaw::new(Code::SloUnsupported, message, at(&window.duration));
            return self.fail(flaw.hint("use a rolling window, like 30d"));
        }
        let days = days(&window.duration.value).filter(|days| (7..=90).contains(days));
        days.or_else(|| {
            let message = format!("`{}` is no period from 7 to 90 days", window.duration.value);
            let flaw = Flaw::new(Code::SloFile, message, at(&window.duration));
            self.fail(flaw.hint("write it in days or weeks, like 30d or 4w"))
        })
    }

    fn method(&mut self, spec: &Spec) {
        let method = &spec.budgeting_method;
        match method.value.as_str() {
            "Occurrences" => {}
            "Timeslices" | "RatioTimeslices" => {
                let message = format!("the budgeting method `{}` is not computed", method.value);
                let flaw = Flaw::new(Code::SloUnsupported, message, at(method));
                self.flaws.push(flaw.hint("use `Occurrences`: each event counts"));
            }
            other => {
                let message = format!("`{other}` is no budgeting method");
                let flaw = Flaw::new(Code::SloFile, message, at(method));
                self.flaws.push(flaw.hint("use `Occurrences`"));
            }
        }
    }

    /// The target in percent.
    fn objectives(&mut self, objectives: &Spanned<Vec<ObjectiveDoc>>) -> Option<f64> {
        let [objective] = objectives.value.as_slice() else {
            let message = "an SLO has one objective here";
            let flaw = Flaw::new(Code::SloUnsupported, message, at(objectives));
            return self.fail(flaw.hint("make a document of each"));
        };
        let compares = objective.op.as_ref().map(at).or(objective.value.as_ref().map(at));
        if let Some(place) = compares {
            let message = "`op` and `value` belong to a `thresholdMetric`";
            self.flaws.push(Flaw::new(Code::SloFile, message, place));
        }
        if objective.time_slice_target.is_some() || objective.time_slice_window.is_some() {
            let message = "time slices do not go with the budgeting method `Occurrences`";
            self.flaws.push(Flaw::new(Code::SloFile, message, at(objectives)));
        }
        let (percent, place) = match (&objective.target, &objective.target_percent) {
            (Some(ratio), None) => ((ratio.value * 1e12).round() / 1e10, at(ratio)),
            (None, Some(percent)) => (percent.value, at(percent)),
            _ => {
                let message = "an objective has one of `target` and `targetPercent`";
                return self.fail(Flaw::new(Code::SloFile, message, at(objectives)));
            }
        };
        if percent > 0.0 && percent < 100.0 {
            return Some(percent);
        }
        let message = "a target lies above 0 and below 1 (`targetPercent`: 100)";
        self.fail(Flaw::new(Code::SloObjective, message, place))
    }

    fn annotations(&mut self, document: &Document) -> Option<Ours> {
        let annotations = &document.metadata.annotations;
        let ours = annotations.iter().filter(|(key, _)| key.starts_with("cutover.dev/"));
        let unknown = ours.filter(|(key, _)| !ANNOTATIONS.contains(&key.as_str()));
        let notes = unknown.map(|(key, value)| {
            let hint = "use cutover.dev/route, cutover.dev/min-bad-events or cutover.dev/runbook";
            Flaw::new(Code::NoEffect, format!("`{key}` has no effect"), at(value)).hint(hint)
        });
        let notes = notes.collect();
        let get = |key: &str| annotations.get(key);
        let min_bad_events = match get(ANNOTATIONS[1]) {
            None => Some(MIN_BAD_EVENTS),
            Some(text) => text.value.parse().ok().filter(|number| *number > 0).or_else(|| {
                let message = format!("`{}` is no number of events", text.value);
                self.fail(Flaw::new(Code::SloFile, message, at(text)))
            }),
        };
        Some(Ours {
            route: get(ANNOTATIONS[0]).map(|route| route.value.clone()),
            min_bad_events: min_bad_events?,
            runbook: get(ANNOTATIONS[2]).map_or(RUNBOOK, |name| &name.value).to_owned(),
            notes,
        })
    }
}

/// `30d` or `4w`.
fn days(duration: &str) -> Option<u32> {
    let (number, days) = match duration.strip_suffix('w') {
        Some(weeks) => (weeks, 7),
        None => (duration.strip_suffix('d')?, 1),
    };
    number.parse::<u32>().ok()?.checked_mul(days)
}
