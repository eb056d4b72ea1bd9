//! `cutover diffs`

mod export;
mod sample;

use comfy_table::{CellAlignment, Table};
use cutover_control::api::{
    AccountingRow, ClusterRow, DiffsAnswer, NoiseRow, RuleRow, SampleRef, SamplesAnswer,
    StandingName, ToleranceRow,
};

use super::{SAMPLES_MAX, percent, percent_in_words, reasons, segment};
use crate::cli::{
    admin::Client,
    args::{Diffs, Global, Output},
    exit::{Exit, Failure},
    io::Io,
    local::count,
    output::{dash, print_json, print_list, print_table, table, utc},
};

const COLUMNS: [&str; 9] =
    ["PATH", "KIND", "VALUES", "COUNT", "SHARE", "EXCESS", "STANDING", "RULE", "TRACE"];

const COLUMNS_WIDE: [&str; 2] = ["SAMPLES", "SHAPE"];

const COLUMNS_NOISE: [&str; 5] = ["PATH", "KINDS", "PAIRS", "RATE", "RULE"];

/// Clusters that are shown unasked.
const CLUSTERS_SHOWN: u64 = 20;
/// All clusters that there can be of a route.
const CLUSTERS_MAX: u64 = 200;

/// Lines of noise that are shown unasked.
const NOISE_SHOWN: usize = 10;

pub(in crate::cli) fn run(args: &Diffs, global: &Global, io: &mut Io<'_>) -> Result<Exit, Failure> {
    let client = Client::connect(global, io)?;
    if let Some(id) = &args.sample {
        return one(args, id, &client, global, io);
    }
    let path = args.path.as_ref().map(|path| format!("&path={}", segment(path)));
    let query = format!("limit={}{}", limit_of(args), path.unwrap_or_default());
    let route = segment(&args.route);
    let answer: DiffsAnswer = client.get(&format!("/api/v1/routes/{route}/diffs?{query}"))?;
    if let Some(dir) = &args.export {
        let samples = client.get(&format!("/api/v1/routes/{route}/samples?limit={SAMPLES_MAX}"))?;
        export::write(dir, &answer, &samples, io)?;
        return Ok(exit(args, &answer));
    }
    match global.output {
        Output::Json => print_json("Diffs", &answer, global.output, io)?,
        Output::Jsonl => print_list("Cluster", &answer.clusters, global.output, io)?,
        Output::Table | Output::Wide => print(args, &answer, global.output, io)?,
    }
    Ok(exit(args, &answer))
}

/// Files are to be complete; a table is to fit a screen.
fn limit_of(args: &Diffs) -> u64 {
    let unasked = if args.export.is_some() { CLUSTERS_MAX } else { CLUSTERS_SHOWN };
    args.limit.unwrap_or(unasked)
}

fn exit(args: &Diffs, answer: &DiffsAnswer) -> Exit {
    match args.exit_code && answer.clusters_total > 0 {
        true => Exit::Pending,
        false => Exit::Done,
    }
}

/// One sample.
fn one(
    args: &Diffs,
    id: &str,
    client: &Client,
    global: &Global,
    io: &mut Io<'_>,
) -> Result<Exit, Failure> {
    let (route, id) = (segment(&args.route), segment(id));
    let answer: SamplesAnswer = client.get(&format!("/api/v1/routes/{route}/samples?id={id}"))?;
    for row in &answer.samples {
        match global.output {
            Output::Json | Output::Jsonl => print_json("Sample", row, global.output, io)?,
            Output::Table => sample::print(row, false, io)?,
            Output::Wide => sample::print(row, true, io)?,
        }
    }
    Ok(Exit::Done)
}

fn print(
    args: &Diffs,
    answer: &DiffsAnswer,
    output: Output,
    io: &mut Io<'_>,
) -> Result<(), Failure> {
    if answer.clusters.is_empty() {
        writeln!(io.out, "{}", nothing(args, answer))?;
    } else {
        print_table(&clusters(&answer.clusters, output), io)?;
    }
    let noise: Vec<&NoiseRow> =
        answer.noise.iter().filter(|row| is_asked(args, &row.path)).collect();
    if !noise.is_empty() {
        writeln!(io.out, "\nLegacy differs from itself at:")?;
        let shown = if output == Output::Wide { noise.len() } else { NOISE_SHOWN };
        print_table(&noises(&noise[..noise.len().min(shown)]), io)?;
    }
    for line in talk(args, answer) {
        io.tell(&line);
    }
    Ok(())
}

