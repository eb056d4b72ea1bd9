//! What is copied.

use chassis::canonical::RowDigest;
use serde::{Deserialize, Serialize};

/// A kind of row, in the order of copying: owners before what they own, deletions last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Entity {
    /// Whose a home is.
    Homes,
    /// Devices.
    Devices,
    /// Devices that were deleted.
    Tombstones,
}

/// A row of the monolith, ready for comparison and for registry's import.
#[derive(Clone, Debug)]
pub(crate) struct LegacyRow {
    pub(crate) digest: RowDigest,
    pub(crate) import: serde_json::Value,
    /// Upper bound of the bytes of `import` as text.
    pub(crate) bytes_max: usize,
}

impl Entity {
    /// All, in the order of copying.
    pub const ALL: [Entity; 3] = [Entity::Homes, Entity::Devices, Entity::Tombstones];

    /// As registry and the state file write it.
    pub fn name(self) -> &'static str {
        match self {
            Entity::Homes => "homes",
            Entity::Devices => "devices",
            Entity::Tombstones => "tombstones",
        }
    }
}
