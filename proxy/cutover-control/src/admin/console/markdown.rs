//! Markdown as HTML, of which only what runbooks need becomes tags; everything else is shown as
//! text, HTML above all.

use std::fmt::Write;

use maud::{Markup, PreEscaped, html};
use pulldown_cmark::{CodeBlockKind, CowStr, Event, HeadingLevel, Options, Parser, Tag, TagEnd};

/// Where a link leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Leads {
    /// To a page of ours, or to a place on this one.
    Here(String),
    /// Out of the console.
    Away(String),
    /// Nowhere that a browser could go.
    Nowhere,
}

/// What the text alone does not say.
pub(super) trait Around {
    /// Where a link of the text leads.
    fn link(&self, target: &str) -> Leads;

    /// A block of code: what stands behind its fence, and its lines.
    fn code(&mut self, info: &str, text: &str) -> Markup;
}

/// The text as HTML, without its main heading, which pages have elsewhere.
pub(super) fn render(text: &str, around: &mut dyn Around) -> Markup {
    let events: Vec<Event<'_>> = Parser::new_ext(text, Options::ENABLE_TABLES).collect();
    let mut page = Page { around, out: String::new(), ends: Vec::new(), code: None, tables: 0 };
    let mut at = 0;
    while let Some(event) = events.get(at) {
        at = match event {
            Event::Start(Tag::Heading { level: HeadingLevel::H1, .. }) => {
                after_heading(&events, at)
            }
            Event::Start(tag) => {
                page.open(tag, &events[at..]);
                at + 1
            }
            event => {
                page.put(event);
                at + 1
            }
        };
    }
    PreEscaped(page.out)
}

/// What a heading can be linked by: its words in lower case, joined by dashes, as on GitHub.
pub(super) fn anchor(heading: &str) -> String {
    let mut id = "at-".to_owned();
    for c in heading.trim().chars() {
        match c {
            ' ' | '-' => id.push('-'),
            c if c.is_alphanumeric() || c == '_' => id.extend(c.to_lowercase()),
            _ => {}
        }
    }
    id
}

struct Page<'a> {
    around: &'a mut dyn Around,
    out: String,
    /// How what is open ends, innermost last.
    ends: Vec<&'static str>,
    /// The block of code that is open: its fence, and its lines so far.
    code: Option<(String, String)>,
    tables: usize,
}

// === impl Page ===

impl Page<'_> {
    /// Begins an element; `rest` are its own events and all behind them.
    fn open(&mut self, tag: &Tag<'_>, rest: &[Event<'_>]) {
        let (start, end) = match tag {
            Tag::Paragraph | Tag::HtmlBlock => ("<p>", "</p>"),
            Tag::Heading { level, .. } => return self.heading(*level, rest),
            Tag::BlockQuote(_) => ("<blockquote>", "</blockquote>"),
            Tag::CodeBlock(kind) => {
                self.code = Some((info(kind), String::new()));
                ("", "")
            }
            Tag::List(None) => ("<ul>", "</ul>"),
            Tag::List(Some(_)) => ("<ol>", "</ol>"),
            Tag::Item => ("<li>", "</li>"),
            Tag::Table(_) => return self.table(),
            Tag::TableHead => ("<thead><tr>", "</tr></thead><tbody>"),
            Tag::TableRow => ("<tr>", "</tr>"),
            Tag::TableCell if self.ends.last() == Some(&"</tr></thead><tbody>") => {
                ("<th scope=\"col\">", "</th>")
            }
            Tag::TableCell => ("<td>", "</td>"),
            Tag::Emphasis => ("<em>", "</em>"),
            Tag::Strong => ("<strong>", "</strong>"),
            Tag::Link { dest_url, .. } => return self.link(dest_url),
            _ => ("", ""),
        };
        self.out.push_str(start);
        self.ends.push(end);
    }

    fn heading(&mut self, level: HeadingLevel, rest: &[Event<'_>]) {
        let id = anchor(&words(rest));
        let (tag, end) = match level {
            HeadingLevel::H1 | HeadingLevel::H2 => ("h2", "</h2>"),
            _ => ("h3", "</h3>"),
        };
        let _ = write!(self.out, "<{tag} id=\"{id}\">");
        self.ends.push(end);
    }

    /// Wider than a phone, perhaps: then it scrolls by itself.
    fn table(&mut self) {
        self.tables += 1;
        let _ = write!(
            self.out,
            "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Table {}\">\
             <table class=\"list\">",
            self.tables
        );
        self.ends.push("</tbody></table></div>");
    }

    fn link(&mut self, target: &str) {
        let (to, is_away) = match self.around.link(target) {
            Leads::Here(to) => (to, false),
            Leads::Away(to) => (to, true),
            Leads::Nowhere => {
                self.ends.push("");
                return;
            }
        };
        let _ = write!(self.out, "<a href=\"{}\"", escaped(&to));
        self.out.push_str(if is_away { " rel=\"noopener noreferrer\">" } else { ">" });
        self.ends.push("</a>");
    }

    fn put(&mut self, event: &Event<'_>) {
        match event {
            Event::End(TagEnd::CodeBlock) => self.end_code(),
            Event::End(_) => self.out.push_str(self.ends.pop().unwrap_or_default()),
            Event::Text(text) | Event::Html(text) | Event::InlineHtml(text) => self.text(text),
            Event::Code(text) => {
                let code = html! { code { (text) } };
                self.out.push_str(&code.into_string());
            }
            Event::SoftBreak => self.out.push('\n'),
            Event::HardBreak => self.out.push_str("<br>"),
            Event::Rule => self.out.push_str("<hr>"),
            _ => {}
        }
    }

    fn text(&mut self, text: &str) {
        match &mut self.code {
            Some((_, lines)) => lines.push_str(text),
            None => self.out.push_str(&escaped(text)),
        }
    }

    fn end_code(&mut self) {
        self.ends.pop();
        if let Some((info, lines)) = self.code.take() {
            let block = self.around.code(&info, &lines);
            self.out.push_str(&block.into_string());
        }
    }
}

/// Where it goes on behind the heading that begins at `at`.
fn after_heading(events: &[Event<'_>], at: usize) -> usize {
    let is_end = |event: &Event<'_>| matches!(event, Event::End(TagEnd::Heading(_)));
    let length = events[at..].iter().position(is_end);
    length.map_or(events.len(), |length| at + length + 1)
}

/// The words of the heading that begins here.
fn words(events: &[Event<'_>]) -> String {
    let until = events.iter().take_while(|event| !matches!(event, Event::End(TagEnd::Heading(_))));
    let texts = until.filter_map(|event| match event {
        Event::Text(text) | Event::Code(text) => Some(&**text),
        _ => None,
    });
    texts.collect()
}

fn info(kind: &CodeBlockKind<'_>) -> String {
    match kind {
        CodeBlockKind::Fenced(info) => CowStr::to_string(info),
        CodeBlockKind::Indented => String::new(),
    }
}

fn escaped(text: &str) -> String {
    html! { (text) }.into_string()
}

#[cfg(test)]
mod tests;
