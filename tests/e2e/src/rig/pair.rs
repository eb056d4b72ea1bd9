//! Two stand-ins for legacy and new, with Cutover in front.

use super::{Proxy, Rig};
use crate::client::{self, Answer};
use crate::config::{Config, device_read};
use crate::upstream::Upstream;

/// Cutover between the upstreams `legacy` and `new`, which say who they are.
pub struct Pair {
    /// Cutover.
    pub proxy: Proxy,
    /// Legacy, and the default.
    pub legacy: Upstream,
    /// New.
    pub new: Upstream,
    /// Where it all lives.
    pub rig: Rig,
}

impl Pair {
    /// With route `device-read` where `target` says, such as `phase = "live"`.
    pub async fn start(target: &str) -> anyhow::Result<Pair> {
        Pair::start_with(target, |_| {}).await
    }

    /// [`Pair::start`] with further changes to the configuration.
    pub async fn start_with(
        target: &str,
        change: impl FnOnce(&mut Config),
    ) -> anyhow::Result<Pair> {
        let (rig, legacy, new) =
            (Rig::new()?, Upstream::start("legacy").await?, Upstream::start("new").await?);
        let mut config = Config::new([("legacy", legacy.url()), ("new", new.url())])
            .routes(device_read("legacy", "new", target));
        change(&mut config);
        let proxy = rig.proxy(config).await?;
        Ok(Pair { proxy, legacy, new, rig })
    }

    /// GET through the proxy, over a connection of its own.
    pub async fn get(&self, path: &str) -> anyhow::Result<Answer> {
        client::get(self.proxy.addr(), path).await
    }

    /// Who answers a GET of `path`.
    pub async fn side(&self, path: &str) -> anyhow::Result<String> {
        let answer = self.get(path).await?;
        let side = answer.header("x-served-by").map(str::to_owned);
        side.ok_or_else(|| anyhow::anyhow!("{path}: {} {}", answer.status, answer.text()))
    }
}
