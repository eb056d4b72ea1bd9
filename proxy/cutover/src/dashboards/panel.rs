//! Panels, said shortly: what each shows, in which unit, from which queries.
//!
//! Queries may use short forms, see [`filled`]. Legacy is blue and new is orange, everywhere
//! ([`Panel::sides`]).

use serde_json::{Value, json};

use super::grafana::{
    Color, DataSource, FieldConfig, GridPos, Matcher, Override, Panel, Property, Step, Target,
    Thresholds, Transformation,
};

/// Matchers that every selector of a metric of ours has: the chosen processes.
const OWN: &str = r#"job=~"$job",instance=~"$instance""#;
/// The chosen routes.
const ROUTE: &str = r#"cutover_route=~"$route""#;

/// What a number means, by Grafana's name for its unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// A number of things.
    Count,
    /// Things a second.
    PerSecond,
    /// Requests a second.
    RequestsPerSecond,
    /// 0 to 1, shown as percent.
    Ratio,
    /// A time, shown in its largest fitting unit.
    Seconds,
    /// A long time, shown in words.
    Duration,
    /// Memory, shown in KiB, MiB, …
    Bytes,
    /// So many times as much.
    Times,
    /// 0 and 1, shown as No and Yes.
    YesNo,
    /// A name.
    Text,
}

/// The data source that is chosen above the panels.
pub(super) fn prometheus() -> DataSource {
    DataSource { kind: "prometheus", uid: "${datasource}" }
}

/// PromQL with short forms filled in: `@own` and `@route` are the matchers of the chosen processes
/// and, with it, routes; `[@]` is the range that suits the scrape interval.
pub(super) fn filled(text: &str) -> String {
    text.replace("@own", OWN)
        .replace("@route", &format!("{OWN},{ROUTE}"))
        .replace("[@]", "[$__rate_interval]")
}

// === impl Unit ===

impl Unit {
    /// Grafana's name for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Unit::Count => "short",
            Unit::PerSecond => "cps",
            Unit::RequestsPerSecond => "reqps",
            Unit::Ratio => "percentunit",
            Unit::Seconds => "s",
            Unit::Duration => "dtdurations",
            Unit::Bytes => "bytes",
            Unit::Times => "none",
            Unit::YesNo => "bool_yes_no",
            Unit::Text => "string",
        }
    }
}

// === impl Panel ===

impl Panel {
    /// Lines over time. `about` is one sentence.
    pub(super) fn graph(title: &'static str, unit: Unit, about: &str) -> Panel {
        let options = json!({
            "legend": {
                "showLegend": true, "displayMode": "list", "placement": "bottom", "calcs": []
            },
            "tooltip": { "mode": "multi", "sort": "desc" },
        });
        let mut panel = Panel::new("timeseries", title, about, options).size(8, 8);
        let field = &mut panel.field_config.defaults;
        (field.unit, field.min) = (unit.as_str(), Some(0.0));
        for (key, value) in [
            ("lineWidth", json!(1)),
            ("fillOpacity", json!(8)),
            ("showPoints", json!("never")),
            ("spanNulls", json!(false)),
        ] {
            field.custom.insert(key.to_owned(), value);
        }
        panel
    }

    /// States over time, a line each; numbers have these names and colours.
    pub(super) fn timeline(title: &'static str, about: &str, states: &[(u8, &str, &str)]) -> Panel {
        let options = json!({
            "showValue": "never", "mergeValues": true, "alignValue": "left", "rowHeight": 0.9,
            "legend": {
                "showLegend": true, "displayMode": "list", "placement": "bottom", "calcs": []
            },
            "tooltip": { "mode": "single", "sort": "none" },
        });
        let mut panel = Panel::new("state-timeline", title, about, options);
        let named = states.iter().map(|(number, text, color)| {
            (number.to_string(), json!({ "text": text, "color": color }))
        });
        let mapping = json!({ "type": "value", "options": named.collect::<Value>() });
        let field = &mut panel.field_config.defaults;
        (field.unit, field.mappings) = (Unit::Text.as_str(), vec![mapping]);
        field.custom.insert("fillOpacity".to_owned(), json!(70));
        panel
    }

