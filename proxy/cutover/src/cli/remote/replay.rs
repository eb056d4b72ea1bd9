//! `cutover replay`: kept requests against a service of one's choice.

use std::collections::BTreeMap;

use base64::{Engine, prelude::BASE64_STANDARD};
use cutover_control::api::{
    AnswerBody, DifferenceRow, ReplayAnswer, ReplayBody, ReplayVerdict, RequestRow, SampleRow,
    SamplesAnswer,
};
use http::{HeaderMap, HeaderName, HeaderValue};
use serde::Serialize;
use serde_json::json;

use super::{SAMPLES_MAX, segment};
use crate::cli::{
    admin::{Client, Got, Service},
    args::{Global, Output, Replay},
    exit::{Exit, Failure},
    io::Io,
    local::count,
    output::{print_json, print_list, print_table, table},
};

/// What became of one request.
#[derive(Debug, Serialize)]
struct Replayed {
    sample: String,
    /// Kept before parity's counters began: by other rules, or of another build.
    older: bool,
    method: String,
    target: String,
    /// `None`: there was no answer.
    status: Option<u16>,
    /// Why there was none.
    failed: Option<String>,
    /// `None`: there was none to judge.
    verdict: Option<ReplayVerdict>,
    why: Option<String>,
    differences: Vec<DifferenceRow>,
}

pub(in crate::cli) fn run(
    args: &Replay,
    global: &Global,
    io: &mut Io<'_>,
) -> Result<Exit, Failure> {
    let headers = headers(&args.header)?;
    let service = Service::at(&args.against, global)?;
    let client = Client::connect(global, io)?;
    let (route, path) = (segment(&args.route), args.path.as_deref().map(segment));
    let path = path.map(|path| format!("&path={path}")).unwrap_or_default();
    let samples: SamplesAnswer =
        client.get(&format!("/api/v1/routes/{route}/samples?limit={SAMPLES_MAX}{path}"))?;
    let (sendable, skipped) = chosen(&samples.samples, args.limit);
    if sendable.is_empty() {
        return Err(nothing_to_send(args, &skipped));
    }
    service.reach()?;
    let mut replayed = Vec::new();
    for sample in &sendable {
        replayed.extend(replay(sample, &headers, &service, &client, &route)?);
    }
    match global.output {
        Output::Json => {
            let skipped: Vec<_> = skipped
                .iter()
                .map(|sample| json!({ "sample": sample.name.id, "reason": sample.not_replayable }))
                .collect();
            let document = json!({
                "route": args.route, "against": args.against,
                "requests": replayed, "skipped": skipped,
            });
            print_json("Replay", &document, global.output, io)?;
        }
        Output::Jsonl => print_list("Replayed", &replayed, global.output, io)?,
        Output::Table | Output::Wide => print_rows(&replayed, io)?,
    }
    tell(&replayed, &sendable, &skipped, io);
    let differs = replayed.iter().any(Replayed::differs);
    Ok(if differs { Exit::Pending } else { Exit::Done })
}

/// The first `limit` samples that can be sent, and those that cannot among all up to there.
fn chosen(samples: &[SampleRow], limit: u64) -> (Vec<&SampleRow>, Vec<&SampleRow>) {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let (mut sendable, mut skipped) = (Vec::new(), Vec::new());
    for sample in samples {
        if sendable.len() == limit {
            break;
        }
        match sample.request {
            Some(_) => sendable.push(sample),
            None => skipped.push(sample),
        }
    }
    (sendable, skipped)
}

/// Sends one request and has its answer judged; `None`: the sample has gone meanwhile.
fn replay(
    sample: &SampleRow,
    headers: &HeaderMap,
    service: &Service,
    client: &Client,
    route: &str,
) -> Result<Option<Replayed>, Failure> {
    let Some(request) = &sample.request else { return Ok(None) };
    let fields = fields(request, headers);
    let got = service.send(&request.method, &request.target, fields, request.body.clone());
    let replayed = Replayed {
        sample: sample.name.id.clone(),
        older: sample.name.older,
        method: request.method.clone(),
        target: request.target.clone(),
        status: got.as_ref().ok().map(|got| got.status.as_u16()),
        failed: got.as_ref().err().cloned(),
        verdict: None,
        why: None,
        differences: Vec::new(),
    };
    let Ok(got) = got else { return Ok(Some(replayed)) };
    let body = ReplayBody { sample: sample.name.id.clone(), answer: answer(&got) };
    match client.post::<ReplayAnswer>(&format!("/api/v1/routes/{route}/replay"), &body) {
        Ok(judged) => {
            let ReplayAnswer { verdict, why, differences, .. } = judged.body;
            Ok(Some(Replayed { verdict: Some(verdict), why, differences, ..replayed }))
        }
        Err(failure) if failure.code() == "unknown_sample" => Ok(None),
        Err(failure) => Err(failure),
    }
}

/// What is known of the request's fields, the operator's in their place, and the mark of copies.
fn fields(request: &RequestRow, given: &HeaderMap) -> HeaderMap {
    let known = request.headers.iter().filter_map(|(name, value)| {
        Some((name.parse::<HeaderName>().ok()?, HeaderValue::from_str(value).ok()?))
    });
    let mut fields: HeaderMap = known.filter(|(name, _)| !given.contains_key(name)).collect();
    fields.extend(given.clone());
    fields.insert("cutover-shadow", HeaderValue::from_static("1"));
    fields
}

