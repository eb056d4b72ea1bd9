//! The loop of thread `compare`: parses what both sides answered, compares, judges, counts.

mod roles;

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, LazyLock,
        mpsc::{Receiver, SyncSender, TrySendError},
    },
    time::{Instant, SystemTime, UNIX_EPOCH},
};

use cutover_domain::{
    Exchange, Side,
    compare::{
        Answer, Bijections, Difference, Incomparable, Kind, Limits, Path, Rules, Terms, compare,
    },
    exchange::Dropped,
    parity::{Basis, Class, Judgement, Observation, Shape, Verdict},
};
use cutover_telemetry::context::TraceId;

use self::roles::{Roles, has_references, shape};
use crate::{
    engine::Closing,
    lane::{Fault, Reply},
    parse::{Parsed, Raw, parse, unread},
    record::{Record, Records},
    route::{Comparing, Route, builds},
    samples::{ClusterKey, Keeper, Stored, at_ms, draw},
    ticket::Ticket,
    traces::{Judged, Trace, Traced},
};

/// Where a candidate differs that gave no answer.
static STATUS: LazyLock<Path> = LazyLock::new(|| "status".parse().expect("it is a path"));

/// What a candidate answers for where legacy's answer to the same has nothing of it.
const FAULTS: [Incomparable; 3] =
    [Incomparable::Limit, Incomparable::DuplicateKey, Incomparable::OverCap];

/// What was asked about one copy, and what came back.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) exchange: Exchange,
    /// The copy's answer.
    pub(crate) reply: Result<Reply, Fault>,
    /// Legacy's second answer.
    pub(crate) reference: Option<Reply>,
    /// The copy's own trace.
    pub(crate) traced: Traced,
}

/// A copy that waits for its verdict.
#[derive(Debug)]
pub(crate) struct Answered {
    ticket: Ticket,
    what: What,
}

#[derive(Debug)]
enum What {
    Asked(Box<Asked>),
    /// Nobody was asked: there is no live answer.
    WithoutLive(Box<Exchange>, Trace),
}

/// What the comparing thread works with.
pub(crate) struct Judge {
    pub(crate) limits: Limits,
    pub(crate) keeper: Arc<Keeper>,
    pub(crate) records: Arc<Records>,
    pub(crate) closing: Closing,
}

/// The answers of one request, in their roles, and how they differ.
struct Compared {
    differences: Result<Vec<Difference>, Incomparable>,
    /// Legacy's second answer took part.
    is_paired: bool,
    /// Legacy's, the candidate's, legacy's second; those that were read.
    answers: Vec<(&'static str, Answer)>,
    /// The candidate has no answer that could be compared, though legacy has.
    failure: Option<&'static str>,
}

/// The answers of one request, read.
struct Answers {
    read: Vec<(&'static str, Answer)>,
    failure: Option<&'static str>,
}

/// A copy was given up. What was asked counts for coverage all the same, if it is known what legacy
/// answers to it.
pub(crate) fn given_up(route: &Route, exchange: &Exchange) {
    let live = exchange.response.as_ref().filter(|_| exchange.served == Side::Legacy);
    if let Some(live) = live {
        let shape = shape(exchange, Some(live.status));
        route.with_parity(|parity| parity.see(&shape, now()));
    }
}

/// Hands a copy to the judge; where too many wait, it is incomparable.
pub(crate) fn hand_over(judge: &SyncSender<Answered>, answered: Answered) {
    match judge.try_send(answered) {
        Ok(()) => {}
        Err(TrySendError::Full(answered)) => answered.settle_as(Incomparable::Limit),
        Err(TrySendError::Disconnected(answered)) => answered.ticket.dropped(Dropped::Shutdown),
    }
}

// === impl Asked ===

impl Asked {
    pub(crate) fn with(self, ticket: Ticket) -> Answered {
        Answered { ticket, what: What::Asked(Box::new(self)) }
    }
}

// === impl Answered ===

impl Answered {
    pub(crate) fn without_live(exchange: Exchange, trace: Trace, ticket: Ticket) -> Answered {
        Answered { ticket, what: What::WithoutLive(Box::new(exchange), trace) }
    }

    fn exchange(&self) -> (&Exchange, &Trace) {
        match &self.what {
            What::Asked(asked) => (&asked.exchange, &asked.traced.trace),
            What::WithoutLive(exchange, trace) => (exchange, trace),
        }
    }

    /// Settles it without a look at the answers.
    fn settle_as(self, why: Incomparable) {
        let (exchange, trace) = self.exchange();
        let status = match &self.what {
            What::Asked(asked) => Roles::of(asked).status(),
            What::WithoutLive(..) => None,
        };
        let shape = shape(exchange, status);
        let (compared, now) = (Err(why), now());
        let observation =
            Observation { compared, paired: false, shape: &shape, latency_micros: None, now };
        let route = self.ticket.route();
        let verdict = route.with_parity(|parity| parity.judge(&observation)).verdict;
        let kept = route.traces.unjudged(trace, exchange, verdict);
        self.ticket.compared(verdict, kept);
    }
}

// === impl Judge ===

impl Judge {
    /// Runs until the other end is gone; what is left after the time to end is dropped.
    pub(crate) fn run(&self, answered: &Receiver<Answered>) {
        while let Ok(answered) = answered.recv() {
            let until = *self.closing.borrow();
            match until.is_some_and(|until| Instant::now() > until) {
                true => answered.ticket.dropped(Dropped::Shutdown),
                false => self.settle(answered),
            }
        }
    }

