//! What the demo prints: plain lines, or a last line that is redrawn where there is a terminal.

use std::io::{IsTerminal, Write, stdout};
use std::time::Duration;

use super::account::Row;
use crate::load::Latency;

/// One line of the table: what users saw during a step.
#[derive(Clone, Debug, Default)]
pub(super) struct Step {
    pub(super) phase: String,
    pub(super) requests: u64,
    pub(super) failed: u64,
    pub(super) legacy: u64,
    pub(super) new: u64,
    pub(super) rescued: u64,
    pub(super) latency: Option<Latency>,
    pub(super) flip: Option<Duration>,
}

/// Where the story is told.
pub(super) struct Screen {
    is_live: bool,
    is_drawn: bool,
}

const HEAD: &str = "  device-read in        reads  failed   monolith  registry   rescued    p50 ms   p95 ms   in force after";

const LEGEND: [&str; 5] = [
    "A row is what users saw of the reads during one step; failed + monolith + registry + rescued",
    "make up the reads. monolith, registry: who answered. rescued: registry should have, but failed,",
    "so the monolith answered instead. p50, p95: half and 95 % of the reads took no longer.",
    "in force after: from when Cutover took the command until every new request obeyed it; the few",
    "reads that ended before that are in the row as they were answered.",
];

impl Screen {
    pub(super) fn new(is_plain: bool) -> Screen {
        Screen { is_live: !is_plain && stdout().is_terminal(), is_drawn: false }
    }

    /// One line of text.
    pub(super) fn say(&mut self, line: impl AsRef<str>) {
        self.clear();
        println!("{}", line.as_ref());
    }

    /// A line that heads what follows.
    pub(super) fn title(&mut self, line: &str) {
        let line = self.styled("1", line);
        self.say("");
        self.say(line);
    }

    /// The head of the table, and how to read it.
    pub(super) fn table(&mut self) {
        self.say("");
        for line in LEGEND {
            let line = self.styled("2", line);
            self.say(line);
        }
        self.say("");
        let head = self.styled("1", HEAD);
        self.say(head);
    }

    /// What is done next, as one would type it, and what it means.
    pub(super) fn command(&mut self, command: &str, meaning: &str) {
        let meaning = self.styled("2", &format!("# {meaning}"));
        self.say(format!("  $ {command}   {meaning}"));
    }

    /// The step so far; only where it can be drawn over.
    pub(super) fn draw(&mut self, step: &Step) {
        if !self.is_live {
            return;
        }
        let width = rustix::termios::tcgetwinsize(stdout()).map_or(120, |size| size.ws_col.into());
        let line: String = step.line().chars().take(width).collect();
        self.clear();
        print!("{line}");
        let _ = stdout().flush();
        self.is_drawn = true;
    }

    /// The step when it is over.
    pub(super) fn step(&mut self, step: &Step) {
        let line = step.line();
        let line = if step.failed > 0 { self.styled("31", &line) } else { line };
        self.say(line);
    }

    /// The three accounts side by side; whether they agree.
    pub(super) fn accounts(&mut self, rows: &[Row]) -> bool {
        self.title(
            "Three accounts of it: the load's, Cutover's metrics, both servers' access logs",
        );
        let line = |what, [load, cutover, logs]: [&str; 3], verdict| {
            format!("  {what:42}{load:>10}{cutover:>10}{logs:>10}   {verdict}")
                .trim_end()
                .to_owned()
        };
        self.say(
            "  (The load knows who answered by the line that Cutover logs about each request.)",
        );
        self.say(line("", ["load", "metrics", "logs"], ""));
        for row in rows {
            let [load, metrics, logs] = [row.load, row.cutover, row.logs].map(number);
            let verdict = if row.agrees() { "equal" } else { "DIFFERENT" };
            self.say(line(row.what, [&load, &metrics, &logs], verdict));
        }
        rows.iter().all(Row::agrees)
    }

    /// The last line.
    pub(super) fn verdict(&mut self, is_good: bool, line: &str) {
        let line = self.styled(if is_good { "1;32" } else { "1;31" }, line);
        self.say("");
        self.say(line);
    }

    pub(super) fn interrupted(&mut self, by: &str) {
        self.say("");
        self.say(format!("Stopped by {by}; everything that was started is gone."));
    }

    pub(super) fn failed(&mut self, error: &anyhow::Error) {
        self.clear();
        eprintln!("demo: {error:#}");
    }

    fn clear(&mut self) {
        if std::mem::take(&mut self.is_drawn) {
            print!("\r\x1b[2K");
        }
    }

    fn styled(&self, style: &str, text: &str) -> String {
        let is_colourful =
            self.is_live && std::env::var_os("NO_COLOR").is_none_or(|it| it.is_empty());
        if is_colourful { format!("\x1b[{style}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

impl Step {
    fn line(&self) -> String {
        let Step { phase, requests, failed, legacy, new, rescued, latency, flip } = self;
        let ms = |time: Option<Duration>| time.map_or("–".to_owned(), milliseconds);
        let (p50, p95) = (ms(latency.map(|it| it.p50)), ms(latency.map(|it| it.p95)));
        let cells = [*requests, *failed, *legacy, *new, *rescued].map(number);
        let [requests, failed, legacy, new, rescued] = cells;
        let flip = flip.map_or(String::new(), |time| format!("{} ms", milliseconds(time)));
        format!(
            "  {phase:20}{requests:>7}{failed:>8}{legacy:>11}{new:>10}{rescued:>10}{p50:>10}{p95:>9}{flip:>17}"
        )
        .trim_end()
        .to_owned()
    }
}

/// Milliseconds with one decimal.
pub(super) fn milliseconds(time: Duration) -> String {
    format!("{:.1}", time.as_secs_f64() * 1000.0)
}

/// With commas between thousands.
pub(super) fn number(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests;
