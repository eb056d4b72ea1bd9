use std::collections::BTreeSet;

use super::*;

fn references(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(map) => {
            if let Some(Value::String(reference)) = map.get("$ref") {
                found.insert(reference.clone());
            }
            map.values().for_each(|value| references(value, found));
        }
        Value::Array(items) => items.iter().for_each(|value| references(value, found)),
        _ => {}
    }
}

#[test]
fn every_reference_resolves_and_every_schema_is_used() {
    let document = openapi();
    let mut found = BTreeSet::new();
    references(&document, &mut found);
    for reference in &found {
        let pointer = reference.strip_prefix('#').unwrap();
        assert!(document.pointer(pointer).is_some(), "{reference} leads nowhere");
    }
    let schemas = document["components"]["schemas"].as_object().unwrap();
    for name in schemas.keys() {
        assert!(found.contains(&format!("#/components/schemas/{name}")), "{name} is unused");
    }
}

#[test]
fn every_endpoint_is_there_once_with_its_failures() {
    let document = openapi();
    let mut ids = BTreeSet::new();
    for endpoint in endpoints() {
        let method = endpoint.method.as_str().to_ascii_lowercase();
        let operation = &document["paths"][endpoint.path][&method];
        assert_eq!(operation["operationId"], endpoint.id, "{method} {}", endpoint.path);
        assert!(ids.insert(endpoint.id), "{} twice", endpoint.id);
        assert!(operation["responses"]["403"].is_object(), "{}", endpoint.id);
        assert_eq!(operation["requestBody"].is_object(), endpoint.body.is_some());
        let parameters = operation["parameters"].as_array().unwrap();
        let in_path = endpoint.path.matches('{').count();
        assert_eq!(parameters.len(), endpoint.query.len() + in_path, "{}", endpoint.id);
        for code in endpoint.codes {
            let status = code.doc().status.unwrap_or_else(|| panic!("{code} has no status"));
            assert!(operation["responses"][status.to_string()].is_object(), "{code}");
        }
    }
    let operations: usize = document["paths"]
        .as_object()
        .unwrap()
        .values()
        .map(|path| path.as_object().unwrap().len())
        .sum();
    assert_eq!(operations, ids.len(), "the document has more than the table");
}

#[test]
fn schemas_are_those_of_json_schema_2020_12() {
    let document = openapi();
    assert_eq!(document["openapi"], "3.1.1");
    let percent = &document["components"]["schemas"]["PromoteBody"]["properties"]["percent"];
    assert_eq!(percent["type"], json!(["number", "null"]), "not OpenAPI 3.0's `nullable`");
    let status = &document["components"]["schemas"];
    assert!(status.as_object().unwrap().contains_key("StatusAnswer"));
}
