//! Waiting for a state, with a deadline.

use std::fmt;
use std::time::{Duration, Instant};

/// How long a state may take where nothing says otherwise. Generous: two slow cores run
/// everything at once.
pub const DEADLINE: Duration = Duration::from_secs(20);

/// Pause between two looks.
const PAUSE: Duration = Duration::from_millis(5);

/// A state did not come.
#[derive(Debug)]
pub struct TooLate {
    what: String,
    waited: Duration,
}

impl fmt::Display for TooLate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} did not come within {:.1} s", self.what, self.waited.as_secs_f64())
    }
}

impl std::error::Error for TooLate {}

/// Looks again and again until `probe` gives a value, at most for [`DEADLINE`].
///
/// `what` completes "… did not come within 20 s".
pub async fn eventually<T>(
    what: impl Into<String>,
    probe: impl AsyncFnMut() -> Option<T>,
) -> Result<T, TooLate> {
    within(DEADLINE, what, probe).await
}

/// [`eventually`] with a deadline of its own.
pub async fn within<T>(
    deadline: Duration,
    what: impl Into<String>,
    mut probe: impl AsyncFnMut() -> Option<T>,
) -> Result<T, TooLate> {
    let began = Instant::now();
    loop {
        if let Some(value) = probe().await {
            return Ok(value);
        }
        if began.elapsed() >= deadline {
            return Err(TooLate { what: what.into(), waited: began.elapsed() });
        }
        tokio::time::sleep(PAUSE).await;
    }
}
