//! Answers with stand-ins say what the answers themselves say, or that they cannot.

use proptest::prelude::*;
use xxhash_rust::xxh3::xxh3_64;

use super::{
    properties::{all_mutants, of, value},
    *,
};

/// The answer with a stand-in for each text and number.
fn hidden(answer: &Answer, stand_ins: &mut StandIns) -> Answer {
    let Answer { status, headers, trailers, body } = answer.canonical();
    let mut fields = |fields: Vec<(Box<str>, Box<str>)>| {
        let hide = |(name, text): (Box<str>, Box<str>)| (name, hidden_text(&text, stand_ins));
        fields.into_iter().map(hide).collect::<Vec<_>>()
    };
    let (headers, trailers) = (fields(headers), fields(trailers));
    let body = match body {
        Body::Value(value) => Body::Value(hidden_value(&value, stand_ins)),
        Body::Text(text) => Body::Text(hidden_text(&text, stand_ins).into()),
        body => body,
    };
    Answer { status, headers, trailers, body }
}

fn hidden_text(text: &str, stand_ins: &mut StandIns) -> Box<str> {
    // White space tells nothing of anybody.
    match text.trim() {
        "" => text.into(),
        _ => stand_ins.text(xxh3_64(text.as_bytes()), Formats::of_text(text)),
    }
}

fn hidden_value(value: &Value, stand_ins: &mut StandIns) -> Value {
    match value {
        Value::Text(text) => Value::Text(hidden_text(text, stand_ins)),
        Value::Number(number) => {
            let hash = xxh3_64(number.to_string().as_bytes());
            Value::Number(stand_ins.number(hash, number.is_integer()))
        }
        Value::List(list) => {
            Value::List(list.iter().map(|value| hidden_value(value, stand_ins)).collect())
        }
        Value::Map(map) => {
            let hide = |(key, value): (&str, &Value)| (key.into(), hidden_value(value, stand_ins));
            Value::Map(Map::new(map.iter().map(hide).collect()).unwrap())
        }
        value => value.clone(),
    }
}

fn judged(live: &Answer, candidate: &Answer, rules: &Rules) -> Vec<Judged> {
    let mut stand_ins = StandIns::default();
    let [live, candidate] = [live, candidate].map(|answer| hidden(answer, &mut stand_ins));
    let terms = Terms { rules, limits: &Limits::default(), now: NOW };
    let bijections = &mut Bijections::default();
    compare_stand_ins(&live, &candidate, None, &terms, &stand_ins, bijections).unwrap()
}

/// `path kind shape`, with `?` behind what is in doubt.
fn lines_of(live: &Answer, candidate: &Answer, rules: &Rules) -> Vec<String> {
    let line = |judged: &Judged| {
        let Difference { path, kind, shape, .. } = &judged.difference;
        format!("{path} {kind} {shape}{}", if judged.is_certain { "" } else { " ?" })
    };
    judged(live, candidate, rules).iter().map(line).collect()
}

/// Rules that never look at a value.
fn blind_rules() -> Vec<Rules> {
    let everywhere = |action| rules(&[("body.**", action)]);
    vec![
        Rules::default(),
        everywhere(Action::Unordered { key: "a".into() }),
        everywhere(Action::Unordered { key: "".into() }),
        everywhere(Action::Tolerate(Tolerance::Order)),
        everywhere(Action::Tolerate(Tolerance::Extra)),
        everywhere(Action::Ignore(Kinds::UNGUARDED)),
        everywhere(Action::Renamed { space: "s".into() }),
        everywhere(Action::Shape(Format::Integer)),
        everywhere(Action::Shape(Format::NonEmpty)),
        everywhere(Action::Shape(Format::Hex)),
    ]
}

/// Rules that do.
fn seeing_rules() -> Vec<Rules> {
    let within = |action| rules(&[("body.**.a", action)]);
    vec![
        within(Action::Normalise(vec![Normal::Trim, Normal::LowerCase])),
        within(Action::Tolerate(Tolerance::Number("1".parse().unwrap()))),
        rules(&[("body.**", Action::Tolerate(Tolerance::Number("1000".parse().unwrap())))]),
        rules(&[("body.**", Action::Normalise(vec![Normal::SortList]))]),
    ]
}

