//! OpenSLO v1 as it is written, kind `SLO`: github.com/OpenSLO/OpenSLO, `README.md`, "SLO".

use std::collections::BTreeMap;

use serde::{Deserialize, de::IgnoredAny};
use serde_saphyr::Spanned;

/// What every document begins with.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Head {
    pub(super) api_version: Spanned<String>,
    pub(super) kind: Spanned<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Document {
    #[serde(rename = "apiVersion")]
    pub(super) _api_version: IgnoredAny,
    #[serde(rename = "kind")]
    pub(super) _kind: IgnoredAny,
    pub(super) metadata: Metadata,
    pub(super) spec: Spec,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Metadata {
    pub(super) name: Spanned<String>,
    #[serde(default)]
    pub(super) display_name: Option<String>,
    /// Values may be lists.
    #[serde(default)]
    pub(super) labels: BTreeMap<String, OneOrMany>,
    #[serde(default)]
    pub(super) annotations: BTreeMap<String, Spanned<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Spec {
    #[serde(default)]
    pub(super) description: Option<Spanned<String>>,
    #[serde(rename = "service")]
    pub(super) _service: String,
    #[serde(default)]
    pub(super) indicator: Option<Spanned<IndicatorDoc>>,
    #[serde(default)]
    pub(super) indicator_ref: Option<Spanned<String>>,
    pub(super) time_window: Spanned<Vec<TimeWindow>>,
    pub(super) budgeting_method: Spanned<String>,
    pub(super) objectives: Spanned<Vec<ObjectiveDoc>>,
    #[serde(rename = "alertPolicies", default)]
    pub(super) _alert_policies: IgnoredAny,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct IndicatorDoc {
    #[serde(rename = "metadata", default)]
    pub(super) _metadata: IgnoredAny,
    pub(super) spec: IndicatorSpec,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct IndicatorSpec {
    #[serde(rename = "description", default)]
    pub(super) _description: IgnoredAny,
    #[serde(default)]
    pub(super) ratio_metric: Option<Spanned<RatioMetric>>,
    #[serde(default)]
    pub(super) threshold_metric: Option<Spanned<IgnoredAny>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct RatioMetric {
    #[serde(default)]
    pub(super) counter: Option<Spanned<bool>>,
    #[serde(default)]
    pub(super) good: Option<Spanned<Metric>>,
    #[serde(default)]
    pub(super) bad: Option<Spanned<Metric>>,
    #[serde(default)]
    pub(super) total: Option<Spanned<Metric>>,
    #[serde(default)]
    pub(super) raw: Option<Spanned<IgnoredAny>>,
    #[serde(default)]
    pub(super) raw_type: Option<Spanned<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Metric {
    pub(super) metric_source: MetricSource,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct MetricSource {
    #[serde(rename = "type", default)]
    pub(super) kind: Option<Spanned<String>>,
    #[serde(default)]
    pub(super) spec: BTreeMap<String, Spanned<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct TimeWindow {
    pub(super) duration: Spanned<String>,
    #[serde(default)]
    pub(super) is_rolling: bool,
    #[serde(default)]
    pub(super) calendar: Option<Spanned<IgnoredAny>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct ObjectiveDoc {
    #[serde(rename = "displayName", default)]
    pub(super) _display_name: Option<String>,
    #[serde(default)]
    pub(super) target: Option<Spanned<f64>>,
    #[serde(default)]
    pub(super) target_percent: Option<Spanned<f64>>,
    #[serde(default)]
    pub(super) op: Option<Spanned<String>>,
    #[serde(default)]
    pub(super) value: Option<Spanned<f64>>,
    #[serde(default)]
    pub(super) time_slice_target: Option<f64>,
    #[serde(default)]
    pub(super) time_slice_window: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

// === impl OneOrMany ===

impl OneOrMany {
    pub(super) fn first(&self) -> &str {
        match self {
            OneOrMany::One(one) => one,
            OneOrMany::Many(many) => many.first().map_or("", String::as_str),
        }
    }
}
