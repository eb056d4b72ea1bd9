//! Which build of the candidate answers.

use std::collections::VecDeque;

use http::{HeaderMap, HeaderName};

/// The field by which a candidate names its build in answers to copies; any text that another
/// build would not have.
const BUILD: HeaderName = HeaderName::from_static("cutover-build");
/// Longest name of a build that is taken, in bytes.
const BUILD_BYTES_MAX: usize = 128;
/// Answers in a row after which an earlier build is taken to be back. While one replaces another,
/// both answer by turns, and parity must not begin anew with each answer.
const BACK_AFTER: u32 = 16;
/// Earlier builds that are remembered.
const EARLIER_MAX: usize = 16;

/// The builds of one route's candidate, as they were seen.
#[derive(Debug, Default)]
pub(crate) struct Builds {
    current: Option<Box<str>>,
    earlier: VecDeque<Box<str>>,
    /// Answers of earlier builds since the last of the current one.
    streak: u32,
}

/// The build that an answer names.
pub(crate) fn named(headers: &HeaderMap) -> Option<&str> {
    let build = headers.get(BUILD)?.to_str().ok()?.trim();
    (!build.is_empty() && build.len() <= BUILD_BYTES_MAX).then_some(build)
}

// === impl Builds ===

impl Builds {
    /// Takes in who answered. True: from now on this build is the candidate.
    pub(crate) fn replaces(&mut self, build: &str) -> bool {
        if self.current.as_deref() == Some(build) {
            self.streak = 0;
            return false;
        }
        if self.earlier.iter().any(|earlier| **earlier == *build) {
            self.streak += 1;
            if self.streak < BACK_AFTER {
                return false;
            }
        }
        self.earlier.retain(|earlier| **earlier != *build);
        self.earlier.extend(self.current.replace(build.into()));
        if self.earlier.len() > EARLIER_MAX {
            self.earlier.pop_front();
        }
        self.streak = 0;
        true
    }
}

#[cfg(test)]
mod tests;
