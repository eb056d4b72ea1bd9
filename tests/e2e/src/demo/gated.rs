//! The part of the story in which evidence decides: nobody types what happens here.

use std::time::Duration;

use anyhow::{Context, bail};

use super::Options;
use super::account::ROUTE;
use super::gates::{Gates, last_step, step_to};
use super::parity::Known;
use super::screen::Screen;
use super::stage::Stage;
use crate::load::Report;

impl Stage {
    /// Lets registry serve a tenth of the devices; its gates take it on to `live`.
    pub(super) async fn climb(
        &mut self,
        options: &Options,
        screen: &mut Screen,
    ) -> anyhow::Result<()> {
        let meaning = "a tenth of the devices, then by itself: seconds, not hours";
        let to = ["--to", "canary", "--percent", "10"];
        let mut flip = Some(self.promote(&to, meaning, screen).await?);
        let mut at = Gates::now(&self.proxy).await?.at;
        while !at.is_live() {
            let moved = |known: &Known, _: &mut Screen| known.gates.at != at;
            let row = at.to_string();
            let known = self.look(&row, flip, Duration::ZERO, screen, moved).await?;
            self.row(&row, flip.take(), screen).await?;
            if let Some(held) = known.gates.held {
                let diffs = self.proxy.cutover(&["diffs", ROUTE]).await?.stdout;
                bail!("gates took it back: {} (is this machine busy?)\n{diffs}", held.cause);
            }
            at = known.gates.at;
            screen.note(&step_to(&self.proxy, &at).await?);
        }
        self.watch("live", None, options, screen).await
    }

    /// Breaks registry. Gates take it back; ends the load and gives its whole account.
    pub(super) async fn trouble(
        &mut self,
        options: &Options,
        screen: &mut Screen,
    ) -> anyhow::Result<Report> {
        let meaning = "registry breaks: 503 to everybody; nobody does anything about it";
        screen.command("curl -X PUT …/internal/v1/faults", meaning);
        let began = self.load.as_ref().context("the load has ended")?.began();
        self.broke = began.elapsed();
        self.home.registry.fault(r#"{"kind":"status","status":503}"#).await?;
        let is_held = |known: &Known, _: &mut Screen| known.gates.held.is_some();
        let row = "live, new fails";
        self.look(row, None, Duration::ZERO, screen, is_held).await?;
        self.row(row, None, screen).await?;
        let meaning = "gates took it back, and hold it for a person or another build";
        screen.command(&format!("cutover gate {ROUTE} | grep since"), meaning);
        let said = self.proxy.cutover(&["gate", ROUTE]).await?;
        screen.output(said.stdout.lines().filter(|line| line.contains("since")));
        self.watch_last("shadow, held", None, options, screen).await
    }

    /// Shows what was recorded of it.
    pub(super) async fn recorded(&self, screen: &mut Screen) -> anyhow::Result<()> {
        screen.title("Who decided, and why");
        let args = ["audit", ROUTE, "--limit", "200"];
        let meaning = "what gates did, newest first";
        screen.command(&format!("cutover {} | grep step", args.join(" ")), meaning);
        let said = self.proxy.cutover(&args).await?.ok()?;
        screen.output(said.stdout.lines().filter(|line| line.contains("  step  ")));
        screen.note(&last_step(&self.proxy).await?);
        let meaning = "each record carries the hash of all before it";
        screen.command("cutover audit --verify", meaning);
        let said = self.proxy.cutover(&["audit", "--verify"]).await?.ok()?;
        screen.output(said.stdout.lines());
        Ok(())
    }
}
