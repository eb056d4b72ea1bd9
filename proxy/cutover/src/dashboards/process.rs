//! Cutover itself: for each resource its use, how full it is, and what went wrong.

use super::{
    board::{dashboard as board, section},
    grafana::{Dashboard, Panel},
    panel::Unit,
};

pub(super) fn dashboard() -> Dashboard {
    board(
        "cutover-process",
        "Cutover / The proxy itself",
        "Whether Cutover is well: what it uses, what is full, what it had to give up.",
        [],
        [
            section("Now", now()),
            section("CPU, memory, descriptors", resources()),
            section("Clients", clients()),
            section("Upstreams", upstreams()),
            section("Copies", copies()),
            section("Gates", gates()),
            section("Configuration, store, telemetry", surroundings()),
        ],
    )
}

fn now() -> [Panel; 8] {
    [
        Panel::stat("Up", Unit::YesNo, "Whether Prometheus gets an answer.")
            .runbook("CutoverDown")
            .coloured("red", &[(1.0, "green")])
            .size(3, 4)
            .query("{{instance}}", "min by (instance) (up{@own})"),
        Panel::stat("Runs for", Unit::Duration, "How long ago the process began.")
            .size(3, 4)
            .query("{{instance}}", "time() - min by (instance) (process_start_time_seconds{@own})"),
        Panel::stat("Version", Unit::Text, "What runs.")
            .names()
            .size(3, 4)
            .query("{{version}}", "max by (version) (cutover_build_info{@own})"),
        Panel::stat("Configuration", Unit::Text, "Hash of the configuration in force.")
            .names()
            .size(3, 4)
            .query("{{hash}}", "max by (hash) (cutover_config_info{@own})"),
        Panel::stat("Revision", Unit::Count, "The newest decision that the data plane was given.")
            .size(3, 4)
            .query("revision", "max(cutover_revision{@own})"),
        Panel::stat("Files refused", Unit::YesNo, "The files on disk are not what is in force.")
            .runbook("CutoverConfigReloadFailed")
            .coloured("green", &[(1.0, "red")])
            .size(3, 4)
            .query("refused", "max(cutover_config_last_reload_failed{@own})"),
        Panel::stat("Without its store", Unit::YesNo, "It serves by its last good state.")
            .runbook("CutoverStoreDown")
            .coloured("green", &[(1.0, "red")])
            .size(3, 4)
            .query("degraded", "max(cutover_degraded{@own})"),
        Panel::stat("Off switch", Unit::YesNo, "The file `legacy-all` sends everything to legacy.")
            .coloured("green", &[(1.0, "red")])
            .size(3, 4)
            .query("legacy-all", "max(cutover_legacy_all{@own})"),
    ]
}

fn resources() -> [Panel; 4] {
    [
        Panel::graph("CPU", Unit::Ratio, "Processor time used; 100 % is one processor.")
            .size(6, 8)
            .query("{{instance}}", "sum by (instance) (rate(process_cpu_seconds_total{@own}[@]))"),
        Panel::graph(
            "Workers busy",
            Unit::Ratio,
            "Share of time that each thread of the data plane is at work; at 100 % requests wait.",
        )
        .runbook("CutoverProxySaturated")
        .size(6, 8)
        .axis(Some(0.0), Some(1.0))
        .query(
            "{{instance}} {{worker}}",
            "sum by (instance, worker) (rate(cutover_worker_busy_seconds_total{@own}[@]))",
        ),
        Panel::graph("Memory", Unit::Bytes, "Memory that is resident, and what copies hold of it.")
            .size(6, 8)
            .query("resident", "sum(process_resident_memory_bytes{@own})")
            .query("copies hold", "sum(cutover_shadow_queue_bytes{@own})"),
        Panel::graph(
            "Descriptors and threads",
            Unit::Count,
            "Open files and sockets, as many as there may be, and threads.",
        )
        .size(6, 8)
        .query("open", "sum(process_open_fds{@own})")
        .query("at most", "sum(process_max_fds{@own})")
        .query("threads", "sum(process_threads{@own})"),
    ]
}

