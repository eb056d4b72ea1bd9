//! Grafana's dashboards, as far as ours need them.
//!
//! Shapes and names are those of `@grafana/schema` (schema version 39, the classic one that every
//! Grafana since 10 reads and newer ones migrate); a test has its type checker look at what is
//! written. What Grafana assumes by itself is left out.

use serde::Serialize;
use serde_json::{Map, Value};

/// A dashboard, as it is saved in a file.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Dashboard {
    /// Stable for ever: links and bookmarks hold it.
    pub uid: &'static str,
    /// What it is called.
    pub title: &'static str,
    /// What question it answers.
    pub description: &'static str,
    /// `cutover`, by which dashboards find each other.
    pub tags: Vec<&'static str>,
    /// `false`: these files are their source.
    pub editable: bool,
    /// 1: one crosshair over all panels.
    pub graph_tooltip: u8,
    /// How much it refreshes by itself, such as `10s`.
    pub refresh: &'static str,
    /// The range that is shown at first.
    pub time: TimeRange,
    /// Version of the format.
    pub schema_version: u16,
    /// Ways to the other dashboards.
    pub links: Vec<DashboardLink>,
    /// Marks over all panels.
    pub annotations: List<Annotation>,
    /// Variables.
    pub templating: List<Variable>,
    /// Rows and panels, in reading order.
    pub panels: Vec<Item>,
}

/// What Grafana wraps some lists in.
#[derive(Clone, Debug, Serialize)]
pub struct List<T> {
    /// The list.
    pub list: Vec<T>,
}

/// A range of time in Grafana's words, such as `now-1h` to `now`.
#[derive(Clone, Debug, Serialize)]
pub struct TimeRange {
    /// Its begin.
    pub from: &'static str,
    /// Its end.
    pub to: &'static str,
}

/// Links to all dashboards with certain tags, or to somewhere else.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DashboardLink {
    /// What it is called.
    pub title: &'static str,
    /// `dashboards`, or `link` for a URL.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// Those dashboards have all of them.
    pub tags: Vec<&'static str>,
    /// With `link`: where to, variables in it filled in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// One entry for all of them.
    pub as_dropdown: bool,
    /// The chosen variables go along.
    pub include_vars: bool,
    /// So does the range of time.
    pub keep_time: bool,
    /// Opens beside this one.
    pub target_blank: bool,
    /// Shown beside the title.
    pub icon: &'static str,
    /// Shown when pointed at.
    pub tooltip: &'static str,
}

/// Where a query is asked.
#[derive(Clone, Debug, Serialize)]
pub struct DataSource {
    /// `prometheus`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// The variable that names it.
    pub uid: &'static str,
}

/// Marks at the moments of a query's results.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Annotation {
    /// What they are called.
    pub name: &'static str,
    /// Where to ask.
    pub datasource: DataSource,
    /// Shown unless switched off.
    pub enable: bool,
    /// Colour of the marks.
    pub icon_color: &'static str,
    /// PromQL. Grafana moves it to where newer ones have it.
    pub expr: String,
    /// Least time between two marks.
    pub step: &'static str,
    /// Title of a mark, labels in braces.
    pub title_format: &'static str,
    /// Text of a mark.
    pub text_format: &'static str,
}

/// A variable, chosen above the panels.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Variable {
    /// As queries name it.
    pub name: &'static str,
    /// As people see it.
    pub label: &'static str,
    /// `datasource`, `query` or `constant`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// Where to ask for its values.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub datasource: Option<DataSource>,
    /// What gives its values.
    pub query: VariableQuery,
    /// 2: not shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hide: Option<u8>,
    /// When its values are asked for: 1 once, 2 with each change of the range.
    pub refresh: u8,
    /// 1: by the alphabet.
    pub sort: u8,
    /// Several may be chosen.
    pub multi: bool,
    /// So may all.
    pub include_all: bool,
    /// What stands for all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub all_value: Option<&'static str>,
}

/// What gives a variable its values.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub enum VariableQuery {
    /// The kind of data source; a constant itself.
    Text(String),
    /// `label_values(…)`.
    Labels {
        /// The call.
        query: String,
        /// Any name.
        #[serde(rename = "refId")]
        ref_id: &'static str,
    },
}

/// Something with a place.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub enum Item {
    /// A heading.
    Row(Row),
    /// A panel.
    Panel(Box<Panel>),
}

