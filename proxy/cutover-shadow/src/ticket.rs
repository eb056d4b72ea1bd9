//! The fate of one copy, settled once.

use std::sync::Arc;

use cutover_domain::{exchange::Dropped, parity::Verdict};
use cutover_telemetry::context::TraceId;

use crate::route::Route;

/// A copy that has to be accounted for. Whatever happens to the one who holds it, it is counted
/// once: what is forgotten counts as given up at the end of the process.
#[derive(Debug)]
pub(crate) struct Ticket {
    route: Arc<Route>,
    is_open: bool,
}

// === impl Ticket ===

impl Ticket {
    /// A request that is to be copied.
    pub(crate) fn open(route: &Arc<Route>) -> Ticket {
        route.metrics.eligible();
        route.inflight.inc();
        Ticket { route: Arc::clone(route), is_open: true }
    }

    /// The route it belongs to.
    pub(crate) fn route(&self) -> &Arc<Route> {
        &self.route
    }

    /// It came to a verdict; `kept` is its trace if that can be looked up.
    pub(crate) fn compared(mut self, verdict: Verdict, kept: Option<TraceId>) {
        self.close();
        self.route.metrics.compared(verdict, kept);
    }

    /// It was given up.
    pub(crate) fn dropped(mut self, reason: Dropped) {
        self.close();
        self.route.dropped(reason);
    }

    fn close(&mut self) {
        self.is_open = false;
        self.route.inflight.dec();
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if self.is_open {
            self.close();
            self.route.dropped(Dropped::Shutdown);
        }
    }
}
