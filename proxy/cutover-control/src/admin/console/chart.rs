//! Pictures, drawn on the server: how a route's requests are split, and how its numbers went.

use maud::{Markup, html};

use super::trend::{POINTS_MAX, Point, Series};
use crate::{api::TargetRow, words::target};

/// Size of a sparkline in its own units.
const WIDTH: f64 = 240.0;
const HEIGHT: f64 = 44.0;

/// Who serves users: legacy's share and new's, side by side.
pub(super) fn split(row: &TargetRow) -> Markup {
    let new = super::widgets::share_of_new(row);
    let legacy = 100.0 - new;
    // A sliver is still to be seen.
    let drawn = if new > 0.0 { new.max(2.0) } else { 0.0 };
    let label = format!("legacy serves {} %, new {} %", number(legacy), number(new));
    let at = 100.0 - drawn;
    html! {
        svg.split viewBox="0 0 100 6" preserveAspectRatio="none" role="img" aria-label=(label) {
            rect.legacy x="0" y="0" width=(number(at)) height="6" {}
            rect.new x=(number(at)) y="0" width=(number(drawn)) height="6" {}
            @if target(row).phase == cutover_domain::Phase::Shadow {
                rect.copies x="0" y="4.5" width="100" height="1.5" {}
            }
        }
    }
}

/// Both sides of one number over time, on one scale from zero.
pub(super) fn sparkline(route: &str, series: Series, points: &[Point]) -> Markup {
    let top = top(series, points);
    let label = format!(
        "{} over the last {} minutes, at most {}",
        series.title(),
        POINTS_MAX / 12,
        series.text(top)
    );
    html! {
        svg.spark viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } preserveAspectRatio="none" role="img"
            aria-label=(label) {
            line.axis x1="0" x2=(WIDTH) y1=(HEIGHT - 0.5) y2=(HEIGHT - 0.5) {}
            @for side in [0, 1] {
                path.legacy[side == 0].new[side == 1]
                    data-live=(key(route, series, side)) d=(line(series, side, points)) {}
            }
        }
        p.scale {
            span { (series.title()) }
            span { "at most " span data-live=(top_key(route, series)) { (series.text(top)) } }
        }
    }
}

/// What keeps a sparkline fresh: its two lines, and where its scale ends.
pub(super) fn slots(route: &str, points: &[Point]) -> impl Iterator<Item = (String, String)> {
    Series::ALL.into_iter().flat_map(move |series| {
        let line = |side| (key(route, series, side), line(series, side, points));
        [line(0), line(1), (top_key(route, series), series.text(top(series, points)))]
    })
}

fn top_key(route: &str, series: Series) -> String {
    format!("{route}:{}.top", series.name())
}

fn key(route: &str, series: Series, side: usize) -> String {
    format!("{route}:{}.{side}", series.name())
}

/// The points of one side, newest at the right edge.
fn line(series: Series, side: usize, points: &[Point]) -> String {
    let (top, step) = (top(series, points), WIDTH / (POINTS_MAX - 1) as f64);
    let first = POINTS_MAX - points.len().min(POINTS_MAX);
    let mut drawn = String::new();
    let mut pen = "M";
    for (at, point) in points.iter().enumerate() {
        // A gap stays a gap: a side without requests has no latency.
        let Some(value) = series.of(point)[side] else {
            pen = "M";
            continue;
        };
        let x = (first + at) as f64 * step;
        let y = HEIGHT - 1.0 - value / top * (HEIGHT - 3.0);
        // A line of no length shows as a dot.
        let dot = if pen == "M" { "h0" } else { "" };
        drawn.push_str(&format!("{pen}{} {}{dot}", number(x), number(y)));
        pen = "L";
    }
    drawn
}

/// The largest value of both sides; above zero.
fn top(series: Series, points: &[Point]) -> f64 {
    let values = points.iter().flat_map(|point| series.of(point)).flatten();
    values.fold(series.least_top(), f64::max)
}

/// With one decimal at most.
fn number(value: f64) -> String {
    let rounded = (value * 10.0).round() / 10.0;
    format!("{rounded}")
}

#[cfg(test)]
mod tests;
