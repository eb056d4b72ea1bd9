use std::collections::HashMap;

use http::{Method, StatusCode};
use proptest::prelude::*;

use super::*;

const WITHIN: u64 = 2_000;
const LOST: u64 = 30_000;

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn journey() -> Journey {
    Journey::bounded(ms(WITHIN), ms(LOST), OPEN_MAX)
}

/// `start A 0-10`, `read B 30-40`, `touch 5-9`: all at one place, times in ms.
fn sighting(line: &str) -> Sighting {
    let words: Vec<&str> = line.split(' ').collect();
    let (asked, answered) = words[words.len() - 1].split_once('-').unwrap();
    let state = || u64::from(words[1].as_bytes()[0]);
    Sighting {
        place: 1,
        asked: ms(asked.parse().unwrap()),
        answered: ms(answered.parse().unwrap()),
        what: match (words[0], words.get(1).copied()) {
            ("start", _) => What::Started { state: state(), side: Side::New },
            ("touch", _) => What::Touched,
            ("read", Some("-")) => What::Read { shows: None },
            ("read", _) => What::Read { shows: Some(state()) },
            _ => panic!("`{line}` is no sighting"),
        },
    }
}

/// What a story comes to, with `sweep` at its very end: `good 40`, `lost`.
fn ends(story: &str) -> String {
    let mut journey = journey();
    let lines = story.split(',').map(str::trim);
    let mut ended: Vec<Ended> =
        lines.flat_map(|line| journey.see(&sighting(line)).unwrap()).collect();
    ended.extend(journey.sweep(Duration::MAX));
    let told = ended.iter().map(|ended| match ended.took {
        Some(took) => format!("{} {}", ended.result.as_str(), took.as_millis()),
        None => ended.result.as_str().to_owned(),
    });
    told.collect::<Vec<_>>().join(", ")
}

#[test]
fn results_need_proof() {
    for (story, expected) in [
        // Shown in time, at the last moment too.
        ("start A 0-10, read A 40-50", "good 40"),
        ("start A 0-10, read A 2000-2010", "good 2000"),
        ("start A 0-10, read B 20-30, read A 900-950", "good 940"),
        // Whoever asked in time waited longer than was promised.
        ("start A 0-10, read A 1000-2500", "late 2490"),
        ("start A 0-10, read B 2011-2020, read A 5000-5010", "late 5000"),
        // It may have been readable for long when the first reader came.
        ("start A 0-10, read A 5000-5010", "unseen"),
        ("start A 0-10", "unseen"),
        // Whoever asks before the time is over may be shown what was before.
        ("start A 0-10, read B 2010-2900", "unseen"),
        ("start A 0-10, read B 2011-2900", "lost"),
        ("start A 0-10, read - 2011-2900", "lost"),
        // After the end nothing helps.
        ("start A 0-10, read B 3000-3010, read A 30000-30011", "lost"),
        ("start A 0-10, read B 3000-3010, read A 30000-30010", "late 30000"),
        // Read by others before anything began.
        ("read A 0-10, read B 20-30", ""),
        // An answer to a reader who asked before; still, it was shown.
        ("start A 10-20, read A 0-30", "good 10"),
    ] {
        assert_eq!(ends(story), expected, "{story}");
    }
}

#[test]
fn what_is_overwritten_is_judged_by_what_was_seen_before() {
    for (story, expected) in [
        ("start A 0-10, start B 20-30, read B 40-50", "unseen, good 20"),
        ("start A 0-10, read C 3000-3010, start B 4000-4010, read B 4020-4030", "lost, good 20"),
        // Whoever looked while B was under way may have been shown B.
        ("start A 0-10, read C 3000-3010, start B 3005-3020, read B 3030-3040", "unseen, good 20"),
        ("start A 0-10, touch 20-30, read C 4000-4010", "unseen"),
        ("start A 0-10, read C 3000-3010, touch 4000-4010", "lost"),
        // Both at once: nobody knows which stayed.
        ("start A 0-10, start B 5-15, read B 20-30", "unseen, unseen"),
        ("start A 0-10, touch 5-15, read B 3000-3010", "unseen"),
        // Told late.
        ("start B 20-30, start A 0-10, read B 40-50", "unseen, good 20"),
        ("start B 20-30, touch 0-10, read B 40-50", "good 20"),
    ] {
        assert_eq!(ends(story), expected, "{story}");
    }
}

