//! The figures and the bars they are held to.

use std::collections::BTreeMap;
use std::fmt;

use crate::peers::{Kind, Told};

/// One kind of request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Scene {
    /// GET of 1 KiB that matches no route.
    Small,
    /// GET of 64 KiB that matches no route.
    Large,
    /// GET of 1 KiB that matches a route.
    Routed,
    /// GET of 1 KiB of JSON at a steady rate, some of the peers copying every request.
    Copied,
    /// GET of 1 KiB that matches a route in `canary`, Cutover telling more and less of it.
    Told,
}

/// Everything measured: microseconds per request by scene and peer, bytes per idle connection.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    cpu: BTreeMap<(Scene, Kind), Vec<f64>>,
    idle: BTreeMap<Kind, f64>,
}

/// A promise and what was measured.
pub(crate) struct Bar {
    what: &'static str,
    measured: f64,
    allowed: f64,
    unit: &'static str,
}

impl Scene {
    pub(crate) const ALL: [Scene; 5] =
        [Scene::Small, Scene::Large, Scene::Routed, Scene::Copied, Scene::Told];

    /// What the generator asks for.
    pub(crate) fn path(self) -> &'static str {
        match self {
            Scene::Small => "/1k",
            Scene::Large => "/64k",
            Scene::Routed | Scene::Told => "/1k/42/r0",
            Scene::Copied => "/json/42",
        }
    }

    /// Whether `kind` takes part.
    pub(crate) fn is_for(self, kind: Kind) -> bool {
        match self {
            Scene::Small | Scene::Large => {
                matches!(kind, OURS | Kind::Haproxy | Kind::Nginx | Kind::Envoy)
            }
            Scene::Routed => matches!(kind, Kind::Cutover { .. }),
            Scene::Copied => {
                matches!(kind, OURS | Kind::Envoy | Kind::Shadowing | Kind::Mirroring)
            }
            Scene::Told => matches!(kind, Kind::Telling(_)),
        }
    }
}

impl Figures {
    pub(crate) fn add_cpu(&mut self, scene: Scene, kind: Kind, micros: f64) {
        self.cpu.entry((scene, kind)).or_default().push(micros);
    }

    pub(crate) fn add_idle(&mut self, kind: Kind, bytes: f64) {
        self.idle.insert(kind, bytes);
    }

    /// Median microseconds per request.
    pub(crate) fn cpu(&self, scene: Scene, kind: Kind) -> Option<f64> {
        let mut runs = self.cpu.get(&(scene, kind))?.clone();
        runs.sort_by(f64::total_cmp);
        runs.get(runs.len() / 2).copied()
    }

    /// Lowest and highest microseconds per request.
    pub(crate) fn spread(&self, scene: Scene, kind: Kind) -> Option<(f64, f64)> {
        let runs = self.cpu.get(&(scene, kind))?;
        let low = runs.iter().copied().min_by(f64::total_cmp)?;
        Some((low, runs.iter().copied().max_by(f64::total_cmp)?))
    }

    /// What telling so much costs: the median over rounds of the difference to telling nothing, in
    /// microseconds per request.
    pub(crate) fn told(&self, told: Told) -> Option<f64> {
        let runs = |told| self.cpu.get(&(Scene::Told, Kind::Telling(told)));
        let rounds = runs(told)?.iter().zip(runs(Told::Nothing)?);
        let mut more: Vec<f64> = rounds.map(|(told, nothing)| told - nothing).collect();
        more.sort_by(f64::total_cmp);
        more.get(more.len() / 2).copied()
    }

    /// Bytes per idle connection.
    pub(crate) fn idle(&self, kind: Kind) -> Option<f64> {
        self.idle.get(&kind).copied()
    }

    /// How many times `other`'s cost ours is.
    pub(crate) fn ratio(&self, scene: Scene, other: Kind) -> Option<f64> {
        Some(self.cpu(scene, OURS)? / self.cpu(scene, other)?)
    }
}

const OURS: Kind = Kind::Cutover { routes: 10 };
const MANY: Kind = Kind::Cutover { routes: 10_000 };

/// Every bar whose peers were measured.
pub(crate) fn bars(figures: &Figures) -> Vec<Bar> {
    let grown = figures.cpu(Scene::Routed, MANY).zip(figures.cpu(Scene::Routed, OURS));
    let copied = |kind| figures.cpu(Scene::Copied, kind);
    let shadowing = |other| Some(copied(Kind::Shadowing)? / copied(other)?);
    let bars = [
        (
            figures.ratio(Scene::Small, Kind::Haproxy),
            "CPU of a 1 KiB request, times HAProxy's",
            2.0,
            "×",
        ),
        (
            figures.ratio(Scene::Small, Kind::Envoy),
            "CPU of a 1 KiB request, times Envoy's",
            1.0,
            "×",
        ),
        (
            figures.ratio(Scene::Large, Kind::Haproxy),
            "CPU of a 64 KiB request, times HAProxy's",
            1.1,
            "×",
        ),
        (
            grown.map(|(many, few)| many / few),
            "CPU with 10,000 routes, times that with 10",
            1.05,
            "×",
        ),
        (
            shadowing(Kind::Mirroring),
            "CPU of a request that is copied and compared, times Envoy's that is mirrored",
            0.5,
            "×",
        ),
        (shadowing(OURS), "The same, times that of one that is not copied", 2.5, "×"),
        (
            figures.told(Told::Default),
            "CPU of what is told of a request by default, above that of telling nothing",
            1.5,
            " µs",
        ),
        (
            figures.idle(OURS).map(|bytes| bytes / 1024.0),
            "Memory of an idle connection",
            40.0,
            " KiB",
        ),
    ];
    let bar = |(measured, what, allowed, unit): (Option<f64>, _, _, _)| {
        Some(Bar { what, measured: measured?, allowed, unit })
    };
    bars.into_iter().filter_map(bar).collect()
}

impl Bar {
    pub(crate) fn is_met(&self) -> bool {
        self.measured <= self.allowed
    }

    /// One row of a Markdown table.
    pub(crate) fn row(&self) -> String {
        let Bar { what, measured, allowed, unit } = self;
        let verdict = if self.is_met() { "met" } else { "**missed**" };
        format!("| {what} | {measured:.2}{unit} | ≤ {allowed}{unit} | {verdict} |")
    }
}

impl fmt::Display for Bar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Bar { what, measured, allowed, unit } = self;
        write!(f, "{what}: {measured:.2}{unit}, allowed {allowed}{unit}")
    }
}

impl fmt::Display for Scene {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Scene::Small => "1 KiB",
            Scene::Large => "64 KiB",
            Scene::Routed => "routed",
            Scene::Copied => "copied",
            Scene::Told => "told",
        })
    }
}
