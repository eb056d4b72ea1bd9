//! Making samples of mismatches, and finding room for them.

use std::{sync::Arc, time::UNIX_EPOCH};

use cutover_domain::{
    compare::{Answer, Limits},
    exchange::{Budget, Keep},
    parity::Shape,
};
use prometheus_client::metrics::counter::Counter;
use xxhash_rust::xxh3::xxh3_64;

use super::{SAMPLES_BYTES_MAX, Sample, SampleHead, SampleId, Stored};
use crate::{
    judge::{Asked, CANDIDATE, LEGACY, REFERENCE},
    redaction::{Redactor, request_outline},
};

/// Makes samples, within the bytes that those of all routes may take.
pub(crate) struct Keeper {
    pub(crate) redactor: Redactor,
    pub(crate) limits: Limits,
    budget: Budget,
    dropped: Counter,
}

// === impl Keeper ===

impl Keeper {
    /// `dropped` counts samples for which there was no room.
    pub(crate) fn new(redactor: Redactor, limits: Limits, dropped: Counter) -> Keeper {
        Keeper { redactor, limits, budget: Budget::new(SAMPLES_BYTES_MAX), dropped }
    }

    /// A sample of one mismatch, of the answers that were read and why the candidate has none;
    /// `None`: there is no room.
    pub(crate) fn sample(
        &self,
        asked: &Asked,
        (answers, failure): (&[(&'static str, Answer)], Option<&'static str>),
        shape: &Shape,
    ) -> Option<Arc<Stored>> {
        let exchange = &asked.exchange;
        let spec = &exchange.table.routes[exchange.route].spec;
        let nothing = Keep::default();
        let keep = spec.shadow.as_ref().map_or(&nothing, |shadow| &shadow.keep);
        let outline = |whose| {
            let answer = answers.iter().find(|(name, _)| *name == whose);
            answer.map(|(_, answer)| self.redactor.outline(answer, keep))
        };
        // The shape begins with the method, or with a word that stands for one.
        let method = shape.as_str().split(' ').next().unwrap_or_default();
        let sample = Sample {
            head: SampleHead {
                id: sample_id(asked),
                at_ms: at_ms(asked),
                live_trace: exchange.trace,
                copy_trace: asked.traced.ids(),
                shape: shape.clone(),
            },
            key_id: self.redactor.key_id(),
            request: request_outline(
                &exchange.request,
                method,
                &spec.endpoint.path,
                keep,
                (&self.redactor, &self.limits),
            ),
            legacy: outline(LEGACY)?,
            candidate: outline(CANDIDATE),
            fault: failure.map(Into::into),
            reference: outline(REFERENCE),
        };
        let document = sample.to_document().into();
        self.store(sample.head, document)
    }

    /// Finds room for a sample.
    pub(crate) fn store(&self, head: SampleHead, document: Arc<str>) -> Option<Arc<Stored>> {
        match self.budget.reserve(document.len() as u64) {
            Ok(_reserved) => Some(Arc::new(Stored { head, document, _reserved })),
            Err(_) => {
                self.dropped.inc();
                None
            }
        }
    }

    /// Bytes that all samples take.
    pub(crate) fn bytes_used(&self) -> u64 {
        self.budget.used()
    }
}

/// When the live request came, in milliseconds since 1970.
pub(crate) fn at_ms(asked: &Asked) -> u64 {
    let since = asked.exchange.at.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// The id of the copy's span is random, and leads from the sample to the trace and back.
fn sample_id(asked: &Asked) -> SampleId {
    SampleId(asked.traced.ids().span_id)
}

/// A fair number for each request.
pub(crate) fn draw(asked: &Asked) -> u64 {
    let ids = asked.traced.ids();
    xxh3_64(&[ids.trace_id.to_le_bytes(), u128::from(ids.span_id).to_le_bytes()].concat())
}

#[cfg(test)]
mod tests;
