//! A text that is drawn over itself.

use std::io::{self, Write};

/// What was drawn last.
#[derive(Default)]
pub(super) struct Screen {
    lines: usize,
    size: Option<Size>,
}

/// Of a terminal, in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Size {
    pub(super) columns: usize,
    pub(super) rows: usize,
}

// === impl Screen ===

impl Screen {
    /// Clears what was drawn before and draws `text`, cut to the terminal: a wrapped line, or one
    /// above the top, would make the way back too short.
    pub(super) fn draw(&mut self, text: &str, size: Size, out: &mut dyn Write) -> io::Result<()> {
        match self.size {
            // Where the lines of before have gone depends on the terminal.
            Some(before) if before != size => write!(out, "\x1b[H\x1b[J")?,
            Some(_) if self.lines > 0 => write!(out, "\x1b[{}A\r\x1b[J", self.lines)?,
            _ => {}
        }
        let lines = cut(text, size);
        for line in &lines {
            writeln!(out, "{line}")?;
        }
        out.flush()?;
        (self.lines, self.size) = (lines.len(), Some(size));
        Ok(())
    }
}

/// The last row stays free for the cursor; what does not fit above it is counted.
fn cut(text: &str, size: Size) -> Vec<String> {
    let most = size.rows.saturating_sub(1).max(1);
    let mut lines: Vec<String> = text.lines().map(|line| shortened(line, size.columns)).collect();
    if lines.len() > most {
        let hidden = lines.len() - most + 1;
        lines.truncate(most - 1);
        lines.push(shortened(&format!("... {hidden} more lines"), size.columns));
    }
    lines
}

fn shortened(line: &str, columns: usize) -> String {
    line.chars().take(columns).collect()
}

// === impl Size ===

impl Size {
    /// Of standard output now: windows change. Boundless where the terminal does not tell.
    pub(super) fn of_terminal() -> Size {
        let told = rustix::termios::tcgetwinsize(io::stdout()).ok();
        let known = |number: Option<u16>| number.filter(|n| *n > 0).map_or(usize::MAX, usize::from);
        Size {
            columns: known(told.map(|size| size.ws_col)),
            rows: known(told.map(|size| size.ws_row)),
        }
    }
}

#[cfg(test)]
mod tests;
