//! The actor that looks: at regular intervals, at every route that is watched.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use cutover_domain::{
    Phase, Route, Target,
    gate::{Answer, Latch, LatchedBy, Observation, Proposal, Signals, Step, Traffic, Trouble},
    parity::Report,
};
use cutover_store::Trigger;
use tokio::{
    sync::mpsc,
    task::{AbortHandle, JoinHandle},
};

use super::{
    Gates, REHEARSAL, Standing, Standings,
    document::{About, Became, Config, Kind},
    latches, recorder,
    sight::{no_counters, store_trouble, traffic},
    watch::Watch,
};
use crate::{
    Comparisons, LiveCounters, RouteCounters,
    controller::{Answered, Controller},
    refused::Refused,
    truth::{
        Author,
        judged::Judgements,
        moves::{Action, MoveAsk, REASON_CHARS_MAX, Scope},
    },
    view::View,
};

/// How long to wait after a look that ended by a mistake of ours.
const RECOVER: Duration = Duration::from_secs(5);
/// How long the last decisions may take to be recorded.
const END_WITHIN: Duration = Duration::from_secs(1);
/// The shortest time between two looks.
const PAUSE_MIN: Duration = Duration::from_millis(100);
/// Routes judged without letting others run.
const ROUTES_AT_ONCE: usize = 32;

/// What an evaluator works with.
#[derive(Clone)]
pub struct EvaluatorParts {
    /// Who moves routes.
    pub controller: Controller,
    /// Numbers of the data plane.
    pub live: Arc<dyn LiveCounters>,
    /// How candidates answer; `None`: nothing compares sides.
    pub comparisons: Option<Arc<dyn Comparisons>>,
    /// Where what was found is to be seen.
    pub gates: Gates,
}

/// The actor, running.
#[derive(Debug)]
pub struct Evaluator {
    gates: Gates,
    looking: JoinHandle<()>,
    recording: JoinHandle<()>,
}

/// A step that was asked for.
struct Asked {
    route: String,
    step: Step,
    standing: Arc<Standing>,
    at: Target,
    result: Result<Answered, Refused>,
}

/// What the actor holds.
struct Looking {
    parts: EvaluatorParts,
    /// What another process left on new for a rehearsal was brought back: once in a process.
    brought_back: Arc<AtomicBool>,
    watches: BTreeMap<String, Watch>,
    /// Of held routes, by the revision that was asked about.
    latches: HashMap<String, (u64, Latch)>,
    /// When gates took a route back that new serves, by the revision that was asked about.
    steps_back: HashMap<String, (u64, Vec<u64>)>,
    /// What the controller was told last.
    judged: Option<Judgements>,
    asked: mpsc::Sender<Asked>,
    answers: mpsc::Receiver<Asked>,
}

/// What is known beside counters at one look.
struct Sight {
    view: Arc<View>,
    now_ms: u64,
    config: Config,
    counters: HashMap<String, RouteCounters>,
    /// Why nothing can be asked; `None`: all can.
    trouble: Option<Trouble>,
}

// === impl Evaluator ===

impl Evaluator {
    /// Begins to look. If a look ends by a mistake of ours it begins anew, with nothing known.
    pub fn start(parts: EvaluatorParts) -> Evaluator {
        let inbox = crate::admin::locked(&parts.gates.0.inbox).take();
        let (gates, controller) = (parts.gates.clone(), parts.controller.clone());
        let recording = tokio::spawn(async move {
            if let Some(inbox) = inbox {
                recorder::run(gates, controller, inbox).await;
            }
        });
        let gates = parts.gates.clone();
        Evaluator { gates, looking: tokio::spawn(look_on(parts)), recording }
    }

    /// Ends looking, for a process that another one takes over from; what was decided is still
    /// recorded.
    pub fn abort_handle(&self) -> AbortHandle {
        self.looking.abort_handle()
    }