#[test]
fn places_do_not_know_each_other() {
    let mut journey = journey();
    journey.see(&sighting("start A 0-10")).unwrap();
    let elsewhere = Sighting { place: 2, ..sighting("read A 20-30") };
    assert!(journey.see(&elsewhere).unwrap().is_empty());
    assert_eq!(journey.open(), [0, 1]);
}

#[test]
fn sweeping_ends_what_is_over_and_nothing_else() {
    let mut journey = journey();
    journey.see(&sighting("start A 0-10")).unwrap();
    assert!(journey.sweep(ms(10 + LOST)).is_empty());
    assert_eq!(journey.sweep(ms(11 + LOST)).len(), 1);
    assert_eq!(journey.open(), [0, 0]);
}

#[test]
fn nothing_is_judged_once_sightings_were_missed() {
    let mut journey = journey();
    journey.see(&sighting("start A 0-10")).unwrap();
    journey.see(&sighting("read B 3000-3010")).unwrap();
    let results: Vec<JourneyResult> = journey.void().map(|ended| ended.result).collect();
    assert_eq!(results, [JourneyResult::Unseen]);
    assert_eq!(journey.open(), [0, 0]);
}

#[test]
fn a_full_table_takes_no_start_and_forgets_none() {
    let mut journey = Journey::bounded(ms(WITHIN), ms(LOST), 2);
    let start = |place, at| Sighting { place, ..sighting(&format!("start A {at}-{at}")) };
    journey.see(&start(1, 0)).unwrap();
    journey.see(&start(2, 0)).unwrap();
    assert_eq!(journey.see(&start(3, 0)), Err(Full));
    // At a place that is taken there is room.
    assert_eq!(journey.see(&start(2, 1)).unwrap().len(), 1);
    // And where the one before is over.
    assert_eq!(journey.see(&start(1, 2 * LOST)).unwrap()[0].result, JourneyResult::Unseen);
    assert_eq!(journey.open(), [0, 2]);
}

#[test]
fn answers_that_prove_nothing_are_not_minded() {
    let minds = |role: Role, code| role.minds(StatusCode::from_u16(code).unwrap());
    for (code, start, end) in [
        (200, true, true),
        (302, true, false),
        (304, true, true),
        (403, false, false),
        (404, false, true),
        (410, false, true),
        (503, true, true),
    ] {
        assert_eq!((minds(Role::Start, code), minds(Role::End, code)), (start, end), "{code}");
    }
}

#[test]
fn methods_tell_changes_from_reads() {
    let spec = JourneySpec {
        name: "j".into(),
        starts: vec!["device".into(), "command".into()],
        ends: vec!["device".into()],
        correlate: vec![],
        within: ms(WITHIN),
        lost_after: ms(LOST),
        target_percent: 99.0,
    };
    assert_eq!(spec.role("device", &Method::PATCH), Some(Role::Start));
    assert_eq!(spec.role("device", &Method::HEAD), Some(Role::End));
    assert_eq!(spec.role("command", &Method::GET), None);
    assert!(spec.concerns("command") && !spec.concerns("other"));
}

#[test]
fn sources_are_written_as_they_are_read() {
    for text in ["path:id", "header:x-command", "answer:etag"] {
        assert_eq!(text.parse::<Source>().unwrap().to_string(), text);
    }
    assert_eq!("answer:ETag".parse::<Source>().unwrap().to_string(), "answer:etag");
    for text in ["etag", "path:", "answer:a b", "cookie:sid"] {
        assert_eq!(text.parse::<Source>(), Err(BadSource(text.into())));
    }
}

