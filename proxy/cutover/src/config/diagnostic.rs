//! What is wrong with a configuration: code, place, reason, remedy.

use std::ops::Range;

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

/// How many findings of each severity are rendered: nobody reads more, and a slip in a generated
/// file can have thousands.
const SHOWN_MAX: usize = 100;

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

    /// As a person reads it: like rustc, one block a finding, blank lines between. Shows the first
    /// hundred of each severity; a last line tells how many more there are.
    pub fn render(&self, sources: &Sources, colour: bool) -> String {
        let first = |severity| {
            self.diagnostics.iter().filter(move |d| d.severity == severity).take(SHOWN_MAX)
        };
        let mut shown: Vec<&Diagnostic> =
            first(Severity::Error).chain(first(Severity::Warning)).collect();
        shown.sort_by_key(|d| &d.place);
        let blocks = shown.iter().map(|d| d.render(sources, colour));
        blocks.chain(self.more()).collect::<Vec<_>>().join("\n\n")
    }

    /// How many findings [`Report::render`] leaves out. `None`: it shows all.
    fn more(&self) -> Option<String> {
        let more = [(self.errors(), "error"), (self.warnings(), "warning")].map(|(all, what)| {
            let more = all.saturating_sub(SHOWN_MAX);
            let plural = if more == 1 { "" } else { "s" };
            (more > 0).then(|| format!("{more} more {what}{plural}"))
        });
        let more: Vec<String> = more.into_iter().flatten().collect();
        let more = (!more.is_empty()).then(|| more.join(" and "))?;
        Some(format!("... and {more}; `cutover check -o json` gives all"))
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
        let excerpts = self.excerpts(sources);
        let mut group = Group::with_title(title);
        for excerpt in &excerpts {
            let snippet = Snippet::source(excerpt.text.as_str())
                .path(excerpt.name)
                .line_start(excerpt.line)
                .annotations(
                    excerpt
                        .spans
                        .iter()
                        .map(|(kind, span, label)| kind.span(span.clone()).label(*label)),
                );
            group = group.element(snippet);
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

    /// What the finding shows of the texts: the lines of its place, then those of a second place
    /// elsewhere.
    fn excerpts<'a>(&'a self, sources: &'a Sources) -> Vec<Excerpt<'a>> {
        let Some(place) = &self.place else { return Vec::new() };
        let primary = (AnnotationKind::Primary, place, self.why.as_deref());
        let second = self.also.as_ref();
        let second =
            second.map(|(place, label)| (AnnotationKind::Context, place, Some(label.as_str())));
        let (beside, elsewhere): (Vec<_>, Vec<_>) =
            second.into_iter().partition(|(_, second, _)| second.source == place.source);
        let hidden = self.secret.then_some(place);
        let here: Vec<_> = std::iter::once(primary).chain(beside).collect();
        let excerpts = [here, elsewhere];
        excerpts.iter().filter_map(|marks| Excerpt::of(marks, hidden, sources)).collect()
    }
}

/// The lines of one text from the first to the last that a finding points at.
struct Excerpt<'a> {
    name: &'a str,
    /// The number of its first line.
    line: usize,
    text: String,
    /// Kind, range within `text`, label.
    spans: Vec<(AnnotationKind, Range<usize>, Option<&'a str>)>,
}

// === impl Excerpt ===

impl<'a> Excerpt<'a> {
    /// What stands at `hidden` is shown as asterisks. `None` if there is nothing to point at.
    fn of(
        marks: &[(AnnotationKind, &'a Place, Option<&'a str>)],
        hidden: Option<&Place>,
        sources: &'a Sources,
    ) -> Option<Excerpt<'a>> {
        let source = sources.get(marks.first()?.1.source)?;
        let ranges = marks.iter().map(|(_, place, _)| visible(&source.text, place));
        let ranges: Vec<Range<usize>> = ranges.collect();
        let first = ranges.iter().map(|range| range.start).min()?;
        let (line, Range { start, .. }) = source.line(first);
        let ends = ranges.iter().map(|range| source.line(range.end).1.end);
        let end = ends.max()?;
        let mut text = source.text.get(start..end)?.to_owned();
        if let Some(hidden) = hidden.filter(|hidden| hidden.source == marks[0].1.source) {
            // A secret may go on below the lines shown.
            let (from, to) = (hidden.start.max(start) - start, hidden.end.min(end) - start);
            text.replace_range(from..to, &"*".repeat(to - from));
        }
        let spans = marks.iter().zip(ranges).map(|((kind, _, label), range)| {
            (*kind, range.start - start..range.end - start, *label)
        });
        let spans = spans.collect();
        Some(Excerpt { name: &source.name, line, text, spans })
    }
}

/// The place's range without the line breaks around it, so that carets stay on one line.
fn visible(text: &str, place: &Place) -> Range<usize> {
    let range = place.range();
    let inside = text.get(range.clone()).unwrap_or("");
    let first_line = inside.lines().next().unwrap_or("");
    range.start..range.start + first_line.trim_end().len()
}

#[cfg(test)]
mod tests;