proptest! {
    #[test]
    fn rules_that_see_no_value_need_none(value in value(), other in value()) {
        let mutants = all_mutants(&value).into_iter().map(|(mutant, _)| mutant);
        let live = of(value.clone());
        for candidate in mutants.chain([value, other]).map(of) {
            for rules in blind_rules() {
                let seen = compared(&live, &candidate, None, &rules, &mut Bijections::default());
                let certain = |difference| Judged { difference, is_certain: true };
                let seen: Vec<Judged> = seen.into_iter().map(certain).collect();
                prop_assert_eq!(judged(&live, &candidate, &rules), seen);
            }
        }
    }

    #[test]
    fn what_is_certain_is_so_and_what_is_not_said_is_not_so(value in value()) {
        let live = of(value.clone());
        for (mutant, _) in all_mutants(&value) {
            let candidate = of(mutant);
            for rules in seeing_rules() {
                let seen = compared(&live, &candidate, None, &rules, &mut Bijections::default());
                let judged = judged(&live, &candidate, &rules);
                for difference in &seen {
                    let known = judged.iter().any(|judged| judged.difference == *difference);
                    prop_assert!(known, "{:?} not among {:?}", difference, judged);
                }
                for judged in judged.iter().filter(|judged| judged.is_certain) {
                    prop_assert!(seen.contains(&judged.difference), "{:?}", judged);
                }
            }
        }
    }

    #[test]
    fn fields_are_told_apart_without_their_values(
        fields in prop::collection::vec(("(x-a|vary|content-type|set-cookie)", "[a-c]{1,2}(, [A-C]|=[a-c]; Path=/)?"), 0..4),
        others in prop::collection::vec(("(x-a|vary|content-type|set-cookie)", "[a-c]{1,2}(, [A-C]|=[a-c]; Path=/)?"), 0..4),
    ) {
        let answer = |fields: &[(String, String)]| {
            with_headers(&fields.iter().map(|(name, text)| (&**name, &**text)).collect::<Vec<_>>())
        };
        let (live, other) = (answer(&fields), answer(&others));
        for one in [&live, &other] {
            prop_assert_eq!(lines(one, &one.canonical(), &Rules::default()), "");
            prop_assert_eq!(one.canonical().canonical(), one.canonical());
        }
        let rules = Rules::default();
        let spelt = lines(&live.canonical(), &other.canonical(), &rules);
        prop_assert_eq!(lines(&live, &other, &rules), spelt);
    }
}

#[test]
fn only_what_a_value_could_settle_is_in_doubt() {
    let live = answer(r#"{"t": "2026-11-21T10:00:00Z", "n": 1, "name": "Ada", "u": "x"}"#);
    let candidate = answer(r#"{"t": "2026-11-21T10:00:01Z", "n": 2, "name": "ada", "u": 7}"#);
    let within = Action::Tolerate(Tolerance::Time { within_ms: 5_000 });
    let near = Action::Tolerate(Tolerance::Number("1".parse().unwrap()));
    let check = |rules: &Rules, expected: &[&str]| {
        assert_eq!(lines_of(&live, &candidate, rules), expected);
    };
    let plain = [
        "body.n value integer→integer",
        "body.name value text→text",
        "body.t value rfc3339→rfc3339",
        "body.u type text→integer",
    ];
    check(&Rules::default(), &plain);
    let doubted = [
        "body.n value integer→integer ?",
        "body.name value text→text ?",
        "body.t value rfc3339→rfc3339 ?",
        "body.u type text→integer",
    ];
    let lower = Action::Normalise(vec![Normal::LowerCase]);
    check(
        &rules(&[("body.t", within.clone()), ("body.n", near.clone()), ("body.name", lower)]),
        &doubted,
    );
    // A name is no moment and no number, whichever it is.
    check(&rules(&[("body.name", within)]), &plain);
    check(&rules(&[("body.name", near)]), &plain);
    let rfc3339 = [plain[0], plain[1], plain[3]];
    check(&rules(&[("body.t", Action::Shape(Format::Rfc3339))]), &rfc3339);
}

#[test]
fn headers_and_texts_are_as_doubtful_as_values() {
    let headers = |text| with_headers(&[("x-when", text), ("set-cookie", "s=1; Path=/")]);
    let (live, candidate) = (headers("2026-11-21T10:00:00Z"), headers("2026-11-21T10:00:01Z"));
    let within = Action::Tolerate(Tolerance::Time { within_ms: 5_000 });
    let rules_of = |path, action: &Action| rules(&[(path, action.clone())]);
    let plain = ["header.x-when header rfc3339→rfc3339"];
    assert_eq!(lines_of(&live, &candidate, &Rules::default()), plain);
    let doubted = ["header.x-when header rfc3339→rfc3339 ?"];
    assert_eq!(lines_of(&live, &candidate, &rules_of("header.*", &within)), doubted);

    let text = |text: &str| Answer { body: Body::Text(text.into()), ..with_headers(&[]) };
    let (live, candidate) = (text("Hello  World"), text("hello world"));
    let lower = Action::Normalise(vec![Normal::LowerCase]);
    let found = lines_of(&live, &candidate, &rules_of("body", &lower));
    assert_eq!(found, ["body text text→text ?"]);
    assert!(lines_of(&live, &text("Hello World "), &Rules::default()).is_empty());
}
