//! Writes rules as Prometheus reads them.

use std::fmt::Write;

use super::rules::{Alert, Group, Pairs, Rule};

/// First line of every file that is made.
pub const MADE: &str =
    "# Made by `cutover slo rules`: edit the configuration instead, then make it again.\n";

/// A file of rules.
pub fn groups(groups: &[Group]) -> String {
    let mut text = format!("{MADE}groups:\n");
    for group in groups {
        let _ = write!(
            text,
            "  - name: {}\n    interval: {}\n    rules:\n",
            group.name, group.interval
        );
        for rule in &group.rules {
            write_rule(&mut text, rule);
        }
    }
    text
}

/// A string in single quotes, as YAML wants them doubled.
pub fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

fn write_rule(text: &mut String, rule: &Rule) {
    match rule {
        Rule::Record { record, expr, labels } => {
            let _ = writeln!(text, "      - record: {record}");
            write_expr(text, expr);
            write_pairs(text, "labels", labels);
        }
        Rule::Alert(Alert { alert, expr, hold, labels, annotations }) => {
            let _ = writeln!(text, "      - alert: {alert}");
            write_expr(text, expr);
            if let Some(hold) = hold {
                let _ = writeln!(text, "        for: {hold}");
            }
            write_pairs(text, "labels", labels);
            write_pairs(text, "annotations", annotations);
        }
    }
}

fn write_expr(text: &mut String, expr: &str) {
    text.push_str("        expr: |-\n");
    for line in expr.lines() {
        let _ = writeln!(text, "          {line}");
    }
}

fn write_pairs(text: &mut String, name: &str, pairs: &Pairs) {
    if pairs.is_empty() {
        return;
    }
    let _ = writeln!(text, "        {name}:");
    for (key, value) in pairs {
        let _ = writeln!(text, "          {key}: {}", quoted(value));
    }
}

#[cfg(test)]
mod tests;
