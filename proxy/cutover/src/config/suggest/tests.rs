use super::{listed, nearest};

#[test]
fn a_slip_finds_its_word_and_a_stranger_finds_none() {
    let known = ["phase", "percent", "path", "new"];
    assert_eq!(nearest("phsae", known), Some("phase"));
    assert_eq!(nearest("precent", known), Some("percent"));
    assert_eq!(nearest("Path", known), Some("path"));
    assert_eq!(nearest("colour", known), None);
    assert_eq!(nearest("", known), None);
}

#[test]
fn lists_read_like_sentences() {
    assert_eq!(listed([]), "nothing");
    assert_eq!(listed(["a"]), "`a`");
    assert_eq!(listed(["a", "b", "c"]), "`a`, `b` or `c`");
}
