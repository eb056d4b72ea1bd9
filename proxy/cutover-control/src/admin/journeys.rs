//! What became of promises across requests.

use std::sync::Arc;

use super::{
    Admin,
    dispatch::{Call, Handling},
    reply::Reply,
};
use crate::{api::JourneysAnswer, journeys::journey_row};

pub(super) fn journeys(admin: Arc<Admin>, _: Call) -> Handling {
    Box::pin(async move { Ok(Reply::ok(journeys_answer(&admin))) })
}

/// Every journey of the files in force.
pub(super) fn journeys_answer(admin: &Admin) -> JourneysAnswer {
    let view = admin.parts.controller.view();
    let (counters, bounds) =
        (admin.parts.live.journeys(), admin.parts.live.journey_bounds_seconds());
    let rows = view.table.journeys.iter().map(|spec| {
        let of_it = counters.iter().find(|counters| counters.journey == spec.name);
        journey_row(spec, of_it, bounds)
    });
    JourneysAnswer { at_ms: admin.parts.controller.now_ms(), journeys: rows.collect() }
}
