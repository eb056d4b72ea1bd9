//! `--watch`: the table again every second, in place at a terminal.

mod screen;

use std::time::Duration;

use cutover_control::now_ms;

use self::screen::{Screen, Size};
use super::{Seen, look, print, text};
use crate::cli::{
    admin::Client,
    args::{Global, Output, Status},
    exit::{Exit, Failure},
    io::Io,
    output::utc,
};

const PERIOD: Duration = Duration::from_secs(1);

/// What is watched, and what has been seen of it.
struct Watch {
    output: Output,
    /// `None`: not at a terminal, so everything is written one after the other.
    screen: Option<Screen>,
    /// As last seen; `None`: not yet.
    last: Option<String>,
    /// When the trouble began, in milliseconds since 1970.
    trouble_since_ms: Option<u64>,
}

/// Goes on until interrupted, or until nobody reads any more. A proxy that was seen once and is
/// away or silent for a while, such as during a hand-over, is waited for.
pub(super) fn run(
    args: &Status,
    global: &Global,
    client: &Client,
    io: &mut Io<'_>,
) -> Result<Exit, Failure> {
    let in_place = io.out_is_terminal && !global.output.is_json();
    let screen = in_place.then(Screen::default);
    let mut watch = Watch { output: global.output, screen, last: None, trouble_since_ms: None };
    loop {
        match look(args, client) {
            Ok(seen) => watch.show(&seen, io)?,
            Err(failure) if watch.waits_for(&failure) => watch.show_trouble(&failure, io)?,
            Err(failure) => return Err(failure),
        }
        io.out.flush()?;
        client.pause(PERIOD);
    }
}

fn whole(seen: &Seen, output: Output) -> String {
    let text = text(seen, output);
    let lines: Vec<&str> =
        std::iter::once(text.as_str()).chain(seen.notes.iter().map(String::as_str)).collect();
    lines.join("\n")
}

// === impl Watch ===

impl Watch {
    /// Trouble that may pass by itself, with something that was there before.
    fn waits_for(&self, failure: &Failure) -> bool {
        self.last.is_some() && matches!(failure.exit, Exit::Failed | Exit::InProgress)
    }

    fn show(&mut self, seen: &Seen, io: &mut Io<'_>) -> Result<(), Failure> {
        let text = whole(seen, self.output);
        self.trouble_since_ms = None;
        match &mut self.screen {
            Some(screen) => screen.draw(&text, Size::of_terminal(), io.out)?,
            None => {
                print(seen, self.output, io)?;
                if !self.output.is_json() {
                    writeln!(io.out)?;
                }
            }
        }
        self.last = Some(text);
        Ok(())
    }

    /// At a terminal above what was last seen, so that nobody takes that for the present.
    fn show_trouble(&mut self, failure: &Failure, io: &mut Io<'_>) -> Result<(), Failure> {
        let since = utc(*self.trouble_since_ms.get_or_insert_with(now_ms));
        let line = format!("since {since}: {failure}; trying again");
        match &mut self.screen {
            Some(screen) => {
                let last = self.last.as_deref().unwrap_or_default();
                screen.draw(&format!("{line}\n{last}"), Size::of_terminal(), io.out)?;
            }
            None => io.tell(&line),
        }
        Ok(())
    }
}
