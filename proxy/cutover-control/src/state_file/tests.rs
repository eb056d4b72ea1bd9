use std::os::unix::fs::PermissionsExt;

use super::*;

fn truth() -> Truth {
    let state = RouteState {
        phase: Phase::Canary,
        percent: Percent::from_basis_points(1_250).unwrap(),
        revision: 7,
        shadowed: true,
        held: Some(Held { cause: "ann: \"odd\" answers".into(), build: Some("b7".into()) }),
    };
    let record = RouteRecord {
        state: state.clone(),
        declared: Some(Target::phase(Phase::Live)),
        changed_at_ms: 12,
    };
    let token = Token {
        name: "ci".into(),
        role: "migrator".into(),
        sha256: std::array::from_fn(|at| at as u8 * 8),
        created_ms: 3,
        expires_ms: Some(4),
    };
    let new = NewRevision {
        at_ms: 5,
        actor: "ann".into(),
        reason: "because".into(),
        trigger: Trigger::KillSwitch,
        forced: true,
        above: 6,
        config_hash: Some("h".into()),
        listing: Listing { added: vec!["a".into()], removed: vec!["b".into()] },
        changes: vec![Change { route: "a".into(), expected: 6, after: state, declared: None }],
    };
    Truth {
        routes: BTreeMap::from([("a".to_owned(), record)]),
        head: 9,
        config_hash: Some("h".into()),
        store_id: Some("id".into()),
        journal: vec![
            Entry::Revision(new),
            Entry::Token(TokenEdit::Put(token.clone())),
            Entry::Token(TokenEdit::Remove("old".into())),
        ],
        tokens: vec![token],
        ..Truth::unknown()
    }
}

#[test]
fn everything_comes_back_as_it_was_written() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("state.json");
    assert!(read(&path).unwrap().is_none());
    let truth = truth();
    write(&path, &render(&truth)).unwrap();
    let back = read(&path).unwrap().unwrap();
    assert_eq!(back.routes, truth.routes);
    assert_eq!((back.head, &back.config_hash), (truth.head, &truth.config_hash));
    assert_eq!((&back.store_id, &back.journal), (&truth.store_id, &truth.journal));
    assert_eq!(back.tokens, truth.tokens);
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn a_half_written_successor_does_not_hurt() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("state.json");
    write(&path, &render(&truth())).unwrap();
    fs::write(beside(&path), b"{ \"version\": 1, \"rou").unwrap();
    assert_eq!(read(&path).unwrap().unwrap().head, 9);
    write(&path, &render(&Truth { head: 10, ..truth() })).unwrap();
    assert_eq!(read(&path).unwrap().unwrap().head, 10);
}

#[test]
fn what_we_did_not_write_is_refused_with_a_reason() {
    let good = String::from_utf8(render(&truth())).unwrap();
    for (bad, reason) in [
        ("", "EOF"),
        (&good[..good.len() / 2], "EOF"),
        (&good.replace("\"version\": 1", "\"version\": 2"), "format 2"),
        (&good.replace("\"live\"", "\"sideways\""), "phase"),
        (&good.replace("1250", "10001"), "share"),
        (&good.replace("\"kill_switch\"", "\"whim\""), "trigger"),
        (&good.replace("\"shadowed\"", "\"shady\""), "unknown field"),
        (&good.replace("\"sha256\": \"0008", "\"sha256\": \"00"), "hexadecimal"),
    ] {
        let why = parse(bad).unwrap_err();
        assert!(why.contains(reason), "{why:?} does not tell of {reason:?}");
    }
}

#[test]
fn a_place_that_cannot_be_written_is_named() {
    let error = write(Path::new("/proc/nowhere/state.json"), b"{}").unwrap_err();
    assert!(error.to_string().contains("/proc/nowhere/state.json"));
}

#[test]
fn what_killed_writers_left_goes_when_it_is_old() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("state.json");
    write(&path, b"{}").unwrap();
    let (old, young) = (beside(&path), beside(&path));
    assert_ne!(old, young);
    let other = dir.path().join("state.json.backup.tmp");
    let long_ago = std::time::SystemTime::now() - BESIDE_AGE_MAX * 2;
    for file in [&old, &young, &other] {
        fs::write(file, "half").unwrap();
    }
    for file in [&old, &other] {
        fs::File::options().write(true).open(file).unwrap().set_modified(long_ago).unwrap();
    }
    tidy(&path);
    assert!(!old.exists() && young.exists() && other.exists() && path.exists());
}
