//! Alerts about the proxy itself, the same for every configuration.
//!
//! Each is about something that a person can do something about; its runbook says what. Windows
//! are written `{5m}` and filled in, so that they shorten with those of objectives. A page is what
//! users feel, or soon will; all else is a ticket.

use std::time::Duration;

use cutover_domain::exchange::BUDGET_BYTES;

use super::{
    rules::{Alert, Group, Making, Rule},
    windows::{Severity, WINDOWS},
};

/// One alert, windows to be filled in.
#[derive(Clone, Copy, Debug)]
pub struct Fixed {
    /// Its name, also its runbook's.
    pub alert: &'static str,
    severity: Severity,
    expr: &'static str,
    /// Seconds for which it has to hold; 0: none.
    hold_seconds: u64,
    summary: &'static str,
    mitigation: &'static str,
    dashboard: &'static str,
}

/// Every one, in the order of what hurts most.
pub const FIXED: &[Fixed] = &[
    Fixed {
        alert: "CutoverDown",
        severity: Severity::Page,
        expr: "up{job=\"cutover\"} == 0\nor absent(up{job=\"cutover\"})",
        hold_seconds: 60,
        summary: "Cutover does not answer at {{ $labels.instance }}: its users may get nothing",
        mitigation: "cutover doctor",
        dashboard: "",
    },
    Fixed {
        alert: "CutoverUpstreamDown",
        severity: Severity::Page,
        expr: "sum by (upstream) (increase(cutover_upstream_connect_failures_total[{5m}])) >= 3\n\
               and\n\
               sum by (upstream) (increase(cutover_upstream_connect_failures_total[{5m}]))\n\
               > sum by (upstream) (increase(cutover_upstream_connects_total[{5m}]))",
        hold_seconds: 0,
        summary: "Most connections to `{{ $labels.upstream }}` cannot be made",
        mitigation: "cutover check --online",
        dashboard: "",
    },
    Fixed {
        alert: "CutoverProxySaturated",
        severity: Severity::Page,
        expr: "sum by (reason) (increase(cutover_connections_turned_away_total{reason=~\"connections_max|connections_per_address_max\"}[{5m}])) > 0",
        hold_seconds: 0,
        summary: "Clients are turned away: the limit `{{ $labels.reason }}` is reached",
        mitigation: "cutover check --explain",
        dashboard: "",
    },
    Fixed {
        alert: "CutoverJourneyLost",
        severity: Severity::Page,
        expr: "sum by (journey) (increase(cutover_journey_total{result=\"lost\"}[{5m}])) >= 3\n\
               and\n\
               sum by (journey) (increase(cutover_journey_total{result=\"lost\"}[{5m}]))\n\
               > 0.05 * sum by (journey) (increase(cutover_journey_total{result!=\"unseen\"}[{5m}]))",
        hold_seconds: 0,
        summary: "Accepted changes are not shown to those who look: `{{ $labels.journey }}` lost {{ $value | humanize }}",
        mitigation: "cutover journey show {{ $labels.journey }}",
        dashboard: "/journeys",
    },
    Fixed {
        alert: "CutoverFallbackActive",
        severity: Severity::Ticket,
        expr: "sum by (cutover_route) (increase(cutover_fallbacks_total[{5m}])) >= 3",
        hold_seconds: 0,
        summary: "New fails on `{{ $labels.cutover_route }}`, and legacy answers in its place",
        mitigation: "cutover rollback {{ $labels.cutover_route }} --reason \"alert CutoverFallbackActive\" --wait",
        dashboard: "/routes/{{ $labels.cutover_route }}",
    },
    Fixed {
        alert: "CutoverAutoRollback",
        severity: Severity::Ticket,
        expr: "sum by (trigger) (increase(cutover_rollbacks_total{trigger=~\"guard|alert|kill_switch\"}[{30m}])) > 0",
        hold_seconds: 0,
        summary: "A route went back by itself (trigger `{{ $labels.trigger }}`)",
        mitigation: "cutover history",
        dashboard: "",
    },
    Fixed {
        alert: "CutoverConfigReloadFailed",
        severity: Severity::Ticket,
        expr: "cutover_config_last_reload_failed == 1",
        hold_seconds: 60,
        summary: "The files on disk are not the configuration in force: they have mistakes",
        mitigation: "cutover check",
        dashboard: "",
    },
    Fixed {
        alert: "CutoverConfigDrift",
        severity: Severity::Ticket,
        expr: "max by (cutover_route) (cutover_route_drifted) == 1",
        hold_seconds: 24 * 3_600,
        summary: "`{{ $labels.cutover_route }}` has been elsewhere than its file says for a day: whoever reads the files is misled",
        mitigation: "cutover export",
        dashboard: "/config",
    },
    Fixed {
        alert: "CutoverCertExpiring",
        severity: Severity::Ticket,
        expr: "min by (listener) (cutover_tls_certificate_not_after_timestamp_seconds) - time() < 14 * 86400",
        hold_seconds: 60,
        summary: "The certificate at {{ $labels.listener }} ends in {{ $value | humanizeDuration }}",
        mitigation: "cutover check",
        dashboard: "/config",
    },
    Fixed {
        alert: "CutoverStoreDown",
        severity: Severity::Ticket,
        expr: "cutover_store_up == 0",
        hold_seconds: 60,
        summary: "The store does not answer: routes stay where they are, only rollbacks work",
        mitigation: "cutover status",
        dashboard: "",
    },
    Fixed {
        alert: "CutoverGateBlind",
        severity: Severity::Ticket,
        expr: "max by (cutover_route) (cutover_gate_blind) == 1\n\
               or (time() - (cutover_gate_last_evaluation_timestamp_seconds > 0)) > 900",
        hold_seconds: 0,
        summary: "Nobody can tell whether new is fit{{ if $labels.cutover_route }} on `{{ $labels.cutover_route }}`{{ end }}: gates are in error, nothing moves by itself",
        mitigation: "cutover status",
        dashboard: "",
    },
    Fixed {
        alert: "CutoverGateStuck",
        severity: Severity::Ticket,
        expr: "max by (cutover_route) (cutover_gate_blocked) == 1\n\
               and on (cutover_route)\n\
               max by (cutover_route) (cutover_route_phase{phase=\"canary\"}) == 1",
        hold_seconds: 6 * 3_600,
        summary: "For six hours a gate has kept `{{ $labels.cutover_route }}` from its next step",
        mitigation: "cutover gate {{ $labels.cutover_route }} --explain",
        dashboard: "/routes/{{ $labels.cutover_route }}",
    },
    Fixed {
        alert: "CutoverParityDrop",
        severity: Severity::Ticket,
        expr: "(\n  \
               sum by (cutover_route) (increase(cutover_comparisons_total{verdict=\"mismatch\"}[{5m}]))\n  \
               / sum by (cutover_route) (increase(cutover_comparisons_total{verdict=~\"match|mismatch|noisy\"}[{5m}]))\n\
               ) > 0.005\n\
               and sum by (cutover_route) (increase(cutover_comparisons_total{verdict=\"mismatch\"}[{5m}])) >= 3",
        hold_seconds: 0,
        summary: "New answers {{ $value | humanizePercentage }} of `{{ $labels.cutover_route }}` otherwise than legacy",
        mitigation: "cutover hold {{ $labels.cutover_route }} --reason \"alert CutoverParityDrop\"",
        dashboard: "/routes/{{ $labels.cutover_route }}",
    },
    Fixed {
        alert: "CutoverShadowDropped",
        severity: Severity::Ticket,
        expr: "sum by (cutover_route) (increase(cutover_shadow_dropped_total{reason!=\"shutdown\"}[{5m}]))\n\
               > 0.1 * sum by (cutover_route) (increase(cutover_shadow_eligible_total[{5m}]))\n\
               and sum by (cutover_route) (increase(cutover_shadow_dropped_total{reason!=\"shutdown\"}[{5m}])) >= 3",
        hold_seconds: 0,
        summary: "More than a tenth of the copies of `{{ $labels.cutover_route }}` are not compared",
        mitigation: "cutover status {{ $labels.cutover_route }}",
        dashboard: "/routes/{{ $labels.cutover_route }}",
    },
    Fixed {
        alert: "CutoverShadowLagging",
        severity: Severity::Ticket,
        expr: "cutover_shadow_queue_bytes > 0.8 * {budget}",
        hold_seconds: 60,
        summary: "Copies wait: they hold {{ $value | humanize1024 }}B, and soon more will be dropped",
        mitigation: "cutover status",
        dashboard: "",
    },
    Fixed {
        alert: "CutoverTelemetryDropped",
        severity: Severity::Ticket,
        expr: "sum by (signal) (increase(cutover_telemetry_dropped_total{reason!~\"rate_cap|shutdown\"}[{5m}])) > 0",
        hold_seconds: 60,
        summary: "Telemetry is lost ({{ $labels.signal }}): {{ $value | humanize }} in five minutes",
        mitigation: "cutover check --online",
        dashboard: "",
    },
];

