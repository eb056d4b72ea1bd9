mod answers;
mod json;
mod properties;
mod rule_table;
mod stand_ins;

use self::json::json;
use super::*;

/// A successful answer with this JSON.
fn answer(body: &str) -> Answer {
    Answer {
        status: 200,
        headers: vec![("content-type".into(), "application/json".into())],
        trailers: Vec::new(),
        body: Body::Value(json(body)),
    }
}

fn with_headers(headers: &[(&str, &str)]) -> Answer {
    let headers = headers.iter().map(|(name, value)| ((*name).into(), (*value).into()));
    Answer { status: 200, headers: headers.collect(), trailers: Vec::new(), body: Body::Empty }
}

fn with_status(status: u16) -> Answer {
    Answer { status, ..answer("{}") }
}

fn rule(path: &str, action: Action) -> Rule {
    let expires = matches!(action, Action::Ignore(_)).then_some(NOW + 1);
    Rule { pattern: path.parse().unwrap(), action, reason: "a test".into(), expires }
}

fn rules(rules: &[(&str, Action)]) -> Rules {
    Rules::new(rules.iter().map(|(path, action)| rule(path, action.clone())).collect()).unwrap()
}

const NOW: u64 = 1_800_000_000;

/// Differences of two answers, and what was learnt on the way.
fn compared(
    live: &Answer,
    candidate: &Answer,
    reference: Option<&Answer>,
    rules: &Rules,
    bijections: &mut Bijections,
) -> Vec<Difference> {
    let terms = Terms { rules, limits: &Limits::default(), now: NOW };
    compare(live, candidate, reference, &terms, bijections).unwrap()
}

/// One line for each difference of two answers without a second one: `path kind shape`.
fn lines(live: &Answer, candidate: &Answer, rules: &Rules) -> String {
    let differences = compared(live, candidate, None, rules, &mut Bijections::default());
    let line = |difference: &Difference| {
        assert!(difference.candidate && difference.reference.is_none());
        format!("{} {} {}\n", difference.path, difference.kind, difference.shape)
    };
    differences.iter().map(line).collect()
}

fn check(live: &str, candidate: &str, expected: expect_test::Expect) {
    expected.assert_eq(lines(&answer(live), &answer(candidate), &Rules::default()).trim_end());
}
