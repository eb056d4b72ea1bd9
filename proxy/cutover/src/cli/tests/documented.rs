//! Every command line that help, codes and README show can be typed.

use clap::error::ErrorKind;

use super::*;

#[test]
fn commands_in_the_documentation_parse() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut texts = vec![include_str!("../../config/codes.md").to_owned()];
    for name in ["README.md", "ARCHITECTURE.md"] {
        texts.extend(fs::read_to_string(root.join(name)));
    }
    // What is filled in when they run.
    let filled = |text: String| {
        let known =
            [("\"$ROUTE\"", "device-read"), ("\"$JOURNEY\"", "device-state"), ("\"$DIR\"", ".")];
        known.iter().fold(text, |text, (name, value)| text.replace(name, value))
    };
    let runbooks = crate::runbook::embedded().into_iter().map(|runbook| filled(runbook.text));
    texts.extend(runbooks);
    texts.extend(fs::read_to_string(root.join("runbooks/README.md")));
    let mut command = command();
    texts.push(command.render_long_help().to_string());
    for sub in command.get_subcommands_mut() {
        texts.push(sub.render_long_help().to_string());
    }
    let lines: Vec<String> = texts.iter().flat_map(|text| commands(text)).collect();
    assert!(lines.len() > 40, "only {} commands found", lines.len());
    for line in lines {
        let words = words(&line);
        if let Err(error) = Args::try_parse_from(&words) {
            // A command that is only named, such as `cutover apply`, need not be whole.
            let named = words.len() == 2 && error.kind() == ErrorKind::MissingRequiredArgument;
            assert!(named || !error.use_stderr(), "`{line}` cannot be typed: {error}");
        }
    }
}

#[test]
fn commands_on_pages_of_the_console_parse() {
    let path = "../cutover-control/src/admin/tests/console/commands.txt";
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap();
    assert!(text.lines().count() > 25, "{text}");
    for line in text.lines() {
        // What a person fills in.
        let filled = line.replace("\"$ROUTE\"", "device-read").replace('…', "x");
        typed(&filled.replace("...", "x"));
    }
}

#[test]
fn mitigations_of_alerts_parse() {
    let rules = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../dashboards/rules");
    for name in ["objectives.yaml", "process.yaml"] {
        let text = fs::read_to_string(rules.join(name)).unwrap();
        let of = |key: &str| text.lines().filter_map(|line| line.trim().strip_prefix(key)).count();
        let lines = text.lines().filter_map(|line| line.trim().strip_prefix("mitigation: "));
        let lines: Vec<&str> = lines.map(|line| line.trim_matches('\'')).collect();
        assert!(of("- alert: ") > 5);
        assert_eq!(lines.len(), of("- alert: "), "{name}: an alert without a mitigation");
        lines.into_iter().flat_map(branches).for_each(|line| typed(&line));
    }
}

/// What a template of Prometheus can become: each of its two ways, labels filled in.
fn branches(template: &str) -> Vec<String> {
    let filled = template
        .replace("{{ $labels.cutover_route }}", "device-read")
        .replace("{{ $labels.journey }}", "device-state");
    let Some((_, rest)) = filled.split_once("{{ if ") else { return vec![filled] };
    let (_, rest) = rest.split_once("}}").unwrap();
    let (first, rest) = rest.split_once("{{ else }}").unwrap();
    let (second, rest) = rest.split_once("{{ end }}").unwrap();
    assert_eq!(rest, "", "more than one condition in {template}");
    vec![first.to_owned(), second.to_owned()]
}

#[track_caller]
fn typed(line: &str) {
    assert!(!line.contains("{{"), "{line}");
    if let Err(error) = Args::try_parse_from(words(line)) {
        panic!("`{line}` cannot be typed: {error}");
    }
}

#[test]
fn every_command_shows_examples_before_anything_else() {
    for sub in command().get_subcommands_mut() {
        let help = sub.render_help().to_string();
        let (examples, usage) = (help.find("Examples:"), help.find("Usage:"));
        assert!(examples.is_some() && examples < usage, "{help}");
    }
}

/// Lines that begin with `cutover `, and quoted commands within sentences.
fn commands(text: &str) -> Vec<String> {
    let lines = text.lines().map(str::trim).map(|line| line.trim_start_matches("$ "));
    // A picture of the flow has such lines too.
    let typed = |line: &&str| line.starts_with("cutover ") && !line.starts_with("cutover -- ");
    let lines = lines.filter(typed).map(|line| {
        // Behind two spaces comes what it does.
        let line = line.split("  ").next().unwrap_or(line);
        line.split([';', '|', '>', '&', '#']).next().unwrap_or(line).trim().to_owned()
    });
    let quoted = text.split('`').filter(|part| part.starts_with("cutover ")).map(str::to_owned);
    let all = lines.chain(quoted.filter(|part| !part.contains('\n')));
    // Stand-ins for what a person fills in, and commands that come with later issues.
    all.filter(|line| !line.contains(['…', '$', '|', '[', '<']) && !line.contains("...")).collect()
}

/// Splits as a shell does, quotes included.
fn words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quote = None;
    for c in line.chars() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (None, '"' | '\'') => quote = Some(c),
            (None, ' ') => words.push(String::new()),
            (_, c) => words.last_mut().unwrap().push(c),
        }
    }
    words.retain(|word| !word.is_empty());
    words
}