fn clients() -> [Panel; 4] {
    [
        Panel::graph("Connections", Unit::Count, "Clients that are connected.")
            .runbook("CutoverProxySaturated")
            .size(6, 8)
            .query("connections", "sum(cutover_connections{@own})")
            .query("upgraded", "sum(cutover_tunnels{@own})"),
        Panel::graph("Turned away", Unit::PerSecond, "Connections closed before a request.")
            .runbook("CutoverProxySaturated")
            .size(6, 8)
            .query(
                "{{reason}}",
                "sum by (reason) (rate(cutover_connections_turned_away_total{@own}[@]))",
            ),
        Panel::graph(
            "Refused",
            Unit::PerSecond,
            "Requests that the guard refused before an upstream saw them, by reason.",
        )
        .size(6, 8)
        .query("{{reason}}", "sum by (reason) (rate(cutover_guard_refusals_total{@own}[@]))"),
        Panel::graph(
            "Clocks that ran out",
            Unit::PerSecond,
            "Clients that were too slow, by clock.",
        )
        .size(6, 8)
        .query("{{reason}}", "sum by (reason) (rate(cutover_guard_clocks_total{@own}[@]))"),
    ]
}

fn upstreams() -> [Panel; 3] {
    [
        Panel::graph(
            "Connections",
            Unit::Count,
            "Connections to each upstream, idle ones included.",
        )
        .query("{{upstream}}", "sum by (upstream) (cutover_upstream_connections{@own})"),
        Panel::graph("Connections made", Unit::PerSecond, "New connections to each upstream.")
            .query(
                "{{upstream}}",
                "sum by (upstream) (rate(cutover_upstream_connects_total{@own}[@]))",
            ),
        Panel::graph(
            "Connections that failed",
            Unit::PerSecond,
            "Connections that could not be made, by upstream.",
        )
        .runbook("CutoverUpstreamDown")
        .query(
            "{{upstream}}",
            "sum by (upstream) (rate(cutover_upstream_connect_failures_total{@own}[@]))",
        ),
    ]
}

fn copies() -> [Panel; 4] {
    [
        Panel::graph("Under way", Unit::Count, "Copies that are neither compared nor dropped yet.")
            .runbook("CutoverShadowLagging")
            .size(6, 8)
            .query("copies", "sum(cutover_shadow_inflight{@own})"),
        Panel::graph("Dropped", Unit::PerSecond, "Copies that were not compared, by reason.")
            .runbook("CutoverShadowDropped")
            .size(6, 8)
            .query("{{reason}}", "sum by (reason) (rate(cutover_shadow_dropped_total{@own}[@]))"),
        Panel::graph(
            "Findings given up",
            Unit::PerSecond,
            "Findings and samples that were not kept, by reason.",
        )
        .size(6, 8)
        .query("{{reason}}", "sum by (reason) (rate(cutover_recorder_dropped_total{@own}[@]))")
        .query("samples", "sum(rate(cutover_shadow_samples_dropped_total{@own}[@]))")
        .query("records", "sum(rate(cutover_shadow_records_dropped_total{@own}[@]))"),
        Panel::graph(
            "Findings are kept",
            Unit::YesNo,
            "Whether the store takes what is found out.",
        )
        .runbook("CutoverStoreDown")
        .size(6, 8)
        .steps()
        .axis(Some(0.0), Some(1.0))
        .query("{{instance}}", "min by (instance) (cutover_recorder_up{@own})"),
    ]
}

