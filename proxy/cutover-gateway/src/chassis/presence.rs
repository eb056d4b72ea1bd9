//! Who is connected: counted in all and by address, told when to leave.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use parking_lot::Mutex;
use tokio::sync::{Notify, watch};

use crate::metrics::TurnedAway;

/// How far the process has come towards its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stage {
    /// Connections are accepted and served.
    Serving,
    /// None are accepted; those there finish what is in flight.
    Draining,
    /// Whatever is left is cut.
    Cut,
}

/// Everyone connected.
#[derive(Debug)]
pub(crate) struct Presences {
    stage: watch::Sender<Stage>,
    /// Take what waits in the backlog before closing the sockets.
    empties_backlog: AtomicBool,
    open: AtomicUsize,
    emptied: Notify,
    /// IPv6 clients by their /64, which is what one of them has to itself.
    by_address: Mutex<HashMap<IpAddr, usize>>,
}

/// One connection's place; given back when the last clone is dropped.
#[derive(Clone)]
pub(crate) struct Presence {
    _place: Arc<Place>,
    stage: watch::Receiver<Stage>,
}

struct Place {
    presences: Arc<Presences>,
    address: IpAddr,
}

// === impl Presences ===

impl Presences {
    pub(crate) fn new() -> Arc<Presences> {
        Arc::new(Presences {
            stage: watch::Sender::new(Stage::Serving),
            empties_backlog: AtomicBool::new(false),
            open: AtomicUsize::new(0),
            emptied: Notify::new(),
            by_address: Mutex::default(),
        })
    }

    /// Gives a place, if there is one.
    pub(crate) fn enter(
        self: &Arc<Presences>,
        address: IpAddr,
        in_all_max: usize,
        per_address_max: usize,
    ) -> Result<Presence, TurnedAway> {
        let address = network(address);
        if self.open.fetch_add(1, Ordering::Relaxed) >= in_all_max {
            self.left();
            return Err(TurnedAway::InAll);
        }
        let mut by_address = self.by_address.lock();
        let count = by_address.entry(address).or_insert(0);
        if *count >= per_address_max {
            drop(by_address);
            self.left();
            return Err(TurnedAway::PerAddress);
        }
        *count += 1;
        drop(by_address);
        let place = Arc::new(Place { presences: Arc::clone(self), address });
        Ok(Presence { _place: place, stage: self.stage.subscribe() })
    }

    /// Connections open now.
    pub(crate) fn open(&self) -> usize {
        self.open.load(Ordering::Relaxed)
    }

    pub(crate) fn stage(&self) -> Stage {
        *self.stage.borrow()
    }

    pub(crate) async fn wait_for(&self, stage: Stage) {
        let _ = self.stage.subscribe().wait_for(|now| *now >= stage).await;
    }

    /// Begins the drain. `empties_backlog`: nobody else listens on these sockets, so who is in
    /// their backlog is served here.
    pub(crate) fn stop_accepting(&self, empties_backlog: bool) {
        self.empties_backlog.store(empties_backlog, Ordering::Relaxed);
        self.stage.send_if_modified(|stage| {
            let is_first = *stage < Stage::Draining;
            *stage = (*stage).max(Stage::Draining);
            is_first
        });
    }

    pub(crate) fn empties_backlog(&self) -> bool {
        self.empties_backlog.load(Ordering::Relaxed)
    }

    pub(crate) fn cut(&self) {
        self.stage.send_replace(Stage::Cut);
    }

    /// Once nobody has been connected for a moment: sockets close on other threads, so a
    /// connection may still be on its way from a backlog.
    pub(crate) async fn emptied(&self) {
        const MOMENT: Duration = Duration::from_millis(20);
        loop {
            let notified = self.emptied.notified();
            if self.open() > 0 {
                notified.await;
            } else if tokio::time::timeout(MOMENT, notified).await.is_err() && self.open() == 0 {
                return;
            }
        }
    }

    fn left(&self) {
        if self.open.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.emptied.notify_waiters();
        }
    }
}

fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => {
            Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).into()
        }
    }
}

// === impl Presence ===

impl Presence {
    /// Once the process drains.
    pub(crate) async fn draining(&self) {
        let _ = self.stage.clone().wait_for(|stage| *stage >= Stage::Draining).await;
    }

    /// Whether the process drains.
    pub(crate) fn is_draining(&self) -> bool {
        *self.stage.borrow() >= Stage::Draining
    }

    /// Once the drain's patience is over.
    pub(crate) async fn cut(&self) {
        let _ = self.stage.clone().wait_for(|stage| *stage >= Stage::Cut).await;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut by_address = self.presences.by_address.lock();
        if let Some(count) = by_address.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                by_address.remove(&self.address);
            }
        }
        drop(by_address);
        self.presences.left();
    }
}
