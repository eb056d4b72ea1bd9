//! Indicators: two counts, of bad events and of all.

use serde_saphyr::Spanned;

use super::{
    super::{
        Flaw,
        document::{Metric, RatioMetric, Spec},
    },
    Judge, at,
};
use crate::{config::Code, slo::objective::Indicator};

/// Stands for the window in queries: a convention of Sloth's, which OpenSLO tools share.
const WINDOW: &str = "{{.window}}";

impl Judge {
    pub(super) fn indicator(&mut self, spec: &Spec) -> Option<Indicator> {
        let indicator = match (&spec.indicator, &spec.indicator_ref) {
            (Some(indicator), None) => indicator,
            (None, Some(reference)) => {
                let message = "an indicator of another document is not looked up";
                let flaw = Flaw::new(Code::SloUnsupported, message, at(reference));
                return self.fail(flaw.hint("write it here, as `indicator`"));
            }
            (Some(indicator), Some(_)) => {
                let message = "`indicator` and `indicatorRef` exclude each other";
                return self.fail(Flaw::new(Code::SloFile, message, at(indicator)));
            }
            (None, None) => {
                let message = "the objective has no `indicator`";
                return self.fail(Flaw::new(Code::SloFile, message, at(&spec.objectives)));
            }
        };
        let metric = &indicator.value.spec;
        match (&metric.ratio_metric, &metric.threshold_metric) {
            (Some(ratio), None) => self.ratio(ratio),
            (None, Some(threshold)) => {
                let message = "a `thresholdMetric` has no events to count";
                let flaw = Flaw::new(Code::SloUnsupported, message, at(threshold));
                self.fail(flaw.hint("count good or bad events, as `ratioMetric`"))
            }
            _ => {
                let message = "an indicator has one of `ratioMetric` and `thresholdMetric`";
                self.fail(Flaw::new(Code::SloFile, message, at(indicator)))
            }
        }
    }

    fn ratio(&mut self, ratio: &Spanned<RatioMetric>) -> Option<Indicator> {
        let RatioMetric { counter, good, bad, total, raw, raw_type } = &ratio.value;
        if raw.is_some() || raw_type.is_some() {
            return self.raw(ratio);
        }
        if counter.as_ref().is_some_and(|counter| !counter.value) {
            let message = "events that do not come from counters cannot be added up";
            return self.fail(Flaw::new(Code::SloUnsupported, message, at(ratio)));
        }
        let Some(total) = total else {
            let message = "`total` is missing";
            return self.fail(Flaw::new(Code::SloFile, message, at(ratio)));
        };
        let (part, is_good) = match (good, bad) {
            (Some(good), None) => (good, true),
            (None, Some(bad)) => (bad, false),
            _ => {
                let message = "a ratio has one of `good` and `bad`, beside `total`";
                return self.fail(Flaw::new(Code::SloFile, message, at(ratio)));
            }
        };
        let (part, total) = (self.query(part), self.query(total));
        let (part, total) = (part?, total?);
        let bad = if is_good { format!("({total}) - ({part})") } else { part };
        let is_rate = !total.contains("increase(");
        Some(Indicator { bad, total, is_rate })
    }

    /// A ratio that somebody else computed: right or wrong by OpenSLO, of no use here.
    fn raw(&mut self, ratio: &Spanned<RatioMetric>) -> Option<Indicator> {
        let RatioMetric { good, bad, total, raw, raw_type, .. } = &ratio.value;
        let is_whole = raw.is_some() && raw_type.is_some();
        let is_alone = good.is_none() && bad.is_none() && total.is_none();
        self.fail(if is_whole && is_alone {
            let message = "a raw ratio has no events to count";
            Flaw::new(Code::SloUnsupported, message, at(ratio)).hint("give `bad` and `total`")
        } else {
            let message = "`raw` goes with `rawType` and without `good`, `bad` and `total`";
            Flaw::new(Code::SloFile, message, at(ratio))
        })
    }

    fn query(&mut self, metric: &Spanned<Metric>) -> Option<String> {
        let source = &metric.value.metric_source;
        if let Some(kind) = source.kind.as_ref().filter(|kind| kind.value != "Prometheus") {
            let message = format!("metrics of `{}` are not asked", kind.value);
            return self.fail(Flaw::new(Code::SloUnsupported, message, at(kind)));
        }
        let Some(query) = source.spec.get("query") else {
            let message = "`metricSource.spec.query` is missing";
            return self.fail(Flaw::new(Code::SloFile, message, at(metric)));
        };
        let counts = ["rate(", "increase("].iter().any(|name| query.value.contains(name));
        if !query.value.contains(WINDOW) || !counts {
            let message = "the query does not count over `[{{.window}}]`";
            let flaw = Flaw::new(Code::SloFile, message, at(query));
            let hint = "write it like sum(rate(name_total{...}[{{.window}}]))";
            return self.fail(flaw.hint(hint));
        }
        Some(query.value.trim().to_owned())
    }
}
