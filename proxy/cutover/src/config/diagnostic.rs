//! What is wrong with a configuration: code, place, reason, remedy.

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use serde::Serialize;

use super::{
    code::Code,
    source::{Place, Sources},
};

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Its stable name; `cutover explain --code` tells more.
    pub code: Code,
    /// Whether it forbids the configuration.
    pub severity: Severity,
    /// What is wrong, as a sentence without a full stop.
    pub message: String,
    /// Where. `None`: the configuration as a whole.
    pub place: Option<Place>,
    /// Why it is wrong, if the message alone does not say.
    pub why: Option<String>,
    /// What to do next.
    pub hint: Option<String>,
    /// A second place that matters, and how.
    pub also: Option<(Place, String)>,
    /// The text at `place` is a secret and is shown as asterisks.
    pub secret: bool,
}

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The configuration is refused.
    Error,
    /// It works, but probably not as meant.
    Warning,
}

/// Every finding about one configuration.
#[derive(Clone, Debug, Default)]
pub struct Report {
    diagnostics: Vec<Diagnostic>,
}

/// A finding as JSON gives it.
#[derive(Debug, Serialize)]
pub struct DiagnosticDoc<'a> {
    code: &'a str,
    severity: Severity,
    /// `null` for the configuration as a whole.
    file: Option<&'a str>,
    /// From 1.
    line: Option<usize>,
    /// From 1, in characters.
    column: Option<usize>,
    message: &'a str,
    why: Option<&'a str>,
    hint: Option<&'a str>,
}

// === impl Report ===

impl Report {
    /// Adds a finding.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
    }

    /// Every finding, in the order of the files.
    pub fn diagnostics(&self) -> &[Diagnostic] {
        &self.diagnostics
    }

    /// How many forbid the configuration.
    pub fn errors(&self) -> usize {
        self.diagnostics.iter().filter(|d| d.severity == Severity::Error).count()
    }

    /// How many do not.
    pub fn warnings(&self) -> usize {
        self.diagnostics.len() - self.errors()
    }

    /// Puts findings in the order of the files, and drops repetitions.
    pub(crate) fn sort(&mut self) {
        self.diagnostics.sort_by(|a, b| {
            (&a.place, a.severity, &a.message).cmp(&(&b.place, b.severity, &b.message))
        });
        self.diagnostics.dedup();
    }

    /// As a person reads it: like rustc, one block a finding, blank lines between.
    pub fn render(&self, sources: &Sources, colour: bool) -> String {
        let blocks: Vec<String> =
            self.diagnostics.iter().map(|d| d.render(sources, colour)).collect();
        blocks.join("\n\n")
    }

    /// As programs read it: one object a finding.
    pub fn to_json(&self, sources: &Sources) -> serde_json::Value {
        self.diagnostics.iter().map(|d| serde_json::json!(d.doc(sources))).collect()
    }
}

// === impl Diagnostic ===

impl Diagnostic {
    /// A finding that forbids the configuration.
    pub fn error(code: Code, message: impl Into<String>) -> Diagnostic {
        Diagnostic {
            code,
            severity: Severity::Error,
            message: message.into(),
            place: None,
            why: None,
            hint: None,
            also: None,
            secret: false,
        }
    }

    /// A finding that does not.
    pub fn warning(code: Code, message: impl Into<String>) -> Diagnostic {
        Diagnostic { severity: Severity::Warning, ..Diagnostic::error(code, message) }
    }

    /// Says where.
    pub fn at(self, place: Place) -> Diagnostic {
        Diagnostic { place: Some(place), ..self }
    }

    /// Says why.
    pub fn why(self, why: impl Into<String>) -> Diagnostic {
        Diagnostic { why: Some(why.into()), ..self }
    }

    /// Says what to do.
    pub fn hint(self, hint: impl Into<String>) -> Diagnostic {
        Diagnostic { hint: Some(hint.into()), ..self }
    }

