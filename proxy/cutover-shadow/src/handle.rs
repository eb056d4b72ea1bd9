//! Starting, asking and ending the comparison of sides.

mod samples;

use std::{
    collections::HashMap,
    fmt, io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::sync_channel,
    },
    thread,
    time::{Duration, Instant},
};

use cutover_domain::{
    compare::Limits,
    exchange::{Budget, Copies, RouteCopies},
    parity::{Basis, Cause, Counters, Report, Snapshot},
};
use cutover_telemetry::copies::CopyTracer;
use parking_lot::Mutex;
use tokio::sync::{mpsc, watch};

use crate::{
    accounting::Accounting,
    config::Config,
    engine::Engine,
    intake::{Intake, Job},
    judge::{self, Judge},
    metrics::ShadowMetrics,
    record::{Record, Records},
    redaction::Redactor,
    route::Route,
    samples::{Clusters, Keeper},
};

/// How far below the data plane's threads ours stand (see setpriority(2)).
const NICE: i32 = 10;

/// What runs. Cheap to clone; once the last clone is gone, all ends at once.
#[derive(Clone)]
pub struct ShadowHandle(Arc<Running>);

struct Running {
    budget: Budget,
    metrics: ShadowMetrics,
    tracer: CopyTracer,
    jobs: mpsc::Sender<Job>,
    routes: Mutex<HashMap<Arc<str>, Arc<Route>>>,
    records: Arc<Records>,
    keeper: Arc<Keeper>,
    is_held: Arc<AtomicBool>,
    closing: watch::Sender<Option<Instant>>,
    /// Errs once both threads have ended.
    ended: watch::Receiver<()>,
}

/// Everything that is known of one route since the process started.
#[derive(Clone, Debug)]
pub struct RouteReport {
    /// The route's id.
    pub route: Arc<str>,
    /// What became of its copies.
    pub accounting: Accounting,
    /// How its candidate answers.
    pub parity: Report,
    /// Its mismatches.
    pub mismatches: Clusters,
}

/// Nothing could be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The operating system gives no thread, or none with a reactor.
    #[error("the threads that compare sides could not be started")]
    Thread(#[from] io::Error),
}

/// Starts the two threads. `budget` is what copies may hold, and what `metrics` were registered
/// with; by `tracer` copies have traces of their own.
pub fn start(
    config: Config,
    budget: Budget,
    metrics: ShadowMetrics,
    tracer: CopyTracer,
) -> Result<ShadowHandle, StartError> {
    let (jobs, intake) = mpsc::channel(config.intake_max);
    let (answered, to_judge) = sync_channel(config.comparisons_max);
    let (closing, closes) = watch::channel(None);
    let (alive, ended) = watch::channel(());
    let records = Arc::new(Records::new(metrics.records_dropped.clone()));
    let limits = Limits::default();
    let redactor = Redactor::new(&config.redaction_key);
    let keeper = Arc::new(Keeper::new(redactor, limits, metrics.samples_dropped.clone()));
    let judge = Judge {
        limits,
        keeper: Arc::clone(&keeper),
        records: Arc::clone(&records),
        closing: closes.clone(),
    };
    let (config, engine_budget) = (Arc::new(config), budget.clone());
    let engine = Engine { config, budget: engine_budget, jobs: intake, answered, closing: closes };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let alive = Arc::new(alive);
    spawn("compare", Arc::clone(&alive), move || judge.run(&to_judge))?;
    spawn("shadow", alive, move || {
        runtime.block_on(engine.run());
        // A name that is still being resolved must not keep the process.
        runtime.shutdown_background();
    })?;
    let (routes, is_held) = (Mutex::default(), Arc::default());
    Ok(ShadowHandle(Arc::new(Running {
        budget,
        metrics,
        tracer,
        jobs,
        routes,
        records,
        keeper,
        is_held,
        closing,
        ended,
    })))
}

fn spawn(
    name: &str,
    alive: Arc<watch::Sender<()>>,
    work: impl FnOnce() + Send + 'static,
) -> Result<(), StartError> {
    let work = move || {
        // Refused only where somebody forbids it; the data plane then has a rival, no error.
        let _ = rustix::process::setpriority_process(Some(rustix::thread::gettid()), NICE);
        work();
        drop(alive);
    };
    thread::Builder::new().name(name.to_owned()).spawn(work)?;
    Ok(())
}

// === impl ShadowHandle ===

impl ShadowHandle {
    /// What is known of every route that copies were taken for, by id. `target` is the bound that
    /// the outlook is reckoned for, `0..1`.
    pub fn reports(&self, target: f64) -> Vec<RouteReport> {
        let mut routes: Vec<Arc<Route>> = self.0.routes.lock().values().cloned().collect();
        routes.sort_unstable_by(|left, right| left.id.cmp(&right.id));
        routes.iter().map(|route| report(route, target)).collect()
    }

