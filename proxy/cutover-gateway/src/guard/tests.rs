//! Tests of the guard: the scanner by tables, the wrapper with hyper inside.

mod bodies;
mod clocks;
mod guarded;
mod heads;
mod interim;
mod rig;
mod splits;
mod upgrades;

use expect_test::Expect;

use super::{Limits, Phase, Refusal, Scan, Scanner};

/// Scans `input` in the given pieces; what the scanner says in the end.
fn verdict<'a>(limits: Limits, pieces: impl IntoIterator<Item = &'a [u8]>) -> String {
    let mut scanner = Scanner::new(limits);
    for piece in pieces {
        match scanner.scan(piece) {
            Scan::Pass => {}
            Scan::Hold { .. } => return format!("{} passed, held", scanner.heads()),
            Scan::Refuse { reason, in_body, .. } => {
                let place = if in_body { "body" } else { "head" };
                return format!("{} passed, {place} refused: {}", scanner.heads(), reason.code());
            }
        }
    }
    format!("{} passed, {:?}", scanner.heads(), scanner.phase()).to_lowercase()
}

/// The verdict on `input`, which must not depend on how it is divided.
fn verdict_of(limits: Limits, input: &[u8]) -> String {
    let whole = verdict(limits, [input]);
    for at in 1..input.len() {
        let (a, b) = input.split_at(at);
        assert_eq!(
            verdict(limits, [a, b]),
            whole,
            "divided at {at}: {:?}",
            String::from_utf8_lossy(input)
        );
    }
    assert_eq!(
        verdict(limits, input.chunks(1)),
        whole,
        "byte by byte: {:?}",
        String::from_utf8_lossy(input)
    );
    whole
}

/// One line per input, which is written with `\r\n` and the like as escapes:
/// the verdict, then the input.
fn table(limits: Limits, inputs: &[&[u8]]) -> String {
    let mut lines = String::new();
    for input in inputs {
        let verdict = verdict_of(limits, input);
        lines.push_str(&format!("{verdict:<50}{}\n", input.escape_ascii()));
    }
    lines
}

fn check(inputs: &[&[u8]], expected: Expect) {
    expected.assert_eq(&table(Limits::default(), inputs));
}

#[test]
fn refusals_have_their_index() {
    for (i, reason) in Refusal::ALL.into_iter().enumerate() {
        assert_eq!(reason.index(), i, "{reason:?}");
    }
}

#[test]
fn refusal_codes_are_distinct() {
    let codes: std::collections::BTreeSet<_> =
        Refusal::ALL.into_iter().map(Refusal::code).collect();
    assert_eq!(codes.len(), Refusal::ALL.len());
}

#[test]
fn a_refused_scanner_lets_nothing_pass() {
    let mut scanner = Scanner::new(Limits::default());
    assert!(matches!(scanner.scan(b"GET / HTTP/1.1\n"), Scan::Refuse { at: 0, .. }));
    assert_eq!(scanner.scan(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"), Scan::Hold { at: 0 });
    assert_eq!(scanner.phase(), Phase::Refused);
}

/// An idle connection costs this, its timer and nothing else of the guard's.
#[test]
fn an_idle_connection_is_small() {
    assert!(size_of::<super::Guarded<()>>() <= 512, "{}", size_of::<super::Guarded<()>>());
    assert!(size_of::<super::handle::Shared>() <= 160, "{}", size_of::<super::handle::Shared>());
}
