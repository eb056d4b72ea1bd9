//! A fresh monolith in a directory of its own.

use std::path::PathBuf;

use monolith::contract::{self, Options, Report};
use monolith::{Config, Monolith};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

pub(crate) struct Rig {
    pub(crate) dir: TempDir,
    pub(crate) monolith: Monolith,
}

impl Rig {
    pub(crate) async fn start() -> Rig {
        Rig::with(|_| {}).await
    }

    pub(crate) async fn with(change: impl FnOnce(&mut Config)) -> Rig {
        let dir = tempfile::tempdir().unwrap();
        let mut config = contract::config(dir.path().join("monolith.db"));
        config.access_log = Some(dir.path().join("access.log"));
        change(&mut config);
        Rig { monolith: Monolith::start(config).await.unwrap(), dir }
    }

    pub(crate) async fn play(&self, options: &Options) -> Report {
        let exchanges = contract::load(&contract::directory()).unwrap();
        contract::play(self.monolith.addr(), &exchanges, options).await
    }

    /// Sends a whole request and reads until the connection ends, however it ends.
    pub(crate) async fn raw(&self, request: &str) -> String {
        let mut stream = TcpStream::connect(self.monolith.addr()).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        // A cut connection may end in an error; what came before counts.
        let _ = stream.read_to_end(&mut answer).await;
        String::from_utf8_lossy(&answer).into_owned()
    }

    pub(crate) async fn get(&self, path: &str) -> String {
        self.raw(&format!("GET {path} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")).await
    }

    pub(crate) fn access_log(&self) -> PathBuf {
        self.dir.path().join("access.log")
    }
}