fn gates() -> [Panel; 5] {
    [
        Panel::graph(
            "Looks",
            Unit::PerSecond,
            "How often all routes are looked at, and how often that failed.",
        )
        .size(8, 8)
        .query("looks", "sum(rate(cutover_gate_evaluations_total{@own}[@]))")
        .query("failed", "sum(rate(cutover_gate_failures_total{@own}[@]))"),
        Panel::graph(
            "Last look",
            Unit::Duration,
            "How long ago gates looked at the routes; nothing moves by itself meanwhile.",
        )
        .size(8, 8)
        .query("ago", "time() - max(cutover_gate_last_evaluation_timestamp_seconds{@own})"),
        Panel::graph(
            "Held up or blind",
            Unit::Count,
            "Routes that a gate keeps from their next step, and routes whose gates are in error.",
        )
        .runbook("CutoverGateStuck")
        .size(8, 8)
        .query("held up", "sum(max by (cutover_route) (cutover_gate_blocked{@own}))")
        .query("blind", "sum(max by (cutover_route) (cutover_gate_blind{@own}))"),
        Panel::graph(
            "Decisions",
            Unit::PerSecond,
            "Decisions to be recorded, by kind, and those that the store did not take.",
        )
        .runbook("CutoverStoreDown")
        .size(12, 8)
        .query("{{kind}}", "sum by (kind) (rate(cutover_decisions_total{@own}[@]))")
        .query("not taken", "sum(rate(cutover_decisions_dropped_total{@own}[@]))"),
        Panel::graph(
            "Pages received",
            Unit::Count,
            "Alerts that Alertmanager delivered, by what was done about their route.",
        )
        .runbook("CutoverAutoRollback")
        .size(12, 8)
        .query(
            "{{outcome}}",
            "sum by (outcome) (increase(cutover_alerts_received_total{@own}[@]))",
        ),
    ]
}

fn surroundings() -> [Panel; 6] {
    [
        Panel::graph("Configurations", Unit::Count, "Configurations loaded or refused.")
            .runbook("CutoverConfigReloadFailed")
            .size(8, 8)
            .query(
                "{{result}}",
                "sum by (result) (increase(cutover_config_reloads_total{@own}[@]))",
            ),
        Panel::graph(
            "In force since",
            Unit::Duration,
            "How long ago a configuration was last accepted.",
        )
        .size(8, 8)
        .query(
            "{{instance}}",
            "time() - max by (instance) (cutover_config_last_reload_success_timestamp_seconds{@own})",
        ),
        Panel::graph(
            "Routes elsewhere than their files",
            Unit::Count,
            "Moved by a command or a gate, and not taken over into the files.",
        )
        .runbook("CutoverConfigDrift")
        .size(8, 8)
        .query("routes", "sum(max by (cutover_route) (cutover_route_drifted{@own}))"),
        Panel::graph(
            "Certificates end in",
            Unit::Duration,
            "Until the certificate that a listener shows to clients ends.",
        )
        .runbook("CutoverCertExpiring")
        .size(8, 8)
        .query(
            "{{listener}}",
            "min by (listener) (cutover_tls_certificate_not_after_timestamp_seconds{@own}) - time()",
        )
        .may_be_empty("no listener has TLS"),
        Panel::graph("Store answers", Unit::YesNo, "Whether the store of decisions answers.")
            .runbook("CutoverStoreDown")
            .size(8, 8)
            .steps()
            .axis(Some(0.0), Some(1.0))
            .query("{{instance}}", "min by (instance) (cutover_store_up{@own})"),
        Panel::graph(
            "Telemetry",
            Unit::PerSecond,
            "Spans and lines delivered, those that were dropped, and spans that wait.",
        )
        .runbook("CutoverTelemetryDropped")
        .size(8, 8)
        .query(
            "{{signal}} delivered",
            "sum by (signal) (rate(cutover_telemetry_exported_total{@own}[@]))",
        )
        .query(
            "{{signal}} dropped: {{reason}}",
            "sum by (signal, reason) (rate(cutover_telemetry_dropped_total{@own}[@])) > 0",
        )
        .may_be_empty("everything is delivered")
        .query("spans waiting", "sum(cutover_telemetry_queue_length{@own})"),
    ]
}
