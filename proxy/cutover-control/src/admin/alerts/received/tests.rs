use super::*;

fn alert(fingerprint: &str, status: &str) -> AlertBody {
    let labels = [("alertname", "Burn"), ("cutover_route", "read"), ("window", "1h")];
    AlertBody {
        status: status.into(),
        labels: labels.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
        annotations: BTreeMap::new(),
        starts_at: "t".into(),
        fingerprint: fingerprint.into(),
    }
}

#[test]
fn an_alert_is_one_row_from_its_first_delivery_to_its_end() {
    let mut received = Received::default();
    let deliveries = [
        ("firing", None),
        ("firing", Some(AlertOutcome::RolledBack)),
        ("firing", Some(AlertOutcome::SeenBefore)),
        ("resolved", Some(AlertOutcome::Over)),
    ];
    for ((status, outcome), now_ms) in deliveries.into_iter().zip(10..) {
        received.note(&alert("a", status), outcome, None, now_ms);
    }
    let rows = received.newest();
    let [row] = &rows[..] else { panic!("{rows:?}") };
    assert_eq!((row.first_ms, row.last_ms, row.deliveries, row.firing), (10, 13, 4, false));
    assert_eq!(row.outcome, Some(AlertOutcome::RolledBack));
    assert_eq!((row.name.as_str(), row.route.as_deref()), ("Burn", Some("read")));
    assert_eq!(row.labels, [("window".to_owned(), "1h".to_owned())].into());
}

#[test]
fn what_could_not_be_done_is_done_later() {
    let then = |before, now| joined(Some(before), now);
    assert_eq!(then(None, Some(AlertOutcome::Over)), None, "it ended without being acted on");
    assert_eq!(then(None, Some(AlertOutcome::NothingToDo)), Some(AlertOutcome::NothingToDo));
    let late = then(Some(AlertOutcome::NotAsked), Some(AlertOutcome::RolledBack));
    assert_eq!(late, Some(AlertOutcome::RolledBack));
}

#[test]
fn those_not_heard_of_for_longest_go_first_and_long_texts_are_cut() {
    let mut received = Received::default();
    for n in 0..=KEPT_MAX {
        received.note(&alert(&n.to_string(), "firing"), None, None, 0);
        received.note(&alert("1", "firing"), None, None, 0);
    }
    let rows = received.newest();
    assert_eq!(rows.len(), KEPT_MAX);
    assert_eq!(rows[0].fingerprint, "1");
    assert!(rows.iter().all(|row| row.fingerprint != "0"));

    let mut long = alert("long", "firing");
    long.annotations.insert("summary".into(), "ä".repeat(2_000));
    long.labels.extend((0..100).map(|n| (format!("l{n:03}"), "v".repeat(2_000))));
    let row = about(&long);
    assert_eq!(row.summary.map(|text| text.chars().count()), Some(SUMMARY_CHARS_MAX));
    assert_eq!(row.labels.len(), LABELS_MAX);
    assert!(row.labels.values().all(|value| value.len() <= LABEL_CHARS_MAX));
}

#[test]
fn a_runbook_is_found_by_name_or_by_link() {
    let runbooks = [Runbook { name: "Burn".into(), ..Runbook::default() }];
    assert_eq!(runbook(&alert("a", "firing"), &runbooks).as_deref(), Some("Burn"));
    let mut other = alert("a", "firing");
    other.labels.insert("alertname".into(), "device-read-burn".into());
    assert_eq!(runbook(&other, &runbooks), None);
    let url = "http://127.0.0.1:9900/runbooks/Burn";
    other.annotations.insert("runbook_url".into(), url.into());
    assert_eq!(runbook(&other, &runbooks).as_deref(), Some("Burn"));
}
