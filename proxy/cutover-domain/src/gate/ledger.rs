//! What both sides served: counters in, evidence out.

use std::sync::Arc;

use super::{
    Settings, Traffic,
    latency::Counts,
    regression::{Evidence, Served},
    shared::Meters,
};
use crate::{
    Phase, Target,
    slo::{MINUTE_MS, MOMENT_MS, Meter, RULES, Tally},
};

/// What was served over windows, and since the present step began. About 16 KiB.
#[derive(Clone, Debug)]
pub(crate) struct Ledger {
    legacy: Meter,
    new: Meter,
    /// Counters at the last look; `None`: there was none that the next can be compared with.
    last: Option<[Counters; 2]>,
    since_ms: u64,
    step: [Tally; 2],
    /// Latencies when the step began.
    before: Option<[Arc<[u64]>; 2]>,
    evidence: Evidence,
}

/// What a step has to do with the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Begins {
    /// New serves more of the same.
    Growth,
    /// New serves its first users.
    First,
    /// New serves fewer, or is another build: what was counted of it says nothing about it now,
    /// not even what comes with the next look, of which a part is older.
    Other,
}

/// Counters of one side.
#[derive(Clone, Debug)]
struct Counters {
    tally: Tally,
    trials: u64,
    latency: Arc<[u64]>,
}

// === impl Ledger ===

impl Ledger {
    pub(crate) fn new(settings: &Settings, now_ms: u64) -> Ledger {
        let meter = Meter::new(settings.windows_scale, now_ms);
        Ledger {
            legacy: meter.clone(),
            new: meter,
            last: None,
            since_ms: now_ms,
            step: Default::default(),
            before: None,
            evidence: Evidence::default(),
        }
    }

    /// A step begins.
    pub(crate) fn begin_step(&mut self, begins: Begins, now_ms: u64) {
        if begins != Begins::Growth {
            self.new.restart(now_ms);
        }
        if begins == Begins::Other {
            self.last = None;
        }
        self.since_ms = now_ms;
        self.step = Default::default();
        self.before =
            self.last.as_ref().map(|last| last.each_ref().map(|side| side.latency.clone()));
        self.evidence = Evidence::default();
    }

    /// Takes in the counters of one look; gives the requests that new has got since the last.
    pub(crate) fn take(&mut self, traffic: &Traffic, target: Target, now_ms: u64) -> u64 {
        let now = [&traffic.legacy, &traffic.new].map(|side| Counters {
            tally: side.tally,
            trials: side.trials,
            latency: side.latency.clone(),
        });
        let last = self.last.replace(now.clone()).unwrap_or_else(|| now.clone());
        self.before.get_or_insert_with(|| last.each_ref().map(|side| side.latency.clone()));
        let gained = [0, 1].map(|side| now[side].tally.since(&last[side].tally));
        for (side, meter) in [&mut self.legacy, &mut self.new].into_iter().enumerate() {
            meter.add(&gained[side], now_ms);
            self.step[side].add(&gained[side]);
        }
        if target.phase == Phase::Canary {
            let [legacy, new] = [0, 1].map(|side| now[side].trials_since(&last[side]));
            let pi = self.share_of_new(traffic, target, now_ms);
            self.evidence.add(new, legacy, pi);
        }
        gained[1].requests
    }

    pub(crate) fn meters(&self) -> Meters<'_> {
        Meters { legacy: &self.legacy, new: &self.new }
    }

    pub(crate) fn evidence(&self) -> &Evidence {
        &self.evidence
    }

    /// What new served since the step began.
    pub(crate) fn step_of_new(&self) -> &Tally {
        &self.step[1]
    }

    pub(crate) fn served(&self) -> Served {
        let over = |length_ms| [&self.legacy, &self.new].map(|meter| meter.tally(length_ms));
        Served { step: self.step, recent: [over(RULES[0].short_ms), over(MOMENT_MS)] }
    }

    /// Latencies since the step began; `None`: not measured.
    pub(crate) fn latencies(&self) -> Option<[Counts; 2]> {
        let ([legacy, new], [legacy_before, new_before]) =
            (self.last.as_ref()?, self.before.as_ref()?);
        let legacy = Counts::between(legacy_before, &legacy.latency)?;
        Some([legacy, Counts::between(new_before, &new.latency)?])
    }

    /// New's share of the subjects that are active. Who is active is known of the last minute, in
    /// which a step that has just begun is not seen yet: until then it is at least the share that
    /// new is meant to have.
    fn share_of_new(&self, traffic: &Traffic, target: Target, now_ms: u64) -> f64 {
        let (legacy, new) = (traffic.legacy.subjects as f64, traffic.new.subjects as f64);
        let measured = if legacy + new > 0.0 { new / (legacy + new) } else { 0.0 };
        let is_new_step = now_ms - self.since_ms < MINUTE_MS;
        let meant = if is_new_step { target.percent.as_f64() / 100.0 } else { 0.0 };
        measured.max(meant)
    }
}

// === impl Counters ===

impl Counters {
    fn trials_since(&self, before: &Counters) -> u64 {
        self.trials.checked_sub(before.trials).unwrap_or(self.trials)
    }
}
