use super::*;
use crate::{
    compare::{Kind, Path},
    parity::PATHS_MAX,
};

/// One request each: its differences as `path kind L1-C L1-L2`, where `≠` differs, `=` does not
/// and `?` was not asked; the class of each; the verdict. `body.known` is known as noise by value.
const RULES: &[(&str, &str, &str)] = &[
    // Without L2.
    ("", "", "match"),
    ("body.a value ≠?", "suspect", "mismatch"),
    ("body.known value ≠?", "known", "noisy"),
    ("body.known type ≠?", "suspect", "mismatch"),
    ("body.known value ≠?, body.a value ≠?", "known suspect", "mismatch"),
    // With L2.
    ("body.a value ≠=", "suspect", "mismatch"),
    ("body.a value ≠≠", "noise", "noisy"),
    ("body.a value =≠", "agrees", "match"),
    ("body.known value ≠=", "known", "noisy"),
    ("body.known missing ≠=", "suspect", "mismatch"),
    ("body.known value ≠≠", "noise", "noisy"),
    ("body.a value ≠≠, body.known value ≠=", "noise known", "noisy"),
    ("body.a value ≠≠, body.b value ≠=", "noise suspect", "mismatch"),
    ("body.a value =≠, body.b value ≠≠", "agrees noise", "noisy"),
    ("status status ≠=", "suspect", "mismatch"),
    // By path: legacy differs from itself here, whatever the kinds.
    ("body.a type =≠, body.a value ≠=", "noise noise", "noisy"),
    ("body.known type ≠=, body.known value ≠=", "suspect suspect", "mismatch"),
    // Legacy's second answer had nothing at one of the places.
    ("body.a value ≠?, body.b value ≠≠", "suspect noise", "mismatch"),
    ("body.a value ≠?, body.a type ≠=", "suspect suspect", "mismatch"),
];

#[test]
fn rules_of_the_verdict() {
    let known = Place::At("body.known".parse::<Path>().unwrap());
    let mut noise = NoiseProfile::default();
    (0..3).for_each(|_| {
        noise.learn([(known.clone(), Kinds::of(&[Kind::Value]))].into_iter());
    });
    for (text, classes_expected, verdict_expected) in RULES {
        let differences = differences(text);
        let (places, folded) = fold(&differences, true, &mut BTreeMap::new());
        let classes = places.iter().map(|place| folded[place].class(place, &noise));
        let classes: Vec<Class> = classes.collect();
        let names: Vec<&str> = classes.iter().map(|class| class.as_str()).collect();
        assert_eq!(names.join(" "), *classes_expected, "{text}");
        assert_eq!(Verdict::of(classes.into_iter()).as_str(), *verdict_expected, "{text}");
    }
}

#[test]
fn what_counts_as_which_evidence() {
    let [b, c, both, unpaired] = [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]];
    for (text, paired, counted) in [
        ("body.a value ≠=", true, b),
        ("body.a value =≠", true, c),
        ("body.a value ≠≠", true, both),
        ("body.a value ≠?", true, unpaired),
        ("body.a value ≠?", false, unpaired),
        // Once for each request, whatever the kinds.
        ("body.a value ≠=, body.a missing ≠=", true, b),
        ("body.a value ≠=, body.a missing =≠", true, both),
        // Nothing is read of a second answer that there was not.
        ("body.a value ≠=", false, unpaired),
        ("body.a value =≠", false, [0; 4]),
    ] {
        let (places, folded) = fold(&differences(text), paired, &mut BTreeMap::new());
        let mut path = PathEvidence::default();
        folded[&places[0]].count(&mut path, 1, 7.0);
        let PathEvidence { only_candidate, only_reference, both, unpaired, .. } = path;
        assert_eq!([only_candidate, only_reference, both, unpaired], counted, "{text} {paired}");
    }
}

#[test]
fn one_answer_cannot_pass_the_cap_of_paths() {
    let all: Vec<String> =
        (0..5_000).map(|i| format!("body.f{}.g{} extra ≠=", i / 100, i % 100)).collect();
    let mut paths = BTreeMap::new();
    let (places, folded) = fold(&differences(&all.join(", ")), true, &mut paths);
    assert_eq!((places.len(), folded.len(), paths.len()), (5_000, PATHS_MAX + 1, PATHS_MAX + 1));
    assert_eq!(places.last(), Some(&Place::Other));
}

fn differences(text: &str) -> Vec<Difference> {
    text.split(", ").filter(|one| !one.is_empty()).map(difference).collect()
}

fn difference(text: &str) -> Difference {
    let [path, kind, marks] = text.split(' ').collect::<Vec<_>>().try_into().unwrap();
    let mut marks = marks.chars();
    Difference {
        path: path.parse().unwrap(),
        kind: kind.parse().unwrap(),
        candidate: marks.next() == Some('≠'),
        reference: match marks.next().unwrap() {
            '≠' => Some(true),
            '=' => Some(false),
            _ => None,
        },
        shape: "".into(),
    }
}
