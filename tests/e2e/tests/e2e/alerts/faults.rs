//! Ways to fail, each with the alert that has to tell of it.

use std::time::Duration;

use e2e::config::TEAM_FILE;
use e2e::raw::RawConnection;
use e2e::upstream;
use rustix::process::Signal;

use super::stage::{CONNECTIONS_MAX, Stage};

/// A fault and its alert.
pub(in super::super) struct Fault {
    pub(in super::super) name: &'static str,
    pub(in super::super) alert: &'static str,
    /// Labels that the page has.
    pub(in super::super) labels: &'static [(&'static str, &'static str)],
    what: What,
}

/// What is done.
enum What {
    New(upstream::Fault),
    Legacy(upstream::Fault),
    /// The team's file: text to be replaced, and its replacement.
    File(&'static str, &'static str),
    /// More idle connections than one address may have.
    Connections,
    /// The process stands still.
    Stopped,
    /// Somebody pulls the off switch.
    LegacyAll,
}

const BURN: &str = "CutoverSLOErrorBudgetBurn";
const READS: (&str, &str) = ("cutover_slo", "device-read-availability");
/// Of what a burning budget tells, what somebody is woken for.
pub(super) const PAGE: (&str, &str) = ("severity", "page");
const NEW: (&str, &str) = ("cutover_side", "new");

/// Every one; the ones that leave traces come last.
pub(in super::super) const FAULTS: &[Fault] = &[
    Fault {
        name: "new_errors",
        alert: BURN,
        labels: &[READS, NEW],
        what: What::New(upstream::Fault::Status(500)),
    },
    Fault {
        name: "new_unavailable",
        alert: "CutoverFallbackActive",
        labels: &[("cutover_route", "device-read")],
        what: What::New(upstream::Fault::Status(503)),
    },
    Fault {
        name: "new_refuses",
        alert: "CutoverUpstreamDown",
        labels: &[("upstream", "new")],
        what: What::New(upstream::Fault::Refuse),
    },
    Fault {
        name: "new_slow",
        alert: BURN,
        labels: &[("cutover_slo", "device-read-latency"), NEW],
        what: What::New(upstream::Fault::Slow(Duration::from_millis(400))),
    },
    Fault {
        name: "new_hangs",
        alert: BURN,
        labels: &[READS, NEW],
        what: What::New(upstream::Fault::Hang),
    },
    Fault {
        name: "new_resets",
        alert: BURN,
        labels: &[READS, NEW],
        what: What::New(upstream::Fault::Reset),
    },
    Fault {
        name: "legacy_errors",
        alert: BURN,
        labels: &[("cutover_slo", "device-list-availability"), ("cutover_side", "legacy")],
        what: What::Legacy(upstream::Fault::Status(500)),
    },
    Fault {
        name: "legacy_refuses",
        alert: "CutoverUpstreamDown",
        labels: &[("upstream", "legacy")],
        what: What::Legacy(upstream::Fault::Refuse),
    },
    Fault {
        name: "too_many_connections",
        alert: "CutoverProxySaturated",
        labels: &[("reason", "connections_per_address_max")],
        what: What::Connections,
    },
    Fault {
        name: "files_with_a_mistake",
        alert: "CutoverConfigReloadFailed",
        labels: &[],
        what: What::File("phase = \"live\"", "phase = \"lvie\""),
    },
    Fault {
        name: "answers_that_differ",
        alert: "CutoverParityDrop",
        labels: &[("cutover_route", "device-read")],
        what: What::File("phase = \"live\"", "phase = \"live\"\nshadow = {}"),
    },
    Fault {
        name: "proxy_stands_still",
        alert: "CutoverDown",
        labels: &[("job", "cutover")],
        what: What::Stopped,
    },
    Fault {
        name: "off_switch",
        alert: "CutoverAutoRollback",
        labels: &[("trigger", "kill_switch")],
        what: What::LegacyAll,
    },
];

pub(in super::super) fn find(name: &str) -> &'static Fault {
    FAULTS.iter().find(|fault| fault.name == name).expect("a name of the table")
}

// === impl Fault ===

impl Fault {
    /// Whether it is a budget that burns, which is told for several windows.
    pub(in super::super) fn is_burn(&self) -> bool {
        self.alert == BURN
    }

    /// Labels of the page: of a budget's tickets nobody is woken.
    pub(in super::super) fn page_labels(&self) -> Vec<(&'static str, &'static str)> {
        let page = self.is_burn().then_some(PAGE);
        self.labels.iter().copied().chain(page).collect()
    }

    pub(in super::super) async fn inject(&self, stage: &Stage) {
        let proxy = &stage.pair.proxy;
        match self.what {
            What::New(fault) => stage.pair.new.set(fault).await,
            What::Legacy(fault) => stage.pair.legacy.set(fault).await,
            What::File(from, to) => replace(stage, from, to),
            What::Connections => {
                let mut idle = stage.idle.lock().await;
                for _ in 0..CONNECTIONS_MAX {
                    idle.extend(RawConnection::open(proxy.addr()).await);
                }
            }
            What::Stopped => proxy.process().signal(Signal::STOP),
            What::LegacyAll => std::fs::write(proxy.dir().join("legacy-all"), "").unwrap(),
        }
    }

    pub(in super::super) async fn heal(&self, stage: &Stage) {
        let proxy = &stage.pair.proxy;
        match self.what {
            What::New(_) => stage.pair.new.set(upstream::Fault::None).await,
            What::Legacy(_) => stage.pair.legacy.set(upstream::Fault::None).await,
            What::File(from, to) => replace(stage, to, from),
            What::Connections => stage.idle.lock().await.clear(),
            What::Stopped => proxy.process().signal(Signal::CONT),
            What::LegacyAll => std::fs::remove_file(proxy.dir().join("legacy-all")).unwrap(),
        }
    }
}

fn replace(stage: &Stage, from: &str, to: &str) {
    let path = stage.pair.proxy.dir().join(TEAM_FILE);
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.contains(from), "{from:?} is not in the file");
    std::fs::write(&path, text.replace(from, to)).unwrap();
    stage.pair.proxy.process().signal(Signal::HUP);
}
