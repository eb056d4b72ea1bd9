use super::wrong_field::falsified;
use super::*;

fn fault(kind: FaultKind) -> Fault {
    Fault { path_prefix: "/api".to_owned(), methods: vec!["GET".to_owned()], kind, share: 1.0 }
}

#[test]
fn a_share_strikes_every_kth() {
    let faults = Faults::default();
    for (share, expected) in [
        (0.25, "...x...x...x"),
        (0.5, ".x.x.x.x.x.x"),
        (1.0, "xxxxxxxxxxxx"),
        (0.0, "............"),
        (0.1, ".........x.."),
    ] {
        faults.set(vec![Fault { share, ..fault(FaultKind::Hang) }]).unwrap();
        let struck =
            (0..12).map(|_| faults.strike(&Method::GET, "/api/x").strike.map_or('.', |_| 'x'));
        assert_eq!(struck.collect::<String>(), expected, "share {share}");
    }
}

#[test]
fn only_what_matches_is_counted_and_struck() {
    let faults = Faults::default();
    faults.set(vec![Fault { share: 0.5, ..fault(FaultKind::Status { status: 503 }) }]).unwrap();
    let ordeal = |method, path| faults.strike(&method, path);
    assert_eq!(ordeal(Method::GET, "/api/a"), Ordeal::default());
    assert_eq!(ordeal(Method::POST, "/api/a"), Ordeal::default());
    assert_eq!(ordeal(Method::GET, "/other"), Ordeal::default());
    assert_eq!(ordeal(Method::GET, "/api/a").strike, Some(FaultKind::Status { status: 503 }));
}

#[test]
fn latencies_add_up_and_the_first_strike_wins() {
    let faults = Faults::default();
    let kinds = [
        FaultKind::Latency { ms: 5 },
        FaultKind::Cutoff { after_bytes: 9 },
        FaultKind::Latency { ms: 7 },
        FaultKind::Hang,
    ];
    faults.set(kinds.map(fault).to_vec()).unwrap();
    let ordeal = faults.strike(&Method::GET, "/api");
    assert_eq!(ordeal.latency, Duration::from_millis(12));
    assert_eq!(ordeal.strike, Some(FaultKind::Cutoff { after_bytes: 9 }));
}

#[test]
fn wrong_faults_are_refused_whole() {
    let faults = Faults::default();
    let good = fault(FaultKind::Hang);
    faults.set(vec![good.clone()]).unwrap();
    for (bad, why) in [
        (Fault { share: 1.5, ..good.clone() }, "fault 1: share 1.5 is not within 0 and 1"),
        (Fault { share: f64::NAN, ..good.clone() }, "fault 1: share NaN is not within 0 and 1"),
        (fault(FaultKind::Status { status: 200 }), "fault 1: status 200 is not within 400 and 599"),
        (fault(FaultKind::Latency { ms: 700_000 }), "fault 1: ms 700000 is above 600000"),
    ] {
        assert_eq!(faults.set(vec![good.clone(), bad]).unwrap_err(), why);
    }
    assert_eq!(faults.get(), [good]);
}

#[test]
fn the_json_form_is_the_documented_one() {
    let text = r#"[{"path_prefix":"/x","methods":["GET"],"kind":"cutoff","after_bytes":10,"share":0.5},{"kind":"wrong_field"}]"#;
    let faults: Vec<Fault> = serde_json::from_str(text).unwrap();
    assert_eq!(faults[0].kind, FaultKind::Cutoff { after_bytes: 10 });
    assert_eq!(faults[1].kind, FaultKind::WrongField { field: "name".to_owned() });
    assert_eq!((faults[1].share, faults[1].path_prefix.as_str()), (1.0, ""));
    let again: Vec<Fault> = serde_json::from_str(&serde_json::to_string(&faults).unwrap()).unwrap();
    assert_eq!(again, faults);
    for bad in [
        r#"[{"kind":"explode"}]"#,
        r#"[{"kind":"latency"}]"#,
        r#"[{"kind":"hang","oops":1}]"#,
        r#"[{"kind":"hang","ms":1}]"#,
    ] {
        assert!(serde_json::from_str::<Vec<Fault>>(bad).is_err(), "{bad}");
    }
}

#[test]
fn one_field_becomes_wrong() {
    let check = |json: &str, field: &str, expected: Option<&str>| {
        let wrong =
            falsified(json.as_bytes(), field).map(|bytes| String::from_utf8(bytes).unwrap());
        assert_eq!(wrong.as_deref(), expected, "{json}");
    };
    check(
        r#"{"a":1,"name":"x","b":{"name":"y"}}"#,
        "name",
        Some(r#"{"a":1,"name":"?x","b":{"name":"y"}}"#),
    );
    check(r#"{"v": 19,"w":2}"#, "v", Some(r#"{"v": 10,"w":2}"#));
    check(r#"{"v":-1.5}"#, "v", Some(r#"{"v":-1.6}"#));
    check(r#"{"on":true}"#, "on", Some(r#"{"on":false}"#));
    check(r#"{"on":null}"#, "on", None);
    check(r#"{"on":1}"#, "off", None);
}
