//! Samples as JSON documents that outlive the process.
//!
//! Fields that nobody knows are passed over, so that a release may add some; a document of
//! another version is refused.

use cutover_domain::{exchange::TraceIds, parity::Shape};
use serde::{Deserialize, Serialize};

use super::{Sample, SampleHead, SampleId};
use crate::redaction::{Outline, RequestOutline};

/// The version of documents that this release writes, and the only one that it reads.
pub const VERSION: u32 = 1;

/// Why a text is no sample, or names none.
#[derive(Debug, thiserror::Error)]
pub enum BadSample {
    /// Another release wrote it.
    #[error("the sample has version {0}, but this release reads version {VERSION}")]
    Version(u32),
    /// It is no document of a sample.
    #[error("this is no document of a sample")]
    Damaged(#[from] serde_json::Error),
    /// It is no id of a sample.
    #[error("`{0}` is no id of a sample: they have 16 hexadecimal digits")]
    Id(String),
}

#[derive(Serialize, Deserialize)]
struct SampleDoc {
    version: u32,
    id: Hex64,
    at_ms: u64,
    live_trace: TraceDoc,
    copy_trace: TraceDoc,
    shape: String,
    key: Hex64,
    request: RequestOutline,
    legacy: Outline,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    candidate: Option<Outline>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    fault: Option<Box<str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reference: Option<Outline>,
}

#[derive(Serialize, Deserialize)]
struct TraceDoc {
    trace_id: String,
    span_id: Hex64,
}

#[derive(Deserialize)]
struct Versioned {
    version: u32,
}

/// 64 bits as 16 hexadecimal digits: JSON's readers round large numbers.
#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
struct Hex64(u64);

// === impl Sample ===

impl Sample {
    /// Its document.
    pub fn to_document(&self) -> String {
        let head = &self.head;
        let doc = SampleDoc {
            version: VERSION,
            id: Hex64(head.id.0),
            at_ms: head.at_ms,
            live_trace: TraceDoc::of(head.live_trace),
            copy_trace: TraceDoc::of(head.copy_trace),
            shape: head.shape.as_str().to_owned(),
            key: Hex64(self.key_id),
            request: self.request.clone(),
            legacy: self.legacy.clone(),
            candidate: self.candidate.clone(),
            fault: self.fault.clone(),
            reference: self.reference.clone(),
        };
        serde_json::to_string(&doc).expect("trees with texts as keys can be written")
    }

    /// The sample of a document.
    pub fn from_document(text: &str) -> Result<Sample, BadSample> {
        let Versioned { version } = serde_json::from_str(text)?;
        if version != VERSION {
            return Err(BadSample::Version(version));
        }
        let doc: SampleDoc = serde_json::from_str(text)?;
        Ok(Sample {
            head: SampleHead {
                id: SampleId(doc.id.0),
                at_ms: doc.at_ms,
                live_trace: doc.live_trace.ids()?,
                copy_trace: doc.copy_trace.ids()?,
                shape: Shape::from_text(&doc.shape),
            },
            key_id: doc.key.0,
            request: doc.request,
            legacy: doc.legacy,
            candidate: doc.candidate,
            fault: doc.fault,
            reference: doc.reference,
        })
    }
}

// === impl TraceDoc ===

impl TraceDoc {
    fn of(ids: TraceIds) -> TraceDoc {
        TraceDoc { trace_id: format!("{:032x}", ids.trace_id), span_id: Hex64(ids.span_id) }
    }

    fn ids(&self) -> Result<TraceIds, serde_json::Error> {
        let trace_id = u128::from_str_radix(&self.trace_id, 16);
        let trace_id = trace_id.map_err(serde::de::Error::custom)?;
        Ok(TraceIds { trace_id, span_id: self.span_id.0 })
    }
}

// === impl Hex64 ===

impl From<Hex64> for String {
    fn from(Hex64(number): Hex64) -> String {
        format!("{number:016x}")
    }
}

impl TryFrom<String> for Hex64 {
    type Error = std::num::ParseIntError;

    fn try_from(text: String) -> Result<Hex64, std::num::ParseIntError> {
        u64::from_str_radix(&text, 16).map(Hex64)
    }
}
