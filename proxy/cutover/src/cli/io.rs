//! What a command talks through: streams, whether people sit at them, and the environment.

use std::io::{BufRead, Write};

use super::{
    args::Output,
    exit::{Exit, Failure},
};
use crate::config::Environment;

/// Streams and surroundings of one command.
pub struct Io<'a> {
    /// Data.
    pub out: &'a mut dyn Write,
    /// Talk.
    pub err: &'a mut dyn Write,
    /// Answers to questions.
    pub input: &'a mut dyn BufRead,
    /// A person reads the data.
    pub out_is_terminal: bool,
    /// A person reads the talk.
    pub err_is_terminal: bool,
    /// A person can answer questions.
    pub input_is_terminal: bool,
    /// Variables.
    pub environment: Environment,
}

// === impl Io ===

impl Io<'_> {
    /// Whether data may be coloured: at a terminal, unless `NO_COLOR` is set (no-color.org).
    pub fn out_colour(&self) -> bool {
        self.out_is_terminal && !self.no_colour()
    }

    /// Whether talk may be coloured.
    pub fn err_colour(&self) -> bool {
        self.err_is_terminal && !self.no_colour()
    }

    fn no_colour(&self) -> bool {
        self.environment.get("NO_COLOR").is_some_and(|value| !value.is_empty())
    }

    /// Writes a line of talk. A reader that went away does not matter.
    pub fn tell(&mut self, line: &str) {
        let _ = writeln!(self.err, "{line}");
    }

    /// Asks a question and reads one line; `None` at the end of input.
    pub(super) fn ask(&mut self, question: &str) -> Option<String> {
        let _ = write!(self.err, "{question} ");
        let _ = self.err.flush();
        let mut line = String::new();
        match self.input.read_line(&mut line) {
            Ok(0) | Err(_) => None,
            Ok(_) => Some(line.trim().to_owned()),
        }
    }

    pub(super) fn tell_usage(&mut self, error: &clap::Error) -> Exit {
        let colour = match error.use_stderr() {
            true => self.err_colour(),
            false => self.out_colour(),
        };
        let text = error.render();
        let text = if colour { text.ansi().to_string() } else { text.to_string() };
        if error.use_stderr() {
            let _ = write!(self.err, "{text}");
            return Exit::Usage;
        }
        match write!(self.out, "{text}").and_then(|()| self.out.flush()) {
            Ok(()) => Exit::Done,
            Err(_) => Exit::Failed,
        }
    }

    pub(super) fn tell_failure(&mut self, failure: &Failure, output: Output) -> Exit {
        if failure.exit == Exit::Done {
            return Exit::Done;
        }
        if output.is_json() {
            let error = serde_json::json!({
                "api_version": super::output::API_VERSION,
                "error": {
                    "code": failure.code(),
                    "message": failure.message,
                    "hint": failure.hint,
                },
            });
            self.tell(&error.to_string());
            return failure.exit;
        }
        let (red, bold, reset) = match self.err_colour() {
            true => ("\x1b[1;31m", "\x1b[1m", "\x1b[0m"),
            false => ("", "", ""),
        };
        self.tell(&format!(
            "{red}error[{}]{reset}{bold}: {}{reset}",
            failure.code(),
            failure.message
        ));
        if let Some(hint) = &failure.hint {
            self.tell(&format!("  = help: {hint}"));
        }
        failure.exit
    }
}
