//! What was found to differ while one answer is held against legacy's.

use std::{borrow::Cow, collections::HashMap};

use super::{
    Bijections, Kind, Kinds, Path, Value,
    format::look,
    path::{Root, Segment, write_path},
    rules::InForce,
    stand_ins::{Doubt, look_of_text},
    treatment::Treatment,
};

/// Paths that are looked up before a search ends: each is held against every rule.
pub(super) const PLACES_MAX: usize = 1_000;

/// Differences of one answer from legacy's, as they are found: each path and kind once.
pub(super) struct Found<'r> {
    rules: &'r InForce<'r>,
    /// The other answer is the candidate's, so `renamed` rules hold.
    renaming: bool,
    places: Vec<Place<'r>>,
    place_of: HashMap<Path, usize>,
    items: Vec<Item>,
    pairs: Vec<Pair<'r>>,
    /// Differences so far, those of a known path and kind too, and those that rules ignore: that
    /// the elements of a list are ignored must not hide that it has another order.
    count: usize,
    /// The path that is being looked up.
    text: String,
}

/// A difference.
pub(super) struct Item {
    pub(super) path: Path,
    pub(super) kind: Kind,
    pub(super) shape: Box<str>,
    place: usize,
}

/// How far a search had come.
#[derive(Clone, Copy)]
pub(super) struct Mark {
    items: usize,
    pairs: usize,
    count: usize,
}

/// A path where something differed, what its rules say, and what was found there.
struct Place<'r> {
    path: Path,
    treatment: Treatment<'r>,
    kinds: Kinds,
}

/// A value and what the candidate has in its stead.
struct Pair<'r> {
    place: usize,
    space: &'r str,
    live: Box<str>,
    candidate: Box<str>,
    kind: Kind,
    shape: Box<str>,
}

// === impl Found ===

impl<'r> Found<'r> {
    pub(super) fn new(rules: &'r InForce<'r>, renaming: bool) -> Found<'r> {
        Found {
            rules,
            renaming,
            places: Vec::new(),
            place_of: HashMap::new(),
            items: Vec::new(),
            pairs: Vec::new(),
            count: 0,
            text: String::new(),
        }
    }

    /// Whether the search has to end: bodies are looked at no further.
    pub(super) fn is_full(&self) -> bool {
        self.places.len() >= PLACES_MAX
    }

    /// Whether nothing was found.
    pub(super) fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// The rules that hold.
    pub(super) fn rules(&self) -> &'r InForce<'r> {
        self.rules
    }

    /// What the rules say of a path.
    pub(super) fn treatment(&mut self, root: Root, path: &[Segment<'_>]) -> &Treatment<'r> {
        let place = self.place(root, path);
        &self.places[place].treatment
    }

    /// Takes note of a difference, unless the rules ignore it; whether it counts.
    pub(super) fn note(
        &mut self,
        root: Root,
        path: &[Segment<'_>],
        kind: Kind,
        shape: impl FnOnce() -> String,
    ) -> bool {
        let place = self.place(root, path);
        self.note_at(place, kind, shape)
    }

    /// What cannot be decided without seeing values, if some are not to be seen.
    pub(super) fn doubt(&self) -> Option<Doubt<'r>> {
        self.rules.doubt
    }

    /// What a value looks like, or the one that it stands for.
    pub(super) fn look(&self, value: &Value) -> &'static str {
        match value {
            Value::Text(text) => look_of_text(self.doubt(), text),
            value => look(value),
        }
    }

    /// What a value is renamed by, or the one that it stands for.
    pub(super) fn name<'v>(&self, value: &'v Value) -> Option<Cow<'v, str>> {
        match self.doubt() {
            Some(doubt) => doubt.name(value),
            None => value.name(),
        }
    }

    /// The space of values that may be renamed at this path, if a rule says so.
    pub(super) fn space(&self, root: Root, path: &[Segment<'_>]) -> Option<&'r str> {
        if self.renaming { self.rules.renamed(root, path) } else { None }
    }

    /// Keeps a pair of values for [`Found::settle`].
    pub(super) fn pair(
        &mut self,
        space: &'r str,
        (root, path): (Root, &[Segment<'_>]),
        (live, candidate): (&str, &str),
        kind: Kind,
        shape: String,
    ) {
        let place = self.place(root, path);
        if self.places[place].treatment.doubts([live, candidate]) {
            return;
        }
        let [live, candidate] =
            [live, candidate].map(|text| self.places[place].treatment.normalised(text).into());
        self.pairs.push(Pair { place, space, live, candidate, kind, shape: shape.into() });
    }

    /// Holds the pairs of renamed values against what was learnt, and learns the new ones.
    pub(super) fn settle(&mut self, bijections: &mut Bijections) {
        for pair in std::mem::take(&mut self.pairs) {
            if !bijections.agree(pair.space, &pair.live, &pair.candidate) {
                self.note_at(pair.place, pair.kind, || pair.shape.into());
            }
        }
    }

    pub(super) fn mark(&self) -> Mark {
        Mark { items: self.items.len(), pairs: self.pairs.len(), count: self.count }
    }

    /// Whether anything was found since `mark`.
    pub(super) fn any_since(&self, mark: Mark) -> bool {
        self.count > mark.count
    }

    /// Forgets what was found since `mark`.
    pub(super) fn rewind(&mut self, mark: Mark) {
        for item in self.items.drain(mark.items..) {
            let kinds = &mut self.places[item.place].kinds;
            *kinds = kinds.without(Kinds::of(&[item.kind]));
        }
        self.pairs.truncate(mark.pairs);
        self.count = mark.count;
    }

    pub(super) fn into_items(self) -> Vec<Item> {
        self.items
    }

    fn note_at(&mut self, place: usize, kind: Kind, shape: impl FnOnce() -> String) -> bool {
        let at = &mut self.places[place];
        self.count += 1;
        if at.treatment.ignores(kind) {
            return false;
        }
        if !at.kinds.contains(kind) {
            at.kinds = at.kinds.or(Kinds::of(&[kind]));
            self.items.push(Item { path: at.path.clone(), kind, shape: shape().into(), place });
        }
        true
    }

    fn place(&mut self, root: Root, path: &[Segment<'_>]) -> usize {
        write_path(root, path, &mut self.text);
        if let Some(place) = self.place_of.get(self.text.as_str()) {
            return *place;
        }
        let named = Path::from_canonical(&self.text);
        let treatment = Treatment::new(self.rules.at(root, path), self.rules.doubt);
        self.place_of.insert(named.clone(), self.places.len());
        self.places.push(Place { path: named, treatment, kinds: Kinds::default() });
        self.places.len() - 1
    }
}