#[test]
fn a_hash_knows_the_borders_of_its_parts() {
    let of = |parts: &[&str]| parts.iter().fold(0, |before, part| hash(before, part.as_bytes()));
    assert_ne!(of(&["ab", "c"]), of(&["a", "bc"]));
    assert_ne!(of(&["a"]), of(&["a", ""]));
    assert_eq!(tag(b"W/\"d3-4\""), tag(b"\"d3-4\""));
    assert_eq!(tag(b"W/x"), b"W/x");
}

/// Requests of a few entities in the order of their answers, each start with a state of its own.
fn sightings() -> impl Strategy<Value = Vec<Sighting>> {
    let one = (0..4_u64, 0..5_000_u64, 0..3_000_u64, 0..8_u8, 0..6_u64);
    proptest::collection::vec(one, 0..120).prop_map(|steps| {
        let (mut now, mut states) = (10_000, HashMap::<u64, Vec<u64>>::new());
        let mut next = 0;
        let step = |(place, later, took, kind, back): (u64, u64, u64, u8, u64)| {
            now += 1 + later / (1 + back);
            let known = states.entry(place).or_default();
            let what = match kind {
                0..=2 => {
                    next += 1;
                    known.push(next);
                    What::Started { state: next, side: Side::ALL[next as usize % 2] }
                }
                3 => What::Touched,
                _ => What::Read { shows: known.iter().rev().nth(back as usize).copied() },
            };
            Sighting { place, asked: ms(now - took), answered: ms(now), what }
        };
        steps.into_iter().map(step).collect()
    })
}

fn starts(sightings: &[Sighting]) -> impl Iterator<Item = (&Sighting, u64, Side)> {
    sightings.iter().filter_map(|sighting| match sighting.what {
        What::Started { state, side } => Some((sighting, state, side)),
        _ => None,
    })
}

/// Whether somebody at this place was answered so.
fn is_read(
    sightings: &[Sighting],
    place: u64,
    is: impl Fn(&Sighting, Option<u64>) -> bool,
) -> bool {
    sightings.iter().any(|read| match read.what {
        What::Read { shows } => read.place == place && is(read, shows),
        _ => false,
    })
}

proptest! {
    #[test]
    fn each_start_ends_once_and_only_by_proof(sightings in sightings()) {
        let mut journey = journey();
        let mut ended: Vec<Ended> = Vec::new();
        for sighting in &sightings {
            ended.extend(journey.see(sighting).unwrap());
            ended.extend(journey.sweep(sighting.answered));
        }
        ended.extend(journey.sweep(Duration::MAX));
        let mut left = ended.clone();
        for (start, state, side) in starts(&sightings) {
            let shown = |until: u64| is_read(&sightings, start.place, |read, shows| {
                shows == Some(state) && read.answered <= start.answered + ms(until)
            });
            let denied = is_read(&sightings, start.place, |read, shows| {
                shows != Some(state) && read.asked > start.answered + ms(WITHIN)
            });
            let proven = |result| match result {
                JourneyResult::Good => shown(WITHIN),
                JourneyResult::Late => shown(LOST),
                JourneyResult::Lost => denied,
                JourneyResult::Unseen => true,
            };
            let found = left.iter().position(|ended| {
                ended.accepted == start.answered && ended.side == side && proven(ended.result)
            });
            prop_assert!(found.is_some(), "{start:?} did not end, or without proof: {ended:?}");
            left.remove(found.unwrap_or_default());
        }
        prop_assert_eq!(left, [], "ended without a start");
    }

    #[test]
    fn a_table_never_holds_more_than_it_may(sightings in sightings(), open_max in 1..4_usize) {
        let mut journey = Journey::bounded(ms(WITHIN), ms(LOST), open_max);
        let (mut ended, mut refused) = (0, 0);
        for sighting in &sightings {
            match journey.see(sighting) {
                Ok(endings) => ended += endings.len(),
                Err(Full) => refused += 1,
            }
            prop_assert!(journey.open().iter().sum::<usize>() <= open_max);
        }
        ended += journey.void().count();
        prop_assert_eq!(ended + refused, starts(&sightings).count());
    }
}
