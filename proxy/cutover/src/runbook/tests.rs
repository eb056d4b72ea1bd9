use std::collections::BTreeSet;

use super::{
    run::{Ended, run},
    *,
};
use crate::slo::{
    fixed::FIXED,
    rules::{ERROR_BUDGET_EXHAUSTED, SLO_ERROR_BUDGET_BURN, SLO_METRIC_ABSENT},
};

const GOOD: &str = "\
---
owner: me
vars: [ROUTE]
---
# Title

```sh {name=first timeout=1s expect=\"^r $ROUTE\" retry=2s}
echo \"r $ROUTE\"
```

```promql
up
```

```sh {name=second mutates=true}
true
```
";

/// What a runbook of an alert has, in this order.
const SECTIONS: [&str; 10] = [
    "Meaning",
    "Impact on users",
    "Am I alone?",
    "Stop the bleeding",
    "Diagnose",
    "Fix forward",
    "Verify recovery",
    "Escalate",
    "Aftercare",
    "False positives",
];

fn dir() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../runbooks")
}

fn alerts() -> BTreeSet<String> {
    let slo = [SLO_ERROR_BUDGET_BURN, ERROR_BUDGET_EXHAUSTED, SLO_METRIC_ABSENT];
    slo.into_iter().chain(FIXED.iter().map(|fixed| fixed.alert)).map(str::to_owned).collect()
}

#[test]
fn what_is_embedded_is_what_the_directory_holds() {
    let mut embedded = embedded();
    embedded.sort_by(|a, b| a.name.cmp(&b.name));
    assert_eq!(embedded, read(&dir()).unwrap());
}

#[test]
fn every_alert_has_a_runbook_and_the_reverse() {
    let runbooks = embedded();
    let named: BTreeSet<String> =
        runbooks.iter().filter_map(|runbook| runbook.about.alert.clone()).collect();
    assert_eq!(named, alerts());
    for runbook in &runbooks {
        assert!(runbook.about.alert.as_ref().is_none_or(|alert| *alert == runbook.name));
    }
}

#[test]
fn runbooks_of_alerts_have_every_section_and_commands() {
    for runbook in embedded().iter().filter(|runbook| runbook.about.alert.is_some()) {
        let headings: Vec<&str> =
            runbook.text.lines().filter_map(|line| line.strip_prefix("## ")).collect();
        assert_eq!(headings.len(), SECTIONS.len(), "{}: {headings:?}", runbook.name);
        for (heading, section) in headings.iter().zip(SECTIONS) {
            assert!(heading.starts_with(section), "{}: {heading}", runbook.name);
        }
        assert!(runbook.blocks.iter().any(|block| block.name == "diagnose"), "{}", runbook.name);
        assert!(runbook.about.severity.is_some(), "{}", runbook.name);
    }
}

#[test]
fn what_blocks_need_is_declared_and_the_reverse() {
    for runbook in embedded() {
        let scripts: String = runbook.blocks.iter().map(|block| block.script.as_str()).collect();
        for var in ["ROUTE", "DIR", "JOURNEY", "LISTENER"] {
            let (used, declared) = (
                scripts.contains(&format!("\"${var}\"")),
                runbook.about.vars.contains(&var.to_owned()),
            );
            assert_eq!(used, declared, "{}: {var}", runbook.name);
        }
        assert!(!scripts.replace("\"$", "").contains('$'), "{}: quote variables", runbook.name);
    }
}

#[test]
fn links_lead_somewhere() {
    let texts = embedded().into_iter().map(|runbook| runbook.text);
    let texts = texts.chain([fs::read_to_string(dir().join("README.md")).unwrap()]);
    for text in texts {
        let targets = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
        for target in targets.filter(|target| !target.starts_with("http")) {
            let path = target.split('#').next().unwrap_or_default();
            assert!(dir().join(path).exists(), "nothing at {target}");
        }
    }
}

#[test]
fn a_runbook_is_read() {
    let runbook = Runbook::parse("x", GOOD).unwrap();
    assert_eq!((runbook.title.as_str(), runbook.about.owner.as_str()), ("Title", "me"));
    let [first, second] = runbook.blocks.as_slice() else { panic!("{:?}", runbook.blocks) };
    assert_eq!((first.line, first.script.as_str()), (7, "echo \"r $ROUTE\"\n"));
    assert_eq!((first.timeout.as_secs(), first.retry), (1, Some(Duration::from_secs(2))));
    assert!(!first.mutates && second.mutates && second.timeout.as_secs() == 10);
}

#[test]
fn mistakes_are_told_with_their_line() {
    let check = |from: &str, to: &str, expected: &str| {
        let error = Runbook::parse("x", &GOOD.replacen(from, to, 1)).unwrap_err();
        assert!(error.to_string().starts_with(expected), "{error}");
    };
    check("---\n", "", "it does not begin");
    check("owner: me", "ownre: me", "its front matter");
    check("# Title", "Title", "it has no heading");
    check("timeout=1s", "timeout=1h", "line 7: `timeout=1h` is no attribute");
    check("timeout=1s", "patience=1s", "line 7: `patience=1s` is no attribute");
    check("name=second", "name=first", "line 15: there is a block `first`");
    check("name=second", "expect=x", "line 15: the block has no name");
    check("true\n```\n", "true\n", "line 15: the block does not end");
}

fn block(script: &str) -> Block {
    Block { script: script.into(), ..Runbook::parse("x", GOOD).unwrap().blocks[0].clone() }
}

fn vars() -> Vec<(String, String)> {
    vec![("ROUTE".into(), "device-read".into())]
}

#[tokio::test]
async fn a_block_ends_well_if_it_says_what_is_expected() {
    let ran = run(&block("echo hello; echo \"r $ROUTE\""), &vars()).await.unwrap();
    assert_eq!((ran.ended, ran.output.as_str()), (Ended::Ok, "hello\nr device-read\n"));
    let never = Block { retry: None, ..block("echo \"no r $ROUTE\"") };
    assert_eq!(run(&never, &vars()).await.unwrap().ended, Ended::Unexpected);
}

#[tokio::test]
async fn a_failure_is_tried_again_while_it_may_be() {
    let dir = tempfile::tempdir().unwrap();
    let seen = dir.path().join("seen");
    let script =
        format!("[ -e {0} ] && echo \"r $ROUTE\" || {{ touch {0}; exit 3; }}", seen.display());
    let ran = run(&block(&script), &vars()).await.unwrap();
    assert_eq!((ran.ended, ran.attempts), (Ended::Ok, 2));
    let once = Block { retry: None, ..block("exit 3") };
    assert_eq!(run(&once, &vars()).await.unwrap().ended, Ended::Failed(Some(3)));
}

#[tokio::test]
async fn what_takes_too_long_is_ended_with_all_that_it_started() {
    let dir = tempfile::tempdir().unwrap();
    let pid = dir.path().join("pid");
    let script = format!("echo so far; sleep 600 & echo $! > {}; wait", pid.display());
    let ran = run(&Block { retry: None, ..block(&script) }, &vars()).await.unwrap();
    assert_eq!((ran.ended, ran.output.as_str()), (Ended::TimedOut, "so far\n"));
    let stat = format!("/proc/{}/stat", fs::read_to_string(pid).unwrap().trim());
    // It is killed; the kernel buries it a moment later.
    let dead = async {
        while fs::read_to_string(&stat).is_ok_and(|stat| {
            stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with(['Z', 'X']))
        }) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), dead).await.unwrap();
}
