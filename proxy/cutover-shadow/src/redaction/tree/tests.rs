use super::*;

fn leaf(text: &str) -> Node {
    Node::Leaf(text.parse().unwrap())
}

#[test]
fn a_tree_is_read_back_as_it_was_written() {
    let map = vec![
        (Key::Name("name".into()), leaf("text 12 #9f86d081884c7d65")),
        (Key::Name("{odd}".into()), leaf("bool 1 #00000000000000ff")),
        (Key::Name("\\".into()), leaf("null")),
        (Key::Name("…".into()), leaf("= true")),
        (Key::Name("".into()), leaf("= -12.5")),
        (Key::Hidden(7), leaf("= \"a \\\"quoted\\\" line\\n\"")),
        (Key::Name("list".into()), Node::List(vec![leaf("number 3 #01 integer"), Node::Cut])),
        (Key::Rest, Node::Cut),
    ];
    let tree = Node::Map(map);
    let text = serde_json::to_string(&tree).unwrap();
    assert_eq!(serde_json::from_str::<Node>(&text).unwrap(), tree);
    assert!(text.contains(r#""\\{odd}":"bool 1 #00000000000000ff""#), "{text}");
    assert!(text.contains(r#""{0000000000000007}":"= \"a \\\"quoted"#), "{text}");
    assert!(
        text.ends_with(r#""list":["number 3 #0000000000000001 integer","…"],"…":"…"}"#),
        "{text}"
    );
}

#[test]
fn words_of_a_later_release_are_passed_over() {
    let leaf: Leaf = "text 36 #60303ae22b998861 uuid telepathic".parse().unwrap();
    assert_eq!(leaf.to_string(), "text 36 #60303ae22b998861 uuid");
}

#[test]
fn what_redaction_never_writes_is_refused() {
    for text in ["", "text", "text x #1", "text 3 1", "colour 3 #1", "= ", "= maybe", "= \"open"] {
        assert_eq!(text.parse::<Leaf>(), Err(BadTree(text.to_owned())), "{text}");
    }
    for text in ["{", "{zz}", "{12"] {
        assert_eq!(text.parse::<Key>(), Err(BadTree(text.to_owned())), "{text}");
    }
}
