//! The story: what happens, in order.

use std::fs::File;
use std::time::{Duration, Instant};

use anyhow::Context;

use super::account::{Counted, Logged, ROUTE, compare};
use super::lines::{Lines, TELEMETRY};
use super::screen::{Screen, Step, milliseconds, number};
use super::tally::{self, Fate, Part};
use super::traffic::{READ, User};
use super::{Options, place};
use crate::load::{Load, Report};
use crate::rig::{Home, HomePlan};
use crate::{Proxy, Rig};

/// Devices that the monolith has without asking for more.
const USUAL_DEVICES: u32 = 42;
/// How often the live line is redrawn.
const REDRAW: Duration = Duration::from_millis(250);

/// Everything that runs. Dropped from top to bottom: clients first.
struct Stage {
    /// `None` between its end and the next.
    load: Option<Load>,
    proxy: Proxy,
    home: Home,
    user: User,
    rig: Rig,
    /// Of the rig's directory: tells other demos that we live.
    _lock: File,
    /// Cutover's counts and the access logs before the load began.
    before: (Counted, Logged),
    /// Who answered what.
    lines: Lines,
    /// How many outcomes of the load the rows so far hold.
    shown: usize,
    steps: Vec<Step>,
    flips: Vec<Duration>,
}

/// Tells it all. Gives whether every user was served and the accounts agree.
pub(super) async fn tell(options: &Options, screen: &mut Screen) -> anyhow::Result<bool> {
    screen
        .say("Cutover moves one route, the reading of a device, from a monolith to a new service");
    screen.say("and back, while users go on reading and writing. No user should notice.");
    screen.say("");
    let mut stage = Stage::set(options, screen).await?;
    screen.table();
    stage.migrate(options, screen).await?;
    let report = stage.trouble(options, screen).await?;
    let is_good = stage.account(&report, screen).await?;
    if options.keep {
        stage.keep(options, screen).await?;
    }
    Ok(is_good)
}