fn headers(given: &[String]) -> Result<HeaderMap, Failure> {
    let header = |text: &String| {
        let (name, value) = text.split_once(':')?;
        let name: HeaderName = name.trim().parse().ok()?;
        Some((name, HeaderValue::from_str(value.trim()).ok()?))
    };
    let one = |text: &String| {
        let wrong =
            || Failure::usage(format!("`{text}` is no header")).hint("write it like `Name: value`");
        header(text).ok_or_else(wrong)
    };
    given.iter().map(one).collect()
}

fn answer(got: &Got) -> AnswerBody {
    let fields = |fields: &HeaderMap| {
        let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        fields.iter().map(|(name, value)| (name.to_string(), text(value))).collect()
    };
    AnswerBody {
        status: got.status.as_u16(),
        headers: fields(&got.headers),
        body_base64: BASE64_STANDARD.encode(&got.body),
        trailers: fields(&got.trailers),
    }
}

fn nothing_to_send(args: &Replay, skipped: &[&SampleRow]) -> Failure {
    if skipped.is_empty() {
        let message =
            format!("no mismatch of `{}` is kept, so there is nothing to send", args.route);
        return Failure::new("no_samples", message)
            .hint(format!("`cutover diffs {}` says what is going on", args.route));
    }
    let all = count(skipped.len(), "request");
    let failure = Failure::new(
        "no_samples",
        format!("none of {all} can be sent: too much of each is redacted"),
    );
    match not_sent(skipped).into_iter().max_by_key(|(_, number)| *number) {
        Some((why, _)) => failure.hint(why),
        None => failure,
    }
}

/// Why requests are not sent, and how many.
fn not_sent(skipped: &[&SampleRow]) -> BTreeMap<String, usize> {
    let mut reasons = BTreeMap::new();
    for why in skipped.iter().filter_map(|sample| sample.not_replayable.as_ref()) {
        *reasons.entry(why.why.clone()).or_default() += 1;
    }
    reasons
}

fn print_rows(replayed: &[Replayed], io: &mut Io<'_>) -> Result<(), Failure> {
    let mut table = table(&["SAMPLE", "REQUEST", "STATUS", "VERDICT", "DIFFERENCES"]);
    for row in replayed {
        table.add_row([
            row.sample.clone(),
            format!("{} {}", row.method, row.target),
            row.status.map_or_else(|| "-".to_owned(), |status| status.to_string()),
            row.verdict(),
            row.told(),
        ]);
    }
    print_table(&table, io)
}

fn tell(replayed: &[Replayed], sendable: &[&SampleRow], skipped: &[&SampleRow], io: &mut Io<'_>) {
    let of = |wanted| replayed.iter().filter(|row| row.verdict == Some(wanted)).count();
    let unanswered = replayed.iter().filter(|row| row.verdict.is_none()).count();
    let parts = [
        (of(ReplayVerdict::Match), "as legacy"),
        (of(ReplayVerdict::Mismatch), "differ"),
        (of(ReplayVerdict::Undecidable), "undecidable"),
        (of(ReplayVerdict::Incomparable), "incomparable"),
        (unanswered, "without an answer"),
    ];
    let parts: Vec<String> = parts
        .iter()
        .filter(|(number, _)| *number > 0)
        .map(|(number, what)| format!("{number} {what}"))
        .collect();
    io.tell(&format!("{} sent: {}", count(replayed.len(), "request"), parts.join(", ")));
    let older = replayed.iter().filter(|row| row.older).count();
    if older > 0 {
        io.tell(&format!("{older} of them from before parity last began anew"));
    }
    for (why, number) in not_sent(skipped) {
        io.tell(&format!("{number} not sent: {why}"));
    }
    let mut left_out: Vec<&str> = sendable
        .iter()
        .flat_map(|sample| &sample.request)
        .flat_map(|request| request.headers_left_out.iter().map(String::as_str))
        .collect();
    left_out.sort_unstable();
    left_out.dedup();
    if !left_out.is_empty() {
        let names = left_out.join(", ");
        io.tell(&format!(
            "sent without {names}, which are redacted: give them with `-H` if they matter"
        ));
    }
}

// === impl Replayed ===

impl Replayed {
    fn differs(&self) -> bool {
        matches!(self.verdict, None | Some(ReplayVerdict::Mismatch))
    }

    fn verdict(&self) -> String {
        match self.verdict {
            None => "no answer",
            Some(ReplayVerdict::Match) => "match",
            Some(ReplayVerdict::Mismatch) => "mismatch",
            Some(ReplayVerdict::Undecidable) => "undecidable",
            Some(ReplayVerdict::Incomparable) => "incomparable",
        }
        .to_owned()
    }

    fn told(&self) -> String {
        if let Some(why) = self.failed.as_ref().or(self.why.as_ref()) {
            return why.clone();
        }
        let differences: Vec<String> = self
            .differences
            .iter()
            .map(|found| {
                let class = if found.class == "suspect" { "" } else { " (noise)" };
                format!("{} {} {}{class}", found.kind, found.path, found.values)
            })
            .collect();
        if differences.is_empty() { "-".to_owned() } else { differences.join("; ") }
    }
}

#[cfg(test)]
mod tests;
