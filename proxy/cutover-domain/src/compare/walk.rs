//! Two bodies, side by side.
//!
//! Equal parts cost a comparison and nothing else: a path is written out only where something
//! differs.

use std::{
    cmp::Ordering,
    collections::{HashMap, VecDeque},
    hash::{DefaultHasher, Hash, Hasher},
};

use super::{
    Body, Frame, Kind, Map, Value,
    found::Found,
    path::{KEYS_MAX, Root, Segment},
};

/// Finds where `other` differs from legacy's body.
pub(super) fn bodies<'a>(live: &'a Body, other: &'a Body, found: &mut Found<'_>) {
    let mut walk = Walk { found, path: Vec::new() };
    match (live, other) {
        (Body::Empty, Body::Empty) => {}
        (Body::Value(live), Body::Value(other)) => walk.value(live, other),
        (Body::Text(live), Body::Text(other)) => walk.text(live, other),
        (Body::Frames(live), Body::Frames(other)) => walk.frames(live, other),
        (
            Body::Opaque { length, hash },
            Body::Opaque { length: other_length, hash: other_hash },
        ) => walk.opaque((*length, *hash), (*other_length, *other_hash)),
        (live, other) => {
            let kind = match (live, other) {
                (Body::Empty, _) => Kind::Extra,
                (_, Body::Empty) => Kind::Missing,
                _ => Kind::Type,
            };
            walk.note(kind, live.look(walk.found), other.look(walk.found));
        }
    }
}

struct Walk<'a, 'f, 'r> {
    found: &'f mut Found<'r>,
    path: Vec<Segment<'a>>,
}

const ABSENT: &str = "absent";

// === impl Walk ===

impl<'a> Walk<'a, '_, '_> {
    fn value(&mut self, live: &'a Value, other: &'a Value) {
        match (live, other) {
            _ if self.found.is_full() => {}
            (Value::Map(live), Value::Map(other)) => self.map(live, other),
            (Value::List(live), Value::List(other)) => self.list(live, other),
            (Value::Text(_), Value::Text(_))
            | (Value::Number(_), Value::Number(_))
            | (Value::Bool(_), Value::Bool(_))
            | (Value::Null, Value::Null) => self.scalar(live, other),
            _ => self.note(Kind::Type, self.found.look(live), self.found.look(other)),
        }
    }

    /// Two scalars of one type.
    fn scalar(&mut self, live: &Value, other: &Value) {
        if let Some(space) = self.found.space(Root::Body, &self.path)
            && let Some((from, to)) = self.found.name(live).zip(self.found.name(other))
        {
            let shape = arrow(self.found.look(live), self.found.look(other));
            self.found.pair(space, (Root::Body, &self.path), (&from, &to), Kind::Value, shape);
        } else if live != other
            && !self.found.treatment(Root::Body, &self.path).excuses(live, other)
        {
            self.note(Kind::Value, self.found.look(live), self.found.look(other));
        }
    }

    fn map(&mut self, live: &'a Map, other: &'a Map) {
        let wide = live.len().max(other.len()) > KEYS_MAX;
        let segment = |key| if wide { Segment::AnyKey } else { Segment::key(key) };
        let (mut mine, mut theirs) = (live.iter().peekable(), other.iter().peekable());
        loop {
            let order = match (mine.peek(), theirs.peek()) {
                (None, None) => return,
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some((left, _)), Some((right, _))) => left.cmp(right),
            };
            let live = mine.next_if(|_| order.is_le());
            let other = theirs.next_if(|_| order.is_ge());
            let Some((key, _)) = live.or(other) else { return };
            self.path.push(segment(key));
            self.maybe(live.map(|(_, value)| value), other.map(|(_, value)| value));
            self.path.pop();
        }
    }

    fn list(&mut self, live: &'a [Value], other: &'a [Value]) {
        if let Some(key) = self.found.rules().unordered(&self.path) {
            self.unordered(live, other, key);
        } else if live.len() == other.len() {
            self.ordered(live, other);
        } else {
            let longer = if live.len() < other.len() { "longer" } else { "shorter" };
            self.note(Kind::Length, "list", longer);
            let (live, other) = without_common_ends(live, other);
            self.elements(live.iter().zip(other));
        }
    }

    /// Two lists of one length.
    fn ordered(&mut self, live: &'a [Value], other: &'a [Value]) {
        let before = self.found.mark();
        let mut apart = Vec::new();
        self.path.push(Segment::Element);
        for (live, other) in live.iter().zip(other) {
            let mark = self.found.mark();
            self.value(live, other);
            if self.found.any_since(mark) {
                apart.push((live, other));
            }
        }
        self.path.pop();
        if apart.len() > 1 && is_reordered(&apart) {
            self.found.rewind(before);
            self.note(Kind::Order, "list", "reordered");
        }
    }

    /// Two lists whose elements are told apart by `key`. Elements of one name, or without a name,
    /// are taken in their order.
    fn unordered(&mut self, live: &'a [Value], other: &'a [Value], key: &str) {
        let mut named: HashMap<Option<&Value>, VecDeque<usize>> = HashMap::new();
        for (at, element) in other.iter().enumerate() {
            named.entry(name_of(element, key)).or_default().push_back(at);
        }
        let mut alone = vec![true; other.len()];
        self.path.push(Segment::Element);
        for element in live {
            let partner = named.get_mut(&name_of(element, key)).and_then(VecDeque::pop_front);
            partner.into_iter().for_each(|at| alone[at] = false);
            self.maybe(Some(element), partner.map(|at| &other[at]));
        }
        for (element, _) in other.iter().zip(alone).filter(|(_, alone)| *alone) {
            self.maybe(None, Some(element));
        }
        self.path.pop();
    }

    fn elements(&mut self, pairs: impl Iterator<Item = (&'a Value, &'a Value)>) {
        self.path.push(Segment::Element);
        for (live, other) in pairs {
            self.value(live, other);
        }
        self.path.pop();
    }

    /// Values of which one may be absent.
    fn maybe(&mut self, live: Option<&'a Value>, other: Option<&'a Value>) {
        match (live, other) {
            _ if self.found.is_full() => {}
            (Some(live), Some(other)) => self.value(live, other),
            (Some(live), None) => self.note(Kind::Missing, self.found.look(live), ABSENT),
            (None, Some(other)) => self.note(Kind::Extra, ABSENT, self.found.look(other)),
            (None, None) => {}
        }
    }

    fn text(&mut self, live: &str, other: &str) {
        if live.split_whitespace().eq(other.split_whitespace()) {
            return;
        }
        let [live, other] =
            [live, other].map(|text| text.split_whitespace().collect::<Vec<_>>().join(" "));
        if !self.found.treatment(Root::Body, &self.path).excuses_text(&live, &other) {
            self.note(Kind::Text, "text", "text");
        }
    }

    fn frames(&mut self, live: &'a [Frame], other: &'a [Frame]) {
        if live.len() != other.len() {
            let longer = if live.len() < other.len() { "longer" } else { "shorter" };
            self.note(Kind::Length, "frames", longer);
        }
        self.path.push(Segment::Element);
        for pair in live.iter().zip(other) {
            match pair {
                (Frame::Value(live), Frame::Value(other)) => self.value(live, other),
                (
                    Frame::Opaque { length, hash },
                    Frame::Opaque { length: other_length, hash: other_hash },
                ) => self.opaque((*length, *hash), (*other_length, *other_hash)),
                (Frame::Value(live), Frame::Opaque { .. }) => {
                    self.note(Kind::Type, self.found.look(live), "bytes");
                }
                (Frame::Opaque { .. }, Frame::Value(other)) => {
                    self.note(Kind::Type, "bytes", self.found.look(other));
                }
            }
        }
        self.path.pop();
    }

    /// Lengths and hashes.
    fn opaque(&mut self, live: (u64, u64), other: (u64, u64)) {
        if live.0 != other.0 {
            let longer = if live.0 < other.0 { "longer" } else { "shorter" };
            self.note(Kind::Length, "bytes", longer);
        } else if live.1 != other.1 {
            self.note(Kind::Value, "bytes", "bytes");
        }
    }

    fn note(&mut self, kind: Kind, live: &str, other: &str) {
        self.found.note(Root::Body, &self.path, kind, || arrow(live, other));
    }
}

