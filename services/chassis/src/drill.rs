//! Faults on purpose: what a drill lets a service do to its callers.
//!
//! Only there when the process was started with faults allowed; then `GET`, `PUT` and `DELETE` of
//! `/internal/v1/faults` read, set and clear the one fault in force. Internal endpoints never fail
//! by it, so that it can be taken back.

use axum::Router;
use axum::extract::{Json, State};
use axum::routing::get;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use crate::problem::Problem;

/// Longest delay: 10 minutes.
const LATENCY_MS_MAX: u64 = 600_000;

/// What goes wrong, as JSON like `{"kind":"latency","ms":300}`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Fault {
    /// Nothing.
    #[default]
    None,
    /// Every request is answered with this status, 400..=599, and one line of text.
    Status {
        /// The status.
        status: u16,
    },
    /// Every request waits before it is handled.
    Latency {
        /// Milliseconds, up to 600,000.
        ms: u64,
    },
    /// No request is ever answered.
    Hang,
    /// The connection breaks after so many bytes of the answer, head included.
    CutOff {
        /// Bytes let out.
        bytes: u64,
    },
    /// As if the process were dead: open connections break, new ones are refused.
    Refuse,
}

/// The one fault in force. Cheap to clone.
#[derive(Clone, Debug)]
pub struct FaultSwitch(watch::Sender<Fault>);

// === impl FaultSwitch ===

impl Default for FaultSwitch {
    fn default() -> FaultSwitch {
        FaultSwitch(watch::Sender::new(Fault::None))
    }
}

impl FaultSwitch {
    /// The fault in force.
    pub fn get(&self) -> Fault {
        *self.0.borrow()
    }

    /// Puts `fault` in force for requests that begin from now on.
    pub fn set(&self, fault: Fault) {
        if self.0.send_replace(fault) != fault {
            tracing::warn!(?fault, "the fault in force was changed for a drill");
        }
    }

    pub(crate) fn watch(&self) -> watch::Receiver<Fault> {
        self.0.subscribe()
    }

    pub(crate) fn routes(&self) -> Router {
        Router::new()
            .route("/internal/v1/faults", get(show).put(put).delete(clear))
            .with_state(self.clone())
    }
}

async fn show(State(switch): State<FaultSwitch>) -> Json<Fault> {
    Json(switch.get())
}

async fn put(
    State(switch): State<FaultSwitch>,
    fault: Result<Json<Fault>, axum::extract::rejection::JsonRejection>,
) -> Result<Json<Fault>, Problem> {
    let Json(fault) = fault.map_err(|rejection| invalid(rejection.body_text()))?;
    match fault {
        Fault::Status { status } if !(400..600).contains(&status) => {
            return Err(invalid(format!("status {status} is not in 400..=599")));
        }
        Fault::Latency { ms } if ms > LATENCY_MS_MAX => {
            return Err(invalid(format!("{ms} ms is more than {LATENCY_MS_MAX}")));
        }
        _ => switch.set(fault),
    }
    Ok(Json(fault))
}

async fn clear(State(switch): State<FaultSwitch>) -> Json<Fault> {
    switch.set(Fault::None);
    Json(Fault::None)
}

fn invalid(why: String) -> Problem {
    let detail = format!("{why}; send for example {{\"kind\":\"latency\",\"ms\":300}}");
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_fault", detail)
}
