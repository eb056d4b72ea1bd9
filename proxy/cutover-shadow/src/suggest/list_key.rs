//! By which field the elements of a list are told apart.

use cutover_domain::compare::Path;

use crate::redaction::{BodyOutline, Key, Leaf, Node, Outline};

/// Fields that things are usually told apart by, best first.
const USUAL: [&str; 6] = ["id", "uuid", "key", "code", "name", "slug"];

/// A field that every element of the lists at `path` has, with another value in each element of a
/// list. `None`: elements are no objects, or there is no such field.
pub(super) fn list_key(answer: &Outline, path: &Path) -> Option<Box<str>> {
    let BodyOutline::Json(body) = &answer.body else { return None };
    let mut lists = Vec::new();
    lists_at(body, Path::body(), path, &mut lists);
    let lists: Vec<&[Node]> = lists.into_iter().filter(|list| list.len() > 1).collect();
    let mut names: Vec<&str> = match lists.first()?.first()? {
        Node::Map(map) => map.iter().filter_map(|(key, _)| key.name()).collect(),
        _ => return None,
    };
    names.sort_by_key(|name| USUAL.iter().position(|usual| usual == name).unwrap_or(USUAL.len()));
    // A point within a name would be read as a field within a field.
    let mut names = names.into_iter().filter(|name| !name.contains('.'));
    names.find(|name| lists.iter().all(|list| tells_apart(list, name))).map(Box::from)
}

fn tells_apart(list: &[Node], name: &str) -> bool {
    let mut seen: Vec<&Leaf> = Vec::new();
    list.iter().all(|element| match field(element, name) {
        Some(Node::Leaf(leaf)) if *leaf != Leaf::Null && !seen.contains(&leaf) => {
            seen.push(leaf);
            true
        }
        _ => false,
    })
}

fn field<'n>(element: &'n Node, name: &str) -> Option<&'n Node> {
    let Node::Map(map) = element else { return None };
    map.iter().find(|(key, _)| key.name() == Some(name)).map(|(_, node)| node)
}

fn lists_at<'n>(node: &'n Node, at: Path, path: &Path, lists: &mut Vec<&'n [Node]>) {
    match node {
        Node::List(list) if at == *path => lists.push(list),
        Node::List(list) => {
            let inside = at.element();
            list.iter().for_each(|node| lists_at(node, inside.clone(), path, lists));
        }
        Node::Map(map) => {
            for (key, node) in map {
                let inside = match key {
                    Key::Name(name) => at.key(name),
                    Key::Hidden(_) | Key::Rest => at.any_key(),
                };
                lists_at(node, inside, path, lists);
            }
        }
        Node::Leaf(_) | Node::Cut => {}
    }
}
