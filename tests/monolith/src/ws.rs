//! WebSocket of one device: commands are echoed and carried out, state and events are pushed.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::HeaderValue;
use http::header::{CONNECTION, UPGRADE};
use serde::Serialize;
use serde_json::value::RawValue;
use tokio::sync::broadcast;
use tokio::time::timeout;

use crate::app::App;
use crate::body;
use crate::commands::{self, Order};
use crate::devices::store::{self, Device};
use crate::events::Event;
use crate::query::PathId;
use crate::reply::{self, Refusal};
use crate::server::told_to_stop;
use crate::session::User;

const MESSAGE_BYTES_MAX: usize = 64 * 1024;
const IDLE_TIMEOUT: Duration = Duration::from_secs(600);
const PROTOCOL: &str = "homehub.v1";
const NO_UPGRADE: Refusal = Refusal::new(426, "E_UPGRADE", "WebSocket only");
const BUSY: Refusal = Refusal::new(503, "E_BUSY", "Too many streams");

pub(crate) fn routes() -> Router<Arc<App>> {
    Router::new().route("/ws/devices/{id}", get(open))
}

async fn open(
    State(app): State<Arc<App>>,
    user: User,
    PathId(id): PathId,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, Response> {
    let mut connection =
        app.db.read().acquire().await.map_err(|error| Refusal::from(error).into_response())?;
    let device = store::owned(&mut connection, id, user).await.map_err(Refusal::into_response)?;
    drop(connection);
    let upgrade = upgrade.map_err(|_| ask_for_upgrade())?;
    let slot =
        Arc::clone(&app.stream_slots).try_acquire_owned().map_err(|_| BUSY.into_response())?;
    let upgrade = upgrade
        .protocols([PROTOCOL])
        .max_message_size(MESSAGE_BYTES_MAX)
        .max_frame_size(MESSAGE_BYTES_MAX);
    Ok(upgrade.on_upgrade(async move |socket| {
        let feed = app.feed.subscribe();
        // An error is a client that left; there is nobody to tell.
        let _ = Talk { app, device, socket, sequence: 0 }.run(feed).await;
        drop(slot);
    }))
}

fn ask_for_upgrade() -> Response {
    let headers = [
        (UPGRADE, HeaderValue::from_static("websocket")),
        (CONNECTION, HeaderValue::from_static("Upgrade")),
    ];
    (headers, NO_UPGRADE).into_response()
}

/// What is sent; fields in the order of the JSON.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum Push<'a> {
    State { device: i64, state: &'a RawValue, seq: u64 },
    Echo { seq: u64, command: &'a str, id: i64 },
    Event { device: i64, kind: &'a str, payload: &'a RawValue },
    Error { code: &'a str, message: &'a str },
}

struct Talk {
    app: Arc<App>,
    device: Device,
    socket: WebSocket,
    /// Commands so far.
    sequence: u64,
}

impl Talk {
    /// Ends when the client leaves, is silent too long, or the monolith stops.
    async fn run(mut self, mut feed: broadcast::Receiver<Arc<Event>>) -> Result<(), axum::Error> {
        let mut stopped = self.app.stopped.clone();
        self.push_state().await?;
        loop {
            tokio::select! {
                received = timeout(IDLE_TIMEOUT, self.socket.recv()) => {
                    let Ok(Some(message)) = received else { return Ok(()) };
                    self.handle(message?).await?;
                }
                heard = feed.recv() => if let Ok(event) = heard {
                    self.handle_event(&event).await?;
                },
                () = told_to_stop(&mut stopped) => return self.socket.send(Message::Close(None)).await,
            }
        }
    }

    /// Pings and closes are answered by the WebSocket layer itself.
    async fn handle(&mut self, message: Message) -> Result<(), axum::Error> {
        match message {
            Message::Text(text) => match self.carry_out(text.as_bytes()).await {
                Ok(echo) => {
                    self.socket.send(Message::text(echo)).await?;
                    self.push_state().await
                }
                Err(Refusal { code, message, .. }) => {
                    self.push(&Push::Error { code, message }).await
                }
            },
            binary @ Message::Binary(_) => self.socket.send(binary).await,
            Message::Ping(_) | Message::Pong(_) | Message::Close(_) => Ok(()),
        }
    }

    async fn handle_event(&mut self, event: &Event) -> Result<(), axum::Error> {
        if event.device_id != self.device.id {
            return Ok(());
        }
        let Event { device_id: device, kind, payload, .. } = event;
        self.push(&Push::Event { device: *device, kind, payload }).await
    }

    async fn carry_out(&mut self, text: &[u8]) -> Result<String, Refusal> {
        let order: Order = body::from_json(text)?;
        let command = order.name.clone().unwrap_or_default();
        let mut tx = self.app.db.write().await?;
        let now = self.app.clock.now_naive();
        let stored = commands::insert(&mut tx, self.device.id, order, "done", &now).await?;
        tx.commit().await?;
        self.sequence += 1;
        Ok(reply::to_json(&Push::Echo { seq: self.sequence, command: &command, id: stored.id }))
    }

    async fn push_state(&mut self) -> Result<(), axum::Error> {
        let push =
            Push::State { device: self.device.id, state: &self.device.state, seq: self.sequence };
        self.socket.send(Message::text(reply::to_json(&push))).await
    }

    async fn push(&mut self, push: &Push<'_>) -> Result<(), axum::Error> {
        self.socket.send(Message::text(reply::to_json(push))).await
    }
}
