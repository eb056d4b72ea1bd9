//! How copies are sent and compared.

mod key;

use std::{error::Error, path::Path, time::Duration};

pub use self::key::RedactionKeyError;
use self::key::{key_of_file, random_key};

/// How copies are sent and compared. The defaults are those that the contract of copies names.
#[derive(Clone)]
pub struct Config {
    /// Copies that may wait to be looked at. Default 1,024.
    pub intake_max: usize,
    /// Requests at once to one candidate. Default 64.
    pub concurrency_max: usize,
    /// Copies that wait for one candidate; newer ones are dropped. Default 256.
    pub queue_max: usize,
    /// Answers that wait to be compared; newer ones are incomparable. Default 1,024.
    pub comparisons_max: usize,
    /// Shortest deadline of a copy, however fast the live side is. Default 250 ms.
    pub deadline_min: Duration,
    /// Longest deadline of a copy, and the one before enough is known of the live side.
    /// Default 5 s.
    pub deadline_max: Duration,
    /// Key of the hashes that stand for values in samples. Default: random for each process, so
    /// that hashes of two processes say nothing about each other.
    pub redaction_key: [u8; 32],
}

// === impl Config ===

impl Config {
    /// The key in this file, for [`Config::redaction_key`]: hashes then outlive the process, and
    /// samples of before can be compared with answers of now. Makes the file, readable by its
    /// owner alone, if there is none. Where that fails the key is a random one, and the log says
    /// why: samples work, but not across a restart.
    pub fn redaction_key_file(path: &Path) -> [u8; 32] {
        key_of_file(path).unwrap_or_else(|error| {
            tracing::warn!(
                error = %error,
                source = error.source().map(tracing::field::display),
                "{error}; samples are redacted with a key of this process alone"
            );
            random_key()
        })
    }
}

impl Default for Config {
    fn default() -> Config {
        Config {
            intake_max: 1_024,
            concurrency_max: 64,
            queue_max: 256,
            comparisons_max: 1_024,
            deadline_min: Duration::from_millis(250),
            deadline_max: Duration::from_secs(5),
            redaction_key: random_key(),
        }
    }
}

impl std::fmt::Debug for Config {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The key is a secret and stays out.
        f.debug_struct("Config")
            .field("intake_max", &self.intake_max)
            .field("concurrency_max", &self.concurrency_max)
            .field("queue_max", &self.queue_max)
            .field("comparisons_max", &self.comparisons_max)
            .field("deadline_min", &self.deadline_min)
            .field("deadline_max", &self.deadline_max)
            .finish_non_exhaustive()
    }
}
