use super::*;
use crate::loader::Severity;

fn found() -> Diagnostic {
    Diagnostic {
        severity: Severity::Warning,
        code: "safe_writes".into(),
        message: "`POST` is declared safe".into(),
        file: Some("routes/devices.toml".into()),
        line: Some(9),
        column: Some(22),
        hint: Some("say `writes = \"idempotent\"`".into()),
    }
}

#[test]
fn a_doubt_has_place_and_hint() {
    assert_eq!(
        doubt(&found()),
        "routes/devices.toml:9:22: `POST` is declared safe (say `writes = \"idempotent\"`)"
    );
}

#[test]
fn a_doubt_about_the_whole_has_no_place() {
    let whole = Diagnostic { file: None, line: None, column: None, hint: None, ..found() };
    assert_eq!(doubt(&whole), "`POST` is declared safe");
    let file = Diagnostic { line: None, column: None, hint: None, ..found() };
    assert_eq!(doubt(&file), "routes/devices.toml: `POST` is declared safe");
}