/// How two values look, as a [`super::Difference`] says it.
pub(super) fn arrow(live: &str, other: &str) -> String {
    [live, "→", other].concat()
}

/// What is between the equal elements at the beginning and at the end: a list that gained or lost
/// neighbours has nothing on one side.
fn without_common_ends<'v>(live: &'v [Value], other: &'v [Value]) -> (&'v [Value], &'v [Value]) {
    let same = |(left, right): &(&Value, &Value)| left == right;
    let head = live.iter().zip(other).take_while(same).count();
    let (live, other) = (&live[head..], &other[head..]);
    let tail = live.iter().rev().zip(other.iter().rev()).take_while(same).count();
    (&live[..live.len() - tail], &other[..other.len() - tail])
}

/// Whether the first of each pair are the same values as the second of each, in another order.
fn is_reordered(pairs: &[(&Value, &Value)]) -> bool {
    let sorted = |hash: fn(&Value) -> u64| {
        let (mut live, mut other): (Vec<_>, Vec<_>) =
            pairs.iter().map(|(live, other)| ((hash(live), *live), (hash(other), *other))).unzip();
        live.sort_unstable_by_key(|(hash, _)| *hash);
        other.sort_unstable_by_key(|(hash, _)| *hash);
        (live, other)
    };
    // Most lists are told apart by the outside of their elements: not every level of a deep body
    // is to look at all that is below it.
    let hashes = |list: Vec<(u64, _)>| list.into_iter().map(|(hash, _)| hash).collect::<Vec<_>>();
    let (live, other) = sorted(outside);
    if hashes(live) != hashes(other) {
        return false;
    }
    // Equal hashes alone prove nothing. Where they collide the pairing may be wrong: the lists
    // then count as different, which is the safe side.
    let (live, other) = sorted(whole);
    live == other
}

fn outside(value: &Value) -> u64 {
    match value {
        Value::List(list) => list.len() as u64,
        Value::Map(map) => map.len() as u64,
        scalar => whole(scalar),
    }
}

fn whole(value: &Value) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

/// What tells an element of an unordered list apart; `None` if it has no such field.
fn name_of<'v>(element: &'v Value, key: &str) -> Option<&'v Value> {
    if key.is_empty() {
        return Some(element);
    }
    key.split('.').try_fold(element, |value, field| match value {
        Value::Map(map) => map.get(field),
        _ => None,
    })
}

impl Value {
    /// A value that can be renamed, as text.
    pub(super) fn name(&self) -> Option<std::borrow::Cow<'_, str>> {
        match self {
            Value::Text(text) => Some((&**text).into()),
            Value::Number(number) => Some(number.to_string().into()),
            _ => None,
        }
    }
}

impl Body {
    fn look(&self, found: &Found<'_>) -> &'static str {
        match self {
            Body::Empty => ABSENT,
            Body::Value(value) => found.look(value),
            Body::Text(_) => "text body",
            Body::Frames(_) => "frames",
            Body::Opaque { .. } => "bytes",
        }
    }
}
