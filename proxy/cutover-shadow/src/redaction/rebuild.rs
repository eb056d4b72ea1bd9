//! Outlines as answers that can be compared again.

use std::collections::{BTreeSet, HashMap};

use cutover_domain::compare::{Action, Answer, Body, Frame, Map, Rules, StandIns, Value};

use super::{
    BodyOutline, Outline, Redactor,
    tree::{Hidden, Key, Leaf, Node, Sort},
};

/// Makes comparable answers of outlines that belong to one request.
pub(crate) struct Rebuild {
    /// Names that are shown somewhere, by hash: in an object with too many keys they are hidden.
    names: HashMap<u64, Box<str>>,
    /// Values that are kept somewhere, by hash: where `keep` was another, they are hidden.
    values: HashMap<(Sort, u64), Value>,
    /// Hashes of the bools, of which there are two.
    bools: BTreeSet<u64>,
    stand_ins: StandIns,
}

// === impl Rebuild ===

impl Rebuild {
    /// Takes note of what is known. With a `redactor` of another key less is, and nothing wrong.
    pub(crate) fn of(outlines: &[Outline], rules: &Rules, redactor: &Redactor) -> Rebuild {
        let mut rebuild = Rebuild {
            names: HashMap::new(),
            values: HashMap::new(),
            bools: BTreeSet::new(),
            stand_ins: StandIns::default(),
        };
        for bool in [false, true].map(Value::Bool) {
            rebuild.know(&bool, redactor);
        }
        for rule in rules.iter() {
            if let Action::Unordered { key } = &rule.action {
                key.split('.').for_each(|name| rebuild.know_name(name, redactor));
            }
        }
        for outline in outlines {
            outline.nodes().into_iter().for_each(|node| rebuild.see(node, redactor));
        }
        rebuild
    }

    /// The answer of an outline. What was cut off is `null`.
    pub(crate) fn answer(&mut self, outline: &Outline) -> Answer {
        let headers = self.fields(&outline.headers);
        let trailers = self.fields(&outline.trailers);
        let body = match &outline.body {
            BodyOutline::Empty => Body::Empty,
            BodyOutline::Json(node) => Body::Value(self.value(node)),
            BodyOutline::Text(node) => Body::Text(self.text(node)),
            BodyOutline::Bytes(node) => match bytes(node) {
                Some((length, hash)) => Body::Opaque { length, hash },
                None => Body::Empty,
            },
            BodyOutline::Frames(node) => Body::Frames(self.frames(node)),
        };
        Answer { status: outline.status, headers, trailers, body }
    }

    /// What stands for others in the answers made so far.
    pub(crate) fn stand_ins(&self) -> &StandIns {
        &self.stand_ins
    }

    fn see(&mut self, node: &Node, redactor: &Redactor) {
        match node {
            Node::Leaf(Leaf::Kept(value)) => self.know(value, redactor),
            Node::Leaf(Leaf::Hidden(Hidden { sort: Sort::Bool, hash, .. })) => {
                self.bools.insert(*hash);
            }
            Node::Leaf(_) | Node::Cut => {}
            Node::List(list) => list.iter().for_each(|node| self.see(node, redactor)),
            Node::Map(map) => {
                for (key, node) in map {
                    if let Key::Name(name) = key {
                        self.know_name(name, redactor);
                    }
                    self.see(node, redactor);
                }
            }
        }
    }

    fn know(&mut self, value: &Value, redactor: &Redactor) {
        if let Leaf::Hidden(Hidden { sort, hash, .. }) = redactor.leaf(value) {
            self.values.insert((sort, hash), value.clone());
        }
    }

    fn know_name(&mut self, name: &str, redactor: &Redactor) {
        self.names.insert(redactor.hash(name.as_bytes()), name.into());
    }

    fn fields(&mut self, node: &Node) -> Vec<(Box<str>, Box<str>)> {
        let Node::Map(map) = node else { return Vec::new() };
        let mut fields = Vec::new();
        for (key, node) in map {
            let name = self.key(key);
            match node {
                Node::Map(cookies) => {
                    let cookies = cookies.iter().flat_map(|(key, parts)| self.cookies(key, parts));
                    fields.extend(cookies.map(|cookie| (name.clone(), cookie.into())));
                }
                Node::Cut => {}
                node => fields.push((name, self.text(node).into())),
            }
        }
        fields
    }

    /// Cookies of one name: a value and its attributes each.
    fn cookies(&mut self, key: &Key, parts: &Node) -> Vec<String> {
        let (name, Node::List(parts)) = (self.key(key), parts) else { return Vec::new() };
        let texts: Vec<String> = parts.iter().map(|part| self.text(part)).collect();
        texts.chunks(2).map(|parts| format!("{name}={}", parts.join("; "))).collect()
    }

    fn text(&mut self, node: &Node) -> String {
        match self.value(node) {
            Value::Text(text) => text.into(),
            _ => String::new(),
        }
    }

    fn frames(&mut self, node: &Node) -> Vec<Frame> {
        let Node::List(list) = node else { return Vec::new() };
        let frame = |node: &Node| match bytes(node) {
            Some((length, hash)) => Frame::Opaque { length, hash },
            None => Frame::Value(self.value(node)),
        };
        list.iter().map(frame).collect()
    }

    fn value(&mut self, node: &Node) -> Value {
        match node {
            Node::Leaf(Leaf::Null) | Node::Cut => Value::Null,
            Node::Leaf(Leaf::Kept(value)) => value.clone(),
            Node::Leaf(Leaf::Hidden(hidden)) => self.hidden(hidden),
            Node::List(list) => Value::List(list.iter().map(|node| self.value(node)).collect()),
            Node::Map(map) => {
                let entries = map.iter().map(|(key, node)| (self.key(key), self.value(node)));
                // Keys are different ones of one object; only a forged document has one twice.
                Map::new(entries.collect()).map_or(Value::Null, Value::Map)
            }
        }
    }

    fn hidden(&mut self, hidden: &Hidden) -> Value {
        let Hidden { sort, hash, formats, .. } = *hidden;
        if let Some(known) = self.values.get(&(sort, hash)) {
            return known.clone();
        }
        match sort {
            // Of another key: which is which cannot be told, but that they differ.
            Sort::Bool => Value::Bool(self.bools.first() != Some(&hash)),
            Sort::Number => Value::Number(self.stand_ins.number(hash, hidden.is_integer())),
            Sort::Text | Sort::Bytes => Value::Text(self.stand_ins.text(hash, formats)),
        }
    }

    /// A key that is data is one for whoever writes paths, too: 20 hex digits.
    fn key(&self, key: &Key) -> Box<str> {
        match key {
            Key::Name(name) => name.clone(),
            Key::Hidden(hash) => match self.names.get(hash) {
                Some(name) => name.clone(),
                None => format!("0000{hash:016x}").into(),
            },
            Key::Rest => "0000".into(),
        }
    }
}

fn bytes(node: &Node) -> Option<(u64, u64)> {
    match node {
        Node::Leaf(Leaf::Hidden(Hidden { sort: Sort::Bytes, length, hash, .. })) => {
            Some((*length, *hash))
        }
        _ => None,
    }
}

// === impl Outline ===

impl Outline {
    /// Its trees.
    fn nodes(&self) -> Vec<&Node> {
        let body = match &self.body {
            BodyOutline::Empty => None,
            BodyOutline::Json(node)
            | BodyOutline::Text(node)
            | BodyOutline::Frames(node)
            | BodyOutline::Bytes(node) => Some(node),
        };
        [&self.headers, &self.trailers].into_iter().chain(body).collect()
    }
}