    /// Ends looking, and waits a moment for what was decided to be recorded.
    pub async fn end(self) {
        self.looking.abort();
        let recorded = async {
            while self.gates.0.unwritten.load(Ordering::Relaxed) > 0 {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        if tokio::time::timeout(END_WITHIN, recorded).await.is_err() {
            tracing::warn!("the last decisions are not recorded: the store does not take them");
        }
        self.recording.abort();
    }
}

async fn look_on(parts: EvaluatorParts) {
    let brought_back = Arc::default();
    loop {
        let looking = Looking::new(parts.clone(), Arc::clone(&brought_back));
        let looking = Guarded(tokio::spawn(looking.run()));
        let Err(error) = looking.await else { return };
        if error.is_cancelled() {
            return;
        }
        parts.gates.0.metrics.failed();
        tracing::error!(%error, "gates were not judged: nothing moves by itself; trying again");
        tokio::time::sleep(RECOVER).await;
    }
}

/// A task that ends with whoever waits for it.
struct Guarded(JoinHandle<()>);

impl Future for Guarded {
    type Output = Result<(), tokio::task::JoinError>;

    fn poll(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Self::Output> {
        std::pin::Pin::new(&mut self.0).poll(cx)
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        self.0.abort();
    }
}

// === impl Looking ===

impl Looking {
    fn new(parts: EvaluatorParts, brought_back: Arc<AtomicBool>) -> Looking {
        let (asked, answers) = mpsc::channel(64);
        let (latches, steps_back) = (HashMap::new(), HashMap::new());
        Looking {
            parts,
            brought_back,
            watches: BTreeMap::new(),
            latches,
            steps_back,
            judged: None,
            asked,
            answers,
        }
    }

    async fn run(mut self) {
        loop {
            self.end_rehearsals().await;
            let every = self.look().await;
            let next = tokio::time::sleep(every.max(PAUSE_MIN));
            tokio::pin!(next);
            loop {
                tokio::select! {
                    () = &mut next => break,
                    Some(asked) = self.answers.recv() => self.answered(asked),
                }
            }
        }
    }

    /// Brings back cohorts that a process which died had sent to new for a rehearsal; where the
    /// store does not tell, that is asked again at the next look.
    async fn end_rehearsals(&self) {
        if self.brought_back.load(Ordering::Relaxed) {
            return;
        }
        let mut all_told = true;
        let controller = &self.parts.controller;
        let view = controller.view();
        let is_left = |route: &&Route| {
            route.state.phase == Phase::Canary && !self.parts.gates.is_rehearsing(&route.spec.id)
        };
        for route in view.table.routes.iter().filter(is_left) {
            let id = route.spec.id.as_str();
            let Ok(newest) = controller.history(Some(id), 1, None).await else {
                all_told = false;
                continue;
            };
            let Some(newest) = newest.first().filter(|r| r.reason.starts_with(REHEARSAL)) else {
                continue;
            };
            let wanted = MoveAsk {
                scope: Scope::Route(id.to_owned()),
                action: Action::Rollback { to: None },
                expect: Some(newest.revision),
                reason: format!("{REHEARSAL}the process that began it has ended"),
                author: Author::guard(),
                trigger: Trigger::Guard,
            };
            if let Err(refused) = controller.move_routes(wanted).await {
                tracing::warn!(route = id, error = %refused, "a rehearsal was not ended");
            }
        }
        self.brought_back.store(all_told, Ordering::Relaxed);
    }

    /// One look at every route; gives the time until the next.
    async fn look(&mut self) -> Duration {
        let sight = self.sight();
        let view = Arc::clone(&sight.view);
        let Some(loaded) = view.truth.loaded.clone() else { return PAUSE_MIN };
        let declaration = &loaded.declaration;
        self.watches.retain(|id, _| view.table.route(id).is_some());
        self.steps_back.retain(|id, _| view.table.route(id).is_some());
        let mut routes = BTreeMap::new();
        for (at, route) in view.table.routes.iter().enumerate() {
            if at % ROUTES_AT_ONCE == ROUTES_AT_ONCE - 1 {
                tokio::task::yield_now().await;
            }
            let id = route.spec.id.as_str();
            let watch = self.watches.entry(id.to_owned());
            let watch = watch.or_insert_with(|| Watch::new(route, declaration, sight.now_ms));
            watch.follow(route, declaration, sight.now_ms);
            if watch.is_watching() {
                let latch = self.latch(route, sight.now_ms).await;
                self.count_steps_back(route, sight.now_ms).await;
                routes.insert(id.to_owned(), self.judge(route, &sight, latch.as_ref()));
            }
        }
        let every_ms = declaration.gates.evaluate_ms;
        let standings = Standings { at_ms: sight.now_ms, every_ms, routes };
        self.tell(Arc::new(standings)).await;
        Duration::from_millis(every_ms)
    }

    fn sight(&self) -> Sight {
        let controller = &self.parts.controller;
        let view = controller.view();
        let counters = self.parts.live.snapshot().into_iter();
        Sight {
            now_ms: controller.now_ms(),
            config: Config::of(&view),
            counters: counters.map(|counted| (counted.route.clone(), counted)).collect(),
            trouble: view.truth.down.as_ref().map(store_trouble),
            view,
        }
    }

    /// The latch on `route`, if it is held. What the store does not tell counts as a person's: then
    /// no build releases it.
    async fn latch(&mut self, route: &Route, now_ms: u64) -> Option<Latch> {
        let (id, state) = (&route.spec.id, &route.state);
        let Some(held) = &state.held else {
            self.latches.remove(id);
            return None;
        };
        if let Some((revision, latch)) = self.latches.get(id)
            && *revision == state.revision
        {
            return Some(latch.clone());
        }
        let told = latches::latch_of(&self.parts.controller, id, held, now_ms).await;
        if let Ok(Some(latch)) = told {
            self.latches.insert(id.clone(), (state.revision, latch.clone()));
            return Some(latch);
        }
        let (rollbacks_ms, asked) = (Vec::new(), Vec::new());
        let (held, by) = (held.clone(), LatchedBy::Person);
        Some(Latch { held, by, since_ms: now_ms, rollbacks_ms, asked })
    }

    /// Asks how often gates took `route` back, once for each of its revisions. Where the store does
    /// not tell, what it told before holds, and the next look asks again.
    async fn count_steps_back(&mut self, route: &Route, now_ms: u64) {
        let (id, state) = (&route.spec.id, &route.state);
        if state.phase < Phase::Canary {
            self.steps_back.remove(id);
            return;
        }
        let is_known = self.steps_back.get(id).is_some_and(|known| known.0 == state.revision);
        if is_known {
            return;
        }
        if let Ok(found) = latches::steps_back(&self.parts.controller, id, now_ms).await {
            self.steps_back.insert(id.clone(), (state.revision, found));
        }
    }

    fn judge(&mut self, route: &Route, sight: &Sight, latch: Option<&Latch>) -> Arc<Standing> {
        let id = route.spec.id.as_str();
        let evidence = self.evidence(route, sight);
        let (report, build) =
            evidence.map_or((None, None), |(report, build)| (Some(report), build));
        let counted: Option<Traffic> = sight.counters.get(id).map(traffic);
        let unknown = no_counters();
        let trouble = sight.trouble.as_ref();
        let seen = Observation {
            now_ms: sight.now_ms,
            state: &route.state,
            latch,
            stepped_back_ms: self.steps_back.get(id).map_or(&[], |(_, found)| found),
            build: build.as_deref(),
            traffic: match (trouble, &counted) {
                (Some(trouble), _) => Err(trouble),
                (None, counted) => counted.as_ref().ok_or(&unknown),
            },
            parity: trouble.map_or(Ok(report.as_ref()), Err),
            signals: trouble.map_or(Ok(self.signals(route, sight)), Err),
            approved: None,
            further: &[],
        };
        let watch = self.watches.get_mut(id).expect("it was put there before it is judged");
        let spent = watch.meter(sight.counters.get(id), sight.now_ms);
        let (assessment, found) = watch.look(&seen);
        let acts = found.acts && !self.parts.gates.leaves(id, assessment.proposal.as_ref());
        watch.is_asking |= acts;
        let (at_ms, revision) = (sight.now_ms, route.state.revision);
        let basis = watch.basis();
        let standing = Standing { at_ms, revision, assessment, basis, build, spent };
        let standing = Arc::new(standing);
        if found.tells {
            let traces = self.traces(route, &found.changed);
            let config = &sight.config;
            let at = route.state.target();
            let about = About { route: id, at, config, standing: &standing, traces: &traces };
            let is_new = |answer: &Answer| {
                found.changed.is_empty() || found.changed.contains(&answer.gate.as_str())
            };
            self.parts.gates.record(about.record(Kind::Outcome, Became::default(), is_new));
        }
        if acts {
            self.ask(route, &standing);
        }
        standing
    }

    fn evidence(&self, route: &Route, sight: &Sight) -> Option<(Report, Option<String>)> {
        route.spec.shadow.as_ref()?;
        let target = sight.view.truth.loaded.as_ref()?.declaration.gates.parity_min;
        let comparisons = self.parts.comparisons.as_ref()?;
        let found = comparisons.evidence(&route.spec.id, target, sight.now_ms / 1_000)?;
        Some((found.report, found.build))
    }

    fn signals(&self, route: &Route, sight: &Sight) -> Signals {
        let counted = sight.counters.get(&route.spec.id);
        let requests = counted.map_or(0, |counted| counted.legacy.total() + counted.new.total());
        Signals {
            objectives: !route.spec.objectives.is_empty() && requests > 0,
            traces: self.parts.gates.0.traces,
            dashboards: self.parts.gates.is_scraped(sight.now_ms),
        }
    }

    /// Traces of mismatches, where what changed is about them.
    fn traces(&self, route: &Route, changed: &[&str]) -> Vec<String> {
        let comparisons = self.parts.comparisons.as_ref().filter(|_| changed.contains(&"parity"));
        let samples = comparisons.map(|known| known.samples(&route.spec.id, None));
        let names = samples.unwrap_or_default().into_iter().take(5);
        names.map(|name| format!("{:032x}", name.live_trace.trace_id)).collect()
    }

    /// Asks the controller for the step; the answer comes back to [`Looking::answered`].
    fn ask(&self, route: &Route, standing: &Arc<Standing>) {
        let Some(proposal) = standing.assessment.proposal.clone() else { return };
        let Some(action) = action(&proposal, standing.build.as_deref()) else { return };
        let wanted = MoveAsk {
            scope: Scope::Route(route.spec.id.clone()),
            action,
            expect: Some(route.state.revision),
            reason: reason(&proposal),
            author: Author::guard(),
            trigger: Trigger::Guard,
        };
        let (controller, asked) = (self.parts.controller.clone(), self.asked.clone());
        let (standing, at, step) = (Arc::clone(standing), route.state.target(), proposal.step);
        let route = route.spec.id.clone();
        tokio::spawn(async move {
            let result = controller.move_routes(wanted).await;
            // Refused only where nobody looks any more.
            let _ = asked.send(Asked { route, step, standing, at, result }).await;
        });
    }

    fn answered(&mut self, asked: Asked) {
        let Asked { route, step, standing, at, result } = asked;
        let Some(watch) = self.watches.get_mut(&route) else { return };
        watch.is_asking = false;
        let config = Config::of(&self.parts.controller.view());
        let about = About { route: &route, at, config: &config, standing: &standing, traces: &[] };
        match result {
            Ok(answered) => {
                watch.was_done();
                let revision = Some(answered.done.revision);
                let became = Became { revision, refused: None };
                self.parts.gates.record(about.record(Kind::Step, became, |_| true));
            }
            Err(refused) if watch.was_refused(step, refused.code().as_str()) => {
                let why = refused.to_string();
                let became = Became { revision: None, refused: Some(&why) };
                self.parts.gates.record(about.record(Kind::Stay, became, |_| true));
            }
            Err(_) => {}
        }
    }

    /// Hands on what was found.
    async fn tell(&mut self, standings: Arc<Standings>) {
        let routes = standings.routes.iter();
        let judged = routes.filter_map(|(id, standing)| Some((id.clone(), standing.judged()?)));
        let judged = judged.collect();
        self.parts.gates.0.metrics.looked(standings.at_ms);
        self.parts.gates.0.standings.send_replace(standings);
        if self.judged.as_ref() != Some(&judged)
            && self.parts.controller.set_gates(judged.clone()).await.is_ok()
        {
            self.judged = Some(judged);
        }
    }
}

/// What the controller is asked for; `None`: nothing.
fn action(proposal: &Proposal, build: Option<&str>) -> Option<Action> {
    Some(match proposal.step {
        Step::Freeze => return None,
        Step::Release => Action::Release,
        Step::StepBack(target) => Action::Rollback { to: Some(target) },
        Step::SafePhase(to) => Action::TakeBack { to, held: proposal.latch(build) },
        Step::Advance(target) => {
            let is_canary = target.phase == Phase::Canary;
            let percent = is_canary.then_some(target.percent);
            Action::Promote { to: Some(target.phase), percent, force: false }
        }
    })
}

/// Why, as a revision can hold it.
fn reason(proposal: &Proposal) -> String {
    let by = proposal.gate.map_or(String::new(), |gate| format!("{gate}: "));
    let text = format!("{by}{}", proposal.why);
    text.chars().filter(|char| !char.is_control()).take(REASON_CHARS_MAX).collect()
}