    /// Shows a second place.
    pub fn also(self, place: Place, label: impl Into<String>) -> Diagnostic {
        Diagnostic { also: Some((place, label.into())), ..self }
    }

    /// Hides the text at the place.
    pub fn secret(self) -> Diagnostic {
        Diagnostic { secret: true, ..self }
    }

    /// `FILE:LINE:COLUMN`, or nothing for the configuration as a whole.
    pub fn location(&self, sources: &Sources) -> Option<String> {
        let place = self.place.as_ref()?;
        let (line, column) = sources.line_column(place);
        Some(format!("{}:{line}:{column}", sources.get(place.source)?.name))
    }

    /// On one line, for logs and `/readyz`: place, message, hint.
    pub fn line(&self, sources: &Sources) -> String {
        let place = self.location(sources).map(|place| format!("{place}: ")).unwrap_or_default();
        let hint = self.hint.as_ref().map(|hint| format!(" ({hint})")).unwrap_or_default();
        format!("{place}{} [{}]{hint}", self.message, self.code.as_str())
    }

    /// As JSON gives it.
    pub fn doc<'a>(&'a self, sources: &'a Sources) -> DiagnosticDoc<'a> {
        let place = self.place.as_ref().map(|place| sources.line_column(place));
        let source = self.place.as_ref().and_then(|place| sources.get(place.source));
        DiagnosticDoc {
            code: self.code.as_str(),
            severity: self.severity,
            file: source.map(|source| source.name.as_str()),
            line: place.map(|(line, _)| line),
            column: place.map(|(_, column)| column),
            message: &self.message,
            why: self.why.as_deref(),
            hint: self.hint.as_deref(),
        }
    }

    fn render(&self, sources: &Sources, colour: bool) -> String {
        let level = match self.severity {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
        };
        let title = level.primary_title(&self.message).id(self.code.as_str());
        let texts = self.texts(sources);
        let mut group = Group::with_title(title);
        for (at, (name, text)) in texts.iter().enumerate() {
            let snippet = Snippet::source(text.as_str()).path(name.as_str());
            let primary = self.place.as_ref().filter(|_| at == 0).map(|place| {
                AnnotationKind::Primary.span(visible(text, place)).label(self.why.as_deref())
            });
            let second = self.also.as_ref().filter(|(place, _)| self.shares(place) || at == 1);
            let second = second.map(|(place, label)| {
                AnnotationKind::Context.span(visible(text, place)).label(label.as_str())
            });
            group = group.element(snippet.annotations(primary).annotations(second));
        }
        if self.place.is_none()
            && let Some(why) = &self.why
        {
            group = group.element(Level::NOTE.message(why.as_str()));
        }
        if let Some(hint) = &self.hint {
            group = group.element(Level::HELP.message(hint.as_str()));
        }
        let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
        renderer.render(&[group])
    }

    /// The texts that the finding shows: that of its place, then that of a second place
    /// elsewhere. A secret is blotted out.
    fn texts(&self, sources: &Sources) -> Vec<(String, String)> {
        let elsewhere = self.also.as_ref().map(|(place, _)| place).filter(|at| !self.shares(at));
        let places = self.place.iter().chain(elsewhere);
        let text = |place: &Place| {
            let source = sources.get(place.source)?;
            let mut text = source.text.clone();
            if self.secret && self.place.as_ref() == Some(place) {
                text.replace_range(place.range(), &"*".repeat(place.range().len()));
            }
            Some((source.name.clone(), text))
        };
        places.filter_map(text).collect()
    }

    fn shares(&self, other: &Place) -> bool {
        self.place.as_ref().is_some_and(|place| place.source == other.source)
    }
}

/// The place's range without the line breaks around it, so that carets stay on one line.
fn visible(text: &str, place: &Place) -> std::ops::Range<usize> {
    let range = place.range();
    let inside = text.get(range.clone()).unwrap_or("");
    let first_line = inside.lines().next().unwrap_or("");
    range.start..range.start + first_line.trim_end().len()
}
