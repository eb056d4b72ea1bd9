use std::fs;

use super::*;

fn includes(patterns: &[&str]) -> Includes {
    Includes::new("cutover.toml", patterns.iter().map(|pattern| (*pattern).to_owned()).collect())
}

#[test]
fn only_what_fits_concerns() {
    let includes = includes(&["routes/*.toml", "teams/*/routes.toml"]);
    let concern = |path: &str| includes.concern(Path::new(path));
    for path in ["routes/a.toml", "routes", "teams", "teams/a", "teams/a/routes.toml"] {
        assert!(concern(path), "{path}");
    }
    for path in [
        "cutover.db-journal",
        "state.json",
        "routes/a.toml.new",
        "routes/.a.toml.swp",
        "routes/a.toml/b",
        "teams/a/other.toml",
        "teams/.git",
    ] {
        assert!(!concern(path), "{path}");
    }
}

#[test]
fn files_and_the_directories_on_their_way() {
    let dir = tempfile::tempdir().unwrap();
    let put = |path: &str| {
        let path = dir.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "").unwrap();
    };
    for path in ["cutover.toml", "a.toml", "teams/a/routes.toml", "teams/b/other.toml", "teams/c"] {
        put(path);
    }
    let includes = includes(&["*.toml", "teams/*/routes.toml", "none/*.toml"]);
    let files = ["a.toml", "teams/a/routes.toml"];
    assert_eq!(includes.files(dir.path()), files.map(str::to_owned).into());
    let dirs = ["", "teams", "teams/a", "teams/b"];
    assert_eq!(includes.dirs(dir.path()), dirs.map(|path| dir.path().join(path)).into());
}
