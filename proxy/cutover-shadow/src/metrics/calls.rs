//! What copies cost the sides: calls by side and by what came of them.

use cutover_domain::{Side, exchange::Dropped};
use cutover_telemetry::metrics::ConfigLabel;
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family},
    registry::Registry,
};

use crate::lane::{Failure, Fault, Reply};

/// Outcomes of calls that were answered: below 400, 4xx, 5xx. Live requests call them so too.
const ANSWERED: [&str; 3] = ["ok", "client_error", "error"];

/// Calls made for copies. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(super) struct Calls(Family<CallLabels, Counter>);

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CallLabels {
    cutover_route: ConfigLabel,
    cutover_side: &'static str,
    outcome: &'static str,
}

// === impl Calls ===

impl Calls {
    pub(super) fn register(registry: &mut Registry) -> Calls {
        let calls = Calls::default();
        registry.register(
            "cutover_shadow_calls",
            "Calls made for copies, to the side that did not serve and to legacy a second time",
            calls.0.clone(),
        );
        calls
    }

    pub(super) fn count(&self, route: &ConfigLabel, side: Side, result: &Result<Reply, Failure>) {
        let outcome = match result {
            Ok(reply) if reply.status.is_server_error() => ANSWERED[2],
            Ok(reply) if reply.status.is_client_error() => ANSWERED[1],
            Ok(_) => ANSWERED[0],
            Err(failure) => failure.as_str(),
        };
        self.0.get_or_create(&labels(route, side, outcome)).inc();
    }

    pub(super) fn forget(&self, route: &ConfigLabel) {
        let faults = Fault::ALL.map(Fault::as_str);
        let ours = Dropped::ALL.map(Dropped::as_str);
        for outcome in ANSWERED.into_iter().chain(faults).chain(ours) {
            for side in [Side::Legacy, Side::New] {
                self.0.remove(&labels(route, side, outcome));
            }
        }
    }
}

fn labels(route: &ConfigLabel, side: Side, outcome: &'static str) -> CallLabels {
    CallLabels { cutover_route: route.clone(), cutover_side: side.as_str(), outcome }
}
