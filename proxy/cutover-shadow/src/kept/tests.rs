use std::collections::VecDeque;

use cutover_domain::{
    compare::{Incomparable, Kind, Path},
    exchange::Dropped,
    parity::{
        Basis, Cause, Counters, Epoch, NoiseProfile, PATHS_MAX, Pace, PairedLatency, PathEvidence,
        PathNoise, Place, SHAPES_MAX, Shape, ShapeSeen, Shapes,
    },
};
use expect_test::expect;
use proptest::{collection, option, prelude::*};

use super::{
    document::{
        HOURS_MAX,
        parts::{COUNT_MAX, place},
    },
    *,
};

/// Every number that may come, the largest and smallest often.
fn count() -> impl Strategy<Value = u64> {
    prop_oneof![0..=20u64, 0..=COUNT_MAX, Just(COUNT_MAX)]
}

fn text() -> impl Strategy<Value = Box<str>> {
    any::<String>().prop_map(Into::into)
}

/// Places as answers have them, such that no rule can name too.
fn a_place() -> impl Strategy<Value = Place> {
    let at = |text: String| Place::At(Path::from_canonical(&text));
    prop_oneof![
        Just(Place::Other),
        r#"body(\.[a-z]{1,5}|\[\]|\{\}|\."\\"\PC{0,3}"){0,4}"#.prop_map(at),
        "(header|trailer)(\\{\\}|\\.[a-z-]{1,9})".prop_map(at),
    ]
}

fn kind() -> impl Strategy<Value = Kind> {
    proptest::sample::select(Kind::ALL.to_vec())
}

fn basis() -> impl Strategy<Value = Basis> {
    (text(), text(), text()).prop_map(|(build, rules, legacy)| Basis { build, rules, legacy })
}

fn counters() -> impl Strategy<Value = Counters> {
    let incomparable = proptest::sample::select(Incomparable::ALL.to_vec());
    let dropped = proptest::sample::select(Dropped::ALL.to_vec());
    let reasons = collection::btree_map(incomparable, count(), 0..8);
    let drops = collection::btree_map(dropped, count(), 0..7);
    let counters = |(matches, mismatches, noisy, incomparable, dropped)| Counters {
        matches,
        mismatches,
        noisy,
        incomparable,
        dropped,
    };
    (count(), count(), count(), reasons, drops).prop_map(counters)
}

fn evidence() -> impl Strategy<Value = PathEvidence> {
    let evidence = |(only_candidate, only_reference, both, unpaired, regressed_after)| {
        PathEvidence { only_candidate, only_reference, both, unpaired, regressed_after }
    };
    (count(), count(), count(), count(), option::of(count())).prop_map(evidence)
}

fn noise() -> impl Strategy<Value = NoiseProfile> {
    let kinds = collection::btree_map(kind(), count(), 0..4);
    let path = (count(), count(), kinds).prop_map(|(pairs, recent_pairs, kinds)| PathNoise {
        pairs,
        recent_pairs,
        kinds,
    });
    let paths = collection::btree_map(a_place(), path, 0..6);
    (count(), count(), count(), paths).prop_map(|(version, pairs, recent_pairs, paths)| {
        NoiseProfile { version, pairs, recent_pairs, paths }
    })
}

fn shapes() -> impl Strategy<Value = Shapes> {
    let shape = "\\PC{0,300}".prop_map(|text| Shape::from_text(&text));
    let seen = (count(), option::of(count()))
        .prop_map(|(seen_at, compared_at)| ShapeSeen { seen_at, compared_at });
    collection::btree_map(shape, seen, 0..5).prop_map(|seen| Shapes { seen })
}

fn pace() -> impl Strategy<Value = Pace> {
    let hours = collection::vec((count(), count()), 0..=HOURS_MAX);
    let pace = |(since, hours): (_, Vec<_>)| Pace { since, hours: hours.into() };
    (option::of(count()), hours).prop_map(pace)
}