    /// What is known of one route; `None`: no copies were ever taken for it.
    pub fn report(&self, id: &str, target: f64) -> Option<RouteReport> {
        Some(report(&*self.known(id)?, target))
    }

    /// What became of one route's copies, cheaper than a whole report.
    pub fn accounting(&self, id: &str) -> Option<Accounting> {
        Some(self.known(id)?.metrics.accounting())
    }

    /// The counters of one route's parity, cheaper than a whole report.
    pub fn counters(&self, id: &str) -> Option<Counters> {
        Some(self.known(id)?.with_parity(|parity| parity.snapshot().counters.clone()))
    }

    /// The parity of one route at `now` in seconds since 1970, and the candidate's build as it names
    /// itself; `None`: no copies were ever taken for it. Cheaper than a whole report.
    pub fn evidence(&self, id: &str, target: f64, now: u64) -> Option<(Report, Option<Box<str>>)> {
        Some(self.known(id)?.with_parity(|parity| {
            let build = parity.snapshot().basis.build.clone();
            (parity.report(target, now), Some(build).filter(|build| !build.is_empty()))
        }))
    }

    /// The parity of one route as plain data, for a store to keep.
    pub fn snapshot(&self, id: &str) -> Option<Snapshot> {
        Some(self.known(id)?.with_parity(|parity| parity.snapshot().clone()))
    }

    /// Goes on from the parity that an earlier process kept of a route; true if all of it holds.
    /// If something was compared since the start, it becomes history instead
    /// ([`Parity::resume`](cutover_domain::parity::Parity::resume)).
    pub fn resume(&self, id: &str, kept: Snapshot) -> bool {
        self.route(id).resume(kept, judge::now())
    }

    /// The routes that copies may be taken for, or something was kept of, by id.
    pub fn routes(&self) -> Vec<Arc<str>> {
        let mut ids: Vec<_> = self.0.routes.lock().keys().cloned().collect();
        ids.sort_unstable();
        ids
    }

    /// Takes no copies until [`ShadowHandle::release`]: they count as dropped, as the process
    /// before still compares. For the start of a process that takes over from another.
    pub fn hold(&self) {
        self.0.is_held.store(true, Ordering::Relaxed);
    }

    /// Takes copies from now on.
    pub fn release(&self) {
        self.0.is_held.store(false, Ordering::Relaxed);
    }

    /// Tells what a route's parity rests on, such as a new build of the candidate. Counters begin
    /// anew if that changed; says why.
    pub fn adopt(&self, id: &str, basis: &Basis) -> Option<Cause> {
        self.route(id).adopt(basis, judge::now())
    }

    /// Each comparison from now on, for one reader; `None`: somebody reads already. A reader that
    /// is more than 1,024 behind misses some, which is counted in
    /// `cutover_shadow_records_dropped_total`.
    pub fn records(&self) -> Option<mpsc::Receiver<Record>> {
        self.0.records.reader()
    }

    /// Forgets routes that no table has any more, their series and parity with them.
    pub fn retain_routes(&self, keep: impl Fn(&str) -> bool) {
        self.0.routes.lock().retain(|id, route| {
            let stays = keep(id);
            if !stays {
                route.metrics.forget();
            }
            stays
        });
    }

    /// Takes no more copies, waits for those under way at most for `within`, and drops what is
    /// left. When it returns every copy that was taken is compared or dropped.
    pub async fn shutdown(&self, within: Duration) {
        let until = Instant::now() + within;
        self.0.closing.send_if_modified(|closing| match closing {
            Some(_) => false,
            None => closing.replace(until).is_none(),
        });
        let mut ended = self.0.ended.clone();
        while ended.changed().await.is_ok() {}
    }

    fn route(&self, id: &str) -> Arc<Route> {
        let mut routes = self.0.routes.lock();
        if let Some(known) = routes.get(id) {
            return Arc::clone(known);
        }
        let route = Arc::new(Route::new(id, &self.0.metrics, &self.0.tracer, judge::now()));
        routes.insert(Arc::clone(&route.id), Arc::clone(&route));
        route
    }

    fn known(&self, id: &str) -> Option<Arc<Route>> {
        self.0.routes.lock().get(id).cloned()
    }
}

fn report(route: &Route, target: f64) -> RouteReport {
    RouteReport {
        route: Arc::clone(&route.id),
        accounting: route.metrics.accounting(),
        parity: route.with_parity(|parity| parity.report(target, judge::now())),
        mismatches: route.samples.lock().clusters(),
    }
}

impl Copies for ShadowHandle {
    fn budget(&self) -> &Budget {
        &self.0.budget
    }

    fn of_route(&self, id: &str) -> Arc<dyn RouteCopies> {
        Arc::new(Intake {
            route: self.route(id),
            jobs: self.0.jobs.clone(),
            is_held: Arc::clone(&self.0.is_held),
        })
    }
}

impl fmt::Debug for ShadowHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ShadowHandle").field("budget", &self.0.budget).finish_non_exhaustive()
    }
}
