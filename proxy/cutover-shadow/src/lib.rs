//! Copies of requests: sent to the side that did not serve them, compared, judged.
//!
//! The gateway hands over an [`Exchange`](cutover_domain::Exchange) through
//! [`Copies`](cutover_domain::exchange::Copies), which [`ShadowHandle`] implements, and never
//! waits. One thread with a runtime of its own asks the candidate and, for a sample of requests,
//! legacy a second time; another one parses and compares. Both run below the data plane's
//! priority.
//!
//! ```text
//! take → intake → rate → queue → limit → breaker → deadline → client     (thread `shadow`)
//!                                                        ↓
//!                     verdict ← parity ← compare ← parse ← queue         (thread `compare`)
//! ```
//!
//! Every copy is a ticket, which is settled exactly once: compared, or dropped
//! for a reason of ours. So `eligible = compared + dropped`, whatever a candidate does.
//!
//! Refused here: retries, redirects, following what a candidate says about caching or priority,
//! and anything that could wait on behalf of a request in service.

mod accounting;
mod client;
mod config;
mod engine;
mod handle;
mod headers;
mod intake;
mod jar;
mod judge;
pub mod kept;
mod lane;
mod metrics;
mod parse;
mod record;
mod redaction;
mod rejudge;
mod route;
mod samples;
mod suggest;
mod ticket;
mod traces;

pub use self::{
    accounting::Accounting,
    config::{Config, RedactionKeyError},
    handle::{RouteReport, ShadowHandle, StartError, start},
    metrics::ShadowMetrics,
    record::Record,
    redaction::{
        BadTree, BodyOutline, Hidden, Key, Leaf, Node, NotReplayable, OUTLINE_BYTES_MAX, Outline,
        Replay, RequestOutline, Sort,
    },
    rejudge::{
        Doubt, JudgeAnswerError, JudgedAnswer, JudgedDifference, Outcome, RawAnswer, Rejudged,
        RejudgedCluster, RejudgedSample,
    },
    samples::{
        BadSample, CLUSTERS_MAX, Changes, Cluster, ClusterChange, ClusterKey, Clusters,
        ListedSample, Mark, RestoredSamples, SAMPLE_VERSION, SAMPLES_BYTES_MAX, SAMPLES_MAX,
        SAMPLES_MILLIS, Sample, SampleHead, SampleId, StoredCluster, StoredSample,
    },
    suggest::{Evidence, Suggestion},
};
