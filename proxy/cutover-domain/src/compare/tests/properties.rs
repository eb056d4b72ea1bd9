//! What holds for any two answers.

use std::collections::BTreeSet;

use proptest::{prelude::*, sample::Index};

use super::*;
use crate::compare::path::{Root, Segment, write_path};

/// Where in a value something is changed: its path as steps, and how.
pub(super) type Spot = (String, Kind);

fn scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        "-?(0|[1-9][0-9]{0,25})(\\.[0-9]{1,25})?"
            .prop_map(|text| Value::Number(text.parse().unwrap())),
        "[a-z0-9 ]{0,6}".prop_map(|text| Value::Text(text.into())),
    ]
}

/// Keys are names, ids, and names that must be quoted.
fn key() -> impl Strategy<Value = String> {
    prop_oneof![4 => "[a-d]", 1 => "[1-4]", 1 => "[a-b]\\.[a-b]"]
}

pub(super) fn value() -> impl Strategy<Value = Value> {
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

pub(super) fn of(body: Value) -> Answer {
    Answer { body: Body::Value(body), ..with_headers(&[]) }
}

fn found(live: &Answer, candidate: &Answer, rules: &Rules) -> BTreeSet<Spot> {
    let differences = compared(live, candidate, None, rules, &mut Bijections::default());
    let set: BTreeSet<Spot> =
        differences.iter().map(|found| (found.path.to_string(), found.kind)).collect();
    assert_eq!(set.len(), differences.len(), "a path and kind twice");
    set
}

/// The same value with the keys of every map handed over in another order.
fn shuffled(value: &Value, seed: usize) -> Value {
    match value {
        Value::List(list) => Value::List(list.iter().map(|v| shuffled(v, seed)).collect()),
        Value::Map(map) => {
            let mut entries: Vec<_> =
                map.iter().map(|(key, value)| (key.into(), shuffled(value, seed + 1))).collect();
            let length = entries.len().max(1);
            entries.rotate_left(seed % length);
            entries.reverse();
            Value::Map(Map::new(entries).unwrap())
        }
        scalar => scalar.clone(),
    }
}

/// All single changes that can be made to a value, each with the one difference that it makes.
fn mutants<'v>(value: &'v Value, path: &mut Vec<Segment<'v>>, out: &mut Vec<(Value, Spot)>) {
    let mut plant = |path: &[Segment<'_>], mutant: Value, kind| {
        let mut text = String::new();
        write_path(Root::Body, path, &mut text);
        out.push((mutant, (text, kind)));
    };
    let other_type = if *value == Value::Null { Value::Bool(true) } else { Value::Null };
    plant(path, other_type, Kind::Type);
    match value {
        Value::Null => {}
        Value::Bool(bool) => plant(path, Value::Bool(!bool), Kind::Value),
        Value::Number(number) => {
            // Far beyond what a float could tell apart.
            let text = number.to_string();
            let (digits, exponent) = text.split_at(text.find('e').unwrap_or(text.len()));
            let point = if digits.contains('.') { "" } else { "." };
            let other = format!("{digits}{point}{:030}1{exponent}", 0);
            plant(path, Value::Number(other.parse().unwrap()), Kind::Value);
        }
        Value::Text(text) => plant(path, Value::text(&format!("{text}!")), Kind::Value),
        Value::List(list) => mutate_list(list, path, out),
        Value::Map(map) => mutate_map(map, path, out),
    }
}

fn mutate_list<'v>(list: &'v [Value], path: &mut Vec<Segment<'v>>, out: &mut Vec<(Value, Spot)>) {
    let mut text = String::new();
    write_path(Root::Body, path, &mut text);
    let longer = [list, &[Value::text("added")]].concat();
    out.push((Value::List(longer), (text.clone(), Kind::Length)));
    for at in 0..list.len() {
        let shorter = [&list[..at], &list[at + 1..]].concat();
        out.push((Value::List(shorter), (text.clone(), Kind::Length)));
        let mut turned = list.to_vec();
        turned.swap(0, at);
        if turned != list {
            out.push((Value::List(turned), (text.clone(), Kind::Order)));
        }
        path.push(Segment::Element);
        let from = out.len();
        mutants(&list[at], path, out);
        path.pop();
        for (mutant, _) in &mut out[from..] {
            let mut whole = list.to_vec();
            whole[at] = mutant.clone();
            *mutant = Value::List(whole);
        }
    }
}

fn mutate_map<'v>(map: &'v Map, path: &mut Vec<Segment<'v>>, out: &mut Vec<(Value, Spot)>) {
    let spot = |path: &[Segment<'_>], kind| {
        let mut text = String::new();
        write_path(Root::Body, path, &mut text);
        (text, kind)
    };
    let all = || map.iter().map(|(key, value)| (Box::from(key), value.clone()));
    path.push(Segment::Key("added"));
    let more = Map::new(all().chain([("added".into(), Value::Null)]).collect());
    // Not twice, where a mutant is changed again.
    out.extend(more.into_iter().map(|map| (Value::Map(map), spot(path, Kind::Extra))));
    path.pop();
    for (key, value) in map.iter() {
        path.push(Segment::key(key));
        let fewer = all().filter(|(name, _)| **name != *key);
        out.push((Value::Map(Map::new(fewer.collect()).unwrap()), spot(path, Kind::Missing)));
        let from = out.len();
        mutants(value, path, out);
        path.pop();
        for (mutant, _) in &mut out[from..] {
            let with = |(name, old): (Box<str>, Value)| match *name == *key {
                true => (name, mutant.clone()),
                false => (name, old),
            };
            *mutant = Value::Map(Map::new(all().map(with).collect()).unwrap());
        }
    }
}

