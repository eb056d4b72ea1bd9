//! `cutover explain --code`

use cutover_control::{CODES, CodeDoc};

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
    let text = match (explain(&wanted), served) {
        (Some(text), _) => text.to_owned(),
        (None, Some(doc)) => of_api(doc),
        (None, None) => return Err(unknown(code, &wanted)),
    };
    writeln!(io.out, "{wanted}\n\n{text}")?;
    Ok(Exit::Done)
}

fn of_api(doc: &CodeDoc) -> String {
    let status = doc.status.map(|status| format!("\n\nHTTP status: {status}")).unwrap_or_default();
    format!("{}\n\nWhat to do: {}{status}", doc.summary, doc.remedy)
}

fn unknown(code: &str, wanted: &str) -> Failure {
    let known = explained().chain(CODES.iter().map(|doc| doc.code));
    let failure = Failure::usage(format!("there is no code `{code}`"));
    match nearest(wanted, known) {
        Some(meant) => failure.hint(format!("did you mean `{meant}`?")),
        None => failure.hint("codes stand in brackets, as in `error[group_split]`"),
    }
}
