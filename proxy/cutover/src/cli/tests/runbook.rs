//! `cutover runbook`

use super::*;

const RUNBOOK: &str = "\
---
alert: CutoverDown
severity: page
owner: platform
vars: [ROUTE]
---
# It is down

```sh {name=diagnose expect=\"^seen\"}
echo \"seen $ROUTE\"
```

```sh {name=mitigate mutates=true}
touch \"$DIR/done\"
```
";

fn check(args: &[&str], is_done: bool, expected: Expect) {
    let dir = tempfile::tempdir().unwrap();
    let books = dir.path().join("books");
    fs::create_dir(&books).unwrap();
    fs::write(books.join("CutoverDown.md"), RUNBOOK).unwrap();
    let (books, place) = (books.display().to_string(), format!("DIR={}", dir.path().display()));
    let own = ["--dir", &books];
    let var = if args[0] == "run" { vec!["--var", &place] } else { vec![] };
    let args = ["runbook"].iter().chain(args).chain(&own).chain(&var);
    let said = cutover(args.copied());
    // How long it took is another each time.
    let err = said.err.lines().map(|line| match line.rsplit_once(" (") {
        Some((line, _)) if line.starts_with("== ") => format!("{line}\n"),
        _ => format!("{line}\n"),
    });
    Said { err: err.collect(), ..said }.check(dir.path(), expected);
    assert_eq!(dir.path().join("done").exists(), is_done);
}

#[test]
fn a_list_and_one_of_it() {
    check(
        &["list"],
        false,
        expect![[r#"
        NAME         SEVERITY  OWNER     TITLE
        CutoverDown  page      platform  It is down
        --- stderr
        --- exit 0
    "#]],
    );
    let said = cutover(["runbook", "show", "rollback-all"]);
    assert!(said.out.contains("cutover rollback --all"), "{}", said.out);
    check(
        &["show", "CutoverDwon"],
        false,
        expect![[r#"
        --- stderr
        error[unknown_runbook]: there is no runbook `CutoverDwon`
          = help: did you mean `CutoverDown`?
        --- exit 1
    "#]],
    );
}

#[test]
fn without_yes_nothing_is_changed() {
    check(
        &["run", "CutoverDown", "--var", "ROUTE=a"],
        false,
        expect![[r#"
        seen a
        --- stderr
        left out without --yes, since it changes something: mitigate
        == diagnose
        == diagnose: ok
        --- exit 0
    "#]],
    );
    let named = ["run", "CutoverDown", "--var", "ROUTE=a", "--block", "mitigate"];
    check(
        &named,
        false,
        expect![[r#"
        --- stderr
        error[usage]: the block `mitigate` changes something
          = help: see what with --dry-run, then add --yes
        --- exit 2
    "#]],
    );
}

#[test]
fn with_yes_all_of_it_is_run() {
    check(
        &["run", "CutoverDown", "--var", "ROUTE=a", "--yes"],
        true,
        expect![[r#"
        seen a
        --- stderr
        == diagnose
        == diagnose: ok
        == mitigate
        == mitigate: ok
        --- exit 0
    "#]],
    );
}

#[test]
fn a_dry_run_prints_and_runs_nothing() {
    check(
        &["run", "CutoverDown", "--var", "ROUTE=a", "--dry-run"],
        false,
        expect![[r##"
        # diagnose
        echo "seen $ROUTE"

        # mitigate   # changes something
        touch "$DIR/done"

        --- stderr
        --- exit 0
    "##]],
    );
}

#[test]
fn variables_are_asked_for_and_kept_plain() {
    check(
        &["run", "CutoverDown"],
        false,
        expect![[r#"
        --- stderr
        left out without --yes, since it changes something: mitigate
        error[usage]: `CutoverDown` needs a value for `ROUTE`
          = help: add --var ROUTE=...; `cutover runbook show CutoverDown` says what for
        --- exit 2
    "#]],
    );
    let said = cutover(["runbook", "run", "promote", "--var", "ROUTE=$(reboot)"]);
    assert_eq!(said.exit, Exit::Usage, "{}", said.err);
}

#[test]
fn what_does_not_end_well_ends_the_run() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("CutoverDown.md"), RUNBOOK.replace("^seen", "^found")).unwrap();
    let books = dir.path().display().to_string();
    let said =
        cutover(["runbook", "run", "CutoverDown", "--dir", &books, "--var", "ROUTE=a", "--yes"]);
    assert_eq!(said.exit, Exit::Failed);
    assert!(said.err.contains("error[block_failed]"), "{}", said.err);
}
