//! The story: what happens, in order.

use super::Options;
use super::account::{ROUTE, compare};
use super::declared::{Build, MENDED, NEXT, PARITY, comparisons};
use super::gates::Gates;
use super::parity::{Known, percent};
use super::screen::{Screen, number};
use super::stage::Stage;
use super::tally::{self, Part};
use crate::load::Report;

/// Tells it all. Gives whether every user was served and the accounts agree.
pub(super) async fn tell(options: &Options, screen: &mut Screen) -> anyhow::Result<bool> {
    for line in [
        "Cutover moves one route, the reading of a device, from a monolith to a new service. A mistake in that is found before it",
        "serves anybody, evidence takes it to all users, and once it breaks it is taken back by itself. No user should notice.",
    ] {
        screen.say(line);
    }
    screen.say("");
    let mut stage = Stage::set(options, screen).await?;
    screen.table();
    stage.listen(options, screen).await?;
    stage.mend(options, screen).await?;
    stage.climb(options, screen).await?;
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
        let (found, sample, said) = self.mistake().await?;
        for line in found {
            screen.note(&line);
        }
        let meaning = "of values only type, length and a keyed hash are kept";
        screen.command(&format!("cutover diffs {ROUTE} --sample {sample}"), meaning);
        screen.output(said.lines());
        Ok(())
    }

    /// What was found, the name of a sample of it, and what `cutover diffs` says about that.
    async fn mistake(&self) -> anyhow::Result<([String; 2], String, String)> {
        // While copies are judged, a sample may make room for another before it is asked for.
        let seen = crate::eventually("a sample that is still kept", async || {
            let (found, sample) = self.known.findings(&self.proxy).await.ok()?;
            let diffs = ["diffs", ROUTE, "--sample", &sample];
            let said = self.proxy.cutover(&diffs).await.ok()?.ok().ok()?;
            Some((found, sample, said.stdout))
        });
        Ok(seen.await?)
    }

    /// Mends registry and compares again.
    async fn mend(&mut self, options: &Options, screen: &mut Screen) -> anyhow::Result<()> {
        let meaning = "nothing is copied while registry is mended";
        let args = ["rollback", ROUTE, "--to", "legacy"];
        screen.command(&format!("cutover {}", args.join(" ")), meaning);
        let took = self.flip(&args).await?;
        self.settle().await?;
        let Build { name, plants } = MENDED;
        let meaning = "another build: the wrong field is mended, the noise stays";
        screen.command(&format!("registry … --build-id {name}"), meaning);
        self.home.rebuild(&self.rig, plants, name).await?;
        Gates::until_open(&self.proxy).await?;
        self.row("legacy, mending", Some(took), screen).await?;
        let meaning = "parity is counted anew";
        let took = self.promote(&["--to", "shadow"], meaning, screen).await?;
        let mut told = 0;
        let enough = |known: &Known, screen: &mut Screen| {
            if !known.judges(MENDED.name) {
                return false;
            }
            if options.fix && known.milestones() > told {
                told = known.milestones();
                screen.note(&known.proof());
            }
            known.gates.may_go_on() && (!options.fix || known.is_proven())
        };
        self.watch_until("shadow, mended", Some(took), options, screen, enough).await?;
        screen.note(&self.known.standing());
        if let Some(missing) = self.known.missing() {
            let bound = percent(self.known.bound().unwrap_or_default());
            let of = comparisons(options);
            screen.note(&format!(
                "parity    {bound} at least: its gate asks for {PARITY} % of {of} (--fix waits for 99.5 %, {} equal answers more)",
                number(missing)
            ));
        }
        Ok(())
    }

    /// Moves the route forward, and says so.
    pub(super) async fn promote(
        &mut self,
        to: &[&str],
        meaning: &str,
        screen: &mut Screen,
    ) -> anyhow::Result<std::time::Duration> {
        let args: Vec<&str> = ["promote", ROUTE].iter().chain(to).copied().collect();
        screen.command(&format!("cutover {}", args.join(" ")), meaning);
        self.flip(&args).await
    }

    /// Says what users saw, compares the accounts, and checks every printed sum.
    async fn account(&self, report: &Report, screen: &mut Screen) -> anyhow::Result<bool> {
        let total = self.total(report);
        screen.step(&total);
        let parts = tally::parts(report, &self.lines);
        self.sum_up(report, &parts, screen);
        self.recorded(screen).await?;
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
        if let Some(time) = tally::way_back(report, &self.lines, self.broke) {
            let time = time.as_secs_f64();
            screen.say(format!("  From registry's first 503 to the last read that met one: {time:.1} s. Gates took it back, and no user got one."));
        }
    }

    /// Mends registry, asks a little, and waits for Ctrl-C.
    async fn keep(&mut self, options: &Options, screen: &mut Screen) -> anyhow::Result<()> {
        let Build { name, plants } = NEXT;
        self.home.rebuild(&self.rig, plants, name).await?;
        let rate = (options.rate / 10).max(1);
        self.load = Some(self.user.begin(self.proxy.addr(), rate));
        let (front, admin, dir) =
            (self.proxy.addr(), self.proxy.admin(), self.proxy.dir().display());
        let token = self.proxy.token_file();
        let (cookie, id) = (self.user.cookie(), self.user.device());
        let alias = self.proxy.command_line();
        screen.title(&format!(
            "Registry is back as {name}, with a little load. All stays up until Ctrl-C."
        ));
        screen.say(format!(
            "The console: http://{admin}/, which asks for the token in {}",
            token.display()
        ));
        screen.say("To try, in another terminal:");
        for line in [
            format!("cd {dir} && alias cutover='{alias}'"),
            format!("curl -i -H 'Cookie: {cookie}' http://{front}/api/v1/devices/{id}"),
            "cutover status --watch".to_owned(),
            format!("cutover status {ROUTE} && cutover diffs {ROUTE}"),
            format!("cutover explain GET /api/v1/devices/{id}"),
            format!("cutover gate {ROUTE} --explain   # first held; then what {name} must prove"),
            "cutover slo status".to_owned(),
            format!(
                "cutover rehearse {ROUTE} --percent 5 --seconds 5 --reason 'a drill'   # then: cutover ready {ROUTE}"
            ),
            format!(
                "cutover promote {ROUTE} --to canary --reason 'my first move' --wait   # it climbs from there"
            ),
            format!("cutover audit {ROUTE} && cutover history {ROUTE}"),
            format!("cutover rollback {ROUTE} --reason 'enough'"),
        ] {
            screen.say(format!("  {line}"));
        }
        std::future::pending().await
    }
}
