use std::collections::BTreeSet;

use super::*;

#[test]
fn every_code_is_explained_once_with_an_example_or_a_remedy() {
    let explained: Vec<&str> = explained().collect();
    let distinct: BTreeSet<&str> = explained.iter().copied().collect();
    assert_eq!(explained.len(), distinct.len(), "a code is explained twice");
    for code in Code::ALL {
        let text = explain(code.as_str()).unwrap_or_else(|| panic!("{code} is not explained"));
        assert!(text.len() > 60, "{code} deserves more than {text:?}");
    }
}

#[test]
fn codes_are_found_however_they_are_written() {
    assert_eq!(explain("group-split"), explain("group_split"));
    assert_eq!(explain("GROUP-SPLIT"), explain("group_split"));
    assert_eq!(explain("no-such-code"), None);
}
