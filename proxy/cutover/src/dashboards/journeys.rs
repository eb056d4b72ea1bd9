//! Journeys across requests: whether what users changed was shown to them in time.

use super::{
    board::{chosen, dashboard as board, section},
    grafana::{Dashboard, Panel},
    panel::Unit,
};

/// The chosen journeys of the chosen processes.
const CHOSEN: &str = r#"@own,journey=~"$journey""#;
/// The indicator leaves out what nobody looked at.
const COUNTED: &str = r#"result=~"good|late|lost""#;

pub(super) fn dashboard() -> Dashboard {
    let journeys =
        chosen("journey", "Journey", "label_values(cutover_journey_total{@own}, journey)");
    board(
        "cutover-journeys",
        "Cutover / Journeys",
        "Whether changes that were accepted are shown to whoever asks next, in the time promised.",
        [journeys],
        [section("Now", optional(now())), section("Over time", optional(over_time()))],
    )
}

/// Where nobody declares a journey there is none to show.
fn optional<const N: usize>(panels: [Panel; N]) -> [Panel; N] {
    panels.map(|mut panel| {
        for target in &mut panel.targets {
            target.empty_ok = Some("no journey is declared");
        }
        panel
    })
}

fn now() -> [Panel; 5] {
    let ended = |title, about: &str, result: &str, colours: &[(f64, &'static str)]| {
        let expr = format!(
            r#"sum(increase(cutover_journey_total{{{CHOSEN},result="{result}"}}[$__range]))"#
        );
        Panel::stat(title, Unit::Count, about).coloured("text", colours).query("journeys", &expr)
    };
    [
        Panel::stat("Kept", Unit::Ratio, "Share of journeys that ended in time.")
            .coloured("red", &[(0.95, "yellow"), (0.99, "green")])
            .size(8, 4)
            .query(
                "{{journey}}",
                &format!(
                    r#"sum by (journey) (increase(cutover_journey_total{{{CHOSEN},result="good"}}[$__range]))
/ (sum by (journey) (increase(cutover_journey_total{{{CHOSEN},{COUNTED}}}[$__range])) > 0)"#
                ),
            ),
        ended("Late", "Changes that were shown, but too late.", "late", &[(1.0, "yellow")]),
        ended("Lost", "Changes that readers were never shown.", "lost", &[(1.0, "red")])
            .runbook("CutoverJourneyLost"),
        ended("Unseen", "Changes that nobody looked for; they prove nothing.", "unseen", &[]),
        Panel::stat("Open", Unit::Count, "Changes that have not ended yet.")
            .query("journeys", &format!("sum(cutover_journey_open{{{CHOSEN}}})")),
    ]
}

fn over_time() -> [Panel; 4] {
    [
        Panel::graph("Results", Unit::PerSecond, "Journeys by how they ended.").size(6, 8).stacked().query(
            "{{result}}",
            &format!("sum by (result) (rate(cutover_journey_total{{{CHOSEN}}}[@]))"),
        ),
        Panel::graph(
            "Not kept, by side",
            Unit::Ratio,
            "Share of journeys that were late or lost, by the side that accepted the change.",
        )
        .size(6, 8)
        .sides()
        .query(
            "{{side}}",
            &format!(
                r#"1 - sum by (side) (rate(cutover_journey_total{{{CHOSEN},result="good"}}[@]))
/ (sum by (side) (rate(cutover_journey_total{{{CHOSEN},{COUNTED}}}[@])) > 0)"#
            ),
        ),
        Panel::graph(
            "Duration",
            Unit::Seconds,
            "From an accepted change until it was first shown; what was lost has none.",
        )
        .size(6, 8)
        .sides()
        .query("{{side}} p50", &quantile("0.5"))
        .query("{{side}} p95", &quantile("0.95")),
        Panel::graph(
            "Not followed",
            Unit::PerSecond,
            "Requests that a journey could not follow, by reason: what it says rests on the others.",
        )
        .size(6, 8)
        .query(
            "{{reason}}",
            &format!("sum by (reason) (rate(cutover_journey_skipped_total{{{CHOSEN}}}[@]))"),
        ),
    ]
}

fn quantile(q: &str) -> String {
    format!(
        "histogram_quantile({q}, sum by (side, le) \
         (rate(cutover_journey_duration_seconds_bucket{{{CHOSEN}}}[@])))"
    )
}
