//! Runbooks, as the console shows them. They are part of the binary, which control cannot see:
//! wiring hands them in.

/// A runbook.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Runbook {
    /// What it is known by; the alert's name, if it is for one.
    pub name: String,
    /// What it is about, in one line.
    pub title: String,
    /// It is for an alert; else it is a procedure.
    pub is_for_alert: bool,
    /// `page`, `ticket`, or both in words. `None`: a procedure.
    pub severity: Option<String>,
    /// Who keeps it right.
    pub owner: String,
    /// Variables that its blocks need, such as `ROUTE`.
    pub vars: Vec<String>,
    /// How soon users are to be well again, such as `2m`.
    pub mttr_target: Option<String>,
    /// When its blocks were last run against a real fault, as a date. `None`: never.
    pub last_drilled: Option<String>,
    /// All of it as Markdown, its heading first.
    pub text: String,
    /// Its blocks of commands, in the text's order.
    pub blocks: Vec<RunbookBlock>,
}

/// Commands of a runbook that run together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RunbookBlock {
    /// Unique in its runbook.
    pub name: String,
    /// Whether it changes anything.
    pub mutates: bool,
}
