//! Stored mismatches: looked at, judged again, tried again.

use std::sync::Arc;

use base64::{Engine, prelude::BASE64_STANDARD};
use cutover_domain::compare::Rules;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use super::{
    Admin,
    diffs::sample_ref,
    dispatch::{Call, Handling},
    failure::Failure,
    parity::route,
    reply::Reply,
};
use crate::{
    api::{AnswerBody, RejudgeAnswer, RejudgeBody, ReplayBody, SampleRow, SamplesAnswer},
    codes::Code,
    comparisons::{Answer, Comparisons, NotJudged, Sample},
    refused::Refused,
};

/// Samples without `?limit`.
const SAMPLES_DEFAULT: u64 = 100;
/// All that there can be of a route.
const SAMPLES_MAX: u64 = 4_000;

pub(super) fn samples(admin: Arc<Admin>, call: Call) -> Handling {
    Box::pin(async move {
        let limit = call.query.number("limit", SAMPLES_MAX)?.unwrap_or(SAMPLES_DEFAULT);
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let wanted = |name| call.query.get(name).map(str::to_owned);
        Ok(Reply::ok(samples_answer(&admin, &call.id, wanted("id"), wanted("path"), limit).await?))
    })
}

/// At most `limit` samples of a route, of this id or of clusters of this path if one is given.
pub(super) async fn samples_answer(
    admin: &Admin,
    id: &str,
    sample: Option<String>,
    path: Option<String>,
    limit: usize,
) -> Result<SamplesAnswer, Failure> {
    route(&admin.parts.controller.view(), id)?;
    let (route, wanted) = (id.to_owned(), sample.clone());
    let (samples, samples_total) = match &admin.parts.comparisons {
        None => (Vec::new(), 0),
        Some(comparisons) => {
            let look = move |comparisons: &dyn Comparisons| {
                look(comparisons, &route, wanted.as_deref(), path.as_deref(), limit)
            };
            aside(comparisons, look).await?
        }
    };
    match sample.filter(|_| samples.is_empty()) {
        Some(sample) => Err(no_sample(&sample)),
        None => Ok(SamplesAnswer { route: id.to_owned(), samples, samples_total }),
    }
}

pub(super) fn rejudge(admin: Arc<Admin>, call: Call) -> Handling {
    Box::pin(async move {
        let body: RejudgeBody = call.json()?;
        let controller = &admin.parts.controller;
        route(&controller.view(), &call.id)?;
        let (loaded, _) = controller.parse(body.files).await.map_err(Failure::from)?;
        let mut declared = loaded.declaration.routes.into_iter();
        let declared = declared.find(|spec| spec.id == call.id);
        let rules = declared.ok_or_else(|| Refused::UnknownRoute(call.id.clone()))?.rules;
        let now = controller.now_ms() / 1_000;
        let route = call.id.clone();
        let judge = move |comparisons: &dyn Comparisons| comparisons.rejudge(&route, &rules, now);
        let rejudged = aside(comparisons(&admin)?, judge).await?;
        Ok(Reply::ok(RejudgeAnswer {
            route: call.id.clone(),
            clusters: rejudged.clusters,
            appears: rejudged.appears,
            warnings: loaded.warnings,
        }))
    })
}

pub(super) fn replay(admin: Arc<Admin>, call: Call) -> Handling {
    Box::pin(async move {
        let ReplayBody { sample, answer } = call.json()?;
        let answer = answer_of(answer)?;
        let view = admin.parts.controller.view();
        let rules: Rules = route(&view, &call.id)?.spec.rules.clone();
        let now = admin.parts.controller.now_ms() / 1_000;
        let (route, id) = (call.id.clone(), sample.clone());
        let judge = move |comparisons: &dyn Comparisons| {
            comparisons.judge_answer(&route, &id, &answer, &rules, now)
        };
        let judged = aside(comparisons(&admin)?, judge).await?;
        let judged = judged.map_err(|why| match why {
            NotJudged::NoSample => no_sample(&sample),
            NotJudged::Unusable => {
                let code = Code::SampleUnusable;
                Failure::new(code, code.doc().summary).at(format!("sample `{sample}`"))
            }
        })?;
        Ok(Reply::ok(judged))
    })
}

/// Works where nobody waits for it.
async fn aside<T: Send + 'static>(
    comparisons: &Arc<dyn Comparisons>,
    work: impl FnOnce(&dyn Comparisons) -> T + Send + 'static,
) -> Result<T, Failure> {
    let comparisons = Arc::clone(comparisons);
    let done = tokio::task::spawn_blocking(move || work(&*comparisons)).await;
    done.map_err(|_| Failure::new(Code::Internal, "looking at samples panicked"))
}

fn comparisons(admin: &Admin) -> Result<&Arc<dyn Comparisons>, Failure> {
    let none = || Failure::new(Code::NotCompared, Code::NotCompared.doc().summary);
    admin.parts.comparisons.as_ref().ok_or_else(none)
}

fn look(
    comparisons: &dyn Comparisons,
    route: &str,
    id: Option<&str>,
    path: Option<&str>,
    limit: usize,
) -> (Vec<SampleRow>, u64) {
    let mut names = comparisons.samples(route, path);
    names.retain(|name| id.is_none_or(|id| name.id == id));
    let total = names.len() as u64;
    // One may go between the two looks.
    let found = names.iter().take(limit).filter_map(|name| comparisons.sample(route, &name.id));
    (found.map(sample_row).collect(), total)
}

fn sample_row(sample: Sample) -> SampleRow {
    let (request, not_replayable) = match sample.request {
        Ok(request) => (Some(request), None),
        Err(why) => (None, Some(why)),
    };
    SampleRow {
        name: sample_ref(&sample.name),
        clusters: sample.clusters,
        request,
        not_replayable,
        document: sample.document,
    }
}

fn no_sample(id: &str) -> Failure {
    Failure::new(Code::UnknownSample, format!("there is no sample `{id}` of this route"))
        .at(format!("sample `{id}`"))
}

fn answer_of(answer: AnswerBody) -> Result<Answer, Failure> {
    let bad =
        |what: &str| Failure::new(Code::BadRequest, format!("{what} no answer has")).at("answer");
    let status = StatusCode::from_u16(answer.status).ok();
    let status = status.filter(|status| (200..600).contains(&status.as_u16()));
    let body = BASE64_STANDARD.decode(&answer.body_base64);
    Ok(Answer {
        status: status.ok_or_else(|| bad("a status that"))?,
        headers: fields(&answer.headers).ok_or_else(|| bad("`headers` that"))?,
        body: body.map_err(|_| bad("a `body_base64` that is not base 64, which"))?.into(),
        trailers: fields(&answer.trailers).ok_or_else(|| bad("`trailers` that"))?,
    })
}

fn fields(pairs: &[(String, String)]) -> Option<HeaderMap> {
    let field = |(name, value): &(String, String)| {
        let name: HeaderName = name.parse().ok()?;
        Some((name, HeaderValue::from_str(value).ok()?))
    };
    pairs.iter().map(field).collect()
}
