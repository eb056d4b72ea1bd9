//! The rig itself: a private directory and the processes that live in it.
//!
//! Parts are dropped in the order of their fields: the proxy before what it needs.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use tempfile::TempDir;

use crate::config::Config;

mod home;
mod pair;
mod proxy;
mod server;

pub use home::{Home, HomePlan};
pub use pair::Pair;
pub use proxy::{Flip, Proxy};
pub use server::Server;

/// One private directory. What is started in it is owned by who started it.
pub struct Rig {
    dir: TempDir,
    binaries: PathBuf,
}

impl Rig {
    /// An empty rig. Takes the binaries beside the running one.
    ///
    /// Errors: a place without a parent, a temporary directory that cannot be made.
    pub fn new() -> anyhow::Result<Rig> {
        Rig::in_dir(tempfile::Builder::new().prefix("cutover-rig-").tempdir()?)
    }

    /// [`Rig::new`] in a directory of the caller's choice, which goes when the rig does.
    pub fn in_dir(dir: TempDir) -> anyhow::Result<Rig> {
        Ok(Rig { dir, binaries: beside_us()? })
    }

    /// Takes binaries from another directory, `target/release` for example.
    #[must_use]
    pub fn with_binaries(self, binaries: impl Into<PathBuf>) -> Rig {
        Rig { binaries: binaries.into(), ..self }
    }

    /// Takes the binaries of the release build, for what measures time.
    #[must_use]
    pub fn release(self) -> Rig {
        let binaries = self.binaries.with_file_name("release");
        self.with_binaries(binaries)
    }

    /// Its directory.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// Makes a directory below it.
    pub fn subdir(&self, name: &str) -> anyhow::Result<PathBuf> {
        let dir = self.dir().join(name);
        std::fs::create_dir_all(&dir).with_context(|| format!("cannot make {}", dir.display()))?;
        Ok(dir)
    }

    /// The binary `name` of this workspace. Fails with the command that builds it.
    pub fn binary(&self, name: &str) -> anyhow::Result<PathBuf> {
        let path = self.binaries.join(name);
        ensure!(
            path.exists(),
            "{} is not built. Build what the tests start: cargo build --workspace --bins --locked{}",
            path.display(),
            if self.binaries.ends_with("release") { " --release" } else { "" }
        );
        Ok(path)
    }

    /// Starts Cutover with `config` and waits until it is ready.
    pub async fn proxy(&self, config: Config) -> anyhow::Result<Proxy> {
        Proxy::start(self, config, "cutover").await
    }
}

/// The loopback address that lets the kernel choose a port.
pub fn any_port() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 0))
}

/// The directory of this workspace's binaries: where ours lies, or above it for a test.
fn beside_us() -> anyhow::Result<PathBuf> {
    let us = std::env::current_exe().context("cannot tell where this program lies")?;
    let dir = us.parent().context("this program lies nowhere")?;
    let is_test = dir.ends_with("deps");
    Ok(if is_test { dir.parent().unwrap_or(dir) } else { dir }.to_owned())
}
