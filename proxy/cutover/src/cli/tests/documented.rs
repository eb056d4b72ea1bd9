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
