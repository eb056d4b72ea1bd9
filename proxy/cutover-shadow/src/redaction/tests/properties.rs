//! What holds for any answer.

use cutover_domain::compare::{
    Action, Bijections, Difference, Judged, Kinds, Limits, Rule, Rules, Terms, Tolerance, compare,
    compare_stand_ins,
};
use proptest::{prelude::*, sample::Index};

use super::*;
use crate::redaction::{Rebuild, reduce_to_common};

/// Planted where it must not be seen; of no format that names it.
const SECRET: &str = "Ada.Lovelace+4417@Example.org";

fn scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        "-?(0|[1-9][0-9]{0,12})(\\.[0-9]{1,9})?".prop_map(|text| number(&text)),
        "[a-z0-9 ]{0,6}".prop_map(|text| Value::Text(text.into())),
        Just(Value::text("8c6a0c3e-6d5e-4f0a-9b7e-0d8f6a1c2b3d")),
    ]
}

/// Keys are names, data, and names that redaction has to spell otherwise.
fn key() -> impl Strategy<Value = String> {
    prop_oneof![4 => "[a-d]", 1 => "[1-4]{4}", 1 => "[{\\\\…][a-b]", 1 => "[a-b] [a-b]"]
}

fn value() -> impl Strategy<Value = Value> {
    scalar().prop_recursive(4, 48, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::List),
            prop::collection::btree_map(key(), inner, 0..5).prop_map(|entries| {
                let entries = entries.into_iter().map(|(key, value)| (key.into(), value));
                Value::Map(Map::new(entries.collect()).unwrap())
            }),
        ]
    })
}

fn body() -> impl Strategy<Value = Body> {
    prop_oneof![
        8 => value().prop_map(Body::Value),
        1 => Just(Body::Empty),
        1 => "[a-c ]{0,8}".prop_map(Body::Text),
        1 => (0_u64..3, 0_u64..3).prop_map(|(length, hash)| Body::Opaque { length, hash }),
        1 => prop::collection::vec(value().prop_map(Frame::Value), 0..3).prop_map(Body::Frames),
    ]
}

fn answers() -> impl Strategy<Value = Answer> {
    let field = (
        "(x-a|x-b|vary|content-type|set-cookie|grpc-status|etag)",
        "[a-c]{1,2}(, [A-C]|=[a-c]; Path=/)?",
    );
    let fields = prop::collection::vec(field, 0..4);
    (fields, body(), prop_oneof![6 => Just(200_u16), 1 => Just(404), 1 => Just(503)]).prop_map(
        |(fields, body, status)| {
            let fields: Vec<_> = fields.iter().map(|(name, text)| (&**name, &**text)).collect();
            Answer { status, ..answer(&fields, body) }
        },
    )
}

/// Paths to every scalar, by index of what is inside of what.
fn spots(value: &Value, at: &mut Vec<usize>, out: &mut Vec<Vec<usize>>) {
    match value {
        Value::List(list) => list.iter().enumerate().for_each(|(i, value)| {
            at.push(i);
            spots(value, at, out);
            at.pop();
        }),
        Value::Map(map) => map.iter().enumerate().for_each(|(i, (_, value))| {
            at.push(i);
            spots(value, at, out);
            at.pop();
        }),
        _ => out.push(at.clone()),
    }
}

fn planted(value: &Value, at: &[usize], new: &Value) -> Value {
    let Some((first, rest)) = at.split_first() else { return new.clone() };
    match value {
        Value::List(list) => {
            let mut list = list.clone();
            list[*first] = planted(&list[*first], rest, new);
            Value::List(list)
        }
        Value::Map(map) => {
            let entries = map.iter().enumerate().map(|(i, (key, value))| {
                let value = if i == *first { planted(value, rest, new) } else { value.clone() };
                (key.into(), value)
            });
            Value::Map(Map::new(entries.collect()).unwrap())
        }
        scalar => scalar.clone(),
    }
}