/// The group of all of them.
pub fn group(making: &Making) -> Group {
    let interval = format!("{}s", making.scale.interval_seconds());
    let rules = FIXED.iter().map(|fixed| Rule::Alert(fixed.alert(making))).collect();
    Group { name: "cutover-process".into(), interval, rules }
}

// === impl Fixed ===

impl Fixed {
    fn alert(&self, making: &Making) -> Alert {
        let hold = Duration::from_secs(self.hold_seconds);
        Alert {
            alert: self.alert.into(),
            expr: self.filled(making),
            hold: (!hold.is_zero()).then(|| making.scale.duration(hold)),
            labels: vec![("severity", self.severity.as_str().into())],
            annotations: vec![
                ("summary", self.summary.into()),
                ("mitigation", self.mitigation.into()),
                ("runbook_url", format!("{}/{}", making.runbooks, self.alert)),
                ("dashboard_url", format!("{}{}", making.dashboards, self.dashboard)),
            ],
        }
    }

    fn filled(&self, making: &Making) -> String {
        let expr = self.expr.replace("{budget}", &BUDGET_BYTES.to_string());
        WINDOWS.iter().fold(expr, |expr, window| {
            expr.replace(&format!("{{{window}}}"), &making.scale.window(window))
        })
    }
}

#[cfg(test)]
mod tests;