    fn settle(&self, Answered { ticket, what }: Answered) {
        let mut asked = match what {
            What::Asked(asked) => asked,
            What::WithoutLive(..) => {
                return Answered { ticket, what }.settle_as(Incomparable::LiveFailed);
            }
        };
        let route = Arc::clone(ticket.route());
        // One answer that nobody thought of must not end the comparison of all others.
        match catch_unwind(AssertUnwindSafe(|| self.judge(&route, &asked))) {
            Ok((verdict, kept)) => {
                let held = asked.exchange.held.take();
                if let Some(held) = held.filter(|_| verdict == Verdict::Mismatch && kept.is_some())
                {
                    held.keep();
                }
                // What it holds is given back before it counts as settled.
                drop(asked);
                ticket.compared(verdict, kept);
            }
            Err(_) => {
                tracing::error!(
                    cutover.route.id = &*route.id,
                    "comparing two answers failed: a bug of Cutover; the request counts as incomparable"
                );
                Answered { ticket, what: What::Asked(asked) }.settle_as(Incomparable::Limit);
            }
        }
    }

    /// The verdict, and the copy's trace if it is kept.
    fn judge(&self, route: &Route, asked: &Asked) -> (Verdict, Option<TraceId>) {
        let (since, now) = (Instant::now(), now());
        let roles = Roles::of(asked);
        let shape = shape(&asked.exchange, roles.status());
        let compared = {
            let mut comparing = route.comparing.lock();
            comparing.has_references = has_references(&asked.exchange);
            adopt_build(route, &mut comparing, asked, now);
            self.adopt_rules(route, &mut comparing, rules(&asked.exchange), now);
            self.compare(&roles, &mut comparing, now)
        };
        let observation = Observation {
            compared: compared.differences.as_deref().map_err(|why| *why),
            paired: compared.is_paired,
            shape: &shape,
            latency_micros: roles.latency_micros(asked),
            now,
        };
        let judgement = route.with_parity(|parity| parity.judge(&observation));
        self.tell(route, asked, &compared, &judgement, shape);
        let differences = compared.differences.as_deref().unwrap_or_default();
        let judged =
            Judged { since, differences, judgement: &judgement, failure: compared.failure };
        (judgement.verdict, route.traces.judged(asked, &judged))
    }

    fn compare(&self, roles: &Roles<'_>, comparing: &mut Comparing, now: u64) -> Compared {
        match self.read(roles) {
            Err(why) => Compared {
                differences: Err(why),
                is_paired: false,
                answers: Vec::new(),
                failure: None,
            },
            Ok(Answers { read: answers, failure }) => {
                let terms = Terms { rules: &comparing.rules, limits: &self.limits, now };
                let of =
                    |role| answers.iter().find(|(name, _)| *name == role).map(|(_, answer)| answer);
                let (legacy, reference) = (of(LEGACY), of(REFERENCE));
                let legacy = legacy.expect("legacy's answer is read, or nothing is compared");
                // Without a candidate's answer, legacy is still compared with itself.
                let candidate = of(CANDIDATE).unwrap_or(legacy);
                let bijections = &mut comparing.bijections;
                let mut differences = compare(legacy, candidate, reference, &terms, bijections);
                if let (Ok(differences), Some(failure)) = (&mut differences, failure) {
                    let has_other_status = reference.map(|second| second.status != legacy.status);
                    fail(differences, failure, has_other_status);
                }
                let failure = failure.filter(|_| differences.is_ok());
                Compared { is_paired: reference.is_some(), differences, answers, failure }
            }
        }
    }

    /// Reads the answers; one that cannot be used as a reference is left out.
    fn read(&self, roles: &Roles<'_>) -> Result<Answers, Incomparable> {
        let live = roles.legacy?;
        let legacy = parse(live, &self.limits)?;
        let against = |raw: Raw<'_>| {
            let parsed = parse(raw, &self.limits)?;
            legacy.is_comparable(&parsed).map(|()| parsed)
        };
        let reference = roles.reference.map(against);
        let candidate = match roles.candidate {
            Err(fault) => Err(fault.as_str()),
            Ok(raw) => match against(raw) {
                Ok(candidate) => Ok(candidate),
                // Legacy's second answer is no better.
                Err(why) if matches!(&reference, Some(Err(again)) if *again == why) => {
                    return Err(why);
                }
                Err(why) if legacy.is_whole() && FAULTS.contains(&why) => unfit(live, raw, why),
                Err(why) => return Err(why),
            },
        };
        let failure = candidate.as_ref().err().copied();
        let answers = [
            (LEGACY, Some(legacy)),
            (CANDIDATE, candidate.ok()),
            (REFERENCE, reference.and_then(Result::ok)),
        ];
        let read = answers.into_iter();
        let read = read.filter_map(|(role, parsed)| Some((role, parsed?.into_answer())));
        Ok(Answers { read: read.collect(), failure })
    }

