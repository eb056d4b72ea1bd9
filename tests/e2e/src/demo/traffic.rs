//! What the users of the demo do.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::ensure;
use bytes::Bytes;
use http::{Method, Request};

use super::lines::traceparent;
use crate::client::Client;
use crate::load::{Load, Pace, Plan, Shot};
use crate::session;

/// Kind of the shots that read a device: the route that moves.
pub(super) const READ: usize = 0;
/// Kind of the shots that write: routes that stay with the monolith.
pub(super) const WRITE: usize = 1;

const WORKERS: usize = 16;

/// A user who is logged in.
#[derive(Clone)]
pub(super) struct User {
    cookie: String,
    /// Ids of devices of hers.
    devices: Vec<u32>,
}

impl User {
    /// Alice logs in at `addr`, and knows those of the first `devices` devices that are hers.
    pub(super) async fn log_in(addr: SocketAddr, devices: u32) -> anyhow::Result<User> {
        let cookie = session::alice(addr).await?;
        let devices = (1..=devices).filter(|id| session::is_alices(*id)).collect();
        let user = User { cookie, devices };
        let mut client = Client::http1(addr).await?;
        for id in [user.devices.first(), user.devices.last()].into_iter().flatten() {
            let request = Request::get(path(*id)).header("cookie", &user.cookie);
            let answer = client.ask(request.body(Bytes::new())?).await?;
            ensure!(answer.status == 200, "alice cannot read device {id}: {}", answer.status);
        }
        Ok(user)
    }

    /// Her session, for command lines to try.
    pub(super) fn cookie(&self) -> &str {
        &self.cookie
    }

    /// A device of hers, for command lines to try.
    pub(super) fn device(&self) -> u32 {
        self.devices.first().copied().unwrap_or(3)
    }

    /// Four of five requests read a device, each in turn; the others post events and commands.
    pub(super) fn begin(&self, target: SocketAddr, per_second: u32) -> Load {
        let user = self.clone();
        let pace = Pace::PerSecond(per_second.into());
        Load::start(Plan { target, workers: WORKERS, pace, shots: Arc::new(move |n| user.shot(n)) })
    }

    /// The shot's subject is its number, by which [`super::lines`] knows it.
    fn shot(&self, n: u64) -> Shot {
        // A step without common factors visits the devices in a mixed order.
        let index = usize::try_from(n).unwrap_or(0).wrapping_mul(7919) % self.devices.len();
        let (id, number) = (self.devices[index], u32::try_from(n).unwrap_or(u32::MAX));
        let read = Shot {
            kind: READ,
            subject: number,
            headers: vec![("cookie", self.cookie.clone()), ("traceparent", traceparent(number))],
            ..Shot::get(path(id))
        };
        match n % 5 {
            0 if n.is_multiple_of(10) => {
                write(read, "events", r#"{"kind":"motion","payload":{"lux":12}}"#, 200)
            }
            0 => write(read, "commands", r#"{"name":"blink","args":{"times":2}}"#, 202),
            _ => read,
        }
    }
}

fn write(read: Shot, what: &str, body: &'static str, wanted: u16) -> Shot {
    let mut headers = read.headers;
    headers.push(("content-type", "application/json".to_owned()));
    let path = format!("{}/{what}", read.path);
    let body = Bytes::from_static(body.as_bytes());
    Shot { kind: WRITE, method: Method::POST, path, headers, body, wanted, ..read }
}

fn path(id: u32) -> String {
    format!("/api/v1/devices/{id}")
}
