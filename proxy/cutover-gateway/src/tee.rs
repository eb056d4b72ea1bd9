//! Copying a body while it passes.

use cutover_domain::exchange::{Copied, Dropped, Reserved, Tee};

/// The copy of a body, as far as it has come. It never holds the body up: beyond its budget it is
/// given up.
pub(crate) struct BodyCopy(Result<(Tee, Reserved), Dropped>);

// === impl BodyCopy ===

impl BodyCopy {
    /// Keeps at most `bytes_max` bytes, on account of `reserved`, which holds nothing yet.
    pub(crate) fn new(bytes_max: usize, reserved: Reserved) -> BodyCopy {
        BodyCopy(Ok((Tee::new(bytes_max), reserved)))
    }

    /// The next piece of the body.
    pub(crate) fn pass(&mut self, data: &[u8]) {
        if let Ok((tee, reserved)) = &mut self.0
            && tee.pass(data, reserved).is_err()
        {
            self.0 = Err(Dropped::Budget);
        }
    }

    /// The body has ended: its copy, and what that holds of the budget.
    pub(crate) fn end(self) -> Result<(Copied, Reserved), Dropped> {
        self.0.map(|(tee, reserved)| (tee.finish(), reserved))
    }
}
