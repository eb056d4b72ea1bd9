//! Where the gateway hands copies over.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use cutover_domain::{
    Exchange,
    exchange::{Dropped, RouteCopies},
};
use tokio::sync::mpsc::{self, error::TrySendError};

use crate::{route::Route, ticket::Ticket};

/// A copy to be asked about.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) exchange: Exchange,
    pub(crate) ticket: Ticket,
}

/// Takes the copies of one route; never waits.
#[derive(Debug)]
pub(crate) struct Intake {
    pub(crate) route: Arc<Route>,
    pub(crate) jobs: mpsc::Sender<Job>,
    /// No copies are taken yet.
    pub(crate) is_held: Arc<AtomicBool>,
}

// === impl Intake ===

impl RouteCopies for Intake {
    fn take(&self, exchange: Exchange) {
        let ticket = Ticket::open(&self.route);
        if self.is_held.load(Ordering::Relaxed) {
            return ticket.dropped(Dropped::Shutdown);
        }
        match self.jobs.try_send(Job { exchange, ticket }) {
            Ok(()) => {}
            Err(TrySendError::Full(job)) => job.ticket.dropped(Dropped::QueueFull),
            Err(TrySendError::Closed(job)) => job.ticket.dropped(Dropped::Shutdown),
        }
    }

    fn give_up(&self, reason: Dropped) {
        Ticket::open(&self.route).dropped(reason);
    }
}
