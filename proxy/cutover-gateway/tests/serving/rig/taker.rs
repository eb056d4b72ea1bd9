//! Whoever takes copies: keeps them to be looked at.

use std::sync::{Arc, Mutex};

use cutover_domain::{
    Exchange,
    exchange::{BUDGET_BYTES, Budget, Copies, Dropped, RouteCopies},
};

/// Keeps what it is given.
#[derive(Debug)]
pub(crate) struct Taker {
    budget: Budget,
    taken: Arc<Mutex<Vec<Result<Exchange, Dropped>>>>,
}

#[derive(Debug)]
struct OfRoute(Arc<Mutex<Vec<Result<Exchange, Dropped>>>>);

// === impl Taker ===

impl Taker {
    pub(super) fn new() -> Arc<Taker> {
        Arc::new(Taker { budget: Budget::new(BUDGET_BYTES), taken: Arc::default() })
    }

    /// What was taken or given up since the last look, oldest first.
    pub(crate) fn take(&self) -> Vec<Result<Exchange, Dropped>> {
        std::mem::take(&mut *self.taken.lock().unwrap())
    }

    /// How many there are to look at.
    pub(crate) fn count(&self) -> usize {
        self.taken.lock().unwrap().len()
    }

    /// Bytes that copies hold.
    pub(crate) fn held(&self) -> u64 {
        self.budget.used()
    }
}

impl Copies for Taker {
    fn budget(&self) -> &Budget {
        &self.budget
    }

    fn of_route(&self, _: &str) -> Arc<dyn RouteCopies> {
        Arc::new(OfRoute(Arc::clone(&self.taken)))
    }
}

impl RouteCopies for OfRoute {
    fn take(&self, exchange: Exchange) {
        self.0.lock().unwrap().push(Ok(exchange));
    }

    fn give_up(&self, reason: Dropped) {
        self.0.lock().unwrap().push(Err(reason));
    }
}
