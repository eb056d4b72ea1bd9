use serde_json::Value;

use super::*;

const DEVICE: &str = r#"{"status":"ok","request_id":"req-1","device":{"id":3,"home_id":1,"name":"Ünï","kind":"camera","firmware":"1.0","state":{ "recording": false, "battery":97, "target":21.50, "resolution": [1920, 1080] },"created_at":"2024-03-01 12:34:56","updated_at":"2024-03-01 23:34:56","version":4}}"#;

fn answer(body: &str) -> Response<String> {
    let mut answer = Response::new(body.to_owned());
    let media = if body.starts_with('{') { "application/json" } else { "text/html" };
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media));
    answer.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
    for (name, value) in [("cache-control", "private, no-cache"), ("vary", "Cookie"), ("vary", "A")]
    {
        answer.headers_mut().append(name, HeaderValue::from_static(value));
    }
    answer
}

fn list() -> String {
    let device = &DEVICE[DEVICE.find("\"device\":").unwrap() + 9..DEVICE.len() - 1];
    let other = device.replace("\"id\":3", "\"id\":5");
    format!(r#"{{"status":"ok","devices":[{device},{other}]}}"#)
}

fn plant(name: &str) -> &'static Plant {
    ALL.iter().find(|plant| plant.name == name).unwrap()
}

/// The answer with the fault, and what the body was cut to around it.
fn spoilt(name: &str, body: &str) -> Response<String> {
    let spoilt = plant(name).spoilt(&answer(body)).unwrap();
    assert_eq!(spoilt.headers()[CONTENT_LENGTH], spoilt.body().len().to_string());
    spoilt
}

/// Nothing but `from` changes, and it becomes `to`.
fn check(name: &str, body: &str, from: &str, to: &str) {
    assert!(body.contains(from), "{from}");
    assert_eq!(spoilt(name, body).body(), &body.replacen(from, to, 1), "{name}");
}

#[test]
fn a_body_is_changed_in_one_place() {
    let list = list();
    for (name, body, from, to) in [
        ("wrong_field", DEVICE, "\"2024-03-01 23:34:56\"", "\"2024-03-02 00:34:56\""),
        ("missing", DEVICE, "\"firmware\":\"1.0\",", ""),
        ("extra", DEVICE, "\"version\":4}", "\"version\":4,\"owner_id\":1}"),
        ("extra_in_list", &list, "\"version\":4}", "\"version\":4,\"owner_id\":1}"),
        ("type", DEVICE, "\"id\":3", "\"id\":\"3\""),
        ("type_in_list", &list, "\"version\":4", "\"version\":\"4\""),
        ("value_in_list", &list, "\"Ünï\"", "\"?Ünï\""),
        ("rare_value", DEVICE, "\"Ünï\"", "\"?Ünï\""),
        ("noisy_field", DEVICE, "\"1.0\"", "\"?1.0\""),
        ("number_form", DEVICE, "\"version\":4", "\"version\":4.0"),
        ("text", "<p>Saved.</p>", "Saved", "Stored"),
    ] {
        check(name, body, from, to);
    }
    // Only what stands around the place loses its white space.
    let state =
        r#"{ "recording": false, "battery":97, "target":21.50, "resolution": [1920, 1080] }"#;
    for (name, body, to) in [
        (
            "missing_nested",
            DEVICE,
            r#"{"recording":false,"target":21.50,"resolution":[1920, 1080]}"#,
        ),
        (
            "value_nested",
            DEVICE,
            r#"{"recording":false,"battery":97,"target":21.51,"resolution":[1920, 1080]}"#,
        ),
        (
            "order_nested",
            DEVICE,
            r#"{"recording":false,"battery":97,"target":21.50,"resolution":[1080,1920]}"#,
        ),
        (
            "value_deep",
            &list,
            r#"{"recording":false,"battery":97,"target":21.50,"resolution":[1920.01,1080]}"#,
        ),
    ] {
        check(name, body, state, to);
    }
}

