//! Files in and out.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::TargetRow;
use crate::loader::{ConfigFile, Diagnostic};

/// Files whose effect is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PlanBody {
    /// All of them; what is not among them would be removed.
    pub files: Vec<ConfigFile>,
}

/// Files to be put in force and on disk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ApplyBody {
    /// The head that `plan` was made for.
    pub expect: u64,
    /// Why: 1 to 500 characters.
    pub reason: String,
    /// All of them; what is not among them is removed.
    pub files: Vec<ConfigFile>,
}

/// Why to read the files again.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReloadBody {
    /// 1 to 500 characters; default `reload`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// What files would change.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PlanAnswer {
    /// The head that this is true for: `expect` of the apply that follows.
    pub revision: u64,
    /// Applying the files would change something.
    pub changes: bool,
    /// Routes that would change, wait, or stand elsewhere than their file says; in order.
    pub routes: Vec<PlanRow>,
    /// What else would change, in words: upstreams, groups, the default, other settings.
    pub settings: Vec<String>,
    /// What is doubtful in the files.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<Diagnostic>,
}

/// One route of a plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PlanRow {
    /// The route.
    pub route: String,
    /// What would happen.
    pub change: PlanChange,
    /// Where it is; absent: it is not declared now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<TargetRow>,
    /// What its file says; absent: it would no longer be declared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<TargetRow>,
    /// Stable name of what stands in the way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The same in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

/// What would happen to a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PlanChange {
    /// It is new.
    Added,
    /// It would no longer be a route; the default serves its requests.
    Removed,
    /// It would move to what its file says.
    Moved,
    /// Its match, upstreams or settings would change; its phase would not.
    Changed,
    /// It would not move, though its file says so: see `why`.
    Blocked,
    /// It stands elsewhere than its file says, since someone moved it after the file last changed;
    /// applying would not change that.
    Drifted,
}

/// The files in force.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FilesAnswer {
    /// The head.
    pub revision: u64,
    /// Their hash.
    pub hash: String,
    /// All of them, the process file first.
    pub files: Vec<ConfigFile>,
}
