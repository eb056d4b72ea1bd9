//! `[group.NAME]`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::route::{OneOrMany, SOURCE_PATTERN};

/// Routes that move together because they share entities.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Group {
    /// The team that answers for it.
    pub owner: String,
    /// Spreads this group's subjects independently of other groups'. Never change it during a
    /// migration: subjects would change sides. Default: the group's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub salt: Option<String>,
    /// Where a request's subject is read; the first source that yields a value wins. One of
    /// `cert:cn`, `cert:san`, `mqtt:client_id`, `mqtt:username`, `jwt:CLAIM`, `cookie:NAME`,
    /// `header:NAME`, `path:NAME`, `addr`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<OneOrMany>,
    /// Who belongs to new in `canary`, beside the percentage.
    #[serde(default, skip_serializing_if = "Cohort::is_empty")]
    pub cohort: Cohort,
    /// How both sides' stores are kept in step. Not supported by this version: writes that one
    /// side alone gets would be lost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sync: Option<Sync>,
    /// Both sides work on one store, so no sync is needed.
    #[serde(default)]
    pub shared_store: bool,
}

/// How both sides' stores are kept in step; any keys.
pub type Sync = BTreeMap<String, serde_json::Value>;

/// Who belongs to new in `canary`. Precedence: `deny`, `allow`, `attributes`, percentage.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Cohort {
    /// Subjects that legacy always serves.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub deny: Vec<String>,
    /// Subjects that new serves as soon as the route is in `canary`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub allow: Vec<String>,
    /// Subjects that new serves because of what they are.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub attributes: Vec<Attributes>,
}

/// Requests whose `source` has one of `values` belong to the cohort.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Attributes {
    /// Where the attribute is read; written as a subject source.
    #[schemars(regex(pattern = SOURCE_PATTERN))]
    pub source: String,
    /// The values that belong to the cohort, compared byte for byte.
    #[schemars(length(min = 1))]
    pub values: Vec<String>,
}

// === impl Cohort ===

impl Cohort {
    fn is_empty(&self) -> bool {
        *self == Cohort::default()
    }
}
