//! `cutover explain --code`

use cutover_control::{CODES, CodeDoc};
use cutover_gateway::guard::Refusal;

use crate::{
    cli::{
        exit::{Exit, Failure},
        io::Io,
    },
    config::{explain, explained, nearest},
};

pub(in crate::cli) fn run(code: &str, io: &mut Io<'_>) -> Result<Exit, Failure> {
    let wanted = code.trim().to_ascii_lowercase().replace('-', "_");
    let served = CODES.iter().find(|doc| doc.code == wanted);
    let refused = Refusal::ALL.iter().find(|refusal| refusal.code() == wanted);
    let text = match (explain(&wanted), served, refused) {
        (Some(text), ..) => text.to_owned(),
        (None, Some(doc), _) => of_api(doc),
        (None, None, Some(refusal)) => of_guard(*refusal),
        (None, None, None) => return Err(unknown(code, &wanted)),
    };
    writeln!(io.out, "{wanted}\n\n{text}")?;
    Ok(Exit::Done)
}

fn of_api(doc: &CodeDoc) -> String {
    let status = doc.status.map(|status| format!("\n\nHTTP status: {status}")).unwrap_or_default();
    format!("{}\n\nWhat to do: {}{status}", doc.summary, doc.remedy)
}

fn of_guard(refusal: Refusal) -> String {
    let (status, reason) = refusal.status();
    format!(
        "The guard refuses a request before any upstream sees it: {}.\n\nWhat to do: mend the \
         client; two servers could read such a request in two ways, so it is never passed on.\n\n\
         HTTP status: {status} {reason}",
        refusal.explain().trim_end_matches('.')
    )
}

fn unknown(code: &str, wanted: &str) -> Failure {
    let known = explained()
        .chain(CODES.iter().map(|doc| doc.code))
        .chain(Refusal::ALL.iter().map(|refusal| refusal.code()));
    let failure = Failure::usage(format!("there is no code `{code}`"));
    match nearest(wanted, known) {
        Some(meant) => failure.hint(format!("did you mean `{meant}`?")),
        None => failure.hint("codes stand in brackets, as in `error[group_split]`"),
    }
}
