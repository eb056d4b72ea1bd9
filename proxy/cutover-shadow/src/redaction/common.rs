//! What outlines of one request have in common, where something was cut off.

use std::collections::HashSet;

use super::{
    BodyOutline, Outline,
    tree::{Key, Leaf, Node},
};

/// Cuts off everywhere what was cut off somewhere, so that what is left can be compared: whatever
/// differs in it differs in the answers. That nothing differs says nothing of what is gone.
pub(crate) fn reduce_to_common(outlines: &mut [Outline]) {
    if outlines.iter().all(|outline| outline.left_out == 0) {
        return;
    }
    reduce(outlines.iter_mut().map(|outline| &mut outline.headers).collect());
    reduce(outlines.iter_mut().map(|outline| &mut outline.trailers).collect());
    reduce(outlines.iter_mut().filter_map(Outline::body_node).collect());
}

fn reduce(mut nodes: Vec<&mut Node>) {
    if nodes.iter().any(|node| **node == Node::Cut) {
        nodes.into_iter().for_each(|node| *node = Node::Leaf(Leaf::Null));
    } else if nodes.iter().all(|node| matches!(node, Node::List(_))) {
        reduce_lists(&mut nodes);
    } else if nodes.iter().all(|node| matches!(node, Node::Map(_))) {
        reduce_maps(&mut nodes);
    }
}

fn reduce_lists(nodes: &mut [&mut Node]) {
    let mut lists: Vec<&mut Vec<Node>> = nodes.iter_mut().filter_map(|node| node.list()).collect();
    let is_cut = |list: &[Node]| list.last() == Some(&Node::Cut);
    let known = |list: &[Node]| list.len() - usize::from(is_cut(list));
    if lists.iter().any(|list| is_cut(list)) {
        let length = lists.iter().map(|list| known(list)).min().unwrap_or(0);
        lists.iter_mut().for_each(|list| list.truncate(length));
    }
    let length = lists.iter().map(|list| list.len()).min().unwrap_or(0);
    for at in 0..length {
        reduce(lists.iter_mut().map(|list| &mut list[at]).collect());
    }
}

fn reduce_maps(nodes: &mut [&mut Node]) {
    let mut maps: Vec<&mut Vec<(Key, Node)>> =
        nodes.iter_mut().filter_map(|node| node.map()).collect();
    let keys = |map: &[(Key, Node)]| map.iter().map(|(key, _)| key.clone()).collect::<HashSet<_>>();
    let all = maps.iter().map(|map| keys(map));
    let common = all.reduce(|one, other| &one & &other).unwrap_or_default();
    if maps.iter().any(|map| map.iter().any(|(key, _)| *key == Key::Rest)) {
        let stays = |key: &Key| *key != Key::Rest && common.contains(key);
        maps.iter_mut().for_each(|map| map.retain(|(key, _)| stays(key)));
    }
    for key in &common {
        let of_key = |map: &'_ mut Vec<(Key, Node)>| map.iter().position(|(known, _)| known == key);
        let at: Option<Vec<usize>> = maps.iter_mut().map(|map| of_key(map)).collect();
        if let Some(at) = at {
            reduce(maps.iter_mut().zip(at).map(|(map, at)| &mut map[at].1).collect());
        }
    }
}

// === impl Node ===

impl Node {
    fn list(&mut self) -> Option<&mut Vec<Node>> {
        if let Node::List(list) = self { Some(list) } else { None }
    }

    fn map(&mut self) -> Option<&mut Vec<(Key, Node)>> {
        if let Node::Map(map) = self { Some(map) } else { None }
    }
}

// === impl Outline ===

impl Outline {
    fn body_node(&mut self) -> Option<&mut Node> {
        match &mut self.body {
            BodyOutline::Empty => None,
            BodyOutline::Json(node)
            | BodyOutline::Text(node)
            | BodyOutline::Frames(node)
            | BodyOutline::Bytes(node) => Some(node),
        }
    }
}
