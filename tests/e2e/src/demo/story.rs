//! The story: what happens, in order.

use std::time::{Duration, Instant};

use anyhow::Context;
use cutover_domain::bucket;

use super::Options;
use super::account::{Counted, Logged, ROUTE, compare};
use super::screen::{Screen, Step, milliseconds, number};
use super::traffic::{READ, User};
use crate::load::{Load, Outcome, Report};
use crate::rig::{Home, HomePlan};
use crate::{Proxy, Rig};

/// Devices that the monolith has without asking for more.
const USUAL_DEVICES: u32 = 42;
/// How often the live line is redrawn.
const REDRAW: Duration = Duration::from_millis(250);

/// Who answers a read when nothing is in motion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Served {
    /// New for devices whose bucket is below this, legacy for the others.
    Below(u16),
    /// Legacy, after new failed.
    Rescued,
}

/// Everything that runs. Dropped from top to bottom: clients first.
struct Stage {
    /// `None` between its end and the next.
    load: Option<Load>,
    proxy: Proxy,
    home: Home,
    user: User,
    rig: Rig,
    /// Cutover's counts and the access logs before the load began.
    before: (Counted, Logged),
    /// What was shown so far.
    shown: Shown,
    steady: Vec<Steady>,
    flips: Vec<Duration>,
}

/// Where the last step ended.
#[derive(Clone, Copy, Debug, Default)]
struct Shown {
    outcomes: usize,
    logged: Logged,
    fallbacks: u64,
}

/// A stretch of time without a flip, in microseconds of the load's clock.
struct Steady {
    from_us: u64,
    to_us: u64,
    served: Served,
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
    stage.trouble(options, screen).await?;
    let is_good = stage.account(screen).await?;
    if options.keep {
        stage.keep(options, screen).await?;
    }
    Ok(is_good)
}

impl Stage {
    /// Starts everything, the load last.
    async fn set(options: &Options, screen: &mut Screen) -> anyhow::Result<Stage> {
        let rig = Rig::new()?;
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
        let proxy = rig.proxy(home.config("phase = \"legacy\"")).await?;
        let (front, admin) = (proxy.addr(), proxy.admin());
        screen.say(format!(
            "  cutover   http://{front}  in front of both; its admin API is http://{admin}"
        ));
        let user = User::log_in(proxy.addr(), devices).await?;
        let before = Stage::quiet(&proxy, &home).await?;
        let load = user.begin(proxy.addr(), options.rate);
        let rate = options.rate;
        screen.say(format!("  load      {rate} requests a second: 4 of 5 read a device, the others write and stay with the monolith"));
        let (shown, steady, flips) = (Shown::default(), Vec::new(), Vec::new());
        Ok(Stage { load: Some(load), proxy, home, user, rig, before, shown, steady, flips })
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
        self.watch("legacy", Served::Below(0), None, options, screen).await?;
        let moves: [(&str, &[&str], u16, &str); 4] = [
            (
                "shadow",
                &["--to", "shadow"],
                0,
                "registry may get copies; users are still served by the monolith",
            ),
            (
                "canary 10 %",
                &["--to", "canary", "--percent", "10"],
                1_000,
                "registry serves one device in ten, always the same ones",
            ),
            (
                "canary 50 %",
                &["--percent", "50"],
                5_000,
                "… and half of them; nobody who was in falls out",
            ),
            ("live", &["--to", "live"], 10_000, "registry serves them all"),
        ];
        for (phase, to, below, meaning) in moves {
            let args: Vec<&str> = ["promote", ROUTE].iter().chain(to).copied().collect();
            screen.command(&format!("cutover {}", args.join(" ")), meaning);
            let took = self.flip(&args).await?;
            self.watch(phase, Served::Below(below), Some(took), options, screen).await?;
        }
        Ok(())
    }

