//! Monolith and registry with the same devices in both.

use super::{Rig, Server, any_port};
use crate::cli::{self, Said};
use crate::config::{self, Config};
use crate::process::Spec;

/// How monolith and registry are to be.
#[derive(Clone, Debug, Default)]
pub struct HomePlan {
    /// Devices beyond the monolith's usual ones.
    pub devices: u32,
    /// Seconds since the epoch at which their clocks stand still; `None` lets them run.
    pub clock: Option<i64>,
    /// Endpoint for registry's traces; empty for none.
    pub otlp: String,
    /// Faults that registry is born with, such as `missing,status@10`; empty for none.
    pub plants: String,
    /// What registry calls its build; empty: as its faults.
    pub build: String,
}

/// Legacy and new, ready for Cutover in front.
pub struct Home {
    /// Legacy.
    pub monolith: Server,
    /// New.
    pub registry: Server,
    /// What the backfill said.
    pub backfill: Said,
    plan: HomePlan,
}

impl Home {
    pub(super) async fn start(rig: &Rig, plan: HomePlan) -> anyhow::Result<Home> {
        let monolith = rig.monolith(&plan).await?;
        let registry = rig.registry(&plan).await?;
        Home::join(rig, plan, monolith, registry).await
    }

    /// Copies the monolith's devices into registry and compares both.
    pub async fn join(
        rig: &Rig,
        plan: HomePlan,
        monolith: Server,
        registry: Server,
    ) -> anyhow::Result<Home> {
        let backfill = backfill(rig, &monolith, &registry).await?;
        Ok(Home { monolith, registry, backfill, plan })
    }

    /// Brings registry what was written to the monolith since.
    pub async fn catch_up(&mut self, rig: &Rig) -> anyhow::Result<()> {
        self.backfill = backfill(rig, &self.monolith, &self.registry).await?;
        Ok(())
    }

    /// Registry ends and starts again with these faults, as another build of itself.
    pub async fn replant(&mut self, rig: &Rig, plants: &str) -> anyhow::Result<()> {
        self.rebuild(rig, plants, plants).await
    }

    /// [`Home::replant`], with a name of its own for the build.
    pub async fn rebuild(&mut self, rig: &Rig, plants: &str, build: &str) -> anyhow::Result<()> {
        self.registry.process().kill().await?;
        (self.plan.plants, self.plan.build) = (plants.to_owned(), build.to_owned());
        self.revive_registry(rig).await
    }

    /// Starts registry again where it was, with what it had.
    pub async fn revive_registry(&mut self, rig: &Rig) -> anyhow::Result<()> {
        self.registry = Server::registry(rig, &self.plan, self.registry.addr()).await?;
        Ok(())
    }

    /// Cutover's configuration for it: `device-read` as `target` says, the rest to the monolith.
    pub fn config(&self, target: &str) -> Config {
        Config::new([("monolith", self.monolith.url()), ("registry", self.registry.url())])
            .routes(config::device_read("monolith", "registry", target))
    }
}

async fn backfill(rig: &Rig, monolith: &Server, registry: &Server) -> anyhow::Result<Said> {
    let from = format!("sqlite://{}", monolith.db().display());
    let to = registry.internal_url();
    let token = registry.internal_token_file().display().to_string();
    let args = ["backfill", "--legacy", &from, "--registry", &to, "--token-file", &token];
    cli::run(&rig.binary("legacy-adapter")?, args, &[], rig.dir()).await?.ok()
}

impl HomePlan {
    pub(super) fn clocked(&self, spec: Spec) -> Spec {
        match self.clock {
            Some(seconds) => spec.args(["--clock", &seconds.to_string()]),
            None => spec,
        }
    }
}

impl Rig {
    /// Starts a monolith.
    pub async fn monolith(&self, plan: &HomePlan) -> anyhow::Result<Server> {
        Server::monolith(self, plan).await
    }

    /// Starts registry beside the monolith, empty at its first start.
    pub async fn registry(&self, plan: &HomePlan) -> anyhow::Result<Server> {
        Server::registry(self, plan, any_port()).await
    }

    /// Monolith, registry with the monolith's devices, and nothing in front yet.
    pub async fn home(&self, plan: HomePlan) -> anyhow::Result<Home> {
        Home::start(self, plan).await
    }
}
