use std::os::unix::fs::symlink;

use super::*;

#[test]
fn the_first_token_is_random_and_private() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("admin-token");
    let made = secret(&path).unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), format!("{}\n", made.reveal()));
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(secret(&path).unwrap(), made, "what is there is taken");
}

#[test]
fn a_prepared_token_is_taken_only_if_it_is_private_and_one() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("admin-token");
    let token = "x".repeat(40);
    for (text, mode, expected) in [
        (token.as_str(), 0o600, Ok(())),
        (&format!("{token}\r\n"), 0o400, Ok(())),
        (&token, 0o644, Err("0600")),
        (&token, 0o620, Err("0600")),
        ("short", 0o600, Err("32 to 256")),
        ("", 0o600, Err("32 to 256")),
        (&format!("{token}\n{token}"), 0o600, Err("32 to 256")),
    ] {
        let _ = fs::remove_file(&path);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        match (secret(&path), expected) {
            (Ok(secret), Ok(())) => assert_eq!(secret.reveal(), token),
            (Err(why), Err(part)) => assert!(why.contains(part), "{why}"),
            (found, _) => panic!("{text:?} with {mode:o}: {found:?}"),
        }
    }
}

#[test]
fn places_where_others_could_replace_it_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let open = dir.path().join("open");
    fs::create_dir(&open).unwrap();
    fs::set_permissions(&open, fs::Permissions::from_mode(0o777)).unwrap();
    assert!(secret(&open.join("token")).unwrap_err().contains("0700"));
    fs::set_permissions(&open, fs::Permissions::from_mode(0o1777)).unwrap();
    assert!(secret(&open.join("token")).is_ok(), "sticky, as /tmp is");
    assert!(secret(&dir.path().join("missing/token")).unwrap_err().contains("missing"));
    assert!(secret(&open).unwrap_err().contains("no file"), "a directory");
    let dangling = dir.path().join("dangling");
    symlink(dir.path().join("nowhere"), &dangling).unwrap();
    assert!(secret(&dangling).is_err(), "it must not be written through");
    assert!(!dir.path().join("nowhere").exists());
}
