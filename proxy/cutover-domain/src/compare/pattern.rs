//! Which paths a rule is about: one, or those that wildcards stand for.

use std::{
    fmt,
    iter::Peekable,
    str::{Chars, FromStr},
};

use super::path::{Path, Root, Segment, is_id, write_key};

/// Paths that a rule is about: one path exactly, or with `.*` for any one key and `.**` for
/// everything at this place and inside of it, at most once: `body.meta.**`, `body.**.updatedAt`,
/// `header.*`.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Pattern {
    text: Box<str>,
    root: Root,
    /// Steps before `**`, or all of them.
    head: Vec<Step>,
    /// Steps after `**`; `None` without one.
    tail: Option<Vec<Step>>,
}

/// Why a text is no [`Pattern`] or no path.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadPattern {
    /// It starts with another word.
    #[error("`{0}` is no path: start with `status`, `header.NAME`, `trailer.NAME` or `body`")]
    Root(String),
    /// `header` without a name, or `status` with one.
    #[error("`{0}` is no path: a header or trailer has a name behind its point, `status` has none")]
    Name(String),
    /// Something else than `.key`, `."key"`, `[]`, `{{}}`, `.*`, `.**`.
    #[error("`{0}` is no path: after a part comes `.key`, `.\"quoted key\"`, `[]` or `{{}}`")]
    Syntax(String),
    /// `[3]`.
    #[error("`{0}` names one element: paths mean all of them, write `[]`")]
    Element(String),
    /// A key that is an id.
    #[error("`{0}` names one id: paths mean all of them, write `{{}}` instead of `.{1}`")]
    Id(String, String),
    /// `**` twice.
    #[error("`{0}` has `**` more than once")]
    Twice(String),
    /// A wildcard where one path is asked for.
    #[error("`{0}` has a wildcard where one exact path is needed")]
    Wildcard(String),
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Step {
    Key(Box<str>),
    Element,
    AnyKey,
    /// `*`
    One,
}

// === impl Pattern ===

impl Pattern {
    /// As it is written, in canonical form.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether it means one path: it has no wildcard.
    pub fn is_exact(&self) -> bool {
        self.tail.is_none() && !self.head.contains(&Step::One)
    }

    /// Whether it means this path.
    pub fn covers(&self, path: &Path) -> bool {
        let Ok(path) = path.as_str().parse::<Pattern>() else { return false };
        let segments: Option<Vec<Segment<'_>>> = path.head.iter().map(Step::segment).collect();
        segments.is_some_and(|segments| path.is_exact() && self.matches(path.root, &segments))
    }

    /// The keys and names that it has, in their order.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        let steps = self.head.iter().chain(self.tail.iter().flatten());
        steps.filter_map(|step| match step {
            Step::Key(key) => Some(&**key),
            _ => None,
        })
    }

    /// Whether it is about bodies.
    pub fn is_of_body(&self) -> bool {
        self.root == Root::Body
    }

    /// Whether it is about the status.
    pub fn is_of_status(&self) -> bool {
        self.root == Root::Status
    }

    pub(super) fn root(&self) -> Root {
        self.root
    }

    /// Whether it means this path.
    pub(super) fn matches(&self, root: Root, path: &[Segment<'_>]) -> bool {
        let tail = self.tail.as_deref().unwrap_or_default();
        let fixed = self.head.len() + tail.len();
        let fits = if self.tail.is_some() { path.len() >= fixed } else { path.len() == fixed };
        // The last step first: paths differ there soonest.
        let mean = |steps: &[Step], path: &[Segment<'_>]| {
            steps.iter().zip(path).rev().all(|(step, segment)| step.matches(*segment))
        };
        self.root == root
            && fits
            && mean(tail, &path[path.len() - tail.len()..])
            && mean(&self.head, path)
    }
}

impl Step {
    fn matches(&self, segment: Segment<'_>) -> bool {
        match (self, segment) {
            (Step::Key(wanted), Segment::Key(key)) => **wanted == *key,
            (Step::Element, Segment::Element) | (Step::AnyKey, Segment::AnyKey) => true,
            (Step::One, Segment::Key(_) | Segment::AnyKey) => true,
            _ => false,
        }
    }

    /// `None` for a wildcard.
    fn segment(&self) -> Option<Segment<'_>> {
        match self {
            Step::Key(key) => Some(Segment::Key(key)),
            Step::Element => Some(Segment::Element),
            Step::AnyKey => Some(Segment::AnyKey),
            Step::One => None,
        }
    }

    fn write(&self, out: &mut String) {
        match self {
            Step::Key(key) => {
                out.push('.');
                write_key(key, out);
            }
            Step::Element => Segment::Element.write(out),
            Step::AnyKey => Segment::AnyKey.write(out),
            Step::One => out.push_str(".*"),
        }
    }
}