fn history() -> impl Strategy<Value = VecDeque<Epoch>> {
    let cause = proptest::sample::select(Cause::ALL.to_vec());
    let regressions = collection::vec(a_place(), 0..3);
    let epoch = (basis(), count(), count(), cause, counters(), count(), regressions).prop_map(
        |(basis, since, until, cause, counters, pairs, regressions)| Epoch {
            basis,
            since,
            until,
            cause,
            counters,
            pairs,
            regressions,
        },
    );
    collection::vec(epoch, 0..4).prop_map(Into::into)
}

prop_compose! {
    fn snapshot()(
        basis in basis(),
        since in count(),
        counters in counters(),
        pairs in count(),
        paths in collection::btree_map(a_place(), evidence(), 0..8),
        noise in noise(),
        shapes in shapes(),
        buckets in collection::btree_map(any::<i16>(), count(), 0..9),
        pace in pace(),
        history in history(),
    ) -> Snapshot {
        let latency = PairedLatency { buckets };
        Snapshot { basis, since, counters, pairs, paths, noise, shapes, latency, pace, history }
    }
}

proptest! {
    #[test]
    fn what_is_written_is_read_back_exactly(snapshot in snapshot()) {
        let text = to_text(&snapshot).unwrap();
        prop_assert_eq!(from_text(&text).unwrap(), snapshot);
    }

    #[test]
    fn half_a_document_is_none(snapshot in snapshot(), at in any::<prop::sample::Index>()) {
        let text = to_text(&snapshot).unwrap();
        let cut = text.floor_char_boundary(at.index(text.len()));
        prop_assert!(matches!(from_text(&text[..cut]), Err(KeptError::Damaged(_))));
    }

    #[test]
    fn no_text_makes_it_panic(text in "\\PC{0,80}") {
        prop_assert!(from_text(&text).is_err());
    }
}

