use super::{At, Audit, Gates};

const RECORDS: &str = r#"{ "decisions": [
    { "seq": 9, "kind": "step", "document": {
        "build": "v2",
        "proposal": { "step": "safe_phase", "target": { "phase": "shadow" }, "gate": "hard_stop" },
        "gates": [
            { "gate": "burn", "required": true, "outcome": "pass", "facts": [
                { "name": "availability 5 s", "value": "0", "limit": "14.4" } ] },
            { "gate": "hard_stop", "required": true, "outcome": "fail", "facts": [
                { "name": "failures in a row", "value": "26", "limit": "20" },
                { "name": "requests in 10 s", "value": "900" } ] } ],
        "dwelt": { "passed_ms": 0, "requests": 26 } } },
    { "seq": 4, "kind": "step", "document": {
        "proposal": { "step": "advance", "target": { "phase": "canary", "percent": 50.0 } },
        "gates": [
            { "gate": "burn", "required": true, "outcome": "pass" },
            { "gate": "latency", "required": false, "outcome": "pass" } ],
        "dwelt": { "passed_ms": 4012, "requests": 102 } } }
] }"#;

#[test]
fn a_record_is_told_by_what_it_rests_on() {
    let Audit { decisions } = serde_json::from_str(RECORDS).unwrap();
    let [back, on] = &decisions[..] else { panic!("two records") };
    assert_eq!(back.figures(), "record 9 rests on: failures in a row 26 (limit 20); build v2");
    let at = on.document.target().unwrap();
    let told = "gates     on to canary 50 %, by themselves: burn passed for 4.0 s; 102 reads";
    assert_eq!(on.document.advanced(at), told);
}

#[test]
fn a_place_has_its_share_where_there_is_one() {
    let gates = |at: &str| -> Gates {
        serde_json::from_str(&format!(r#"{{ "at": {at}, "verdict": "pass" }}"#)).unwrap()
    };
    let canary = gates(r#"{ "phase": "canary", "percent": 10.0 }"#);
    let live = gates(r#"{ "phase": "live" }"#);
    assert!(canary.may_go_on() && !canary.at.is_live() && live.at.is_live());
    assert_eq!((canary.at.to_string(), live.at.to_string()), ("canary 10 %".into(), "live".into()));
    assert_ne!(canary.at, At { percent: Some(50.0), ..canary.at.clone() });
}
