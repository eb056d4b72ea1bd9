//! Judges a tree by the JSON Schema of its type: keys, types, values, ranges.
//!
//! A deserialiser stops at its first mistake and forgets where things stood. This walk finds
//! every one and points at it, by the same types, since the schema is derived from them. It knows
//! the part of JSON Schema that `schemars` writes for our documents and nothing else.

use schemars::JsonSchema;
use serde_json::Value as Json;

use super::{
    code::Code,
    diagnostic::{Diagnostic, Report},
    node::{Node, Value},
    suggest::{listed, nearest},
};

/// The schema of one kind of file.
#[derive(Debug)]
pub(crate) struct Shape {
    root: Json,
}

/// How to speak of a value: as the entry of a key, and as a table in its own right.
struct Named {
    /// `` `percent` ``
    value: String,
    /// `[[route]]`, `[group.devices]`, `` `match` ``
    table: String,
    depth: usize,
}

// === impl Shape ===

impl Shape {
    pub(crate) fn of<T: JsonSchema>() -> Shape {
        Shape { root: schemars::schema_for!(T).to_value() }
    }

    /// Reports every mistake in `node`. Unknown keys are taken out; whatever else is wrong marks
    /// the nodes around it as broken.
    pub(crate) fn check(&self, node: &mut Node, report: &mut Report) {
        let whole = Named { value: "the file".into(), table: "this file".into(), depth: 0 };
        self.node(&self.root, node, &whole, report);
    }

    /// Whether a value at this path may be a text; tells how to read an environment override.
    pub(crate) fn takes_text(&self, path: &[String]) -> bool {
        let mut schema = self.resolve(&self.root);
        for key in path {
            let properties = &schema["properties"][key.as_str()];
            let inner = [properties, &schema["additionalProperties"], &schema["items"]];
            match inner.into_iter().find(|schema| schema.is_object()) {
                Some(inner) => schema = self.resolve(inner),
                None => return true,
            }
        }
        self.branches(schema).any(|branch| accepts(branch, &Value::String(String::new())))
    }

    fn node(&self, schema: &Json, node: &mut Node, named: &Named, report: &mut Report) -> bool {
        let schema = self.resolve(schema);
        let Some(branch) = self.branches(schema).find(|branch| accepts(branch, &node.value)) else {
            report.push(self.wrong_type(schema, node, named));
            node.broken = true;
            return false;
        };
        let fine = match &node.value {
            Value::Table(_) => self.table(branch, node, named, report),
            Value::Array(_) => self.array(branch, node, named, report),
            Value::String(_) => self.text(schema, node, named, report),
            Value::Integer(_) | Value::Float(_) => number(branch, node, named, report),
            Value::Boolean(_) | Value::Datetime => true,
        };
        node.broken |= !fine;
        fine
    }

    fn table(&self, schema: &Json, node: &mut Node, named: &Named, report: &mut Report) -> bool {
        let place = node.place.clone();
        let Value::Table(entries) = &mut node.value else { return true };
        let properties = schema["properties"].as_object();
        let known = |key: &str| properties.is_some_and(|known| known.contains_key(key));
        let names = || properties.into_iter().flatten().map(|(name, _)| name.as_str());
        let mut fine = true;
        if schema["additionalProperties"] == Json::Bool(false) {
            let strangers: Vec<String> =
                entries.keys().filter(|key| !known(key)).cloned().collect();
            for key in strangers {
                let Some(entry) = entries.remove(&key) else { continue };
                let within = self.within(schema, &key).filter(|_| named.depth > 0);
                report.push(match within {
                    Some(inner) => misplaced_key(&key, &entry, named, inner),
                    None => unknown_key(&key, &entry, named, names()),
                });
            }
        }
        for key in schema["required"].as_array().into_iter().flatten().filter_map(Json::as_str) {
            if !entries.contains_key(key) {
                let message = format!("{} lacks `{key}`", named.table);
                let about = first_sentence(&schema["properties"][key]["description"]);
                let diagnostic = Diagnostic::error(Code::MissingKey, message).at(place.clone());
                report.push(match about {
                    Some(about) => diagnostic.hint(format!("add `{key} = ...`: {about}")),
                    None => diagnostic.hint(format!("add `{key} = ...`")),
                });
                fine = false;
            }
        }
        for (key, entry) in entries {
            let inner = match &schema["properties"][key.as_str()] {
                Json::Null => &schema["additionalProperties"],
                inner => inner,
            };
            if inner.is_object() {
                fine &= self.node(inner, entry, &named.entry(key), report);
            }
        }
        fine
    }

