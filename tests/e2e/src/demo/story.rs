//! The story: what happens, in order.

use super::Options;
use super::account::{ROUTE, compare};
use super::parity::{Known, percent};
use super::screen::{Screen, milliseconds, number};
use super::stage::{MENDED, Stage};
use super::tally::{self, Part};
use crate::load::Report;

/// Tells it all. Gives whether every user was served and the accounts agree.
pub(super) async fn tell(options: &Options, screen: &mut Screen) -> anyhow::Result<bool> {
    for line in [
        "Cutover moves one route, the reading of a device, from a monolith to a new service and back, while users go on",
        "reading and writing. No user should notice: not the moves, nor the mistake that the new service has in it at first.",
    ] {
        screen.say(line);
    }
    screen.say("");
    let mut stage = Stage::set(options, screen).await?;
    screen.table();
    stage.listen(options, screen).await?;
    stage.mend(options, screen).await?;
    stage.migrate(options, screen).await?;
    let report = stage.trouble(options, screen).await?;
    let is_good = stage.account(&report, screen).await?;
    if options.keep {
        stage.keep(options, screen).await?;
    }
    Ok(is_good)
}

impl Stage {
    /// Copies requests to registry, and finds its mistake.
    async fn listen(&mut self, options: &Options, screen: &mut Screen) -> anyhow::Result<()> {
        self.watch("legacy", None, options, screen).await?;
        let (to, meaning) =
            (["--to", "shadow"], "registry gets a copy of each read; the monolith still serves");
        let took = self.promote(&to, meaning, screen).await?;
        let found = |known: &Known, _: &mut Screen| known.has_found();
        self.watch_until("shadow", Some(took), options, screen, found).await?;
        let (found, sample) = self.known.findings(&self.proxy).await?;
        for line in found {
            screen.note(&line);
        }
        let diffs = ["diffs", ROUTE, "--sample", &sample];
        let meaning = "of values only type, length and a keyed hash are kept";
        screen.command(&format!("cutover {}", diffs.join(" ")), meaning);
        let said = self.proxy.cutover(&diffs).await?.ok()?;
        for line in said.stdout.lines().filter(|line| !line.is_empty()) {
            screen.say(format!("    {line}"));
        }
        Ok(())
    }

    /// Mends registry and compares again.
    async fn mend(&mut self, options: &Options, screen: &mut Screen) -> anyhow::Result<()> {
        let meaning = "nothing is copied while registry is mended";
        let args = ["rollback", ROUTE, "--to", "legacy"];
        screen.command(&format!("cutover {}", args.join(" ")), meaning);
        let took = self.flip(&args).await?;
        self.settle().await?;
        let meaning = "another build: the wrong field is mended, the noise stays";
        screen.command(&format!("registry … --plant {MENDED}"), meaning);
        self.home.replant(&self.rig, MENDED).await?;
        self.row("legacy, mending", Some(took), screen).await?;
        let meaning = "parity is counted anew";
        let took = self.promote(&["--to", "shadow"], meaning, screen).await?;
        let mut told = 0;
        let enough = |known: &Known, screen: &mut Screen| {
            if !known.judges(MENDED) {
                return false;
            }
            if options.fix && known.milestones() > told {
                told = known.milestones();
                screen.note(&known.proof());
            }
            !options.fix || known.is_proven()
        };
        self.watch_until("shadow, mended", Some(took), options, screen, enough).await?;
        screen.note(&self.known.standing());
        if let Some(missing) = self.known.missing() {
            let bound = percent(self.known.bound().unwrap_or_default());
            screen.note(&format!(
                "parity    {bound} at least; 99.5 % takes {} more equal answers, which come on the way (--fix waits here)",
                number(missing)
            ));
        }
        Ok(())
    }

    async fn migrate(&mut self, options: &Options, screen: &mut Screen) -> anyhow::Result<()> {
        let moves: [(&str, &[&str], &str); 3] = [
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
            ("live", &["--to", "live"], "registry serves them all; copies go back to the monolith"),
        ];
        for (phase, to, meaning) in moves {
            let took = self.promote(to, meaning, screen).await?;
            self.watch(phase, Some(took), options, screen).await?;
        }
        Ok(())
    }

    /// Moves the route forward, and says so.
    async fn promote(
        &mut self,
        to: &[&str],
        meaning: &str,
        screen: &mut Screen,
    ) -> anyhow::Result<std::time::Duration> {
        let args: Vec<&str> = ["promote", ROUTE].iter().chain(to).copied().collect();
        screen.command(&format!("cutover {}", args.join(" ")), meaning);
        self.flip(&args).await
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

    /// Says what users saw, compares the accounts, and checks every printed sum.
    async fn account(&self, report: &Report, screen: &mut Screen) -> anyhow::Result<bool> {
        let total = self.total(report);
        screen.step(&total);
        let parts = tally::parts(report, &self.lines);
        self.sum_up(report, &parts, screen);
        let copied = tally::copied(report, &self.lines);
        let rows = compare(&parts, copied, self.before, &self.proxy, &self.home).await?;
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
            format!("cutover status {ROUTE} && cutover diffs {ROUTE}"),
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