fn is_asked(args: &Diffs, path: &str) -> bool {
    args.path.as_ref().is_none_or(|asked| asked == path)
}

/// What is going on where nothing differs.
fn nothing(args: &Diffs, answer: &DiffsAnswer) -> String {
    let where_ = args.path.as_ref().map(|path| format!(" at `{path}`")).unwrap_or_default();
    let nothing = format!("no differences{where_}");
    // Parity's counters outlive the process, those of the copies do not.
    if let Some(judged) = answer.judged.filter(|judged| *judged > 0) {
        let bound =
            answer.bound.map(|bound| format!("; parity is {} at least", percent_in_words(bound)));
        let judged = count_of(judged, "comparison");
        return format!("{nothing} in {judged}{}", bound.unwrap_or_default());
    }
    if !answer.unjudged.is_empty() {
        let unjudged = count_of(answer.unjudged.values().sum(), "request");
        let reasons = reasons(&answer.unjudged);
        return format!("{nothing}: none of {unjudged} could be judged ({reasons})");
    }
    let accounting = answer.accounting.clone().unwrap_or_default();
    match (&answer.copies.why, accounting.compared) {
        (Some(why), 0) => format!("{nothing}: {why}"),
        (None, 0) if accounting.eligible == 0 => {
            format!("{nothing}: no request of this route came yet since the proxy started")
        }
        (None, 0) => format!("{nothing}: none of {} was compared yet", told(&accounting)),
        _ => {
            let since = answer.since_ms.map(|since| format!(" since {}", utc(since)));
            format!("{nothing}: nothing was judged{}", since.unwrap_or_default())
        }
    }
}

/// `12 copies (3 under way, 9 dropped: rate 9)`
fn told(accounting: &AccountingRow) -> String {
    let dropped: u64 = accounting.dropped.values().sum();
    let open = (accounting.open > 0).then(|| format!("{} under way", accounting.open));
    let dropped =
        (dropped > 0).then(|| format!("{dropped} dropped: {}", reasons(&accounting.dropped)));
    let parts: Vec<String> = open.into_iter().chain(dropped).collect();
    format!("{} ({})", count_of(accounting.eligible, "copie"), parts.join(", "))
        .replace("1 copie ", "1 copy ")
}

fn count_of(number: u64, what: &str) -> String {
    count(usize::try_from(number).unwrap_or(usize::MAX), what)
}

fn clusters(rows: &[ClusterRow], output: Output) -> Table {
    let wide = output == Output::Wide;
    let columns: Vec<&str> = match wide {
        true => COLUMNS.into_iter().chain(COLUMNS_WIDE).collect(),
        false => COLUMNS.to_vec(),
    };
    let mut table = right(table(&columns), &[3, 4, 5]);
    for row in rows {
        let sample = row.samples.first().filter(|sample| !sample.older);
        let mut cells = vec![
            row.path.clone(),
            row.kind.clone(),
            row.values.clone(),
            row.count.to_string(),
            percent(row.share),
            format!("{:+}", row.excess),
            standing(row.standing).to_owned(),
            row.suggestion.as_ref().map_or_else(dash, |suggestion| words(&suggestion.rule)),
            sample.map_or_else(dash, |sample| sample.trace_id.clone()),
        ];
        if wide {
            cells.push(ids(row));
            cells.push(row.samples.first().map_or_else(dash, |sample| sample.shape.clone()));
        }
        table.add_row(cells);
    }
    table
}

