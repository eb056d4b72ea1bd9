//! Monolith and registry with the same devices in both.

use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::Context;

use super::{Rig, Server, any_port};
use crate::cli::{self, Said};
use crate::config::{self, Config};

/// Legacy and new, ready for Cutover in front.
pub struct Home {
    /// Legacy.
    pub monolith: Server,
    /// New.
    pub registry: Server,
    /// What the backfill said.
    pub backfill: Said,
}

impl Home {
    pub(super) async fn start(rig: &Rig, devices: u32) -> anyhow::Result<Home> {
        let monolith = rig.monolith(devices).await?;
        let registry = Home::registry(rig, any_port(), "").await?;
        let backfill = Home::backfill(rig, &monolith, &registry).await?;
        Ok(Home { monolith, registry, backfill })
    }

    /// Registry beside the monolith of `rig`, empty at its first start, with what it had later on.
    pub async fn registry(rig: &Rig, listen: SocketAddr, otlp: &str) -> anyhow::Result<Server> {
        let token = rig.dir().join("import.token");
        if !token.exists() {
            write_secret(&token)?;
        }
        Server::registry(rig, &rig.dir().join("monolith"), &token, listen, otlp).await
    }

    /// Copies the monolith's devices into registry and compares both.
    pub async fn backfill(rig: &Rig, monolith: &Server, registry: &Server) -> anyhow::Result<Said> {
        let from = format!("sqlite://{}", monolith.db().display());
        let token = rig.dir().join("import.token").display().to_string();
        let to = registry.url();
        let args = ["backfill", "--from", &from, "--to", &to, "--token-file", &token];
        cli::run(&rig.binary("legacy-adapter")?, args, &[], rig.dir()).await?.ok()
    }

    /// Cutover's configuration for it: `device-read` as `target` says, the rest to the monolith.
    pub fn config(&self, target: &str) -> Config {
        Config::new([("monolith", self.monolith.url()), ("registry", self.registry.url())])
            .routes(config::device_read("monolith", "registry", target))
    }
}

fn write_secret(path: &Path) -> anyhow::Result<()> {
    use std::io::Write;
    let secret: String = std::iter::repeat_with(fastrand::alphanumeric).take(40).collect();
    let file = std::fs::File::options().create_new(true).write(true).mode(0o600).open(path);
    file.and_then(|mut file| file.write_all(secret.as_bytes()))
        .with_context(|| format!("cannot write {}", path.display()))
}
