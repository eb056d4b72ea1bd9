//! `cutover rehearse`

use std::time::Duration;

use cutover_control::api::{RehearsalAnswer, RehearseBody};

use super::{
    moves::{percent, reason},
    segment,
};
use crate::cli::{
    admin::Client,
    args::{Global, Rehearse, Why},
    exit::{Exit, Failure},
    io::Io,
    output::print_json,
};

pub(in crate::cli) fn run(
    args: &Rehearse,
    global: &Global,
    io: &mut Io<'_>,
) -> Result<Exit, Failure> {
    let why = Why { reason: args.reason.clone(), wait: false };
    let body = RehearseBody {
        reason: reason(&why, io)?,
        percent: percent(Some(&args.percent))?.unwrap_or_default(),
        seconds: args.seconds,
    };
    let client = Client::connect(global, io)?;
    let path = format!("/api/v1/routes/{}/rehearse", segment(&args.route));
    let longer = Duration::from_secs(args.seconds);
    let answer = client.post_lasting::<RehearsalAnswer>(&path, &body, longer)?.body;
    if global.output.is_json() {
        print_json("Rehearsal", &answer, global.output, io)?;
    } else {
        print(&answer, io)?;
    }
    Ok(Exit::Done)
}

fn print(answer: &RehearsalAnswer, io: &mut Io<'_>) -> Result<(), Failure> {
    let RehearsalAnswer { route, percent, there, back, requests, bad, .. } = answer;
    writeln!(io.out, "{route}: {percent} % to new at revision {there}, back at revision {back}")?;
    writeln!(io.out, "new was chosen for {requests} requests and failed {bad}")?;
    let last = match answer.last_request_ms {
        Some(last) => format!("the last request on new ended after {last:.0} ms"),
        None => "no request was on new any more".to_owned(),
    };
    Ok(writeln!(io.out, "back in force after {:.1} ms; {last}", answer.effective_ms)?)
}