impl Stage {
    /// Starts everything, the load last.
    async fn set(options: &Options, screen: &mut Screen) -> anyhow::Result<Stage> {
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
        let plan = HomePlan { devices: options.devices, ..HomePlan::default() };
        let monolith = rig.monolith(&plan).await?;
        screen.say(format!(
            "  monolith  {}  the legacy system, with its own database",
            monolith.url()
        ));
        let registry = rig.registry(&plan).await?;
        let (url, began) = (registry.url(), Instant::now());
        let home = Home::join(&rig, plan, monolith, registry).await?;
        let took = began.elapsed().as_secs_f64();
        screen.say(format!("  registry  {url}  the new service; the backfill copied and verified the devices in {took:.1} s"));
        let mut config = home.config("phase = \"legacy\"");
        config.telemetry = TELEMETRY.to_owned();
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
            shown: 0,
            steps: Vec::new(),
            flips: Vec::new(),
        })
    }

    /// The counts while nothing is asked, once the access logs have caught up.
    async fn quiet(proxy: &Proxy, home: &Home) -> anyhow::Result<(Counted, Logged)> {
        let counts = crate::eventually("quiet counts", async || {
            let counted = Counted::now(proxy).await.ok()?;
            let logged = Logged::since(Logged::default(), home).ok()?;
            let caught_up = logged.legacy + logged.new == counted.legacy + counted.new;
            caught_up.then_some((counted, logged))
        });
        Ok(counts.await?)
    }

    async fn migrate(&mut self, options: &Options, screen: &mut Screen) -> anyhow::Result<()> {
        self.watch("legacy", None, options, screen).await?;
        let moves: [(&str, &[&str], &str); 4] = [
            (
                "shadow",
                &["--to", "shadow"],
                "registry may get copies; users are still served by the monolith",
            ),
            (
                "canary 10 %",
                &["--to", "canary", "--percent", "10"],
                "registry serves one device in ten, always the same ones",
            ),
            (
                "canary 50 %",
                &["--percent", "50"],
                "… and half of them; nobody who was in falls out",
            ),
            ("live", &["--to", "live"], "registry serves them all"),
        ];
        for (phase, to, meaning) in moves {
            let args: Vec<&str> = ["promote", ROUTE].iter().chain(to).copied().collect();
            screen.command(&format!("cutover {}", args.join(" ")), meaning);
            let took = self.flip(&args).await?;
            self.watch(phase, Some(took), options, screen).await?;
        }
        Ok(())
    }

    /// Breaks registry, and goes back. Ends the load and gives its whole account.
    async fn trouble(&mut self, options: &Options, screen: &mut Screen) -> anyhow::Result<Report> {
        screen.command(
            "curl -X PUT …/internal/v1/faults",
            "registry fails: it answers 503 to everybody",
        );
        self.home.registry.fault(r#"{"kind":"status","status":503}"#).await?;
        self.watch("live, new fails", None, options, screen).await?;
        screen.command("kill -9 registry", "and now it is dead");
        self.home.registry.process().kill().await?;
        self.watch("live, new is dead", None, options, screen).await?;
        screen.command(&format!("cutover rollback {ROUTE}"), "back to the monolith in one step");
        let took = self.flip(&["rollback", ROUTE]).await?;
        self.watch_last("shadow", took, options, screen).await
    }

    /// Moves the route as an operator would.
    async fn flip(&mut self, args: &[&str]) -> anyhow::Result<Duration> {
        let flip = self.proxy.flip(args).await?;
        let effective = flip.effective_ms.context("`--wait` did not say how long it took")?;
        let took = Duration::from_secs_f64(effective / 1000.0);
        self.flips.push(took);
        Ok(took)
    }

    /// Watches one step and shows what users saw.
    async fn watch(
        &mut self,
        phase: &str,
        flip: Option<Duration>,
        options: &Options,
        screen: &mut Screen,
    ) -> anyhow::Result<()> {
        self.look(phase, flip, options, screen).await?;
        let seen = self.load.as_ref().context("the load has ended")?.report_since(self.shown);
        self.show(phase, flip, &seen, screen).await
    }

    /// [`Stage::watch`] for the last step: what is under way at its end belongs to it.
    async fn watch_last(
        &mut self,
        phase: &str,
        flip: Duration,
        options: &Options,
        screen: &mut Screen,
    ) -> anyhow::Result<Report> {
        self.look(phase, Some(flip), options, screen).await?;
        let report = self.load.take().context("the load has ended already")?.stop().await;
        let seen = Report { outcomes: report.outcomes[self.shown..].to_vec() };
        self.show(phase, Some(flip), &seen, screen).await?;
        Ok(report)
    }

    /// Draws the step's row until its time is over.
    async fn look(
        &mut self,
        phase: &str,
        flip: Option<Duration>,
        options: &Options,
        screen: &mut Screen,
    ) -> anyhow::Result<()> {
        let began = Instant::now();
        while began.elapsed() < options.step() {
            let seen = self.load.as_ref().context("the load has ended")?.report_since(self.shown);
            self.lines.catch_up()?;
            screen.draw(&self.step(phase, flip, &seen));
            tokio::time::sleep(REDRAW).await;
        }
        Ok(())
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
        let step = self.step(phase, flip, seen);
        screen.step(&step);
        self.shown += seen.outcomes.len();
        self.steps.push(step);
        Ok(())
    }

    /// The row of the reads in `seen`.
    fn step(&self, phase: &str, flip: Option<Duration>, seen: &Report) -> Step {
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
            flip,
        }
    }

    /// Says what users saw, compares the accounts, and checks every printed sum.
    async fn account(&self, report: &Report, screen: &mut Screen) -> anyhow::Result<bool> {
        let total = self.step("all", None, report);
        screen.step(&total);
        let parts = tally::parts(report, &self.lines);
        self.sum_up(report, &parts, screen);
        let rows = compare(&parts, self.before, &self.proxy, &self.home).await?;
        let agree = screen.accounts(&rows);
        let doubts = tally::doubts(&self.steps, &total, &parts, report.requests());
        for doubt in &doubts {
            screen.say(format!("  WRONG SUM: {doubt}"));
        }
        let (failed, adds_up) = (report.failed(), agree && doubts.is_empty());
        let verdict = match (failed, adds_up) {
            (0, true) => "No user noticed, and every request is accounted for.".to_owned(),
            (0, false) => "No user noticed, but the accounts differ: this is a fault.".to_owned(),
            (failed, _) => format!("{failed} requests failed: {:?}", report.failures()),
        };
        screen.verdict(failed == 0 && adds_up, &verdict);
        Ok(failed == 0 && adds_up)
    }

    fn sum_up(&self, report: &Report, parts: &[Part], screen: &mut Screen) {
        let (requests, failed) = (report.requests(), report.failed());
        let share = 100.0 * (requests - failed) as f64 / requests.max(1) as f64;
        screen.title("What users saw, reads and writes");
        screen.say(format!(
            "  {} requests, {} failed: {share:.2} % served. Of these:",
            number(requests),
            number(failed)
        ));
        for Part { fate, report } in parts {
            if let Some(latency) = report.latency() {
                let requests = number(report.requests());
                screen.say(format!("  {:28}{requests:>8} requests   {latency}", fate.label()));
            }
        }
        let flips: Vec<String> = self.flips.iter().map(|time| milliseconds(*time)).collect();
        screen.say(format!(
            "  {} moves of the route, each in force after (ms): {}",
            flips.len(),
            flips.join(", ")
        ));
    }

    /// Brings registry back, asks a little, and waits for Ctrl-C.
    async fn keep(&mut self, options: &Options, screen: &mut Screen) -> anyhow::Result<()> {
        self.home.revive_registry(&self.rig).await?;
        let rate = (options.rate / 10).max(1);
        self.load = Some(self.user.begin(self.proxy.addr(), rate));
        let (front, dir) = (self.proxy.addr(), self.proxy.dir().display());
        let (cookie, id) = (self.user.cookie(), self.user.device());
        let alias = self.proxy.command_line();
        screen.title("Registry is back, with a little load. All stays up until Ctrl-C. To try, in another terminal:");
        for line in [
            format!("cd {dir} && alias cutover='{alias}'"),
            format!("curl -i -H 'Cookie: {cookie}' http://{front}/api/v1/devices/{id}"),
            "cutover status --watch".to_owned(),
            format!("cutover explain GET /api/v1/devices/{id}"),
            format!(
                "cutover promote {ROUTE} --to canary --percent 25 --reason 'my first move' --wait"
            ),
            format!("cutover history {ROUTE}"),
            format!("cutover rollback {ROUTE} --reason 'enough'"),
        ] {
            screen.say(format!("  {line}"));
        }
        std::future::pending().await
    }
}