    async fn trouble(&mut self, options: &Options, screen: &mut Screen) -> anyhow::Result<()> {
        screen.command(
            "curl -X PUT …/internal/v1/faults",
            "registry fails: it answers 503 to everybody",
        );
        self.home.registry.fault(r#"{"kind":"status","status":503}"#).await?;
        self.watch("live, new fails", Served::Rescued, None, options, screen).await?;
        screen.command("kill -9 registry", "and now it is dead");
        self.home.registry.process().kill().await?;
        self.watch("live, new is dead", Served::Rescued, None, options, screen).await?;
        screen.command(&format!("cutover rollback {ROUTE}"), "back to the monolith in one step");
        let took = self.flip(&["rollback", ROUTE]).await?;
        self.watch("shadow", Served::Below(0), Some(took), options, screen).await
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
        served: Served,
        flip: Option<Duration>,
        options: &Options,
        screen: &mut Screen,
    ) -> anyhow::Result<()> {
        let (began, from_us) = (Instant::now(), self.now_us());
        while began.elapsed() < options.step() {
            screen.draw(&self.step(phase, flip).await?.0);
            tokio::time::sleep(REDRAW).await;
        }
        let (step, shown) = self.step(phase, flip).await?;
        screen.step(&step);
        self.shown = shown;
        self.steady.push(Steady { from_us, to_us: self.now_us(), served });
        Ok(())
    }

    /// What users saw since the last step, and where it ends.
    async fn step(&self, phase: &str, flip: Option<Duration>) -> anyhow::Result<(Step, Shown)> {
        let load = self.load.as_ref().context("the load has ended")?;
        let seen = load.report_since(self.shown.outcomes);
        let outcomes = self.shown.outcomes + seen.outcomes.len();
        let reads = seen.kind(READ);
        let logged = Logged::since(self.before.1, &self.home)?;
        let counted = Counted::now(&self.proxy).await?.less(self.before.0);
        let answered = logged.less(self.shown.logged);
        let step = Step {
            phase: phase.to_owned(),
            requests: reads.requests(),
            failed: reads.failed(),
            legacy: answered.legacy,
            new: answered.new,
            rescued: counted.fallbacks - self.shown.fallbacks,
            latency: reads.latency(),
            flip,
        };
        Ok((step, Shown { outcomes, logged, fallbacks: counted.fallbacks }))
    }

    fn now_us(&self) -> u64 {
        let began = self.load.as_ref().map_or_else(Instant::now, Load::began);
        u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    /// Ends the load, says what users saw, and compares the accounts.
    async fn account(&mut self, screen: &mut Screen) -> anyhow::Result<bool> {
        let load = self.load.take().context("the load has ended already")?;
        let report = load.stop().await;
        self.sum_up(&report, screen);
        let rows = compare(&report, self.before, &self.proxy, &self.home).await?;
        let agree = screen.accounts(&rows);
        let failed = report.failed();
        let verdict = match (failed, agree) {
            (0, true) => "No user noticed, and every request is accounted for.".to_owned(),
            (0, false) => "No user noticed, but the accounts differ: this is a fault.".to_owned(),
            (failed, _) => format!("{failed} requests failed: {:?}", report.failures()),
        };
        screen.verdict(failed == 0 && agree, &verdict);
        Ok(failed == 0 && agree)
    }

    fn sum_up(&self, report: &Report, screen: &mut Screen) {
        let (requests, failed) = (report.requests(), report.failed());
        let share = 100.0 * (requests - failed) as f64 / requests.max(1) as f64;
        screen.title("What users saw");
        screen.say(format!(
            "  {} requests, {} failed: {share:.2} % served",
            number(requests),
            number(failed)
        ));
        let steady = |is: fn(Served, u16) -> bool| {
            report.filter(|outcome| outcome.kind == READ && self.during(outcome, is))
        };
        let sides = [
            (
                "read from the monolith",
                steady(|served, bucket| matches!(served, Served::Below(end) if bucket >= end)),
            ),
            (
                "read from registry",
                steady(|served, bucket| matches!(served, Served::Below(end) if bucket < end)),
            ),
            ("rescued when it failed", steady(|served, _| served == Served::Rescued)),
            ("written", report.filter(|outcome| outcome.kind != READ)),
        ];
        for (what, part) in sides {
            if let Some(latency) = part.latency() {
                screen
                    .say(format!("  {what:24}{:>8} requests   {latency}", number(part.requests())));
            }
        }
        let flips: Vec<String> = self.flips.iter().map(|time| milliseconds(*time)).collect();
        screen.say(format!("  {} moves, in force after {} ms", flips.len(), flips.join(", ")));
    }

    /// Whether the outcome lies wholly in a stretch in which its device was served as `is` says.
    fn during(&self, outcome: &Outcome, is: fn(Served, u16) -> bool) -> bool {
        let bucket = bucket("devices-1", &outcome.subject.to_string());
        self.steady.iter().any(|steady| {
            let within = steady.from_us <= outcome.sent_us && outcome.done_us <= steady.to_us;
            within && is(steady.served, bucket)
        })
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