#[test]
fn lists_and_objects_are_turned_round_or_cut() {
    let ids = |name: &str| {
        let value: Value = serde_json::from_str(spoilt(name, &list()).body()).unwrap();
        let devices = value["devices"].as_array().unwrap().clone();
        devices.iter().map(|device| device["id"].as_i64().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!((ids("order"), ids("length")), (vec![5, 3], vec![3]));
    let turned = spoilt("key_order", DEVICE).into_body();
    assert!(turned.ends_with("\"home_id\":1,\"id\":3}}"), "{turned}");
    let values = [&turned, DEVICE].map(|text| serde_json::from_str::<Value>(text).unwrap());
    assert_eq!(values[0], values[1]);
}

#[test]
fn status_and_headers_are_changed_alone() {
    assert_eq!(spoilt("status", DEVICE).status(), 202);
    assert_eq!(spoilt("rare_status", DEVICE).status(), 500);
    assert_eq!(spoilt("header", DEVICE).headers()["cache-control"], "public, max-age=60");
    assert_eq!(spoilt("header_extra", DEVICE).headers()["x-debug"], "1");
    assert!(!spoilt("header_missing", DEVICE).headers().contains_key("vary"));
    for name in ["status", "header", "header_missing", "header_extra", "header_form"] {
        assert_eq!(spoilt(name, DEVICE).body(), DEVICE, "{name}");
    }
}

#[test]
fn what_does_not_fit_stays() {
    let error = r#"{"status":"error","code":"E_ID"}"#;
    for Plant { name, path, .. } in &ALL {
        if path.starts_with("body") || *path == "status" {
            assert!(plant(name).spoilt(&answer(error)).is_none(), "{name}");
            assert!(plant(name).spoilt(&answer("")).is_none(), "{name}");
        }
    }
    let mut failed = answer(DEVICE);
    *failed.status_mut() = StatusCode::BAD_GATEWAY;
    assert!(plant("header").spoilt(&failed).is_none());
    assert!(plant("text").spoilt(&answer(r#"{"a":"Saved."}"#)).is_none());
    let one = r#"{"device":{"state":{"resolution":[7,7]}},"devices":[]}"#;
    for name in ["order_nested", "order", "length", "type_in_list"] {
        assert!(plant(name).spoilt(&answer(one)).is_none(), "{name}");
    }
}

#[test]
fn a_share_strikes_every_nth_that_fits() {
    let plants: Plants = "rare_value@3,header_extra".parse().unwrap();
    let struck: Vec<bool> = (0..9).map(|_| plants.0[0].is_due()).collect();
    assert_eq!(struck, [false, false, true, false, false, true, false, false, true]);
    assert!(plants.0[1].is_due() && plants.0[1].is_due());
    let by_default: Plants = "rare_status".parse().unwrap();
    assert_eq!((0..1000).filter(|_| by_default.0[0].is_due()).count(), 10);
}

#[test]
fn what_cannot_be_planted_is_refused() {
    for (text, name) in [("", ""), ("oops", "oops"), ("status,", ""), ("status, type", " type")] {
        let error = text.parse::<Plants>().unwrap_err();
        assert_eq!(error, PlantError::Unknown(name.to_owned()), "{text:?}");
    }
    for text in ["status@", "status@0", "status@-1", "status@1.5", "status@1@2"] {
        let error = text.parse::<Plants>().unwrap_err();
        assert_eq!(error, PlantError::Share(text.to_owned()));
    }
}

/// The comparison's tests read it: twenty faults, five that are none, each kind of difference.
#[test]
fn help_lists_all_in_columns() {
    let help = Plants::help();
    let rows: Vec<Vec<&str>> =
        help.lines().map(|line| line.split_whitespace().take(4).collect()).collect();
    let benign = rows.iter().filter(|row| row[2] == BENIGN).count();
    assert_eq!((rows.len() - benign, benign), (20, 5));
    for kind in ["status", "header", "missing", "extra", "type", "value", "order", "length", "text"]
    {
        assert!(rows.iter().any(|row| row[2] == kind), "{kind}");
    }
    for row in &rows {
        assert!(row[0].parse::<Plants>().is_ok() && row[3].parse::<u64>().is_ok(), "{row:?}");
    }
    let mut names: Vec<&str> = rows.iter().map(|row| row[0]).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), 25);
}
