//! What is looked for, in the forms in which it could lie somewhere.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::{BuildHasher, Hasher, RandomState};

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;

/// Bytes of every core.
const CORE_BYTES: usize = 14;

/// Random texts of which each occurs in one value only, and is to be found nowhere.
#[derive(Default)]
pub(super) struct Needles {
    cores: Vec<String>,
    /// Needles by length: the core that each is a form of.
    by_length: BTreeMap<usize, HashMap<Vec<u8>, usize>>,
    /// Which three bytes a needle begins with, since hashing every window takes long.
    beginnings: BTreeSet<[u8; 3]>,
}

impl Needles {
    /// One more, of letters and digits.
    pub(super) fn text(&mut self) -> String {
        self.core(|random| char::from(b"0123456789abcdefghijklmnopqrstuvwxyz"[random % 36]))
    }

    /// One more, of digits, none of them 0 at the end where a number would lose it.
    pub(super) fn digits(&mut self) -> String {
        self.core(|random| char::from(b"123456789"[random % 9]))
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.cores.len()
    }

    /// Those that occur in `hay`, whatever their form.
    pub(super) fn found_in(&self, hay: &[u8]) -> BTreeSet<&str> {
        let mut found = BTreeSet::new();
        // Hexadecimal and percent-encoding come in either case; base 64 does not.
        for hay in [hay, &hay.to_ascii_lowercase()] {
            for (at, three) in hay.windows(3).enumerate() {
                if !self.beginnings.contains(three) {
                    continue;
                }
                for (length, needles) in &self.by_length {
                    let window = hay.get(at..at + length);
                    let core = window.and_then(|window| needles.get(window));
                    found.extend(core.map(|core| self.cores[*core].as_str()));
                }
            }
        }
        found
    }

    fn core(&mut self, character: impl Fn(usize) -> char) -> String {
        let random = || RandomState::new().build_hasher().finish() as usize;
        let core: String = (0..CORE_BYTES).map(|_| character(random())).collect();
        for form in forms(core.as_bytes()) {
            self.beginnings.insert([form[0], form[1], form[2]]);
            self.by_length.entry(form.len()).or_default().insert(form, self.cores.len());
        }
        self.cores.push(core.clone());
        core
    }
}

/// As it is; in hexadecimal; with every byte percent-encoded; backwards; within base 64, where it
/// depends on what stands before.
fn forms(core: &[u8]) -> Vec<Vec<u8>> {
    let hex =
        |before: &str| core.iter().map(|byte| format!("{before}{byte:02x}")).collect::<String>();
    let backwards: Vec<u8> = core.iter().rev().copied().collect();
    let mut forms = vec![core.to_vec(), hex("").into(), hex("%").into(), backwards];
    forms.extend((0..3).map(|before| {
        let text = STANDARD_NO_PAD.encode([&[0; 2][..before], core].concat());
        // Characters whose bits are not all of the core.
        let (first, end) = ((before * 8).div_ceil(6), (before + core.len()) * 8 / 6);
        text.as_bytes()[first..end].to_vec()
    }));
    forms
}

#[test]
fn needles_are_found_in_every_form_and_nothing_else_is() {
    let mut needles = Needles::default();
    let (one, other) = (needles.text(), needles.digits());
    let hex: String = one.bytes().map(|byte| format!("{byte:02X}")).collect();
    let percent: String = other.bytes().map(|byte| format!("%{byte:02x}")).collect();
    let base64 = |before: &str| STANDARD_NO_PAD.encode(format!("{before}{one}@home.example"));
    for hay in [
        format!("<{one}>"),
        one.to_uppercase(),
        format!("name%3D{other}+x{one}"),
        hex,
        percent,
        one.chars().rev().collect(),
        base64(""),
        base64("a"),
        base64("ab"),
        base64("abc:"),
    ] {
        assert!(!needles.found_in(hay.as_bytes()).is_empty(), "{one} or {other} in {hay}");
    }
    let almost = format!("{}{}", &one[1..], &other[..13]);
    assert!(needles.found_in(almost.as_bytes()).is_empty());
}