    /// Verdicts by other rules are not to be counted together.
    fn adopt_rules(&self, route: &Route, comparing: &mut Comparing, rules: &Rules, now: u64) {
        if comparing.goes_by(rules) {
            return;
        }
        comparing.adopt(rules);
        let basis = comparing.basis();
        if let Some(cause) = route.adopt(&basis, now) {
            tracing::info!(
                cutover.route.id = &*route.id,
                ?cause,
                "parity begins anew: rules changed"
            );
        }
    }

    fn tell(
        &self,
        route: &Route,
        asked: &Asked,
        compared: &Compared,
        judgement: &Judgement,
        shape: Shape,
    ) {
        for place in &judgement.regressed {
            tracing::warn!(
                cutover.route.id = &*route.id,
                path = place.as_str(),
                "the candidate regressed at `{place}` of route `{}`",
                route.id
            );
        }
        let differences = compared.differences.as_deref().unwrap_or_default();
        let suspects = differences.iter().zip(&judgement.classes);
        for (difference, _) in suspects.filter(|(_, class)| **class == Class::Suspect) {
            route.metrics.field(&difference.path, difference.kind);
        }
        self.keep(route, asked, compared, judgement, &shape);
        if judgement.learnt.is_some() {
            // As parity's counters did, by this request.
            route.samples.lock().begin_anew();
        }
        self.records.offer(|| {
            Record::new(route, asked, differences, judgement, compared.is_paired, shape.clone())
        });
    }

    /// Counts mismatches by what they look like, with samples of some.
    fn keep(
        &self,
        route: &Route,
        asked: &Asked,
        compared: &Compared,
        judgement: &Judgement,
        shape: &Shape,
    ) {
        let differences = compared.differences.as_deref().unwrap_or_default();
        if differences.is_empty() {
            return;
        }
        let mut samples = route.samples.lock();
        // Made at most once, for all clusters that want it.
        let mut sample: Option<Option<Arc<Stored>>> = None;
        for (difference, class) in differences.iter().zip(&judgement.classes) {
            let key = ClusterKey::of(difference);
            if difference.reference == Some(true) {
                samples.see_noise(key);
            } else if *class == Class::Suspect {
                let make =
                    || self.keeper.sample(asked, (&compared.answers, compared.failure), shape);
                let sample = || sample.get_or_insert_with(make).clone();
                samples.take(key, at_ms(asked), draw(asked), sample);
            }
        }
    }
}

pub(crate) const LEGACY: &str = "legacy";
pub(crate) const CANDIDATE: &str = "candidate";
pub(crate) const REFERENCE: &str = "legacy again";

/// A candidate's answer that cannot be read, where legacy's can: it has failed, as far as bodies are
/// compared. Those of errors are only where a rule asks for them, and are held against each other
/// as bytes.
fn unfit(live: Raw<'_>, raw: Raw<'_>, why: Incomparable) -> Result<Parsed, &'static str> {
    let is_error = live.status.max(raw.status).as_u16() >= 400;
    if is_error { Ok(unread(raw, why)) } else { Err(why.as_str()) }
}

/// Puts the difference of a candidate that gave no answer, or none that can be compared, in its
/// place; the list stays sorted.
fn fail(differences: &mut Vec<Difference>, failure: &str, reference: Option<bool>) {
    let shape = format!("answer→{failure}").into();
    let (path, kind) = (STATUS.clone(), Kind::Status);
    differences.retain(|known| known.path != path);
    let at = differences.partition_point(|known| known.path < path);
    differences.insert(at, Difference { path, kind, candidate: true, reference, shape });
}

/// What an earlier build answered is not this one's merit or fault. Only answers to copies name
/// their build.
fn adopt_build(route: &Route, comparing: &mut Comparing, asked: &Asked, now: u64) {
    let Ok(reply) = &asked.reply else { return };
    let build = match asked.exchange.candidate {
        Side::New => builds::named(&reply.headers),
        Side::Legacy => None,
    };
    let Some(build) = build.filter(|build| comparing.builds.replaces(build)) else { return };
    let basis = Basis { build: build.into(), ..Basis::default() };
    if route.adopt(&basis, now).is_some() {
        comparing.bijections = Bijections::default();
        tracing::info!(
            cutover.route.id = &*route.id,
            build,
            "parity begins anew: the candidate has another build"
        );
    }
}

/// What may differ on the exchange's route.
fn rules(exchange: &Exchange) -> &Rules {
    &exchange.table.routes[exchange.route].spec.rules
}

/// Seconds since 1970.
pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}
