use super::*;

/// A report of this many findings, one a line, and their text.
fn report(errors: usize, warnings: usize) -> (Report, Sources) {
    let mut sources = Sources::default();
    let source = sources.add("f.toml", "f.toml", "key = 1\n".repeat(errors + warnings));
    let mut report = Report::default();
    for line in 0..errors + warnings {
        let place = Place::new(source, 8 * line..8 * line + 3);
        let found = match line < warnings {
            true => Diagnostic::warning(Code::UnknownKey, format!("doubt {line}")),
            false => Diagnostic::error(Code::UnknownKey, format!("mistake {line}")),
        };
        report.push(found.at(place));
    }
    report.sort();
    (report, sources)
}

fn blocks(text: &str, severity: &str) -> usize {
    text.lines().filter(|line| line.starts_with(severity)).count()
}

#[test]
fn a_hundred_of_each_severity_are_rendered() {
    let (report, sources) = report(101, 10_000);
    let text = report.render(&sources, false);
    assert_eq!((blocks(&text, "error["), blocks(&text, "warning[")), (100, 100));
    let last = text.lines().last().unwrap();
    assert_eq!(
        last,
        "... and 1 more error and 9900 more warnings; `cutover check -o json` gives all"
    );
    assert!(text.find("warning[") < text.find("error["), "in the order of the file");
    assert_eq!(report.to_json(&sources).as_array().unwrap().len(), 10_101);
}

#[test]
fn a_hundred_are_all() {
    let (report, sources) = report(0, 100);
    let text = report.render(&sources, false);
    assert_eq!(blocks(&text, "warning["), 100);
    assert!(!text.contains("more warning"), "{text}");
}

#[test]
fn only_the_lines_pointed_at_are_given_to_the_renderer() {
    let (mut report, sources) = report(0, 10_000);
    let far = report.diagnostics[9_000].clone();
    let [excerpt] = &far.excerpts(&sources)[..] else { panic!("one text") };
    assert_eq!((excerpt.line, excerpt.text.as_str()), (9_001, "key = 1"));
    assert!(far.render(&sources, false).contains("--> f.toml:9001:1"));
    let near = report.diagnostics.remove(8_998).place.unwrap();
    let both = far.also(near, "the first");
    assert_eq!(both.excerpts(&sources)[0].text, "key = 1\nkey = 1\nkey = 1");
}
