use prometheus_client::encoding::text::encode;

use super::*;
use crate::{
    fixtures::{arc, target},
    machine::Fact,
    truth::{Moved, Truth},
};

fn view(files: &str) -> Arc<View> {
    let mut truth = Truth { down: None, head: 7, ..Truth::unknown() };
    truth.accept(arc(files));
    truth.config_hash = truth.loaded.as_ref().map(|loaded| loaded.hash.clone());
    let proposal = truth.propose_settle(1).unwrap();
    truth.commit(proposal, 8, true);
    Arc::new(View::of(&truth, 5).unwrap())
}

fn scrape(registry: &Registry) -> String {
    let mut text = String::new();
    encode(&mut text, registry).unwrap();
    text
}

#[test]
fn present_values_are_those_of_the_view_and_vanish_with_it() {
    let mut registry = Registry::default();
    let metrics = ControlMetrics::register(&mut registry);
    assert!(!scrape(&registry).contains("cutover_route_phase"));
    let views = watch::Sender::new(view("read canary 12.5\n list legacy"));
    metrics.watch(views.subscribe());
    let text = scrape(&registry);
    for line in [
        "cutover_route_phase{cutover_route=\"read\",phase=\"canary\"} 1",
        "cutover_route_phase{cutover_route=\"read\",phase=\"live\"} 0",
        "cutover_route_weight_ratio{cutover_route=\"read\",side=\"new\"} 0.125",
        "cutover_route_weight_ratio{cutover_route=\"read\",side=\"legacy\"} 0.875",
        "cutover_route_drifted{cutover_route=\"read\"} 0",
        "cutover_route_info{cutover_route=\"list\",group=\"devices\",owner=\"devices-team\",\
         legacy=\"monolith\",new=\"registry\"} 1",
        "cutover_store_up 1",
        "cutover_degraded 0",
        "cutover_revision 8",
        "cutover_config_info{generation=\"1\",hash=\"read canary 12.5 list legacy\"} 1",
    ] {
        assert!(text.lines().any(|own| own == line), "no `{line}` in\n{text}");
    }
    views.send_replace(view("list legacy"));
    assert!(!scrape(&registry).contains("cutover_route=\"read\""));
}

#[test]
fn facts_are_counted_by_closed_labels() {
    let mut registry = Registry::default();
    let metrics = ControlMetrics::register(&mut registry);
    let moved =
        |from, to| Moved { route: "read".into(), from: target(from), to: target(to), latch: None };
    let fact = Fact::Moved {
        moved: vec![
            moved("live", "shadow"),
            moved("canary 5", "canary 1"),
            moved("shadow", "shadow"),
            moved("shadow", "canary 1"),
        ],
        revision: 1,
        actor: "ann".into(),
        actor_kind: "token",
        trigger: Trigger::KillSwitch,
        reason: "x".into(),
        recorded: true,
    };
    metrics.count(&fact, 0);
    metrics.reload_refused();
    let accepted = Fact::ConfigAccepted {
        hash: "h".into(),
        generation: 1,
        revision: 1,
        listing: cutover_store::Listing::default(),
        warnings: Vec::new(),
    };
    let failed = |text: &str| text.contains("\ncutover_config_last_reload_failed 1");
    assert!(failed(&scrape(&registry)));
    metrics.count(&accepted, 42_999);
    let text = scrape(&registry);
    for line in [
        "cutover_phase_changes_total{from=\"live\",to=\"shadow\",actor_kind=\"token\",trigger=\"kill_switch\"} 1",
        "cutover_phase_changes_total{from=\"shadow\",to=\"canary\",actor_kind=\"token\",trigger=\"kill_switch\"} 1",
        "cutover_rollbacks_total{trigger=\"kill_switch\"} 2",
        "cutover_config_reloads_total{result=\"refused\"} 1",
        "cutover_config_reloads_total{result=\"accepted\"} 1",
        "cutover_config_last_reload_success_timestamp_seconds 42",
    ] {
        assert!(text.lines().any(|own| own == line), "no `{line}` in\n{text}");
    }
    assert!(!failed(&text));
    assert_eq!(text.matches("cutover_phase_changes_total{").count(), 2);
}