fn rules(action: Action) -> Rules {
    let pattern = "body.**".parse().unwrap();
    Rules::new(vec![Rule { pattern, action, reason: "a test".into(), expires: None }]).unwrap()
}

/// Rules that look at no value.
fn blind_rules() -> Vec<Rules> {
    vec![
        Rules::default(),
        rules(Action::Unordered { key: "a".into() }),
        rules(Action::Unordered { key: "1111".into() }),
        rules(Action::Tolerate(Tolerance::Order)),
        rules(Action::Tolerate(Tolerance::Extra)),
        rules(Action::Ignore(Kinds::UNGUARDED)),
        rules(Action::Renamed { space: "s".into() }),
        rules(Action::Shape(Format::Uuid)),
    ]
}

fn really(answers: &[Answer], rules: &Rules) -> Vec<Difference> {
    let terms = Terms { rules, limits: &Limits::default(), now: 1 };
    compare(&answers[0], &answers[1], answers.get(2), &terms, &mut Bijections::default()).unwrap()
}

/// As a store gives them back.
fn outlined(answers: &[Answer], kept: &[&str]) -> Vec<Outline> {
    let (redactor, keep) = (Redactor::new(&[1; 32]), keep(kept));
    let outline = |answer: &Answer| {
        let document = serde_json::to_string(&redactor.outline(answer, &keep)).unwrap();
        serde_json::from_str(&document).unwrap()
    };
    let mut outlines: Vec<Outline> = answers.iter().map(outline).collect();
    reduce_to_common(&mut outlines);
    outlines
}

fn judged(outlines: &[Outline], rules: &Rules) -> Vec<Judged> {
    let mut rebuild = Rebuild::of(outlines, rules, &Redactor::new(&[1; 32]));
    let answers: Vec<Answer> = outlines.iter().map(|outline| rebuild.answer(outline)).collect();
    let terms = Terms { rules, limits: &Limits::default(), now: 1 };
    compare_stand_ins(
        &answers[0],
        &answers[1],
        answers.get(2),
        &terms,
        rebuild.stand_ins(),
        &mut Bijections::default(),
    )
    .unwrap()
    .into_iter()
    .map(but_for_data)
    .collect()
}

fn certain(differences: Vec<Difference>) -> Vec<Judged> {
    let certain = |difference| Judged { difference, is_certain: true };
    differences.into_iter().map(certain).map(but_for_data).collect()
}

/// Where keys are data, the first of several tells how values look; without them another is first.
fn but_for_data(mut judged: Judged) -> Judged {
    if judged.difference.path.as_str().contains("{}") {
        judged.difference.shape = "".into();
    }
    judged
}