pub(super) fn all_mutants(value: &Value) -> Vec<(Value, Spot)> {
    let mut out = Vec::new();
    mutants(value, &mut Vec::new(), &mut out);
    out
}

proptest! {
    #[test]
    fn an_answer_agrees_with_itself_in_whatever_order_its_keys(value in value(), seed in 0usize..20) {
        let again = of(shuffled(&value, seed));
        let live = of(value);
        prop_assert_eq!(found(&live, &again, &Rules::default()), BTreeSet::new());
        let everywhere = rules(&[("body.**", Action::Unordered { key: "a".into() })]);
        prop_assert_eq!(found(&live, &again, &everywhere), BTreeSet::new());
    }

    #[test]
    fn every_single_change_is_found_and_named(value in value()) {
        let live = of(value.clone());
        for (mutant, spot) in all_mutants(&value) {
            // A change within a list can make it the same list in another order.
            let candidate = of(mutant);
            let found = found(&live, &candidate, &Rules::default());
            prop_assert_eq!(found.len(), 1, "{:?} {:?}", spot, found);
            let only = found.first().unwrap();
            let turned = only.1 == Kind::Order && spot.0.starts_with(&*only.0);
            prop_assert!(*only == spot || turned, "{:?} {:?}", spot, found);
        }
    }

    #[test]
    fn two_answers_differ_alike_from_either_side(one in value(), two in value()) {
        let mirrored = |found: BTreeSet<Spot>| -> BTreeSet<Spot> {
            let mirror = |kind| match kind {
                Kind::Missing => Kind::Extra,
                Kind::Extra => Kind::Missing,
                kind => kind,
            };
            found.into_iter().map(|(path, kind)| (path, mirror(kind))).collect()
        };
        let (one, two) = (of(one), of(two));
        let there = found(&one, &two, &Rules::default());
        prop_assert_eq!(there.is_empty(), one == two);
        prop_assert_eq!(mirrored(there), found(&two, &one, &Rules::default()));
    }

    #[test]
    fn ignoring_a_path_hides_it_and_no_other(
        value in value(),
        one in any::<Index>(),
        two in any::<Index>(),
    ) {
        let all = all_mutants(&value);
        let live = of(value);
        for (mutant, _) in [one.get(&all), two.get(&all)] {
            // Two changes: the second is planted into the first.
            let again = all_mutants(mutant);
            let candidate = of(two.get(&again).0.clone());
            let before = found(&live, &candidate, &Rules::default());
            for (path, kind) in &before {
                let ignored = rules(&[(path, Action::Ignore(Kinds::of(&[*kind])))]);
                let mut rest = before.clone();
                rest.remove(&(path.clone(), *kind));
                prop_assert_eq!(found(&live, &candidate, &ignored), rest, "{} {}", path, kind);
            }
        }
    }

    #[test]
    fn what_legacy_does_too_is_noise(live in value(), candidate in value(), reference in value()) {
        let [live, candidate, reference] = [live, candidate, reference].map(of);
        let bijections = &mut Bijections::default();
        let both = compared(&live, &candidate, Some(&reference), &Rules::default(), bijections);
        let of_candidate = found(&live, &candidate, &Rules::default());
        let of_reference = found(&live, &reference, &Rules::default());
        let spots: BTreeSet<Spot> =
            both.iter().map(|found| (found.path.to_string(), found.kind)).collect();
        prop_assert_eq!(&spots, &of_candidate.union(&of_reference).cloned().collect());
        for difference in both {
            let spot = (difference.path.to_string(), difference.kind);
            prop_assert_eq!(difference.candidate, of_candidate.contains(&spot));
            prop_assert_eq!(difference.reference == Some(true), of_reference.contains(&spot));
        }
    }

    #[test]
    fn every_change_of_a_header_is_found(
        fields in prop::collection::btree_map("x-[a-e]", "[a-z]{1,4}", 1..5),
        at in any::<Index>(),
    ) {
        let answer = |fields: &std::collections::BTreeMap<String, String>| {
            let fields: Vec<_> = fields.iter().map(|(name, value)| (&**name, &**value)).collect();
            with_headers(&fields)
        };
        let live = answer(&fields);
        let names: Vec<&String> = fields.keys().collect();
        let name = *at.get(&names);
        let path = format!("header.{name}");
        let mut changed = fields.clone();
        changed.insert(name.clone(), "changed".to_owned());
        let mut gone = fields.clone();
        gone.remove(name);
        let (changed, gone) = (answer(&changed), answer(&gone));
        for (live, candidate, kind) in [
            (&live, &changed, Kind::Header),
            (&live, &gone, Kind::Missing),
            (&gone, &live, Kind::Extra),
        ] {
            let expected = BTreeSet::from([(path.clone(), kind)]);
            prop_assert_eq!(found(live, candidate, &Rules::default()), expected);
        }
    }
}
