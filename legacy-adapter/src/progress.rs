//! The progress bar: on standard error, and only when that is a terminal.

use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Shows how far a backfill has come. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Progress(ProgressBar);

impl Progress {
    /// A bar on standard error if it is a terminal, else nothing but messages.
    pub fn on_stderr() -> Progress {
        let is_terminal = std::io::stderr().is_terminal();
        let target =
            if is_terminal { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        Progress::drawn_on(target)
    }

    /// Nothing at all.
    pub fn silent() -> Progress {
        Progress::drawn_on(ProgressDrawTarget::hidden())
    }

    fn drawn_on(target: ProgressDrawTarget) -> Progress {
        let bar = ProgressBar::with_draw_target(Some(0), target);
        let style = ProgressStyle::with_template(
            "{msg:22} {bar:32} {pos}/{len} rows, {per_sec}, {eta} left",
        );
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        Progress(bar)
    }

    /// Begins a part of `rows` rows, of which `done` are done.
    pub(crate) fn begin(&self, what: String, rows: u64, done: u64) {
        self.0.reset();
        self.0.set_length(rows);
        self.0.set_position(done);
        self.0.set_message(what);
        if !self.0.is_hidden() {
            self.0.enable_steady_tick(Duration::from_millis(200));
        }
    }

    pub(crate) fn advance(&self, rows: usize) {
        self.0.inc(rows as u64);
    }

    /// Talk that must not tear the bar.
    pub(crate) fn say(&self, text: &str) {
        self.0.suspend(|| eprintln!("{text}"));
    }

    pub(crate) fn finish(&self) {
        self.0.finish_and_clear();
    }
}
