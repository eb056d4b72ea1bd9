//! What a handle says of samples, and what a store is told of them.

use std::sync::Arc;

use cutover_domain::{
    compare::Rules,
    parity::{Class, Place},
};

use super::ShadowHandle;
use crate::{
    judge,
    rejudge::{JudgeAnswerError, JudgedAnswer, RawAnswer, Rejudge, Rejudged},
    route::Route,
    samples::{
        BadSample, Changes, Clusters, Mark, RestoredSamples, Sample, SampleId, StoredCluster,
    },
    suggest::{Known, Suggestion, suggestions},
};

// === impl ShadowHandle ===

impl ShadowHandle {
    /// The mismatches of one route; `None`: no copies were ever taken for it.
    pub fn clusters(&self, route: &str) -> Option<Clusters> {
        Some(self.known(route)?.samples.lock().clusters())
    }

    /// One sample of a route; `None`: there is none of this name, or no more.
    ///
    /// # Errors
    ///
    /// The document that a store gave back cannot be read.
    pub fn sample(&self, route: &str, id: SampleId) -> Result<Option<Sample>, BadSample> {
        let stored = self.known(route).and_then(|route| route.samples.lock().sample(id));
        stored.map(|stored| Sample::from_document(&stored.document)).transpose()
    }

    /// Rules that evidence speaks for, at most one a path.
    pub fn suggestions(&self, route: &str) -> Vec<Suggestion> {
        let Some(route) = self.known(route) else { return Vec::new() };
        let has_references = route.comparing.lock().has_references;
        let known = route.with_parity(|parity| {
            let state = parity.snapshot();
            Known { pairs: state.noise.pairs, has_references, paths: state.paths.clone() }
        });
        suggestions(&route.samples.lock(), &known, judge::now())
    }

    /// Judges the samples of a route by other rules. `now`: seconds since 1970, for the expiry of
    /// rules. `None`: no copies were ever taken for it.
    pub fn rejudge(&self, route: &str, rules: &Rules, now: u64) -> Option<Rejudged> {
        let stored = self.known(route)?.samples.lock().stored();
        Some(self.by(rules, now).clusters(stored))
    }

    /// Judges another answer to the request of a sample, and forgets it. Rules that learn which
    /// values are renamed begin without a memory.
    pub fn judge_answer(
        &self,
        route: &str,
        id: SampleId,
        answer: &RawAnswer,
        rules: &Rules,
        now: u64,
    ) -> Result<JudgedAnswer, JudgeAnswerError> {
        let route = self.known(route).ok_or(JudgeAnswerError::Route)?;
        let stored = route.samples.lock().sample(id).ok_or(JudgeAnswerError::Sample(id))?;
        let sample = Sample::from_document(&stored.document)?;
        let mut judged = self.by(rules, now).answer(sample, answer)?;
        tell_known(&route, &mut judged);
        Ok(judged)
    }

    /// What changed of a route's clusters since a store asked last, for it to write; `None`: no
    /// copies were ever taken for the route.
    pub fn sample_changes(&self, route: &str, since: Mark) -> Option<Changes> {
        Some(self.known(route)?.samples.lock().changes(since))
    }

    /// Takes in what a store kept of a route's clusters, beside what is known already. For the
    /// start. Where parity did not go on from what was kept ([`ShadowHandle::resume`]), counts are
    /// to be given as 0: only the samples are of use. Samples that cannot be read, or for which
    /// there is no room, are left out; the latter count in `cutover_shadow_samples_dropped_total`.
    pub fn restore_samples(
        &self,
        route: &str,
        clusters: Vec<StoredCluster>,
        other: u64,
    ) -> RestoredSamples {
        let route = self.route(route);
        let since_ms = route.with_parity(|parity| parity.snapshot().since.saturating_mul(1_000));
        let mut restored = RestoredSamples::default();
        for mut cluster in clusters {
            let given = std::mem::take(&mut cluster.samples);
            let samples: Vec<_> = given
                .iter()
                .filter_map(|given| {
                    // A request may be the sample of more than one cluster, and is kept once.
                    if let Some(known) = route.samples.lock().sample(given.id) {
                        return Some(known);
                    }
                    let sample = Sample::from_document(&given.document).ok()?;
                    self.0.keeper.store(sample.head, Arc::clone(&given.document))
                })
                .collect();
            let known = route.samples.lock().restore(cluster, samples, since_ms);
            restored.samples += known;
            restored.left_out += given.len() - known;
        }
        restored.mark = route.samples.lock().restore_other(other);
        restored
    }

    /// Forgets samples and clusters that are older than 7 days at `now_ms`, in milliseconds since
    /// 1970. To be called every minute or so.
    pub fn prune_samples(&self, now_ms: u64) {
        let routes: Vec<Arc<Route>> = self.0.routes.lock().values().cloned().collect();
        routes.iter().for_each(|route| route.samples.lock().prune(now_ms));
    }

    /// Bytes that the samples of all routes take.
    pub fn sample_bytes(&self) -> u64 {
        self.0.keeper.bytes_used()
    }

    fn by<'r>(&'r self, rules: &'r Rules, now: u64) -> Rejudge<'r> {
        let keeper = &self.0.keeper;
        Rejudge { rules, limits: &keeper.limits, now, redactor: &keeper.redactor }
    }
}

/// Marks differences that legacy is known to have with itself.
fn tell_known(route: &Route, judged: &mut JudgedAnswer) {
    route.with_parity(|parity| {
        let noise = &parity.snapshot().noise;
        for difference in &mut judged.differences {
            let is_known = noise.knows(&Place::At(difference.path.clone()), difference.kind);
            if difference.class == Class::Suspect && is_known {
                difference.class = Class::Known;
            }
        }
    });
}
