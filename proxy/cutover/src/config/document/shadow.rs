//! `shadow`, `noise` and `[[route.rule]]`: how a route's requests are copied and compared.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How requests are copied to the side that does not serve them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Shadow {
    /// Share of subjects whose requests are copied, 0 to 100 with at most two decimals.
    #[schemars(extend("allOf" = [{ "minimum": 0, "maximum": 100 }]))]
    pub percent: f64,
    /// What becomes of `Authorization` and `Cookie` in a copy.
    pub credentials: Credentials,
    /// Copies a second at most; 0 for as many as there are.
    pub max_rps: u32,
    /// Places whose values samples of mismatches may keep: `body.status`, `header.x-page`, and of
    /// requests `query.limit`, `path.slug`, `request.header.accept`, `request.body.kind`; `.*` is
    /// any key, `.**` all within. All other values are redacted; credentials always are.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub keep: Vec<String>,
}

/// What becomes of credentials in a copy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Credentials {
    /// They go along.
    Forward,
    /// They are left out.
    #[default]
    Drop,
    /// Each client session keeps a jar of the cookies that the candidate itself set.
    Session,
}

/// How legacy's own noise is learnt.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Noise {
    /// Share of compared requests for which legacy is asked a second time, 0 to 100. All of the
    /// first 500 are.
    #[schemars(extend("allOf" = [{ "minimum": 0, "maximum": 100 }]))]
    pub sample: f64,
}

/// One way in which both sides' answers may differ. Exactly one of its actions is given.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Where: `status`, `header.NAME`, `body.devices[].name`; `.*` is any key, `.**` all within.
    pub path: String,
    /// Why, for whoever reads it next year.
    pub reason: String,
    /// Last day on which the rule holds, as `2026-12-31`. Without it: for good.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<String>,
    /// Kinds of difference that do not count; empty for all that break no client. `status`,
    /// `missing` and `type` need an exact path and an expiry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ignore: Option<Vec<String>>,
    /// Differences that count only beyond this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tolerate: Option<Tolerate>,
    /// The list is a set, its elements told apart by this field; empty: the whole element.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unordered_by: Option<String>,
    /// Any two values of this format agree: `uuid`, `rfc3339`, `integer` …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shape: Option<String>,
    /// Values may be others if they map one-to-one; rules of one name share the mapping.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub renamed: Option<String>,
    /// Texts are compared after these steps: `trim`, `lower-case` …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub normalise: Option<Vec<String>>,
    /// What is left out by default is compared: bodies of errors at `body`, a volatile header.
    #[serde(default, skip_serializing_if = "is_false")]
    pub compare: bool,
}

/// How far answers may differ. Exactly one is given.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Tolerate {
    /// A list may have its elements in another order.
    #[serde(skip_serializing_if = "is_false")]
    pub order: bool,
    /// There may be more than legacy has.
    #[serde(skip_serializing_if = "is_false")]
    pub extra: bool,
    /// Numbers may lie this far apart; written as text, so that it is exact: `"0.01"`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub number: Option<String>,
    /// Moments may lie this many milliseconds apart.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_ms: Option<u64>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_false(value: &bool) -> bool {
    !value
}

// === impl Shadow ===

impl Default for Shadow {
    fn default() -> Shadow {
        Shadow {
            percent: 100.0,
            credentials: Credentials::default(),
            max_rps: 50,
            keep: Vec::new(),
        }
    }
}

// === impl Noise ===

impl Default for Noise {
    fn default() -> Noise {
        Noise { sample: 10.0 }
    }
}