    /// The table inside this one that has such a key.
    fn within<'s>(&'s self, schema: &'s Json, key: &str) -> Option<&'s str> {
        let mut tables = schema["properties"].as_object()?.iter();
        let has = |inner: &Json| {
            self.branches(self.resolve(inner)).any(|inner| inner["properties"][key].is_object())
        };
        tables.find(|(_, inner)| has(inner)).map(|(name, _)| name.as_str())
    }

    fn array(&self, schema: &Json, node: &mut Node, named: &Named, report: &mut Report) -> bool {
        let least = schema["minItems"].as_u64().unwrap_or(0);
        if (node.items().len() as u64) < least {
            report.push(empty(schema, node, named));
            return false;
        }
        let item = named.item();
        let mut fine = true;
        if let Value::Array(items) = &mut node.value {
            for node in items {
                fine &= self.node(&schema["items"], node, &item, report);
            }
        }
        fine
    }

    fn text(&self, schema: &Json, node: &Node, named: &Named, report: &mut Report) -> bool {
        let Value::String(text) = &node.value else { return true };
        if text.is_empty() && schema["minLength"].as_u64() > Some(0) {
            report.push(empty(schema, node, named));
            return false;
        }
        let known: Vec<&str> = self.branches(schema).flat_map(constants).collect();
        if known.is_empty() || known.contains(&text.as_str()) {
            return true;
        }
        let message = format!("`{text}` is no value of {}", named.value);
        let mut diagnostic = Diagnostic::error(Code::UnknownValue, message).at(node.place.clone());
        diagnostic = match nearest(text, known.iter().copied()) {
            Some(meant) => diagnostic.why(format!("did you mean `{meant}`?")),
            None => diagnostic,
        };
        report.push(diagnostic.hint(format!("use {}", listed(known))));
        false
    }

    fn wrong_type(&self, schema: &Json, node: &Node, named: &Named) -> Diagnostic {
        let mut kinds: Vec<&str> =
            self.branches(schema).flat_map(types).filter_map(kind_of).collect();
        kinds.dedup();
        let message =
            format!("{} must be {}, not {}", named.value, kinds.join(" or "), node.value.kind());
        let diagnostic = Diagnostic::error(Code::WrongType, message).at(node.place.clone());
        match &node.value {
            Value::String(text) if kinds.iter().any(|kind| kind.ends_with("number")) => {
                match text.trim_end_matches(['%', ' ']).parse::<f64>() {
                    Ok(number) => diagnostic.hint(format!("write {number} without quotes")),
                    Err(_) => diagnostic,
                }
            }
            Value::String(text) if kinds.contains(&"an array") => {
                diagnostic.hint(format!("write it in brackets: `[\"{text}\"]`"))
            }
            _ => diagnostic,
        }
    }

    /// The alternatives that a schema allows, itself if there are none.
    fn branches<'s>(&'s self, schema: &'s Json) -> impl Iterator<Item = &'s Json> {
        let choices = schema["anyOf"].as_array().or_else(|| schema["oneOf"].as_array());
        let alone = choices.is_none().then_some(schema);
        let choices = choices.into_iter().flatten().map(|choice| self.resolve(choice));
        let nested = |choice: &'s Json| {
            let inner = choice["oneOf"].as_array().or_else(|| choice["anyOf"].as_array());
            let alone = inner.is_none().then_some(choice);
            inner.into_iter().flatten().map(|inner| self.resolve(inner)).chain(alone)
        };
        choices.flat_map(nested).chain(alone)
    }

    fn resolve<'s>(&'s self, schema: &'s Json) -> &'s Json {
        match schema["$ref"].as_str().and_then(|name| name.strip_prefix('#')) {
            Some(pointer) => self.root.pointer(pointer).unwrap_or(schema),
            None => schema,
        }
    }
}

/// The types that a schema without alternatives allows; none means any.
fn types(schema: &Json) -> impl Iterator<Item = &str> {
    let several = schema["type"].as_array().into_iter().flatten().filter_map(Json::as_str);
    schema["type"].as_str().into_iter().chain(several)
}

/// The texts that a schema without alternatives allows; none means any.
fn constants(schema: &Json) -> impl Iterator<Item = &str> {
    let several = schema["enum"].as_array().into_iter().flatten().filter_map(Json::as_str);
    schema["const"].as_str().into_iter().chain(several)
}

fn accepts(schema: &Json, value: &Value) -> bool {
    let mut types = types(schema).peekable();
    let fits = |kind: &str| match value {
        Value::String(_) => kind == "string",
        Value::Integer(_) => kind == "integer" || kind == "number",
        Value::Float(_) => kind == "number",
        Value::Boolean(_) => kind == "boolean",
        Value::Array(_) => kind == "array",
        Value::Table(_) => kind == "object",
        Value::Datetime => false,
    };
    types.peek().is_none() && !matches!(value, Value::Datetime) || types.any(fits)
}

