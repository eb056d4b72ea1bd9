//! What a judge is told, from the data plane's counters.

use cutover_domain::gate::{SideTraffic, Source, Streak, Traffic, Trouble};

use crate::{RouteCounters, SideCounters, refused::StoreDown};

/// What a route served.
pub(super) fn traffic(counters: &RouteCounters) -> Traffic {
    Traffic {
        legacy: side(&counters.legacy),
        new: side(&counters.new),
        streak: Streak {
            failures: counters.new.failures_in_row,
            subjects: counters.new.failing_subjects,
        },
    }
}

fn side(counters: &SideCounters) -> SideTraffic {
    SideTraffic {
        tally: counters.tally(),
        trials: counters.bad_trials,
        subjects: counters.active_subjects,
        latency: counters.answer_latency.clone(),
    }
}

/// Nothing can be asked without the store: what is decided could not be recorded.
pub(super) fn store_trouble(down: &StoreDown) -> Trouble {
    Trouble { asked: Source::Store, what: down.message.clone() }
}

/// The data plane does not know the route.
pub(super) fn no_counters() -> Trouble {
    Trouble { asked: Source::Counters, what: "the data plane counts nothing of it".into() }
}
