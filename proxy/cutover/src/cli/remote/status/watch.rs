//! `--watch`: the table again every second, in place at a terminal.

use std::time::Duration;

use super::{look, print, rows};
use crate::cli::{
    admin::Client,
    args::{Global, Status},
    exit::{Exit, Failure},
    io::Io,
    output::table_text,
};

const PERIOD: Duration = Duration::from_secs(1);

/// Goes on until interrupted, or until nobody reads any more. A proxy that is away for a moment,
/// such as during a hand-over, is waited for.
pub(super) fn run(
    args: &Status,
    global: &Global,
    client: &Client,
    io: &mut Io<'_>,
) -> Result<Exit, Failure> {
    let in_place = io.out_is_terminal && !global.output.is_json();
    let mut drawn = 0;
    let mut seen_once = false;
    loop {
        let seen = match look(args, client) {
            Ok(seen) => seen,
            Err(failure) if seen_once && failure.exit == Exit::Failed => {
                if in_place {
                    drawn = redraw(drawn, &format!("{failure}; trying again"), io)?;
                } else {
                    io.tell(&format!("{failure}; trying again"));
                }
                client.pause(PERIOD);
                continue;
            }
            Err(failure) => return Err(failure),
        };
        seen_once = true;
        if in_place {
            let mut text = table_text(&rows(&seen.routes, global.output));
            for note in &seen.notes {
                text.push('\n');
                text.push_str(note);
            }
            drawn = redraw(drawn, &text, io)?;
        } else {
            print(&seen, global.output, io)?;
            if !global.output.is_json() {
                writeln!(io.out)?;
            }
        }
        io.out.flush()?;
        client.pause(PERIOD);
    }
}

/// Goes back over what was drawn, clears it, draws anew. Gives the number of lines.
fn redraw(drawn: usize, text: &str, io: &mut Io<'_>) -> Result<usize, Failure> {
    // Asked anew: windows change. A wrapped line would make the way back too short.
    let width = comfy_table::Table::new().width().filter(|width| *width > 0);
    let width = usize::from(width.unwrap_or(u16::MAX));
    let lines: Vec<String> = text.lines().map(|line| line.chars().take(width).collect()).collect();
    if drawn > 0 {
        write!(io.out, "\x1b[{drawn}A\x1b[J")?;
    }
    for line in &lines {
        writeln!(io.out, "{line}")?;
    }
    io.out.flush()?;
    Ok(lines.len())
}