fn kind_of(name: &str) -> Option<&'static str> {
    match name {
        "string" => Some("a string"),
        "integer" => Some("a whole number"),
        "number" => Some("a number"),
        "boolean" => Some("true or false"),
        "array" => Some("an array"),
        "object" => Some("a table"),
        _ => None,
    }
}

fn number(schema: &Json, node: &Node, named: &Named, report: &mut Report) -> bool {
    let number = match node.value {
        Value::Integer(number) => number as f64,
        Value::Float(number) => number,
        _ => return true,
    };
    let (least, most) = (schema["minimum"].as_f64(), schema["maximum"].as_f64());
    let low = least.is_some_and(|least| number < least);
    let high = most.is_some_and(|most| number > most);
    if number.is_finite() && !low && !high {
        return true;
    }
    let shown = |bound: &Json| bound.as_i64().map_or_else(|| bound.to_string(), |b| b.to_string());
    let range = match (least, most) {
        (Some(_), Some(_)) => {
            format!("between {} and {}", shown(&schema["minimum"]), shown(&schema["maximum"]))
        }
        (Some(_), None) => format!("at least {}", shown(&schema["minimum"])),
        (None, Some(_)) => format!("at most {}", shown(&schema["maximum"])),
        (None, None) => "a finite number".to_owned(),
    };
    let message = format!("{} must be {range}", named.value);
    report.push(Diagnostic::error(Code::OutOfRange, message).at(node.place.clone()));
    false
}

/// A list or text that has nothing in it, and must.
fn empty(schema: &Json, node: &Node, named: &Named) -> Diagnostic {
    let message = format!("{} must not be empty", named.value);
    let diagnostic = Diagnostic::error(Code::OutOfRange, message).at(node.place.clone());
    match default_of(&schema["description"]) {
        Some(default) => diagnostic
            .hint(format!("leave {} out for the default, which is {default}", named.value)),
        None => diagnostic,
    }
}

/// What a description says behind `Default:`, on one line.
fn default_of(description: &Json) -> Option<String> {
    let (_, default) = description.as_str()?.split_once("Default: ")?;
    let sentence = default.split(". ").next()?.trim_end_matches('.');
    Some(sentence.replace('\n', " "))
}

/// A key that belongs one table deeper.
fn misplaced_key(key: &str, entry: &Node, named: &Named, inner: &str) -> Diagnostic {
    let message = format!("unknown key `{key}` in {}", named.table);
    let place = match named.table.strip_suffix(']').filter(|table| !table.ends_with(']')) {
        Some(table) => format!("put it into `{table}.{inner}]`"),
        None => format!("put it into `{inner}`, like `{inner} = {{ {key} = ... }}`"),
    };
    Diagnostic::error(Code::UnknownKey, message).at(entry.key_place()).hint(place)
}

fn unknown_key<'a>(
    key: &str,
    entry: &Node,
    named: &Named,
    known: impl Iterator<Item = &'a str> + Clone,
) -> Diagnostic {
    let message = format!("unknown key `{key}` in {}", named.table);
    let diagnostic = Diagnostic::error(Code::UnknownKey, message).at(entry.key_place());
    match nearest(key, known.clone()) {
        Some(meant) => diagnostic.hint(format!("did you mean `{meant}`?")),
        None => diagnostic.hint(format!("use {}", listed(known))),
    }
}

/// The first sentence of a description, in lower case and on one line.
fn first_sentence(description: &Json) -> Option<String> {
    let text = description.as_str()?.replace('\n', " ");
    let sentence = text.split(". ").next()?.trim_end_matches('.');
    let mut chars = sentence.chars();
    let first = chars.next()?;
    Some(format!("{}{}", first.to_lowercase(), chars.as_str()))
}

// === impl Named ===

impl Named {
    fn entry(&self, key: &str) -> Named {
        let value = format!("`{key}`");
        let table = match self.depth {
            0 => format!("[{key}]"),
            // An entry of a map such as `[upstream]` is a table in its own right.
            1 if matches!(&*self.table, "[upstream]" | "[group]") => {
                format!("{}.{key}]", self.table.trim_end_matches(']'))
            }
            _ => value.clone(),
        };
        Named { value, table, depth: self.depth + 1 }
    }

    fn item(&self) -> Named {
        let header = self.table.starts_with('[');
        let table = if header { format!("[{}]", self.table) } else { self.table.clone() };
        Named { value: format!("an item of {}", self.value), table, depth: self.depth }
    }
}
