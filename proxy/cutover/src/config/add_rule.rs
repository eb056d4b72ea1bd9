//! Adds a rule to a route in the text of a file; comments, order and layout stay as their authors
//! left them.

use toml_edit::{
    Array, ArrayOfTables, DocumentMut, InlineTable, Item, RawString, Table, TableLike, Value,
};

use super::document::{Rule, Tolerate};

/// The text with `rule` behind the other rules of `route`. `None` if the text declares no such
/// route, or is no TOML.
pub fn add_rule(text: &str, route: &str, rule: &Rule) -> Option<String> {
    let mut document: DocumentMut = text.parse().ok()?;
    match document.get_mut("route")? {
        Item::ArrayOfTables(routes) => {
            let declared = routes.iter_mut().find(|declared| is(*declared, route))?;
            add_to_table(declared, rule);
        }
        Item::Value(Value::Array(routes)) => {
            let tables = routes.iter_mut().filter_map(Value::as_inline_table_mut);
            let declared = tables.into_iter().find(|declared| is(*declared, route))?;
            add_to_inline_table(declared, rule);
        }
        _ => return None,
    }
    Some(document.to_string())
}

/// The rule as it stands in a file, behind its route.
pub fn rule_text(rule: &Rule) -> String {
    let mut table = Table::new();
    keys(rule).for_each(|(key, value)| drop(table.insert(key, Item::Value(value))));
    format!("[[route.rule]]\n{table}")
}

fn is(declared: &dyn TableLike, route: &str) -> bool {
    declared.get("id").and_then(Item::as_str) == Some(route)
}

fn add_to_table(route: &mut Table, rule: &Rule) {
    match route.entry("rule").or_insert_with(|| Item::ArrayOfTables(ArrayOfTables::new())) {
        Item::ArrayOfTables(rules) => {
            let mut table = Table::new();
            table.decor_mut().set_prefix("\n");
            keys(rule).for_each(|(key, value)| drop(table.insert(key, Item::Value(value))));
            rules.push(table);
        }
        Item::Value(Value::Array(rules)) => push(rules, rule),
        _ => {}
    }
}

fn add_to_inline_table(route: &mut InlineTable, rule: &Rule) {
    if let Some(Value::Array(rules)) = route.get_mut("rule") {
        return push(rules, rule);
    }
    // What stands between the last value and the brace stays before the brace.
    let last = route.iter_mut().last().map(|(_, last)| last.decor_mut());
    let end = last.and_then(|decor| decor.suffix().cloned().inspect(|_| decor.set_suffix("")));
    let mut rules = Array::new();
    push(&mut rules, rule);
    let rules = Value::Array(rules).decorated(" ", end.unwrap_or_default());
    route.insert("rule", rules);
}

/// As its neighbours stand: in a line with them, or on a line of its own.
fn push(rules: &mut Array, rule: &Rule) {
    let mut table: InlineTable = keys(rule).collect();
    let has_comma = rules.trailing_comma();
    let Some(last) = rules.iter_mut().last() else { return rules.push(table) };
    let mut before = as_text(last.decor().prefix());
    if !has_comma {
        let behind = as_text(last.decor().suffix());
        last.decor_mut().set_suffix("");
        rules.set_trailing(behind);
    }
    // A comment behind the last rule stays on its line.
    let behind = as_text(Some(rules.trailing()));
    if let Some((comment, rest)) = behind.split_once('\n') {
        let indent = before.rsplit('\n').next().unwrap_or_default();
        before = format!("{comment}\n{indent}");
        rules.set_trailing(format!("\n{rest}"));
    }
    table.decor_mut().set_prefix(before);
    rules.push_formatted(Value::InlineTable(table));
}

fn as_text(raw: Option<&RawString>) -> String {
    raw.and_then(RawString::as_str).unwrap_or_default().to_owned()
}

/// The keys of a rule in the order in which people read them: where, what, why, until when.
fn keys(rule: &Rule) -> impl Iterator<Item = (&'static str, Value)> {
    let texts = |texts: &Vec<String>| Value::Array(texts.iter().map(|each| text(each)).collect());
    let keys = [
        Some(("path", text(&rule.path))),
        rule.ignore.as_ref().map(|kinds| ("ignore", texts(kinds))),
        rule.tolerate.as_ref().map(|tolerate| ("tolerate", tolerance(tolerate))),
        rule.unordered_by.as_ref().map(|key| ("unordered_by", text(key))),
        rule.shape.as_ref().map(|format| ("shape", text(format))),
        rule.renamed.as_ref().map(|space| ("renamed", text(space))),
        rule.normalise.as_ref().map(|steps| ("normalise", texts(steps))),
        rule.compare.then(|| ("compare", true.into())),
        Some(("reason", text(&rule.reason))),
        rule.expires.as_ref().map(|day| ("expires", text(day))),
    ];
    keys.into_iter().flatten()
}

fn tolerance(tolerate: &Tolerate) -> Value {
    let time_ms = tolerate.time_ms.and_then(|ms| i64::try_from(ms).ok());
    let keys = [
        tolerate.order.then(|| ("order", true.into())),
        tolerate.extra.then(|| ("extra", true.into())),
        tolerate.number.as_ref().map(|number| ("number", text(number))),
        time_ms.map(|ms| ("time_ms", ms.into())),
    ];
    Value::InlineTable(keys.into_iter().flatten().collect())
}

/// On one line in double quotes, whatever is in it. What JSON writes is TOML, but for one control
/// character.
fn text(text: &str) -> Value {
    let quoted = serde_json::to_string(text).ok();
    quoted.and_then(|quoted| quoted.parse().ok()).unwrap_or_else(|| text.into())
}

#[cfg(test)]
mod tests;
