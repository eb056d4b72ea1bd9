use super::*;

fn check(path: &str, action: Action, expires: Option<u64>, expected: Result<(), &str>) {
    let rule = Rule { pattern: path.parse().unwrap(), action, reason: "why".into(), expires };
    let outcome = Rules::new(vec![rule.clone()]).map(|_| ()).map_err(|bad| bad.to_string());
    assert_eq!(outcome, expected.map_err(str::to_owned), "{rule:?}");
}

#[test]
fn guarded_kinds_need_one_path_and_an_end() {
    for kind in [Kind::Missing, Kind::Type] {
        let ignore = || Action::Ignore(Kinds::of(&[Kind::Value, kind]));
        check("body.a", ignore(), Some(9), Ok(()));
        check("body.a[]", ignore(), Some(9), Ok(()));
        for path in ["body.*", "body.a.**", "body.**.a", "header.*"] {
            let expected = format!(
                "the rule for `{path}` would ignore `{kind}` at many places: that kind breaks clients and is ignored only at one exact path"
            );
            check(path, ignore(), Some(9), Err(&expected));
        }
        let expected = format!(
            "the rule for `body.a` would ignore `{kind}` for good: that kind breaks clients, give the rule an expiry (usually 30 days)"
        );
        check("body.a", ignore(), None, Err(&expected));
    }
    check("status", Action::Ignore(Kinds::of(&[Kind::Status])), Some(9), Ok(()));
    let expected = "the rule for `status` would ignore `status` for good: that kind breaks clients, give the rule an expiry (usually 30 days)";
    check("status", Action::Ignore(Kinds::of(&[Kind::Status])), None, Err(expected));
    check("body.**", Action::Ignore(Kinds::UNGUARDED), None, Ok(()));
}

#[test]
fn actions_that_mean_nothing_are_refused() {
    let unordered = || Action::Unordered { key: "id".into() };
    for (path, action, why) in [
        ("status", Action::Ignore(Kinds::UNGUARDED), "`status` differs in kind `status` only"),
        ("status", Action::Shape(Format::Integer), "a status can only be ignored"),
        ("header.a", unordered(), "only bodies have lists"),
        ("header.a", Action::Tolerate(Tolerance::Order), "only bodies have lists"),
        ("body.a", Action::Normalise(vec![]), "it names no step"),
        ("body.a", Action::Compare, "write `body` to have the bodies of errors compared"),
    ] {
        let expected = format!("the rule for `{path}` has no effect there: {why}");
        check(path, action, None, Err(&expected));
    }
    let nothing =
        "the rule for `body.a` ignores no kind of difference: name one, or remove the rule";
    check("body.a", Action::Ignore(Kinds::default()), None, Err(nothing));
    check("body", Action::Compare, None, Ok(()));
    check("header.server", Action::Compare, None, Ok(()));
    check("body.a[]", unordered(), None, Ok(()));
}

#[test]
fn every_rule_has_a_reason_and_none_a_twin() {
    let rule = |action| Rule {
        pattern: "body.a".parse().unwrap(),
        action,
        reason: "why".into(),
        expires: None,
    };
    let silent = Rule { reason: "  ".into(), ..rule(Action::Shape(Format::Uuid)) };
    let pattern = silent.pattern.clone();
    assert_eq!(Rules::new(vec![silent]), Err(BadRule::NoReason(pattern.clone())));
    let twins = vec![rule(Action::Shape(Format::Uuid)), rule(Action::Shape(Format::Date))];
    assert_eq!(Rules::new(twins), Err(BadRule::Twice(pattern)));
    let both = vec![rule(Action::Shape(Format::Uuid)), rule(Action::Normalise(vec![Normal::Trim]))];
    assert_eq!(Rules::new(both.clone()).unwrap().iter().cloned().collect::<Vec<_>>(), both);
}

#[test]
fn actions_read_as_they_are_written() {
    for (action, expected) in [
        (Action::Ignore(Kinds::of(&[Kind::Type, Kind::Missing])), "ignore missing, type"),
        (Action::Tolerate(Tolerance::Number("0.50".parse().unwrap())), "tolerate number ±0.5"),
        (Action::Tolerate(Tolerance::Time { within_ms: 5 }), "tolerate time ±5 ms"),
        (Action::Unordered { key: "id".into() }, "unordered by id"),
        (Action::Unordered { key: "".into() }, "unordered"),
        (Action::Renamed { space: "ids".into() }, "renamed in ids"),
        (Action::Normalise(vec![Normal::Trim, Normal::LowerCase]), "normalise trim, lower-case"),
    ] {
        assert_eq!(action.to_string(), expected);
    }
}
