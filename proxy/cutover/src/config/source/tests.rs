use super::*;

/// Lines short, long, empty and of characters of every length, with and without a last break.
fn texts() -> Vec<String> {
    let long = "x".repeat(2 * ANCHOR_BYTES + 1);
    let wide = "aé漢🦀".repeat(ANCHOR_BYTES);
    let mixed = format!("a = 1\n\n{long}\r\n{wide}\nend");
    vec![String::new(), "\n".into(), "a\n\nb\n".into(), format!("{mixed}\n"), mixed]
}

/// As a reader counts, from the very start.
fn counted(text: &str, byte: usize) -> (usize, usize) {
    let before = &text[..byte];
    let line = before.rsplit('\n').next().unwrap_or_default();
    (before.matches('\n').count() + 1, line.chars().count() + 1)
}

#[test]
fn places_are_as_counted_from_the_start() {
    for text in texts() {
        let mut sources = Sources::default();
        let source = sources.add("f", "f", text.as_str());
        for byte in (0..=text.len()).filter(|byte| text.is_char_boundary(*byte)).step_by(7) {
            let place = Place::new(source, byte..byte);
            assert_eq!(sources.line_column(&place), counted(&text, byte), "byte {byte}");
        }
    }
    let nowhere = Place::new(3, 0..1);
    assert_eq!(Sources::default().line_column(&nowhere), (1, 1));
}

#[test]
fn finding_a_place_reads_no_more_than_the_next_kilobyte() {
    let mut sources = Sources::default();
    // The longest character has four bytes and may lie across.
    let most = ANCHOR_BYTES + 3;
    for text in texts().into_iter().chain(["u = 1\n".repeat(100_000), "u,".repeat(100_000)]) {
        let source = sources.add("f", "f", text.as_str());
        let source = sources.get(source).unwrap();
        let reads = |byte: &usize| source.since_anchor(*byte).len();
        let bytes = (0..=text.len()).filter(|byte| text.is_char_boundary(*byte));
        assert!(bytes.map(|byte| reads(&byte)).max() <= Some(most));
    }
}

#[test]
fn a_line_is_without_its_break() {
    let mut sources = Sources::default();
    let long = "x".repeat(3 * ANCHOR_BYTES);
    let text = format!("a\n{long}\n\nb\n");
    sources.add("f", "f", text.as_str());
    let source = sources.get(0).unwrap();
    let lines: Vec<&str> = text.split('\n').collect();
    for (at, line) in lines.iter().enumerate() {
        let start = lines[..at].iter().map(|line| line.len() + 1).sum::<usize>();
        for byte in [start, start + line.len()] {
            let (number, range) = source.line(byte);
            assert_eq!((number, &text[range]), (at + 1, *line));
        }
    }
}
