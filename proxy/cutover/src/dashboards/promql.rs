//! As much of PromQL as it takes to find the series that a query asks for.
//!
//! This is no parser: Prometheus itself is asked whether a query is right. It reads names, braces
//! and brackets, and knows strings, so that nothing within quotes is taken for a name.

/// A selector within a query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selector {
    /// The metric.
    pub metric: String,
    /// What stands in its braces.
    pub matchers: Vec<Matcher>,
    /// What stands in its brackets, such as `$__rate_interval`.
    pub range: Option<String>,
    /// The function or aggregation whose argument it is.
    pub function: Option<String>,
}

/// A condition on a label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Matcher {
    /// The label.
    pub label: String,
    /// `=`, `!=`, `=~` or `!~`.
    pub operator: String,
    /// Without quotes.
    pub value: String,
}

/// Words between selectors that are no metric.
const WORDS: &[&str] = &[
    "and",
    "or",
    "unless",
    "by",
    "without",
    "on",
    "ignoring",
    "group_left",
    "group_right",
    "offset",
    "bool",
    "inf",
    "nan",
];
/// Words that labels in parentheses follow.
const LABEL_LISTS: &[&str] = &["by", "without", "on", "ignoring", "group_left", "group_right"];

/// Every selector of `query`, in its order.
#[must_use]
pub fn selectors(query: &str) -> Vec<Selector> {
    let mut scan = Scan { rest: query, calls: Vec::new(), found: Vec::new() };
    while scan.step() {}
    scan.found
}

/// Where the reading stands.
struct Scan<'q> {
    rest: &'q str,
    /// What was called by each parenthesis that is open; empty for one that only groups.
    calls: Vec<&'q str>,
    found: Vec<Selector>,
}

// === impl Selector ===

impl Selector {
    /// As Prometheus takes it to look for series, without a range.
    #[must_use]
    pub fn series(&self) -> String {
        let matchers = self
            .matchers
            .iter()
            .map(|Matcher { label, operator, value }| format!("{label}{operator}\"{value}\""));
        format!("{}{{{}}}", self.metric, matchers.collect::<Vec<_>>().join(","))
    }

    /// Whether it has this very condition.
    #[must_use]
    pub fn has(&self, label: &str, operator: &str, value: &str) -> bool {
        self.matchers.iter().any(|matcher| {
            (&*matcher.label, &*matcher.operator, &*matcher.value) == (label, operator, value)
        })
    }
}

// === impl Scan ===

impl<'q> Scan<'q> {
    /// Reads one thing; `false` at the end.
    fn step(&mut self) -> bool {
        let Some(first) = self.rest.chars().next() else { return false };
        match first {
            '(' => self.open(""),
            ')' => {
                self.calls.pop();
                self.skip(1);
            }
            '"' | '\'' | '`' => drop(self.quoted()),
            '$' => {
                self.skip(1);
                self.name();
            }
            // Numbers and durations, which letters are part of.
            '0'..='9' => drop(self.take(|c| c.is_ascii_alphanumeric() || c == '.')),
            _ if is_name(first) => self.named(),
            _ => self.skip(first.len_utf8()),
        }
        true
    }

    /// A name: of a function, of a metric, or a word.
    fn named(&mut self) {
        let name = self.name();
        self.blanks();
        if LABEL_LISTS.contains(&name) && self.rest.starts_with('(') {
            self.until(')');
        } else if self.rest.starts_with('(') && !WORDS.contains(&name) {
            self.open(name);
        } else if !WORDS.contains(&name.to_ascii_lowercase().as_str()) && !self.is_aggregation() {
            self.selector(name);
        }
    }

    /// `sum by (…) (…)`: the name before `by` is called by the second parenthesis.
    fn is_aggregation(&mut self) -> bool {
        ["by", "without"].iter().any(|word| {
            let behind = self.rest.strip_prefix(word);
            behind.is_some_and(|behind| behind.trim_start().starts_with('('))
        })
    }

    fn selector(&mut self, metric: &str) {
        let mut matchers = Vec::new();
        if self.rest.starts_with('{') {
            self.skip(1);
            while let Some(matcher) = self.matcher() {
                matchers.push(matcher);
            }
            self.until('}');
        }
        let range = self.rest.starts_with('[').then(|| self.until(']').trim_matches(['[', ']']));
        let function = self.calls.last().filter(|call| !call.is_empty());
        self.found.push(Selector {
            metric: metric.to_owned(),
            matchers,
            range: range.map(str::to_owned),
            function: function.map(|&call| call.to_owned()),
        });
    }

    fn matcher(&mut self) -> Option<Matcher> {
        self.take(|c| c == ',' || c.is_whitespace());
        let label = self.name().to_owned();
        self.blanks();
        let operator = self.take(|c| matches!(c, '=' | '!' | '~')).to_owned();
        self.blanks();
        let value = self.quoted()?.to_owned();
        (!label.is_empty()).then_some(Matcher { label, operator, value })
    }

    fn open(&mut self, call: &'q str) {
        self.calls.push(call);
        self.skip(1);
    }

    fn name(&mut self) -> &'q str {
        self.take(|c| is_name(c) || c.is_ascii_digit())
    }

    /// A string, without its quotes.
    fn quoted(&mut self) -> Option<&'q str> {
        let quote = self.rest.chars().next().filter(|c| matches!(c, '"' | '\'' | '`'))?;
        let mut is_escaped = false;
        let end = self.rest[1..].find(|c| {
            let ends = c == quote && !is_escaped;
            is_escaped = c == '\\' && !is_escaped;
            ends
        });
        let text = &self.rest[1..];
        let end = end.unwrap_or(text.len());
        self.rest = text.get(end + 1..).unwrap_or_default();
        Some(&text[..end])
    }

    fn blanks(&mut self) {
        self.take(char::is_whitespace);
    }

    fn take(&mut self, wanted: impl Fn(char) -> bool) -> &'q str {
        let end = self.rest.find(|c| !wanted(c)).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at(end);
        self.rest = rest;
        taken
    }

    /// What comes up to and with `end`.
    fn until(&mut self, end: char) -> &'q str {
        let end = self.rest.find(end).map_or(self.rest.len(), |at| at + end.len_utf8());
        let (taken, rest) = self.rest.split_at(end);
        self.rest = rest;
        taken
    }

    fn skip(&mut self, bytes: usize) {
        self.rest = &self.rest[bytes..];
    }
}

fn is_name(c: char) -> bool {
    c.is_ascii_alphabetic() || matches!(c, '_' | ':')
}

#[cfg(test)]
mod tests;
