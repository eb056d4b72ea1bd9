use super::*;
use crate::config::Config;

#[test]
fn a_key_is_made_once_and_for_its_owner_alone() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("redaction.key");
    let key = key_of_file(&path).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::read(&path).unwrap(), key);
    assert_eq!(key_of_file(&path).unwrap(), key);
    assert_eq!(Config::redaction_key_file(&path), key);
    // Nothing is left beside it.
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    let other = key_of_file(&dir.path().join("other.key")).unwrap();
    assert_ne!(other, key);
}

#[test]
fn who_comes_second_takes_the_key_that_is_there() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("redaction.key");
    let key = key_of_file(&path).unwrap();
    // The file came between looking and making.
    assert_eq!(make_key(&path).unwrap(), None);
    assert_eq!(key_of_file(&path).unwrap(), key);
}

#[test]
fn what_is_no_key_is_left_alone_and_told() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("redaction.key");
    fs::write(&path, b"short").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    assert!(matches!(key_of_file(&path), Err(RedactionKeyError::Length { bytes: 5, .. })));
    fs::write(&path, [7; 32]).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    let error = key_of_file(&path).unwrap_err();
    assert!(error.to_string().contains("can be read by others (mode 644)"), "{error}");
    // It goes on with a key of its own.
    assert_ne!(Config::redaction_key_file(&path), [7; 32]);
    assert_eq!(fs::read(&path).unwrap(), [7; 32]);
    let nowhere = dir.path().join("none").join("redaction.key");
    assert!(matches!(key_of_file(&nowhere), Err(RedactionKeyError::File { .. })));
}
