use super::*;

#[test]
fn patterns_match_within_one_name() {
    let files = ["routes/a.toml", "routes/.a.toml.swp", "routes/x/b.toml", "c.toml"];
    let files: Vec<(String, String)> = files.map(|f| (f.to_owned(), String::new())).to_vec();
    let expand = |pattern| InMemory(&files).expand(pattern);
    assert_eq!(expand("routes/*.toml"), ["routes/a.toml"]);
    assert_eq!(expand("*/*/?.toml"), ["routes/x/b.toml"]);
    assert_eq!(expand("routes/.*"), ["routes/.a.toml.swp"]);
    assert_eq!(expand("c.toml"), ["c.toml"]);
    assert_eq!(expand("d*.toml"), [""; 0]);
}

#[test]
fn disk_and_memory_expand_alike() {
    let dir = tempfile::tempdir().unwrap();
    let files = ["routes/a.toml", "routes/b.toml", "routes/.hidden.toml", "other/c.toml"];
    for file in files {
        let path = dir.path().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "").unwrap();
    }
    let texts: Vec<(String, String)> = files.map(|f| (f.to_owned(), String::new())).to_vec();
    for pattern in ["routes/*.toml", "*/c.toml", "routes/a.toml", "none/*.toml", "routes"] {
        let mut on_disk = OnDisk(dir.path()).expand(pattern);
        on_disk.sort();
        assert_eq!(on_disk, InMemory(&texts).expand(pattern), "{pattern}");
    }
}

#[test]
fn paths_that_leave_the_directory_are_told_apart() {
    assert!(is_below("routes/*.toml"));
    for path in ["../x.toml", "/etc/passwd", "routes/../../x", ""] {
        assert!(!is_below(path), "{path}");
    }
}
