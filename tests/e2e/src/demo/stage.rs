//! Everything that runs, and watching it step by step.

use std::fs::File;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};

use super::account::{Counted, Logged};
use super::declared::{NOISE, WRONG, gates, route};
use super::lines::{Lines, TELEMETRY};
use super::parity::Known;
use super::screen::{Screen, Step};
use super::tally::Fate;
use super::traffic::{READ, User};
use super::{Options, place};
use crate::load::{Load, Report};
use crate::rig::{Home, HomePlan};
use crate::{Proxy, Rig};

/// Devices that the monolith has without asking for more.
const USUAL_DEVICES: u32 = 42;
/// How often the live line is redrawn.
const REDRAW: Duration = Duration::from_millis(250);
/// Longest that a step waits, beyond its time, for what it is to show.
const PATIENCE: Duration = Duration::from_secs(600);
/// Everything that runs. Dropped from top to bottom: clients first.
pub(super) struct Stage {
    /// `None` between its end and the next.
    pub(super) load: Option<Load>,
    pub(super) proxy: Proxy,
    pub(super) home: Home,
    pub(super) user: User,
    pub(super) rig: Rig,
    /// Of the rig's directory: tells other demos that we live.
    _lock: File,
    /// Cutover's counts and the access logs before the load began.
    pub(super) before: (Counted, Logged),
    /// Who answered what.
    pub(super) lines: Lines,
    /// What comparing had come to when the last row ended.
    pub(super) known: Known,
    /// How many outcomes of the load the rows so far hold.
    shown: usize,
    pub(super) steps: Vec<Step>,
    /// When registry broke, from the load's beginning.
    pub(super) broke: Duration,
}

impl Stage {
    /// Starts everything, the load last.
    pub(super) async fn set(options: &Options, screen: &mut Screen) -> anyhow::Result<Stage> {
        let parent = std::env::temp_dir();
        match place::clear(&parent) {
            0 => {}
            dead => screen.say(format!(
                "  (cleared away the directories of earlier demos that were killed: {dead})"
            )),
        }
        let place = place::make(&parent)?;
        let (lock, rig) = (place.lock, Rig::in_dir(place.dir)?);
        let devices = USUAL_DEVICES + options.devices;
        let (plants, build) = (WRONG.plants.to_owned(), WRONG.name.to_owned());
        let plan = HomePlan { devices: options.devices, plants, build, ..HomePlan::default() };
        let monolith = rig.monolith(&plan).await?;
        let url = monolith.url();
        screen.say(format!(
            "  monolith  {url}  the legacy system; noisy: it tells one firmware in eleven wrong"
        ));
        let registry = rig.registry(&plan).await?;
        let (url, began) = (registry.url(), Instant::now());
        let home = Home::join(&rig, plan, monolith, registry).await?;
        let took = began.elapsed().as_secs_f64();
        home.monolith.faults(NOISE).await?;
        screen.say(format!("  registry  {url}  the new service; the backfill copied and verified the devices in {took:.1} s"));
        screen.say(
            "            planted in it: a wrong field in every answer, and the monolith's noise",
        );
        let mut config = home.config(&route(options));
        (config.telemetry, config.more) = (TELEMETRY.to_owned(), gates(options));
        let proxy = rig.proxy(config).await?;
        let lines = Lines::of(proxy.dir().join("log/cutover.err"));
        let (front, admin) = (proxy.addr(), proxy.admin());
        screen.say(format!(
            "  cutover   http://{front}  in front of both; its admin API is http://{admin}"
        ));
        let user = User::log_in(proxy.addr(), devices).await?;
        let before = Stage::quiet(&proxy, &home).await?;
        let load = user.begin(proxy.addr(), options.rate);
        let rate = options.rate;
        screen.say(format!("  load      {rate} requests a second: 4 of 5 read a device, the others write and stay with the monolith"));
        Ok(Stage {
            load: Some(load),
            proxy,
            home,
            user,
            rig,
            _lock: lock,
            before,
            lines,
            known: Known::default(),
            shown: 0,
            steps: Vec::new(),
            broke: Duration::ZERO,
        })
    }

    /// The counts while nothing is asked, once the access logs have caught up.
    async fn quiet(proxy: &Proxy, home: &Home) -> anyhow::Result<(Counted, Logged)> {
        let counts = crate::eventually("quiet counts", async || {
            let counted = Counted::now(proxy).await.ok()?;
            let logged = Logged::since(Logged::default(), home).ok()?;
            let caught_up = logged.monolith + logged.registry == counted.legacy + counted.new;
            caught_up.then_some((counted, logged))
        });
        Ok(counts.await?)
    }

    /// Moves the route as an operator would.
    pub(super) async fn flip(&self, args: &[&str]) -> anyhow::Result<Duration> {
        let flip = self.proxy.flip(args).await?;
        let effective = flip.effective_ms.context("`--wait` did not say how long it took")?;
        Ok(Duration::from_secs_f64(effective / 1000.0))
    }

    /// Watches one step and shows what users saw.
    pub(super) async fn watch(
        &mut self,
        phase: &str,
        flip: Option<Duration>,
        options: &Options,
        screen: &mut Screen,
    ) -> anyhow::Result<()> {
        self.watch_until(phase, flip, options, screen, |_, _| true).await
    }