/// A heading over the panels that follow.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Row {
    /// Unique in its dashboard.
    pub id: u32,
    /// `row`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// The heading.
    pub title: &'static str,
    /// Its panels are hidden.
    pub collapsed: bool,
    /// Where.
    pub grid_pos: GridPos,
    /// Empty unless collapsed.
    pub panels: [(); 0],
}

/// Place and size; a dashboard is 24 wide.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct GridPos {
    /// Height, of about 30 pixels each.
    pub h: u32,
    /// Width, 24 at most.
    pub w: u32,
    /// From the left.
    pub x: u32,
    /// From the top.
    pub y: u32,
}

/// One picture.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Panel {
    /// Unique in its dashboard.
    pub id: u32,
    /// `timeseries`, `state-timeline`, `stat` or `table`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// What it shows.
    pub title: &'static str,
    /// What it tells, and where to read on, in Markdown.
    pub description: String,
    /// Where its queries are asked.
    pub datasource: DataSource,
    /// Where.
    pub grid_pos: GridPos,
    /// How values are drawn.
    pub field_config: FieldConfig,
    /// How the panel is drawn, by kind.
    pub options: Value,
    /// Its queries.
    pub targets: Vec<Target>,
    /// What becomes of the answers before they are drawn.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub transformations: Vec<Transformation>,
}

/// One query of a panel.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Target {
    /// `A`, `B`, … in the panel.
    pub ref_id: String,
    /// Where it is asked.
    pub datasource: DataSource,
    /// PromQL.
    pub expr: String,
    /// Name of its series, labels in braces.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub legend_format: &'static str,
    /// Asked for one moment.
    pub instant: bool,
    /// Asked for the whole range.
    pub range: bool,
    /// `time_series` or `table`.
    pub format: &'static str,
    /// Traces are shown where there are some.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub exemplar: bool,
    /// Why its answer may be empty; Grafana ignores it.
    #[serde(rename = "cutover:emptyOk", skip_serializing_if = "Option::is_none")]
    pub empty_ok: Option<&'static str>,
}

/// How values are drawn.
#[derive(Clone, Debug, Default, Serialize)]
pub struct FieldConfig {
    /// All of them.
    pub defaults: Field,
    /// Some of them.
    pub overrides: Vec<Override>,
}

/// How one value is drawn.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Field {
    /// Its unit, by Grafana's name for it.
    pub unit: &'static str,
    /// Least of the axis.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min: Option<f64>,
    /// Most of the axis.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max: Option<f64>,
    /// Digits behind the point.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decimals: Option<u8>,
    /// Shown in place of no value.
    #[serde(rename = "noValue", skip_serializing_if = "Option::is_none")]
    pub no_value: Option<&'static str>,
    /// How colours are chosen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub color: Option<Color>,
    /// Names of numbers.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub mappings: Vec<Value>,
    /// Lines and colours at certain values.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thresholds: Option<Thresholds>,
    /// What is special of the panel's kind.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub custom: Map<String, Value>,
}

/// How colours are chosen.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Color {
    /// `fixed`, `palette-classic` or `thresholds`.
    pub mode: &'static str,
    /// With `fixed`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fixed_color: Option<&'static str>,
}

/// Values at which something begins.
#[derive(Clone, Debug, Serialize)]
pub struct Thresholds {
    /// `absolute`.
    pub mode: &'static str,
    /// Rising; the first begins nowhere.
    pub steps: Vec<Step>,
}

/// A colour from a value on.
#[derive(Clone, Debug, Serialize)]
pub struct Step {
    /// By Grafana's name.
    pub color: &'static str,
    /// `None`: from below.
    pub value: Option<f64>,
}

/// Another way to draw some of the values.
#[derive(Clone, Debug, Serialize)]
pub struct Override {
    /// Which.
    pub matcher: Matcher,
    /// How.
    pub properties: Vec<Property>,
}

/// Which values.
#[derive(Clone, Debug, Serialize)]
pub struct Matcher {
    /// `byName` or `byRegexp`.
    pub id: &'static str,
    /// The name or expression.
    pub options: String,
}

/// One thing to draw otherwise.
#[derive(Clone, Debug, Serialize)]
pub struct Property {
    /// Such as `color`.
    pub id: &'static str,
    /// Its value.
    pub value: Value,
}

/// What becomes of answers before they are drawn.
#[derive(Clone, Debug, Serialize)]
pub struct Transformation {
    /// Such as `merge`.
    pub id: &'static str,
    /// Of its kind.
    pub options: Value,
}
