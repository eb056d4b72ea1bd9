//! How long a way back took, from the click: until the data plane had it in force, and until new
//! gave its last answer.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use cutover_domain::Phase;
use tokio::sync::Semaphore;

use crate::{
    admin::{Admin, locked},
    api::MoveAnswer,
    words::target,
};

/// How often new's counters are looked at: what is told of its last answer is as exact as this.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// New is taken to be done when it gave no answer for so long.
const QUIET: Duration = Duration::from_secs(2);
/// Requests under way get this long.
const PATIENCE: Duration = Duration::from_secs(30);
/// Ways back that are watched at once; the next one goes unwatched.
const WATCHED_MAX: usize = 4;

/// The last way back of every route.
#[derive(Debug)]
pub(super) struct Effects {
    last: Mutex<HashMap<String, Effect>>,
    places: Arc<Semaphore>,
}

/// What came of one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Effect {
    /// The revision that it was.
    pub(super) revision: u64,
    /// When it was asked for, in milliseconds since 1970.
    pub(super) at_ms: u64,
    /// Milliseconds from the click until the data plane had it in force.
    pub(super) applied_ms: f64,
    /// When new answered last.
    pub(super) last_new: LastNew,
}

/// When new answered last, in milliseconds from the click.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum LastNew {
    /// It is being watched.
    Watching,
    /// It gave no answer after the click.
    None,
    /// Then, to [`LOOK_EVERY`].
    Ms(f64),
    /// It still answers after [`PATIENCE`]: requests that are under way for long.
    StillAnswers,
    /// Too much else was being watched.
    Unwatched,
}

/// A click, before anything has moved.
pub(super) struct Click {
    at: Instant,
    at_ms: u64,
    /// New's answers by route.
    answers: HashMap<String, u64>,
}

/// What happens to new's counter of one route, look by look.
#[derive(Clone, Copy, Debug)]
struct Counter {
    answers: u64,
    rose_at: Option<Instant>,
}

// === impl Effects ===

impl Default for Effects {
    fn default() -> Effects {
        Effects { last: Mutex::default(), places: Arc::new(Semaphore::new(WATCHED_MAX)) }
    }
}

impl Effects {
    /// The last way back of a route, since the process started.
    pub(super) fn of(&self, route: &str) -> Option<Effect> {
        locked(&self.last).get(route).copied()
    }

    fn put(&self, admin: &Admin, route: &str, effect: Effect) {
        let view = admin.parts.controller.view();
        let mut last = locked(&self.last);
        last.retain(|route, _| view.table.route(route).is_some());
        last.insert(route.to_owned(), effect);
    }
}

// === impl Click ===

impl Click {
    /// Takes note of the counters as they are; `at` is when the request came.
    pub(super) fn now(admin: &Admin, at: Instant) -> Click {
        Click { at, at_ms: admin.parts.controller.now_ms(), answers: answers(admin) }
    }

    /// Notes what came of it, and goes on watching new where nobody waits for it.
    pub(super) fn follow(self, admin: &Arc<Admin>, answer: &MoveAnswer) {
        let effects = &admin.console.effects;
        let applied = admin.parts.applied.borrow().at;
        if !answer.applied {
            return;
        }
        let applied_ms = applied.saturating_duration_since(self.at).as_secs_f64() * 1_000.0;
        let place = effects.places.clone().try_acquire_owned().ok();
        let last_new = if place.is_some() { LastNew::Watching } else { LastNew::Unwatched };
        let effect = Effect { revision: answer.revision, at_ms: self.at_ms, applied_ms, last_new };
        // While new still serves some, no answer of it is the last.
        let left = answer.routes.iter().filter(|row| target(&row.to).phase < Phase::Canary);
        let left: Vec<String> = left.map(|row| row.route.clone()).collect();
        left.iter().for_each(|route| effects.put(admin, route, effect));
        if let Some(place) = place.filter(|_| !left.is_empty()) {
            let admin = admin.clone();
            tokio::spawn(async move {
                watch(&admin, self, &left, effect).await;
                drop(place);
            });
        }
    }
}

async fn watch(admin: &Admin, click: Click, routes: &[String], effect: Effect) {
    let mut counters: HashMap<&str, Counter> = routes
        .iter()
        .map(|route| (route.as_str(), Counter::new(click.answers.get(route).copied())))
        .collect();
    let mut every = tokio::time::interval(LOOK_EVERY);
    let began = Instant::now();
    loop {
        every.tick().await;
        let now = Instant::now();
        for (route, counter) in &mut counters {
            counter.look(admin.parts.live.of_new(route).unwrap_or_default(), now);
        }
        let is_patient = now.duration_since(began) < PATIENCE;
        if counters.values().all(|counter| counter.is_quiet(began, now)) || !is_patient {
            for (route, counter) in &counters {
                let last_new = counter.verdict(click.at, began, now);
                admin.console.effects.put(admin, route, Effect { last_new, ..effect });
            }
            return;
        }
    }
}

/// Answers of new so far, by route.
fn answers(admin: &Admin) -> HashMap<String, u64> {
    let counters = admin.parts.live.snapshot().into_iter();
    counters.map(|route| (route.route, route.new.total())).collect()
}

// === impl Counter ===

impl Counter {
    fn new(answers: Option<u64>) -> Counter {
        Counter { answers: answers.unwrap_or_default(), rose_at: None }
    }

    fn look(&mut self, answers: u64, now: Instant) {
        if answers > self.answers {
            self.rose_at = Some(now);
        }
        self.answers = answers;
    }

    /// No answer for long enough.
    fn is_quiet(&self, began: Instant, now: Instant) -> bool {
        now.duration_since(self.rose_at.unwrap_or(began)) >= QUIET
    }

    fn verdict(&self, click: Instant, began: Instant, now: Instant) -> LastNew {
        match self.rose_at {
            Some(_) if !self.is_quiet(began, now) => LastNew::StillAnswers,
            Some(at) => LastNew::Ms(at.duration_since(click).as_secs_f64() * 1_000.0),
            None => LastNew::None,
        }
    }
}

#[cfg(test)]
mod tests;