/// What is written now must be read by releases to come, or get another version.
#[test]
fn the_document_of_this_version() {
    let mut snapshot = Snapshot { since: 7, pairs: 3, ..Snapshot::default() };
    snapshot.basis.rules = "r1".into();
    snapshot.counters.matches = 9;
    snapshot.counters.incomparable.insert(Incomparable::DuplicateKey, 1);
    snapshot.counters.dropped.insert(Dropped::Rate, 2);
    let place = place("body.devices[].name");
    let evidence =
        PathEvidence { only_candidate: 13, regressed_after: Some(13), ..PathEvidence::default() };
    snapshot.paths.insert(place.clone(), evidence);
    let kinds = [(Kind::Value, 3)].into();
    snapshot.noise.paths.insert(Place::Other, PathNoise { pairs: 3, recent_pairs: 2, kinds });
    let seen = ShapeSeen { seen_at: 5, compared_at: None };
    snapshot.shapes.seen.insert(Shape::from_text("GET /x 2xx"), seen);
    snapshot.latency.buckets.insert(-4, 1);
    snapshot.pace = Pace { since: Some(1), hours: [(2, 3)].into() };
    let epoch = Epoch {
        basis: Basis::default(),
        since: 1,
        until: 7,
        cause: Cause::Store,
        counters: Counters::default(),
        pairs: 0,
        regressions: vec![place],
    };
    snapshot.history.push_back(epoch);
    let text = to_text(&snapshot).unwrap();
    let pretty: serde_json::Value = serde_json::from_str(&text).unwrap();
    expect![[r#"
        {
          "basis": {
            "build": "",
            "legacy": "",
            "rules": "r1"
          },
          "counters": {
            "dropped": {
              "rate": 2
            },
            "incomparable": {
              "duplicate_key": 1
            },
            "matches": 9,
            "mismatches": 0,
            "noisy": 0
          },
          "history": [
            {
              "basis": {
                "build": "",
                "legacy": "",
                "rules": ""
              },
              "cause": "store",
              "counters": {
                "dropped": {},
                "incomparable": {},
                "matches": 0,
                "mismatches": 0,
                "noisy": 0
              },
              "pairs": 0,
              "regressions": [
                "body.devices[].name"
              ],
              "since": 1,
              "until": 7
            }
          ],
          "latency": [
            [
              -4,
              1
            ]
          ],
          "noise": {
            "pairs": 0,
            "paths": [
              {
                "kinds": {
                  "value": 3
                },
                "pairs": 3,
                "path": "_other",
                "recent_pairs": 2
              }
            ],
            "recent_pairs": 0,
            "version": 0
          },
          "pace": {
            "hours": [
              [
                2,
                3
              ]
            ],
            "since": 1
          },
          "pairs": 3,
          "paths": [
            {
              "only_candidate": 13,
              "path": "body.devices[].name",
              "regressed_after": 13
            }
          ],
          "shapes": [
            {
              "seen_at": 5,
              "shape": "GET /x 2xx"
            }
          ],
          "since": 7,
          "version": 1
        }
    "#]]
    .assert_eq(&format!("{pretty:#}\n"));
    assert_eq!(from_text(&text).unwrap(), snapshot);
}

#[test]
fn another_version_is_named_whatever_it_holds() {
    let error = from_text(r#"{"version": 2, "quite": ["different"]}"#).unwrap_err();
    assert!(matches!(error, KeptError::Version { found: 2 }));
    assert_eq!(error.to_string(), "it has version 2, but this release reads version 1");
}

#[test]
fn what_no_parity_can_be_is_refused() {
    let good = to_text(&Snapshot::default()).unwrap();
    let refused = |from: &str, to: &str| {
        let text = good.replacen(from, to, 1);
        assert_ne!(text, good, "{from}");
        from_text(&text).unwrap_err().to_string()
    };
    let damaged = "it is no document of parity";
    assert_eq!(refused(r#""since":0"#, r#""since":9007199254740993"#), damaged);
    assert_eq!(refused(r#""pairs":0"#, r#""pairs":-1"#), damaged);
    assert_eq!(refused(r#""pairs":0"#, r#""pairs":0,"more":1"#), damaged);
    assert_eq!(refused(r#""dropped":{}"#, r#""dropped":{"x":1}"#), "its reasons make no sense");
    let hours = format!(r#""hours":[{}[1,1]]"#, "[1,1],".repeat(HOURS_MAX));
    assert_eq!(refused(r#""hours":[]"#, &hours), "its hours make no sense");
    let paths = format!(r#""paths":[{}{{"path":"body"}}]"#, r#"{"path":"body"},"#.repeat(2_001));
    assert_eq!(refused(r#""paths":[]"#, &paths), "its paths make no sense");
    let long = format!("{good}{}", " ".repeat(BYTES_MAX));
    assert!(matches!(from_text(&long), Err(KeptError::TooLong(_))));
}

#[test]
fn the_largest_route_is_within_bounds() {
    let mut snapshot = Snapshot::default();
    let long = "k".repeat(60);
    for number in 0..=PATHS_MAX {
        let place = place(&format!("body.{long}[].{long}.{long}{number}"));
        let evidence = PathEvidence { only_candidate: COUNT_MAX, ..PathEvidence::default() };
        snapshot.paths.insert(place.clone(), evidence);
        let kinds = Kind::ALL.map(|kind| (kind, COUNT_MAX)).into();
        snapshot.noise.paths.insert(place, PathNoise { kinds, ..PathNoise::default() });
    }
    for number in 0..=SHAPES_MAX {
        let shape = Shape::from_text(&format!("GET /{}{number}", "x".repeat(300)));
        snapshot.shapes.seen.insert(shape, ShapeSeen::default());
    }
    let text = to_text(&snapshot).unwrap();
    assert!(text.len() < BYTES_MAX / 4, "{}", text.len());
    assert_eq!(from_text(&text).unwrap(), snapshot);
}
