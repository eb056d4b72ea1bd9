//! Where Alertmanager's pages arrive: its webhook, version 4.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::{Json, Router, extract::State, routing::post};
use serde::Deserialize;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::wait::{self, TooLate};

/// One alert of one delivery.
#[derive(Clone, Debug)]
pub struct Page {
    /// It began; else it is over.
    pub is_firing: bool,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// What people read.
    pub annotations: BTreeMap<String, String>,
    /// Which alert it is and when that began: the same in every delivery.
    id: [String; 2],
    /// When it arrived here.
    pub at: Instant,
}

/// Takes every page. Dropping it closes the door.
pub struct Pager {
    addr: SocketAddr,
    pages: Arc<Mutex<Vec<Page>>>,
    task: JoinHandle<()>,
}

#[derive(Deserialize)]
struct Delivery {
    alerts: Vec<Delivered>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Delivered {
    status: String,
    fingerprint: String,
    starts_at: String,
    labels: BTreeMap<String, String>,
    annotations: BTreeMap<String, String>,
}

impl Pager {
    /// Listens on a free loopback port.
    pub async fn start() -> anyhow::Result<Pager> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let addr = listener.local_addr()?;
        let pages = Arc::<Mutex<Vec<Page>>>::default();
        let router = Router::new().route("/", post(receive)).with_state(Arc::clone(&pages));
        let task = tokio::spawn(async move {
            let _ = axum::serve(listener, router).await;
        });
        Ok(Pager { addr, pages, task })
    }

    /// Its address for Alertmanager.
    pub fn url(&self) -> String {
        format!("http://{}/", self.addr)
    }

    /// Every page so far, in order of arrival.
    pub fn pages(&self) -> Vec<Page> {
        self.pages.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The first page of `alert` with all of `labels` that arrived after `since`, waited for. One
    /// that had arrived before does not count: Alertmanager tells of a group all that still fires.
    pub async fn page(
        &self,
        alert: &str,
        labels: &[(&str, &str)],
        since: Instant,
        deadline: Duration,
    ) -> Result<Page, TooLate> {
        let is_it =
            |page: &&Page| page.is_firing && page.at > since && page.is(alert) && page.has(labels);
        wait::within(deadline, format!("a page of {alert} {labels:?}"), async || {
            let pages = self.pages();
            let (old, new): (Vec<&Page>, Vec<&Page>) =
                pages.iter().partition(|page| page.at <= since);
            let is_new = |page: &&Page| old.iter().all(|old| old.id != page.id);
            new.into_iter().filter(is_it).find(is_new).cloned()
        })
        .await
    }
}

async fn receive(State(pages): State<Arc<Mutex<Vec<Page>>>>, Json(delivery): Json<Delivery>) {
    let at = Instant::now();
    let page = |alert: Delivered| Page {
        is_firing: alert.status == "firing",
        id: [alert.fingerprint, alert.starts_at],
        labels: alert.labels,
        annotations: alert.annotations,
        at,
    };
    let mut pages = pages.lock().unwrap_or_else(PoisonError::into_inner);
    pages.extend(delivery.alerts.into_iter().map(page));
}

impl Drop for Pager {
    fn drop(&mut self) {
        self.task.abort();
    }
}

// === impl Page ===

impl Page {
    /// Whether it is of this alert.
    pub fn is(&self, alert: &str) -> bool {
        self.labels.get("alertname").is_some_and(|name| name == alert)
    }

    /// Whether it has all of these labels.
    pub fn has(&self, labels: &[(&str, &str)]) -> bool {
        labels.iter().all(|(key, value)| self.labels.get(*key).is_some_and(|it| it == value))
    }
}
