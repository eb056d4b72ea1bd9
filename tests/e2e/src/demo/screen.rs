//! What the demo prints: plain lines, or a last line that is redrawn where there is a terminal.

use std::io::{IsTerminal, Write, stdout};
use std::time::Duration;

use super::account::Row;
use super::parity::percent;
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
    /// Reads that were compared meanwhile.
    pub(super) compared: u64,
    /// Those of them that differed as the monolith differs from itself.
    pub(super) noise: u64,
    /// Those of them that differed otherwise.
    pub(super) wrong: u64,
    /// The proven share of equal answers at the end, 0 to 1.
    pub(super) parity: Option<f64>,
    pub(super) latency: Option<Latency>,
    pub(super) flip: Option<Duration>,
}

/// Where the story is told.
pub(super) struct Screen {
    is_live: bool,
    is_drawn: bool,
}

const HEAD: &str = "  device-read in      reads  failed  monolith  registry  rescued  compared  noise  wrong  parity    p50    p95  in force";

const LEGEND: [&str; 8] = [
    "A row is what users saw of the reads during one step; failed + monolith + registry + rescued make up the reads.",
    "monolith, registry: who answered. rescued: registry should have, but failed, so the monolith did. compared: after the",
    "user had the answer, the other side got a copy of the read, and both answers were compared. noise: they differ, but only",
    "where the monolith differs from itself; wrong: elsewhere. parity: the least share of equal answers, noise aside, that is",
    "proven by now (95 % confidence). p50, p95: half and 95 % of the reads took no longer (ms). in force: from when Cutover",
    "took the command until every new request obeyed it (ms); empty where nobody typed one. A read that ended while the step",
    "began or ended may be in the row beside it.",
    "",
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
            let line = if line.is_empty() { String::new() } else { self.styled("2", line) };
            self.say(line);
        }
        let head = self.styled("1", HEAD);
        self.say(head);
    }

    /// What is done next, as one would type it, and what it means.
    pub(super) fn command(&mut self, command: &str, meaning: &str) {
        let meaning = self.styled("2", &format!("# {meaning}"));
        self.say(format!("  $ {command}   {meaning}"));
    }

    /// What a command printed.
    pub(super) fn output<'a>(&mut self, lines: impl Iterator<Item = &'a str>) {
        for line in lines.filter(|line| !line.is_empty()) {
            self.say(format!("    {}", line.trim_end()));
        }
    }

    /// What comparing answers has shown.
    pub(super) fn note(&mut self, line: &str) {
        let line = self.styled("36", line);
        self.say(format!("    {line}"));
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
        let line = |what, [load, cutover, logs]: [&str; 3], verdict: &str| {
            format!("  {what:46}{load:>10}{cutover:>10}{logs:>10}   {verdict}")
                .trim_end()
                .to_owned()
        };
        self.say("  (The load knows who answered by Cutover's line about each request. To the monolith copies are reads like any other.)");
        self.say(line("", ["load", "metrics", "logs"], ""));
        for row in rows {
            let cells = [row.load, row.cutover, row.logs].map(|it| it.map_or_else(gap, number));
            let verdict = match row.agrees() {
                Some(false) => "DIFFERENT".to_owned(),
                _ if row.logs > row.cutover && row.logs.is_some() => {
                    format!("equal, but for some of {} that came too late", row.unsure)
                }
                _ => "equal".to_owned(),
            };
            self.say(line(row.what, [&cells[0], &cells[1], &cells[2]], &verdict));
        }
        rows.iter().all(|row| row.agrees() != Some(false))
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
        let ms = |time: Option<Duration>| time.map_or_else(gap, milliseconds);
        let (p50, p95) = (ms(self.latency.map(|it| it.p50)), ms(self.latency.map(|it| it.p95)));
        let Step { phase, requests, failed, legacy, new, rescued, .. } = self;
        let cells = [*requests, *failed, *legacy, *new, *rescued].map(number);
        let [requests, failed, legacy, new, rescued] = cells;
        let [compared, noise, wrong] = [self.compared, self.noise, self.wrong].map(number);
        let parity = self.parity.map_or_else(gap, percent);
        let flip = self.flip.map_or_else(String::new, milliseconds);
        let users =
            format!("  {phase:18}{requests:>7}{failed:>8}{legacy:>10}{new:>10}{rescued:>9}");
        let copies = format!("{compared:>10}{noise:>7}{wrong:>7}{parity:>8}");
        format!("{users}{copies}{p50:>7}{p95:>7}{flip:>10}").trim_end().to_owned()
    }
}

/// Where there is no number.
fn gap() -> String {
    "–".to_owned()
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
