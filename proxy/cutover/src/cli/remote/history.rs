//! `cutover history`

use cutover_control::{
    api::{HistoryAnswer, RevisionRow},
    words::what,
};

use super::segment;
use crate::cli::{
    admin::Client,
    args::{Global, History},
    exit::{Exit, Failure},
    io::Io,
    output::{print_list, print_table, table, utc},
};

pub(in crate::cli) fn run(
    args: &History,
    global: &Global,
    io: &mut Io<'_>,
) -> Result<Exit, Failure> {
    let client = Client::connect(global, io)?;
    let route = args.route.as_ref().map(|route| format!("&route={}", segment(route)));
    let route = route.unwrap_or_default();
    let path = format!("/api/v1/history?limit={}{route}", args.limit);
    let answer: HistoryAnswer = client.get(&path)?;
    if global.output.is_json() {
        print_list("Revision", &answer.revisions, global.output, io)?;
        return Ok(Exit::Done);
    }
    let mut table = table(&["REV", "WHEN", "WHO", "WHAT", "WHY"]);
    for revision in &answer.revisions {
        for (at, line) in lines(revision).into_iter().enumerate() {
            let [number, when, who, why] = match at {
                0 => head(revision),
                _ => Default::default(),
            };
            table.add_row([number, when, who, line, why]);
        }
    }
    print_table(&table, io)?;
    if answer.before.is_some() {
        let route = args.route.as_ref().map(|route| format!(" {route}")).unwrap_or_default();
        let limit = args.limit.saturating_mul(5);
        io.tell(&format!("older ones: `cutover history{route} --limit {limit}`"));
    }
    Ok(Exit::Done)
}

fn head(revision: &RevisionRow) -> [String; 4] {
    let forced = if revision.forced { " (forced)" } else { "" };
    [
        revision.revision.to_string(),
        utc(revision.at_ms),
        revision.actor.clone(),
        format!("{}{forced}", revision.reason),
    ]
}

/// One line a route; one for a revision that moved none.
fn lines(revision: &RevisionRow) -> Vec<String> {
    match revision.routes.is_empty() {
        true => vec!["configuration".to_owned()],
        false => {
            revision.routes.iter().map(|row| format!("{}: {}", row.route, what(row))).collect()
        }
    }
}
