use super::*;

fn open(path: &Path) -> Result<State, StateError> {
    State::open(Some(path), "sqlite:///m.db", "http://127.0.0.1:1")
}

#[test]
fn what_was_noted_is_there_again() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("state.json");
    let mut state = open(&path).unwrap();
    assert_eq!(state.through(Entity::Devices), 0);
    state.advance(Entity::Homes, 3).unwrap();
    state.advance(Entity::Devices, 500).unwrap();
    state.advance(Entity::Devices, 1000).unwrap();
    let state = open(&path).unwrap();
    let through = Entity::ALL.map(|entity| state.through(entity));
    assert_eq!(through, [3, 1000, 0]);
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
}

#[test]
fn files_of_others_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("state.json");
    for (text, expected) in [
        ("", "is not one of ours"),
        ("{}", "is not one of ours"),
        (r#"{"format":9,"legacy":"a","registry":"b","through":{}}"#, "its format is 9, ours is 1"),
        (
            r#"{"format":1,"legacy":"a","registry":"b","through":{}}"#,
            "is about a to b, not about sqlite:///m.db to http",
        ),
    ] {
        std::fs::write(&path, text).unwrap();
        let error = open(&path).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
    let error = open(dir.path()).unwrap_err().to_string();
    assert!(error.contains("cannot read the state file"), "{error}");
}

#[test]
fn no_file_keeps_no_state() {
    let mut state = State::open(None, "a", "b").unwrap();
    state.advance(Entity::Homes, 3).unwrap();
    assert_eq!(state.through(Entity::Homes), 3);
}
