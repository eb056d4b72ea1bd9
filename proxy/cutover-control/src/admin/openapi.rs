//! The OpenAPI 3.1 document, from the same table as the router and the types that are served.

use schemars::{SchemaGenerator, generate::SchemaSettings};
use serde_json::{Map, Value, json};

use super::{
    auth::Access,
    endpoints::{AnswerSpec, Endpoint, Param, endpoints},
};
use crate::{
    api::{ErrorAnswer, Versioned},
    codes::Code,
};

/// What can go wrong with any request.
const COMMON: &[Code] = &[
    Code::HostRefused,
    Code::OriginRefused,
    Code::BadRequest,
    Code::RequestTimeout,
    Code::Internal,
];

/// What can go wrong where a token is asked for.
const TOKENS: &[Code] = &[
    Code::Unauthenticated,
    Code::TokenUnknown,
    Code::TokenExpired,
    Code::RoleTooLow,
    Code::TooManyFailures,
];

/// What can go wrong with a body.
const BODIES: &[Code] = &[Code::BodyTooLarge, Code::UnsupportedMediaType];

/// The document: JSON Schema 2020-12, as OpenAPI 3.1 has it.
pub fn openapi() -> Value {
    let mut settings = SchemaSettings::draft2020_12();
    settings.definitions_path = "/components/schemas".into();
    settings.meta_schema = None;
    let mut generator = settings.into_generator();
    let mut paths: Map<String, Value> = Map::new();
    for endpoint in endpoints() {
        let method = endpoint.method.as_str().to_ascii_lowercase();
        let operation = operation(&endpoint, &mut generator);
        let path = paths.entry(endpoint.path).or_insert_with(|| json!({}));
        path[method] = operation;
    }
    let schemas = generator.take_definitions(true);
    json!({
        "openapi": "3.1.1",
        "jsonSchemaDialect": "https://json-schema.org/draft/2020-12/schema",
        "info": {
            "title": "Cutover admin API",
            "version": "v1",
            "summary": "Where every route is on its way from legacy to new, and how to move it.",
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "servers": [{ "url": "/" }],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": { "token": { "type": "http", "scheme": "bearer" } },
        },
    })
}

fn operation(endpoint: &Endpoint, generator: &mut SchemaGenerator) -> Value {
    let mut operation = json!({
        "operationId": endpoint.id,
        "summary": endpoint.summary,
        "description": description(endpoint.access),
        "security": security(endpoint.access),
        "parameters": parameters(endpoint),
        "responses": responses(endpoint, generator),
    });
    if let Some(body) = &endpoint.body {
        let schema = (body.schema)(generator);
        operation["requestBody"] = json!({
            "required": true,
            "content": { "application/json": { "schema": schema } },
        });
    }
    operation
}

fn description(access: Access) -> String {
    match access {
        Access::Role(role) => format!("Role: {role} or higher."),
        Access::Probe => "No token from this machine; else role viewer or higher.".into(),
        Access::Metrics => {
            "No token on a loopback listener with open metrics; else role viewer or higher.".into()
        }
    }
}

fn security(access: Access) -> Value {
    match access {
        Access::Role(_) => json!([{ "token": [] }]),
        Access::Probe | Access::Metrics => json!([{}, { "token": [] }]),
    }
}

fn parameters(endpoint: &Endpoint) -> Value {
    let in_path = endpoint.path.split('/').filter_map(|part| {
        let name = part.strip_prefix('{')?.strip_suffix('}')?;
        Some(json!({
            "name": name, "in": "path", "required": true, "schema": { "type": "string" },
        }))
    });
    let in_query = endpoint.query.iter().map(|param| {
        json!({
            "name": param.name,
            "in": "query",
            "required": param.required,
            "description": param.about,
            "schema": param_schema(param),
        })
    });
    in_path.chain(in_query).collect()
}

fn param_schema(param: &Param) -> Value {
    let one = if param.is_number {
        json!({ "type": "integer", "minimum": 0 })
    } else {
        json!({ "type": "string" })
    };
    if param.repeats { json!({ "type": "array", "items": one }) } else { one }
}

fn responses(endpoint: &Endpoint, generator: &mut SchemaGenerator) -> Value {
    let mut responses = Map::new();
    match &endpoint.answer {
        AnswerSpec::Json(schema, statuses) => {
            let schema = schema(generator);
            for status in *statuses {
                let content = json!({ "application/json": { "schema": schema } });
                let answer = json!({ "description": meaning(*status), "content": content });
                responses.insert(status.to_string(), answer);
            }
        }
        AnswerSpec::Other(content_type) => {
            let content = json!({ *content_type: {} });
            responses.insert("200".into(), json!({ "description": "Done.", "content": content }));
        }
    }
    let error = generator.subschema_for::<Versioned<ErrorAnswer>>();
    for (status, codes) in failures(endpoint) {
        let names: Vec<String> = codes.iter().map(|code| format!("`{code}`")).collect();
        let failure = json!({
            "description": format!("{}.", names.join(", ")),
            "content": { "application/json": { "schema": error } },
        });
        // A status that is also an answer of its own keeps that one.
        responses.entry(status.to_string()).or_insert(failure);
    }
    Value::Object(responses)
}

/// Codes by status, in order.
fn failures(endpoint: &Endpoint) -> std::collections::BTreeMap<u16, Vec<Code>> {
    let bodies = if endpoint.body.is_some() { BODIES } else { &[] };
    let mut by_status = std::collections::BTreeMap::<u16, Vec<Code>>::new();
    for code in [endpoint.codes, TOKENS, bodies, COMMON].concat() {
        if let Some(status) = code.doc().status {
            by_status.entry(status).or_default().push(code);
        }
    }
    by_status
}

fn meaning(status: u16) -> &'static str {
    match status {
        201 => "Made.",
        202 => "Recorded, but not yet reported in force within the time asked for.",
        503 => "Not ready; the same body says why.",
        _ => "Done.",
    }
}

#[cfg(test)]
mod tests;