    /// The present value, large.
    pub(super) fn stat(title: &'static str, unit: Unit, about: &str) -> Panel {
        let options = json!({
            "reduceOptions": { "calcs": ["lastNotNull"], "fields": "", "values": false },
            "orientation": "auto", "textMode": "auto", "wideLayout": true,
            "colorMode": "value", "graphMode": "area", "justifyMode": "auto",
            "showPercentChange": false, "percentChangeColorMode": "standard",
        });
        let mut panel = Panel::new("stat", title, about, options).size(4, 4);
        panel.field_config.defaults.unit = unit.as_str();
        panel.colour("text")
    }

    /// Rows and columns of the present moment.
    pub(super) fn table(title: &'static str, about: &str) -> Panel {
        let options = json!({ "showHeader": true, "cellHeight": "sm", "frameIndex": 0 });
        let mut panel = Panel::new("table", title, about, options).size(24, 9);
        panel.field_config.defaults.unit = Unit::Count.as_str();
        panel
    }

    fn new(kind: &'static str, title: &'static str, about: &str, options: Value) -> Panel {
        Panel {
            id: 0,
            kind,
            title,
            description: about.to_owned(),
            datasource: prometheus(),
            grid_pos: GridPos::default(),
            field_config: FieldConfig::default(),
            options,
            targets: Vec::new(),
            transformations: Vec::new(),
        }
    }

    /// Width of 24, and height.
    pub(super) fn size(mut self, w: u32, h: u32) -> Panel {
        (self.grid_pos.w, self.grid_pos.h) = (w, h);
        self
    }

    /// Names the runbook of an alert about what is shown.
    pub(super) fn runbook(mut self, alert: &str) -> Panel {
        self.description += &format!(" [Runbook](${{runbooks}}/{alert})");
        self
    }

    /// Adds a query; `legend` names its series, labels in braces.
    pub(super) fn query(mut self, legend: &'static str, expr: &str) -> Panel {
        let number = u8::try_from(self.targets.len()).expect("a panel has few queries");
        let is_graph = matches!(self.kind, "timeseries" | "state-timeline");
        self.targets.push(Target {
            ref_id: char::from(b'A' + number).to_string(),
            datasource: prometheus(),
            expr: filled(expr),
            legend_format: legend,
            instant: !is_graph,
            range: is_graph,
            format: if self.kind == "table" { "table" } else { "time_series" },
            exemplar: false,
            empty_ok: None,
        });
        self
    }

    /// The last query may have no answer, for this reason.
    pub(super) fn may_be_empty(mut self, reason: &'static str) -> Panel {
        self.last().empty_ok = Some(reason);
        self
    }

    /// Kept traces are shown over the last query's lines.
    pub(super) fn exemplars(mut self) -> Panel {
        self.last().exemplar = true;
        self
    }

    fn last(&mut self) -> &mut Target {
        self.targets.last_mut().expect("a query comes before what is said of it")
    }

    /// Legacy in blue, new in orange, by how the series' names begin; high quantiles darker.
    pub(super) fn sides(mut self) -> Panel {
        for (side, colours) in [
            ("legacy", ["blue", "light-blue", "dark-blue"]),
            ("new", ["orange", "light-orange", "dark-orange"]),
        ] {
            for (behind, colour) in ["", " p50", " p99"].iter().zip(colours) {
                let pattern = format!("/^{side}{behind}/");
                let value = json!({ "mode": "fixed", "fixedColor": colour });
                self = self.change("byRegexp", pattern, "color", value);
            }
        }
        self
    }

    /// The series of this name in another shade.
    pub(super) fn shade(self, name: &str, colour: &str) -> Panel {
        let value = json!({ "mode": "fixed", "fixedColor": colour });
        self.change("byName", name.to_owned(), "color", value)
    }

    /// Everything in one colour.
    pub(super) fn colour(mut self, colour: &'static str) -> Panel {
        let color = Color { mode: "fixed", fixed_color: Some(colour) };
        self.field_config.defaults.color = Some(color);
        self
    }