impl FromStr for Pattern {
    type Err = BadPattern;

    fn from_str(text: &str) -> Result<Pattern, BadPattern> {
        let end = text.find(['.', '[', '{']).unwrap_or(text.len());
        let root = Root::ALL.into_iter().find(|root| root.as_str() == &text[..end]);
        let root = root.ok_or_else(|| BadPattern::Root(text.to_owned()))?;
        let (head, tail) = Reader { text, rest: text[end..].chars().peekable() }.steps()?;
        let named = head.first().map(|step| matches!(step, Step::Key(_) | Step::One));
        let fits = match root {
            Root::Status => named.is_none() && tail.is_none(),
            Root::Header | Root::Trailer => named.unwrap_or(tail.is_some()),
            Root::Body => true,
        };
        if !fits {
            return Err(BadPattern::Name(text.to_owned()));
        }
        let text = write(root, &head, tail.as_deref());
        Ok(Pattern { text, root, head, tail })
    }
}

fn write(root: Root, head: &[Step], tail: Option<&[Step]>) -> Box<str> {
    let mut text = root.as_str().to_owned();
    head.iter().for_each(|step| step.write(&mut text));
    if let Some(tail) = tail {
        text.push_str(".**");
        tail.iter().for_each(|step| step.write(&mut text));
    }
    text.into()
}

/// Reads the steps behind a root.
struct Reader<'t> {
    text: &'t str,
    rest: Peekable<Chars<'t>>,
}

impl Reader<'_> {
    fn steps(mut self) -> Result<(Vec<Step>, Option<Vec<Step>>), BadPattern> {
        let (mut head, mut tail) = (Vec::new(), None);
        while let Some(mark) = self.rest.next() {
            let Some(step) = self.step(mark)? else {
                match tail.replace(Vec::new()) {
                    None => continue,
                    Some(_) => return Err(BadPattern::Twice(self.text.to_owned())),
                }
            };
            tail.as_mut().unwrap_or(&mut head).push(step);
        }
        Ok((head, tail))
    }

    /// The step that begins with `mark`; `None` for `**`.
    fn step(&mut self, mark: char) -> Result<Option<Step>, BadPattern> {
        match mark {
            '[' if self.rest.next_if_eq(&']').is_some() => Ok(Some(Step::Element)),
            '[' => Err(BadPattern::Element(self.text.to_owned())),
            '{' if self.rest.next_if_eq(&'}').is_some() => Ok(Some(Step::AnyKey)),
            '.' if self.rest.next_if_eq(&'*').is_some() => {
                Ok(self.rest.next_if_eq(&'*').is_none().then_some(Step::One))
            }
            '.' => self.key().map(Some),
            _ => Err(self.syntax()),
        }
    }

    fn key(&mut self) -> Result<Step, BadPattern> {
        let key = match self.rest.next_if_eq(&'"') {
            Some(_) => self.quoted()?,
            None => self.bare()?,
        };
        match is_id(&key) {
            true => Err(BadPattern::Id(self.text.to_owned(), key)),
            false => Ok(Step::Key(key.into())),
        }
    }

    fn bare(&mut self) -> Result<String, BadPattern> {
        let mut key = String::new();
        while let Some(c) = self.rest.next_if(|c| !matches!(c, '.' | '[' | '{')) {
            key.push(c);
        }
        match super::path::is_bare(&key) {
            true => Ok(key),
            false => Err(self.syntax()),
        }
    }

    fn quoted(&mut self) -> Result<String, BadPattern> {
        let mut key = String::new();
        loop {
            match self.rest.next().ok_or_else(|| self.syntax())? {
                '"' => return Ok(key),
                '\\' => key.push(self.escaped()?),
                c => key.push(c),
            }
        }
    }

    /// What stands behind a `\`: itself, or the number of a character as `u{a}`.
    fn escaped(&mut self) -> Result<char, BadPattern> {
        let c = self.rest.next().ok_or_else(|| self.syntax())?;
        if c != 'u' {
            return Ok(c);
        }
        let _open = self.rest.next_if_eq(&'{').ok_or_else(|| self.syntax())?;
        let mut number = String::new();
        while let Some(digit) = self.rest.next_if(char::is_ascii_hexdigit) {
            number.push(digit);
        }
        let _close = self.rest.next_if_eq(&'}').ok_or_else(|| self.syntax())?;
        let number = u32::from_str_radix(&number, 16).ok();
        number.and_then(char::from_u32).ok_or_else(|| self.syntax())
    }

    fn syntax(&self) -> BadPattern {
        BadPattern::Syntax(self.text.to_owned())
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.text, f)
    }
}

#[cfg(test)]
mod tests;