/// A few of the samples, newest first: `3,17,20 (+4, 2 older)`. Older ones only where there is no
/// other: `3,17 (older)`.
fn ids(row: &ClusterRow) -> String {
    let (older, recent): (Vec<&SampleRef>, Vec<&SampleRef>) =
        row.samples.iter().partition(|sample| sample.older);
    let told = if recent.is_empty() { &older } else { &recent };
    let ids: Vec<&str> = told.iter().map(|sample| sample.id.as_str()).take(3).collect();
    let more = told.len() - ids.len();
    let more = (more > 0).then(|| format!("+{more}"));
    let older = match (recent.len(), older.len()) {
        (_, 0) => None,
        (0, _) => Some("older".to_owned()),
        (_, older) => Some(format!("{older} older")),
    };
    let rest: Vec<String> = more.into_iter().chain(older).collect();
    match rest.is_empty() {
        true => ids.join(","),
        false => format!("{} ({})", ids.join(","), rest.join(", ")),
    }
}

fn noises(rows: &[&NoiseRow]) -> Table {
    let mut table = right(table(&COLUMNS_NOISE), &[2, 3]);
    for row in rows {
        let kinds: Vec<&str> = row.kinds.keys().map(String::as_str).collect();
        table.add_row([
            row.path.clone(),
            kinds.join(","),
            row.pairs.to_string(),
            row.rate.map_or_else(dash, percent),
            row.suggestion.as_ref().map_or_else(dash, |suggestion| words(&suggestion.rule)),
        ]);
    }
    table
}

fn right(mut table: Table, columns: &[usize]) -> Table {
    for column in columns {
        if let Some(column) = table.column_mut(*column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

fn talk(args: &Diffs, answer: &DiffsAnswer) -> Vec<String> {
    let mut lines = Vec::new();
    if !answer.clusters.is_empty() {
        let (shown, all) = (answer.clusters.len(), answer.clusters_total);
        let since = answer.since_ms.map(utc).unwrap_or_default();
        let parity =
            answer.bound.map(|bound| format!("; parity is {} at least", percent_in_words(bound)));
        lines
            .push(format!("showing {shown} of {all}, since {since}{}", parity.unwrap_or_default()));
    }
    if !answer.unjudged.is_empty() && answer.judged.is_some_and(|judged| judged > 0) {
        let unjudged = count_of(answer.unjudged.values().sum(), "more request");
        lines.push(format!("{unjudged} could not be judged: {}", reasons(&answer.unjudged)));
    }
    let suggested = answer.clusters.iter().filter(|row| row.suggestion.is_some());
    let of_noise = answer.noise.iter().filter(|row| row.suggestion.is_some());
    let mut paths = suggested.map(|row| &row.path).chain(of_noise.map(|row| &row.path));
    if let Some(path) = paths.find(|path| is_asked(args, path)) {
        lines.push(format!("accept a rule: cutover tolerate {} '{path}'", args.route));
    }
    lines
}

fn standing(standing: StandingName) -> &'static str {
    match standing {
        StandingName::Regression => "regression",
        StandingName::Untestable => "untestable",
        StandingName::Noise => "noise",
        StandingName::Suspect => "suspect",
    }
}

/// A rule in a few words: `shape rfc3339`.
fn words(rule: &RuleRow) -> String {
    let RuleRow { ignore, tolerate, unordered_by, shape, renamed, normalise, .. } = rule;
    let words = [
        ignore.as_ref().map(|kinds| format!("ignore {}", kinds.join(","))),
        tolerate.as_ref().map(tolerated),
        unordered_by.as_ref().map(|key| match key.as_str() {
            "" => "unordered".to_owned(),
            key => format!("unordered by {key}"),
        }),
        shape.as_ref().map(|format| format!("shape {format}")),
        renamed.as_ref().map(|space| format!("renamed {space}")),
        normalise.as_ref().map(|steps| format!("normalise {}", steps.join(","))),
        rule.compare.then(|| "compare".to_owned()),
    ];
    words.into_iter().flatten().collect::<Vec<_>>().join(", ").trim_end().to_owned()
}

fn tolerated(tolerance: &ToleranceRow) -> String {
    match tolerance {
        ToleranceRow { number: Some(number), .. } => format!("number ±{number}"),
        ToleranceRow { time_ms: Some(ms), .. } => format!("time ±{ms} ms"),
        ToleranceRow { extra: true, .. } => "extra".to_owned(),
        ToleranceRow { .. } => "order".to_owned(),
    }
}

#[cfg(test)]
mod tests;
