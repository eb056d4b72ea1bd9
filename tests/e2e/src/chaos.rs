//! A TCP relay that breaks connections on demand, to sit between two parts.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

/// What the relay does to bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weather {
    /// Passes everything on at once.
    Fair,
    /// Holds every piece back for this long, in both directions.
    Slow(Duration),
    /// Accepts, keeps connections open and passes nothing on.
    Hole,
    /// Cuts every connection, present and to come, with a reset.
    Cut,
}

/// A running relay. Dropping it cuts every connection.
pub struct ChaosProxy {
    addr: SocketAddr,
    weather: watch::Sender<Weather>,
    relayed: Arc<AtomicU64>,
    task: JoinHandle<()>,
}

impl ChaosProxy {
    /// Listens on a free loopback port and relays to `target` in [`Weather::Fair`].
    pub async fn start(target: SocketAddr) -> anyhow::Result<ChaosProxy> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let addr = listener.local_addr()?;
        let (weather, seen) = watch::channel(Weather::Fair);
        let relayed = Arc::new(AtomicU64::new(0));
        let task = tokio::spawn(accept(listener, target, seen, Arc::clone(&relayed)));
        Ok(ChaosProxy { addr, weather, relayed, task })
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Changes the weather for present and future connections.
    pub fn set(&self, weather: Weather) {
        self.weather.send_replace(weather);
    }

    /// Bytes passed on so far, both directions together.
    pub fn relayed(&self) -> u64 {
        self.relayed.load(Ordering::Relaxed)
    }
}

impl Drop for ChaosProxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(
    listener: TcpListener,
    target: SocketAddr,
    weather: watch::Receiver<Weather>,
    relayed: Arc<AtomicU64>,
) {
    let mut connections = JoinSet::new();
    while let Ok((client, _)) = listener.accept().await {
        connections.spawn(connection(client, target, weather.clone(), Arc::clone(&relayed)));
        while connections.try_join_next().is_some() {}
    }
}

async fn connection(
    client: TcpStream,
    target: SocketAddr,
    weather: watch::Receiver<Weather>,
    relayed: Arc<AtomicU64>,
) {
    let mut cut = weather.clone();
    // Dropping a socket with `linger` zero sends a reset instead of an orderly end.
    let _ = client.set_zero_linger();
    let Ok(server) = TcpStream::connect(target).await else { return };
    let _ = server.set_zero_linger();
    let _ = client.set_nodelay(true).and_then(|()| server.set_nodelay(true));
    let (client_read, client_write) = client.into_split();
    let (server_read, server_write) = server.into_split();
    tokio::select! {
        _ = cut.wait_for(|&weather| weather == Weather::Cut) => {}
        () = async {
            tokio::join!(
                relay(client_read, server_write, weather.clone(), &relayed),
                relay(server_read, client_write, weather.clone(), &relayed),
            );
        } => {}
    }
}

async fn relay(
    mut from: impl AsyncReadExt + Unpin,
    mut to: impl AsyncWriteExt + Unpin,
    mut weather: watch::Receiver<Weather>,
    relayed: &AtomicU64,
) {
    let mut piece = vec![0; 16 * 1024];
    while let Ok(length @ 1..) = from.read(&mut piece).await {
        let now = *weather.borrow_and_update();
        match now {
            Weather::Slow(delay) => tokio::time::sleep(delay).await,
            Weather::Hole => {
                let _ = weather.wait_for(|&weather| weather != Weather::Hole).await;
            }
            Weather::Fair | Weather::Cut => {}
        }
        if to.write_all(&piece[..length]).await.is_err() {
            return;
        }
        relayed.fetch_add(length as u64, Ordering::Relaxed);
    }
    let _ = to.shutdown().await;
}
