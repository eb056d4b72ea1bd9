use std::collections::BTreeSet;

use cutover_store::FaultKind;

use super::*;

#[test]
fn every_code_is_unique_named_well_and_explained() {
    let names: BTreeSet<_> = CODES.iter().map(|doc| doc.code).collect();
    assert_eq!(names.len(), CODES.len());
    for (code, doc) in Code::ALL.iter().zip(CODES) {
        assert_eq!(code.doc(), doc);
        assert_eq!(Code::find(doc.code), Some(*code));
        assert!(doc.code.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'), "{}", doc.code);
        assert!(doc.summary.ends_with('.') && doc.remedy.ends_with(['.', ')']), "{}", doc.code);
    }
    assert_eq!(Code::find("nonsense"), None);
}

#[test]
fn every_code_of_the_store_is_here() {
    for kind in FaultKind::ALL {
        assert!(Code::find(kind.code()).is_some(), "{}", kind.code());
    }
    for code in ["store_url", "store_too_new", "store_foreign", "sqlite_too_old", "token_exists"] {
        assert!(Code::find(code).is_some(), "{code}");
    }
}
