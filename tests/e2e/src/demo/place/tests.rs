use std::fs;
use std::os::unix::fs::symlink;

use super::{PREFIX, clear, make};

#[test]
fn the_living_keep_their_place_and_the_dead_lose_it() {
    let parent = tempfile::tempdir().unwrap();
    let (alive, dead) = (make(parent.path()).unwrap(), make(parent.path()).unwrap());
    fs::create_dir(dead.dir.path().join("monolith")).unwrap();
    fs::write(dead.dir.path().join("monolith/data.db"), "left behind").unwrap();
    // As after SIGKILL: the directory stays, its lock does not.
    let left = dead.dir.keep();
    drop(dead.lock);
    assert_eq!(clear(parent.path()), 1);
    assert!(!left.exists() && alive.dir.path().exists());
    assert_eq!(clear(parent.path()), 0);
}

#[test]
fn what_is_no_demos_own_directory_stays() {
    let parent = tempfile::tempdir().unwrap();
    let at = |name: &str| parent.path().join(name);
    let (file, link) = (at(&format!("{PREFIX}file")), at(&format!("{PREFIX}link")));
    for dir in ["elsewhere", "cutover-rig-x", "my-cutover-demo-x"] {
        fs::create_dir(at(dir)).unwrap();
    }
    fs::write(&file, "").unwrap();
    symlink(at("elsewhere"), &link).unwrap();
    assert_eq!(clear(parent.path()), 0);
    assert!(file.exists() && link.is_symlink());
    assert!(["elsewhere", "cutover-rig-x", "my-cutover-demo-x"].iter().all(|dir| at(dir).exists()));
}

#[test]
fn a_place_is_gone_with_its_owner() {
    let parent = tempfile::tempdir().unwrap();
    drop(make(parent.path()).unwrap());
    assert_eq!(fs::read_dir(parent.path()).unwrap().count(), 0);
}

#[test]
fn a_place_cannot_be_cleared_away_while_it_is_made() {
    let parent = tempfile::tempdir().unwrap();
    std::thread::scope(|scope| {
        let made =
            scope.spawn(|| (0..200).map(|_| make(parent.path()).unwrap()).collect::<Vec<_>>());
        while !made.is_finished() {
            clear(parent.path());
        }
        let places = made.join().unwrap();
        assert!(places.iter().all(|place| place.dir.path().exists()));
    });
}
