//! The loop of thread `shadow`: takes copies in, asks about each, hands answers to the judge.

mod ask;

use std::{
    collections::HashMap,
    sync::{Arc, mpsc::SyncSender},
    time::Duration,
};

use cutover_domain::{
    Exchange, RouteTable, Upstream,
    exchange::{Budget, Dropped},
};
use tokio::{
    sync::{mpsc, watch},
    task::JoinSet,
    time::{Instant, MissedTickBehavior},
};

use self::ask::Asking;
use crate::{
    config::Config, intake::Job, jar::Jars, judge::Answered, lane::Lane, route::Route,
    ticket::Ticket, traces::Trace,
};

/// How often idle connections are looked after.
const SWEEP: Duration = Duration::from_secs(2);
/// Most copies taken in before other work gets its turn.
const BATCH: usize = 32;

/// When all has to be over; `None`: not yet.
pub(crate) type Closing = watch::Receiver<Option<std::time::Instant>>;

pub(crate) struct Engine {
    pub(crate) config: Arc<Config>,
    pub(crate) budget: Budget,
    pub(crate) jobs: mpsc::Receiver<Job>,
    pub(crate) answered: SyncSender<Answered>,
    pub(crate) closing: Closing,
}

/// What woke the loop.
enum Event {
    Jobs,
    /// An asking ended.
    Ended,
    Sweep,
    Closing,
}

/// The lanes of the newest table.
#[derive(Default)]
struct Lanes {
    table: Option<Arc<RouteTable>>,
    by_name: HashMap<String, Lane>,
}

// === impl Engine ===

impl Engine {
    /// Runs until it is told to end; then waits for what is under way until the time given, and
    /// drops the rest. Every ticket is settled or handed over when it returns.
    pub(crate) async fn run(mut self) {
        let jars = Arc::new(Jars::default());
        let mut lanes = Lanes::default();
        let mut asking = JoinSet::new();
        let mut batch = Vec::with_capacity(BATCH);
        let mut sweep = tokio::time::interval(SWEEP);
        sweep.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            match self.next(&mut batch, &mut asking, &mut sweep).await {
                Event::Jobs => {
                    for job in batch.drain(..) {
                        self.admit(job, &mut lanes, &jars, &mut asking);
                    }
                }
                Event::Ended => {}
                Event::Sweep => lanes.by_name.values().for_each(Lane::sweep),
                Event::Closing => break,
            }
        }
        self.jobs.close();
        while let Ok(job) = self.jobs.try_recv() {
            job.ticket.dropped(Dropped::Shutdown);
        }
        let until = self.closing.borrow().unwrap_or_else(std::time::Instant::now);
        let _ = tokio::time::timeout_at(Instant::from_std(until), async {
            while asking.join_next().await.is_some() {}
        })
        .await;
        // Tickets of those that are left count as dropped at the end of the process.
        asking.shutdown().await;
    }

    async fn next(
        &mut self,
        batch: &mut Vec<Job>,
        asking: &mut JoinSet<()>,
        sweep: &mut tokio::time::Interval,
    ) -> Event {
        tokio::select! {
            // Ended by whoever holds the handle, or by its end.
            _ = self.closing.wait_for(Option::is_some) => Event::Closing,
            Some(_) = asking.join_next() => Event::Ended,
            count = self.jobs.recv_many(batch, BATCH) => match count {
                0 => Event::Closing,
                _ => Event::Jobs,
            },
            _ = sweep.tick() => Event::Sweep,
        }
    }

    /// Starts the asking about one copy, or settles it at once.
    fn admit(
        &mut self,
        Job { exchange, ticket }: Job,
        lanes: &mut Lanes,
        jars: &Arc<Jars>,
        asking: &mut JoinSet<()>,
    ) {
        let trace = ticket.route().traces.begin(&exchange);
        if exchange.response.is_none() {
            return crate::judge::hand_over(
                &self.answered,
                Answered::without_live(exchange, trace, ticket),
            );
        }
        let give_up = |exchange: &Exchange, ticket: Ticket, reason| {
            tell_given_up(ticket.route(), &trace, exchange, reason);
            ticket.dropped(reason);
        };
        lanes.adopt(&exchange.table, &self.config);
        let Some((candidate, legacy)) = lanes.of(&exchange) else {
            // Its table was replaced by one without that upstream: nobody is left to ask.
            return give_up(&exchange, ticket, Dropped::Shutdown);
        };
        let rps_max = Asking::spec(&exchange).and_then(|shadow| shadow.rps_max);
        if !candidate.admits(exchange.subject, rps_max) {
            return give_up(&exchange, ticket, Dropped::Rate);
        }
        let Config { deadline_min, deadline_max, .. } = *self.config;
        let live = &ticket.route().live;
        let within = live.deadline(exchange.duration, deadline_min, deadline_max);
        let (jars, budget) = (Arc::clone(jars), self.budget.clone());
        let ask = Asking { exchange, trace, candidate, legacy, jars, budget, within };
        let answered = self.answered.clone();
        asking.spawn(async move {
            match ask.run(ticket.route()).await {
                Ok(asked) => crate::judge::hand_over(&answered, asked.with(ticket)),
                Err(reason) => ticket.dropped(reason),
            }
        });
    }
}

/// What is known of a copy that was given up goes where it is looked for.
fn tell_given_up(route: &Route, trace: &Trace, exchange: &Exchange, reason: Dropped) {
    route.traces.dropped(trace, exchange, reason);
    crate::judge::given_up(route, exchange);
}

// === impl Lanes ===

impl Lanes {
    /// Keeps the lanes of upstreams that are as they were, and forgets those that are gone.
    fn adopt(&mut self, table: &Arc<RouteTable>, config: &Config) {
        let is_newest = |known: &Arc<RouteTable>| {
            // A request may outlive its table; what it needs is then still here, or made anew.
            Arc::ptr_eq(known, table) || known.revision > table.revision
        };
        if self.table.as_ref().is_some_and(is_newest) {
            return;
        }
        let mut before = std::mem::take(&mut self.by_name);
        for upstream in &table.upstreams {
            let same = before.remove(&upstream.name).filter(|lane| *lane.upstream == *upstream);
            let lane = same.unwrap_or_else(|| Lane::new(upstream, config));
            self.by_name.insert(upstream.name.clone(), lane);
        }
        self.table = Some(Arc::clone(table));
    }

    /// The ways to the candidate and to legacy.
    fn of(&self, exchange: &Exchange) -> Option<(Lane, Lane)> {
        let route = &exchange.table.routes[exchange.route];
        let lane = |upstream: &Upstream| self.by_name.get(&upstream.name).cloned();
        let legacy = lane(&exchange.table.upstreams[route.legacy])?;
        let candidate = match exchange.candidate {
            cutover_domain::Side::Legacy => legacy.clone(),
            cutover_domain::Side::New => lane(&exchange.table.upstreams[route.new?])?,
        };
        Some((candidate, legacy))
    }
}
