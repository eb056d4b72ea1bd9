//! `cutover trace list | show`

use comfy_table::Table;
use cutover_control::{
    api::{SpanRow, TraceAnswer, TraceRow, TracesAnswer},
    words::{age, utc},
};

use super::segment;
use crate::cli::{
    admin::Client,
    args::{Global, TraceCommand},
    exit::{Exit, Failure},
    io::Io,
    output::{or_dash, print_json, print_list, print_table, table, table_text},
};

pub(in crate::cli) fn run(
    command: &TraceCommand,
    global: &Global,
    io: &mut Io<'_>,
) -> Result<Exit, Failure> {
    let client = Client::connect(global, io)?;
    match command {
        TraceCommand::List { route, limit } => {
            let of = route
                .as_ref()
                .map(|route| format!("&route={}", segment(route)))
                .unwrap_or_default();
            let answer: TracesAnswer = client.get(&format!("/api/v1/traces?limit={limit}{of}"))?;
            if global.output.is_json() {
                print_list("Trace", &answer.traces, global.output, io)?;
                return Ok(Exit::Done);
            }
            print_table(&list(&answer), io)?;
            if !answer.recording {
                io.tell("traces are off: name a receiver, `[telemetry] otlp = \"http://…\"`");
            }
        }
        TraceCommand::Show { id } => {
            let answer: TraceAnswer = client.get(&format!("/api/v1/traces/{}", segment(id)))?;
            match global.output.is_json() {
                true => print_json("Trace", &answer, global.output, io)?,
                false => writeln!(io.out, "{}", text(&answer))?,
            }
        }
    }
    Ok(Exit::Done)
}

fn list(answer: &TracesAnswer) -> Table {
    let header = ["TRACE", "WHEN", "NAME", "ROUTE", "SIDE", "OUTCOME", "TOOK", "KEPT FOR"];
    let mut table = table(&header);
    for row in &answer.traces {
        table.add_row([
            row.trace_id.clone(),
            format!("{} ago", age(answer.at_ms.saturating_sub(row.at_ms))),
            row.name.clone(),
            or_dash(&row.route),
            or_dash(&row.side),
            row.outcome.clone(),
            millis(row.duration_ms),
            or_dash(&row.reason),
        ]);
    }
    table
}

/// What it is about, and its spans below each other.
fn text(answer: &TraceAnswer) -> String {
    let mut table = table(&["BEGINS", "TOOK", "KIND", "SIDE", "SPAN"]);
    for span in &answer.spans {
        let side = span.attribute("cutover.side").unwrap_or("-");
        table.add_row([
            millis(span.start_ms),
            millis(span.duration_ms),
            span.kind.clone(),
            side.to_owned(),
            named(span),
        ]);
    }
    format!("{}\n\n{}", head(&answer.trace), table_text(&table))
}

fn head(trace: &TraceRow) -> String {
    let mut head = format!(
        "{}: {}, {} at {}, kept for {}",
        trace.name,
        trace.outcome,
        millis(trace.duration_ms),
        utc(trace.at_ms),
        or_dash(&trace.reason)
    );
    for id in &trace.linked {
        head += &format!("\nnames the trace {id}");
    }
    head
}

/// Indented, with what failed.
fn named(span: &SpanRow) -> String {
    let failed = match (span.error, span.attribute("error.type")) {
        (true, Some(failure)) => format!(" ({failure})"),
        (true, None) => " (failed)".to_owned(),
        (false, _) => String::new(),
    };
    // A table takes leading white space away.
    format!("{}{}{failed}", "· ".repeat(span.depth), span.name)
}

fn millis(millis: f64) -> String {
    format!("{millis:.1}ms")
}

#[cfg(test)]
mod tests;