    /// Areas on top of each other.
    pub(super) fn stacked(mut self) -> Panel {
        let custom = &mut self.field_config.defaults.custom;
        custom.insert("stacking".to_owned(), json!({ "mode": "normal", "group": "A" }));
        custom.insert("fillOpacity".to_owned(), json!(30));
        self
    }

    /// Values that hold until the next, such as a percentage that somebody set.
    pub(super) fn steps(mut self) -> Panel {
        let custom = &mut self.field_config.defaults.custom;
        custom.insert("lineInterpolation".to_owned(), json!("stepAfter"));
        self
    }

    /// The axis ends here, although values may be smaller or greater.
    pub(super) fn axis(mut self, min: Option<f64>, max: Option<f64>) -> Panel {
        let defaults = &mut self.field_config.defaults;
        (defaults.min, defaults.max) = (min, max);
        self
    }

    /// `colour` from each value on; below them all, `from` holds.
    pub(super) fn coloured(mut self, from: &'static str, steps: &[(f64, &'static str)]) -> Panel {
        let first = Step { color: from, value: None };
        let rest = steps.iter().map(|(value, color)| Step { color, value: Some(*value) });
        let steps = [first].into_iter().chain(rest).collect();
        let defaults = &mut self.field_config.defaults;
        defaults.thresholds = Some(Thresholds { mode: "absolute", steps });
        if self.kind == "timeseries" {
            let style = json!({ "mode": "dashed" });
            defaults.custom.insert("thresholdsStyle".to_owned(), style);
        } else {
            defaults.color = Some(Color { mode: "thresholds", fixed_color: None });
        }
        self
    }

    /// Shown in place of no value.
    pub(super) fn without_value(mut self, text: &'static str) -> Panel {
        self.field_config.defaults.no_value = Some(text);
        self
    }

    /// Names of series instead of their values, which are all 1.
    pub(super) fn names(mut self) -> Panel {
        self.options["textMode"] = json!("name");
        self.options["graphMode"] = json!("none");
        self
    }

    /// Names of series beside their values.
    pub(super) fn named(mut self) -> Panel {
        self.options["textMode"] = json!("value_and_name");
        self.options["graphMode"] = json!("none");
        self
    }

    /// Draws the column or series of this name in another unit.
    pub(super) fn unit_of(self, name: &str, unit: Unit) -> Panel {
        self.change("byName", name.to_owned(), "unit", json!(unit.as_str()))
    }

    /// Values of the column `name` lead to a dashboard; `query` is that of its address.
    pub(super) fn leads_to(self, name: &str, uid: &str, query: &str) -> Panel {
        let url = format!("/d/{uid}?{query}&${{datasource:queryparam}}&${{__url_time_range}}");
        let link = json!([{ "title": "Look closer", "url": url }]);
        self.change("byName", name.to_owned(), "links", link)
    }

    /// Columns of all queries side by side, in this order, under these names; others are hidden.
    pub(super) fn columns(mut self, columns: &[(&str, &str)]) -> Panel {
        let index = columns.iter().enumerate();
        let index: Value = index.map(|(at, (name, _))| ((*name).to_owned(), json!(at))).collect();
        let names: Value =
            columns.iter().map(|(name, shown)| ((*name).to_owned(), json!(shown))).collect();
        let shown = json!({
            "include": { "names": columns.iter().map(|(name, _)| name).collect::<Vec<_>>() }
        });
        self.transformations = vec![
            Transformation { id: "merge", options: json!({}) },
            Transformation { id: "filterFieldsByName", options: shown },
            Transformation {
                id: "organize",
                options: json!({
                    "excludeByName": {}, "indexByName": index, "renameByName": names
                }),
            },
        ];
        self
    }

    fn change(
        mut self,
        matcher: &'static str,
        options: String,
        id: &'static str,
        value: Value,
    ) -> Panel {
        self.field_config.overrides.push(Override {
            matcher: Matcher { id: matcher, options },
            properties: vec![Property { id, value }],
        });
        self
    }
}
