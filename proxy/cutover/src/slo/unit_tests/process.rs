//! For each alert about the proxy itself: series on which it fires, and some on which it must not.

use super::{Case, Expected, firing};

type Series = &'static [(&'static str, &'static str)];

/// Alert, minutes after which it is looked for, series on which one of it fires by then, and series
/// on which none does.
const PROOFS: &[(&str, u32, Series, Series)] = &[
    (
        "CutoverDown",
        10,
        &[
            ("up{job=\"cutover\",instance=\"a\"}", "1x3 0x20"),
            ("up{job=\"cutover\",instance=\"b\"}", "1x20"),
        ],
        &[("up{job=\"cutover\",instance=\"a\"}", "1x20")],
    ),
    (
        "CutoverUpstreamDown",
        10,
        &[
            ("cutover_upstream_connect_failures_total{upstream=\"registry\"}", "0x3 1+2x20"),
            ("cutover_upstream_connects_total{upstream=\"registry\"}", "9x20"),
        ],
        &[
            ("cutover_upstream_connect_failures_total{upstream=\"registry\"}", "0+1x20"),
            ("cutover_upstream_connects_total{upstream=\"registry\"}", "0+5x20"),
        ],
    ),
    (
        "CutoverProxySaturated",
        10,
        &[("cutover_connections_turned_away_total{reason=\"connections_max\"}", "0x5 4x20")],
        &[("cutover_connections_turned_away_total{reason=\"handshake\"}", "0+4x20")],
    ),
    (
        "CutoverJourneyLost",
        10,
        &[
            ("cutover_journey_total{journey=\"lamp\",side=\"new\",result=\"lost\"}", "0x5 4x20"),
            ("cutover_journey_total{journey=\"lamp\",side=\"new\",result=\"good\"}", "0+10x20"),
            ("cutover_journey_total{journey=\"lamp\",side=\"new\",result=\"unseen\"}", "0+900x20"),
        ],
        &[
            ("cutover_journey_total{journey=\"lamp\",side=\"new\",result=\"lost\"}", "0x5 4x20"),
            ("cutover_journey_total{journey=\"lamp\",side=\"new\",result=\"good\"}", "0+60x20"),
        ],
    ),
    (
        "CutoverFallbackActive",
        10,
        &[("cutover_fallbacks_total{cutover_route=\"device-read\"}", "0x5 2+2x20")],
        &[("cutover_fallbacks_total{cutover_route=\"device-read\"}", "0x5 1x20")],
    ),
    (
        "CutoverAutoRollback",
        10,
        &[("cutover_rollbacks_total{trigger=\"guard\"}", "0x5 1x20")],
        &[("cutover_rollbacks_total{trigger=\"operator\"}", "0x5 1x20")],
    ),
    (
        "CutoverConfigReloadFailed",
        10,
        &[("cutover_config_last_reload_failed", "0x5 1x20")],
        &[("cutover_config_last_reload_failed", "0x9 1x0 0x20")],
    ),
    (
        "CutoverConfigDrift",
        1_500,
        &[("cutover_route_drifted{cutover_route=\"device-read\"}", "0x5 1x1500")],
        &[("cutover_route_drifted{cutover_route=\"device-read\"}", "1x1000 0x5 1x500")],
    ),
    (
        "CutoverCertExpiring",
        10,
        &[(
            "cutover_tls_certificate_not_after_timestamp_seconds{listener=\"0.0.0.0:8443\"}",
            "1209000x20",
        )],
        &[(
            "cutover_tls_certificate_not_after_timestamp_seconds{listener=\"0.0.0.0:8443\"}",
            "1300000x20",
        )],
    ),
    ("CutoverStoreDown", 10, &[("cutover_store_up", "1x5 0x20")], &[("cutover_store_up", "1x20")]),
    (
        "CutoverGateBlind",
        10,
        &[
            ("cutover_gate_blind{cutover_route=\"device-read\"}", "0x5 1x20"),
            ("cutover_gate_last_evaluation_timestamp_seconds", "0+60x20"),
        ],
        &[
            ("cutover_gate_blind{cutover_route=\"device-read\"}", "0x20"),
            ("cutover_gate_last_evaluation_timestamp_seconds", "0+60x20"),
        ],
    ),
    (
        "CutoverGateStuck",
        420,
        &[
            ("cutover_gate_blocked{cutover_route=\"device-read\"}", "1x430"),
            ("cutover_route_phase{cutover_route=\"device-read\",phase=\"canary\"}", "1x430"),
        ],
        &[
            ("cutover_gate_blocked{cutover_route=\"device-read\"}", "1x430"),
            ("cutover_route_phase{cutover_route=\"device-read\",phase=\"canary\"}", "0x430"),
        ],
    ),
    (
        "CutoverParityDrop",
        10,
        &[
            (
                "cutover_comparisons_total{cutover_route=\"device-read\",verdict=\"match\"}",
                "0+60x20",
            ),
            (
                "cutover_comparisons_total{cutover_route=\"device-read\",verdict=\"mismatch\"}",
                "0+1x20",
            ),
        ],
        &[
            (
                "cutover_comparisons_total{cutover_route=\"device-read\",verdict=\"match\"}",
                "0+600x20",
            ),
            (
                "cutover_comparisons_total{cutover_route=\"device-read\",verdict=\"mismatch\"}",
                "0+1x20",
            ),
        ],
    ),
    (
        "CutoverShadowDropped",
        10,
        &[
            ("cutover_shadow_eligible_total{cutover_route=\"device-read\"}", "0+60x20"),
            (
                "cutover_shadow_dropped_total{cutover_route=\"device-read\",reason=\"breaker\"}",
                "0+30x20",
            ),
        ],
        &[
            ("cutover_shadow_eligible_total{cutover_route=\"device-read\"}", "0+60x20"),
            (
                "cutover_shadow_dropped_total{cutover_route=\"device-read\",reason=\"shutdown\"}",
                "0+30x20",
            ),
        ],
    ),
    (
        "CutoverShadowLagging",
        10,
        &[("cutover_shadow_queue_bytes", "0x5 67000000x20")],
        &[("cutover_shadow_queue_bytes", "30000000x20")],
    ),
    (
        "CutoverTelemetryDropped",
        10,
        &[(
            "cutover_telemetry_dropped_total{signal=\"traces\",reason=\"unreachable\"}",
            "0x3 9+9x20",
        )],
        &[("cutover_telemetry_dropped_total{signal=\"traces\",reason=\"rate_cap\"}", "0+9x20")],
    ),
];

pub(super) fn cases() -> impl Iterator<Item = Case> {
    PROOFS.iter().flat_map(|(alert, minutes, fires, silent)| {
        [
            case(alert, *minutes, "fires", fires, Some(1)),
            case(alert, *minutes, "stays silent", silent, None),
        ]
    })
}

/// Names that have proofs.
#[cfg(test)]
pub(super) fn proven() -> impl Iterator<Item = &'static str> {
    PROOFS.iter().map(|(alert, ..)| *alert)
}

fn case(alert: &str, minutes: u32, what: &str, series: Series, value: Option<u32>) -> Case {
    let owned = |(series, values): &(&str, &str)| ((*series).to_owned(), (*values).to_owned());
    Case {
        name: format!("{alert} {what}"),
        series: series.iter().map(owned).collect(),
        expected: vec![Expected { expr: firing(alert, ""), minutes, value }],
    }
}

#[cfg(test)]
mod tests;
