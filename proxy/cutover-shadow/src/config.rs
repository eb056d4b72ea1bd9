//! How copies are sent and compared.

use std::time::Duration;

use ring::rand::{SecureRandom, SystemRandom};

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

impl Default for Config {
    fn default() -> Config {
        let mut redaction_key = [0; 32];
        SystemRandom::new()
            .fill(&mut redaction_key)
            .expect("the operating system gives random bytes");
        Config {
            intake_max: 1_024,
            concurrency_max: 64,
            queue_max: 256,
            comparisons_max: 1_024,
            deadline_min: Duration::from_millis(250),
            deadline_max: Duration::from_secs(5),
            redaction_key,
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
