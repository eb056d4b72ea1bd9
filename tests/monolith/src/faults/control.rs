//! `GET`, `PUT` and `DELETE /faults` on a loopback listener of its own.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use http::StatusCode;

use super::Fault;
use crate::app::App;
use crate::body::{self, TEXT_BYTES_MAX};

pub(crate) fn router(app: Arc<App>) -> Router {
    Router::new().route("/faults", get(show).put(set).delete(clear)).with_state(app)
}

async fn show(State(app): State<Arc<App>>) -> Json<Vec<Fault>> {
    Json(app.faults.get())
}

async fn set(State(app): State<Arc<App>>, request: Request) -> Response {
    let bytes = match body::collect(request, TEXT_BYTES_MAX).await {
        Ok(bytes) => bytes,
        Err(refusal) => return (StatusCode::BAD_REQUEST, refusal.message).into_response(),
    };
    let parsed =
        serde_json::from_slice(&bytes).map_err(|error| format!("no list of faults: {error}"));
    match parsed.and_then(|faults| app.faults.set(faults)) {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(why) => (StatusCode::BAD_REQUEST, format!("{why}\n")).into_response(),
    }
}

async fn clear(State(app): State<Arc<App>>) -> Response {
    match app.faults.set(Vec::new()) {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(why) => (StatusCode::INTERNAL_SERVER_ERROR, why).into_response(),
    }
}