    /// [`Stage::watch`], and on until `enough` of what comparing came to, of which it may tell.
    pub(super) async fn watch_until(
        &mut self,
        phase: &str,
        flip: Option<Duration>,
        options: &Options,
        screen: &mut Screen,
        enough: impl FnMut(&Known, &mut Screen) -> bool,
    ) -> anyhow::Result<()> {
        self.look(phase, flip, options.step(), screen, enough).await?;
        self.row(phase, flip, screen).await
    }

    /// Shows what users saw since the last row.
    pub(super) async fn row(
        &mut self,
        phase: &str,
        flip: Option<Duration>,
        screen: &mut Screen,
    ) -> anyhow::Result<()> {
        let seen = self.load.as_ref().context("the load has ended")?.report_since(self.shown);
        self.show(phase, flip, &seen, screen).await
    }

    /// [`Stage::watch`] for the last step: what is under way at its end belongs to it.
    pub(super) async fn watch_last(
        &mut self,
        phase: &str,
        flip: Option<Duration>,
        options: &Options,
        screen: &mut Screen,
    ) -> anyhow::Result<Report> {
        self.look(phase, flip, options.step(), screen, |_, _| true).await?;
        let report = self.load.take().context("the load has ended already")?.stop().await;
        let seen = Report { outcomes: report.outcomes[self.shown..].to_vec() };
        self.settle().await?;
        self.show(phase, flip, &seen, screen).await?;
        Ok(report)
    }

    /// Waits until no copy is under way. More may come, unless nothing is copied by now.
    pub(super) async fn settle(&self) -> anyhow::Result<()> {
        let mut last = None;
        let settled = crate::eventually("the end of the copies under way", async || {
            let known = last.insert(Known::now(&self.proxy).await);
            let accounting = known.as_ref().ok()?.accounting;
            (accounting.open == 0).then_some(())
        });
        settled.await.with_context(|| format!("known is {last:?}"))
    }

    /// Draws the step's row until its `least` time is over, and `enough` is known: gives that.
    pub(super) async fn look(
        &mut self,
        phase: &str,
        flip: Option<Duration>,
        least: Duration,
        screen: &mut Screen,
        mut enough: impl FnMut(&Known, &mut Screen) -> bool,
    ) -> anyhow::Result<Known> {
        let began = Instant::now();
        loop {
            let seen = self.load.as_ref().context("the load has ended")?.report_since(self.shown);
            self.lines.catch_up()?;
            let known = Known::now(&self.proxy).await?;
            screen.draw(&self.step(phase, flip, &seen, &known));
            let (is_enough, elapsed) = (enough(&known, screen), began.elapsed());
            if is_enough && elapsed >= least {
                return Ok(known);
            }
            ensure!(
                elapsed < least + PATIENCE,
                "`{phase}` did not come to its end within {} s; known is {known:?}",
                elapsed.as_secs()
            );
            tokio::time::sleep(REDRAW).await;
        }
    }

    /// Shows the step's row for good, once Cutover's lines about all of `seen` are written.
    async fn show(
        &mut self,
        phase: &str,
        flip: Option<Duration>,
        seen: &Report,
        screen: &mut Screen,
    ) -> anyhow::Result<()> {
        let told = crate::eventually("Cutover's lines", async || {
            self.lines.catch_up().ok()?;
            let is_told = |outcome| Fate::of(outcome, &self.lines) != Fate::Unaccounted;
            seen.outcomes.iter().all(is_told).then_some(())
        });
        // What Cutover never tells of is found in the end, when the sums are checked.
        let _ = told.await;
        let known = Known::now(&self.proxy).await?;
        let step = self.step(phase, flip, seen, &known);
        screen.step(&step);
        self.shown += seen.outcomes.len();
        self.known = known;
        self.steps.push(step);
        Ok(())
    }

    /// The row of the reads in `seen`, and of what was compared since the last row.
    fn step(&self, phase: &str, flip: Option<Duration>, seen: &Report, known: &Known) -> Step {
        let (now, last) = (known.accounting, self.known.accounting);
        Step {
            compared: now.compared - last.compared,
            noise: now.noisy - last.noisy,
            wrong: now.mismatches - last.mismatches,
            parity: known.bound(),
            flip,
            ..self.reads(phase, seen)
        }
    }

    /// The row of all reads, and of all that was compared.
    pub(super) fn total(&self, report: &Report) -> Step {
        let all = self.known.accounting;
        let (compared, noise, wrong) = (all.compared, all.noisy, all.mismatches);
        Step { compared, noise, wrong, ..self.reads("all", report) }
    }

    /// What users saw of the reads in `seen`.
    fn reads(&self, phase: &str, seen: &Report) -> Step {
        let reads = seen.kind(READ);
        let count = |fate| {
            let is_so = |outcome: &&_| Fate::of(outcome, &self.lines) == fate;
            reads.outcomes.iter().filter(is_so).count() as u64
        };
        Step {
            phase: phase.to_owned(),
            requests: reads.requests(),
            failed: count(Fate::Failed),
            legacy: count(Fate::Monolith),
            new: count(Fate::Registry),
            rescued: count(Fate::Rescued),
            latency: reads.latency(),
            ..Step::default()
        }
    }
}