proptest! {
    // Each case is compared by eight sets of rules.
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_secret_is_kept_wherever_it_stands(
        value in value(),
        at in any::<Index>(),
        in_place_of_a_text in any::<bool>(),
    ) {
        let mut all = Vec::new();
        spots(&value, &mut Vec::new(), &mut all);
        prop_assume!(!all.is_empty());
        let planted = planted(&value, at.get(all.as_slice()).as_slice(), &Value::text(SECRET));
        let as_key = Value::Map(Map::new(vec![(SECRET.into(), value)]).unwrap());
        let cookie = format!("session={SECRET}; Path=/{SECRET}");
        let body = if in_place_of_a_text { Body::Text(SECRET.into()) } else { Body::Empty };
        for body in [Body::Value(planted), Body::Value(as_key), body] {
            let mut answer = answer(&[("x-user", SECRET), ("set-cookie", &cookie)], body);
            answer.trailers.push(("x-checked-by".into(), SECRET.into()));
            let redactor = Redactor::new(&[1; 32]);
            let outline = redactor.outline(&answer, &keep(&["header.x-page", "body.none"]));
            let text = serde_json::to_string(&outline).unwrap();
            for part in [SECRET, "Lovelace", "4417", "ovelace+"] {
                prop_assert!(!text.contains(part), "{} in {}", part, text);
            }
        }
    }

    #[test]
    fn equal_answers_are_equal_without_their_values(one in answers()) {
        let outlines = outlined(&[one.clone(), one.clone(), one], &[]);
        for rules in blind_rules() {
            prop_assert_eq!(judged(&outlines, &rules), vec![]);
        }
    }

    #[test]
    fn different_answers_differ_alike_without_their_values(
        one in answers(), two in answers(), three in answers(),
    ) {
        let all = [one, two, three];
        let outlines = outlined(&all, &[]);
        for rules in blind_rules() {
            prop_assert_eq!(judged(&outlines, &rules), certain(really(&all, &rules)));
        }
    }

    #[test]
    fn one_change_is_found_where_it_is(value in value(), at in any::<Index>(), new in scalar()) {
        let mut all = Vec::new();
        spots(&value, &mut Vec::new(), &mut all);
        prop_assume!(!all.is_empty());
        let changed = planted(&value, at.get(all.as_slice()).as_slice(), &new);
        let both = [value, changed].map(|value| answer(&[], Body::Value(value)));
        // What is kept of them changes nothing.
        for outlines in [outlined(&both, &[]), outlined(&both, &["body.a", "body.*[].b"])] {
            for rules in blind_rules() {
                prop_assert_eq!(judged(&outlines, &rules), certain(really(&both, &rules)));
            }
        }
    }

    #[test]
    fn kept_values_are_compared_as_they_are(value in value(), at in any::<Index>(), new in scalar()) {
        let mut all = Vec::new();
        spots(&value, &mut Vec::new(), &mut all);
        prop_assume!(!all.is_empty());
        let changed = planted(&value, at.get(all.as_slice()).as_slice(), &new);
        let both = [value, changed].map(|value| answer(&[], Body::Value(value)));
        let near = rules(Action::Tolerate(Tolerance::Number("1000000".parse().unwrap())));
        let really = certain(really(&both, &near));
        prop_assert_eq!(judged(&outlined(&both, &["body.**"]), &near), really);
    }

    #[test]
    fn a_wide_object_beside_a_narrow_one(keys in prop::collection::btree_set("[a-z]{1,3}", 48..54), gone in any::<Index>()) {
        let keys: Vec<String> = keys.into_iter().collect();
        let gone = gone.get(&keys);
        let of = |keys: &mut dyn Iterator<Item = &String>| {
            let entries = keys.map(|key| (key.as_str().into(), Value::text(key)));
            answer(&[], Body::Value(Value::Map(Map::new(entries.collect()).unwrap())))
        };
        let both = [of(&mut keys.iter()), of(&mut keys.iter().filter(|key| *key != gone))];
        let rules = Rules::default();
        prop_assert_eq!(judged(&outlined(&both, &[]), &rules), certain(really(&both, &rules)));
    }
}

#[test]
fn what_is_cut_off_hides_no_difference_before_it_and_makes_none() {
    let element =
        |i: usize, name: &str| map(&[("id", number(&i.to_string())), ("name", Value::text(name))]);
    let list = |count: usize, odd: usize| {
        let element = |i| element(i, if i == odd { "odd" } else { "even" });
        answer(&[], Body::Value(map(&[("all", Value::List((0..count).map(element).collect()))])))
    };
    let found = |one: Answer, two: Answer| -> Vec<String> {
        let judged = judged(&outlined(&[one, two], &[]), &Rules::default());
        judged
            .iter()
            .map(|judged| format!("{} {}", judged.difference.path, judged.difference.kind))
            .collect()
    };
    assert_eq!(found(list(5_000, 0), list(5_000, 1)), ["body.all[].name value"]);
    assert_eq!(found(list(5_000, 4_990), list(5_000, 4_991)), [""; 0]);
    // That one is longer is not seen, and nothing else is made of it.
    assert_eq!(found(list(5_000, 4_990), list(4_000, 4_991)), [""; 0]);
    assert_eq!(found(list(5_000, 0), list(3, 0)), [""; 0]);
    assert_eq!(found(list(4, 0), list(3, 0)), ["body.all length"]);
}
