//! Traces that Prometheus keeps beside samples.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, ensure};
use serde::Deserialize;

use super::{Monitoring, percent_encoded};
use crate::client;

/// How far back is looked: longer than a test takes.
const LOOK_BACK: Duration = Duration::from_secs(600);

/// A trace beside a sample.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(from = "Kept")]
pub struct Exemplar {
    /// 32 hex digits.
    pub trace_id: String,
    /// 16 hex digits.
    pub span_id: String,
    /// The sample that it explains, in the metric's unit.
    pub value: f64,
}

/// An exemplar as Prometheus gives it (its HTTP API, "Querying exemplars").
#[derive(Deserialize)]
struct Kept {
    labels: Labels,
    #[serde(with = "number_in_words")]
    value: f64,
}

#[derive(Deserialize)]
struct Labels {
    trace_id: String,
    span_id: String,
}

#[derive(Deserialize)]
struct Series {
    exemplars: Vec<Exemplar>,
}

#[derive(Deserialize)]
struct Answer {
    data: Vec<Series>,
}

// === impl Exemplar ===

impl From<Kept> for Exemplar {
    fn from(Kept { labels: Labels { trace_id, span_id }, value }: Kept) -> Exemplar {
        Exemplar { trace_id, span_id, value }
    }
}

// === impl Monitoring ===

impl Monitoring {
    /// Exemplars of all series that `query` asks for, as Grafana has them.
    pub async fn exemplars(&self, query: &str) -> anyhow::Result<Vec<Exemplar>> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?;
        let (start, end) = ((now - LOOK_BACK).as_secs_f64(), now.as_secs_f64());
        let query = percent_encoded(query);
        let path = format!("/api/v1/query_exemplars?query={query}&start={start}&end={end}");
        let answer = client::get(self.addr, &path).await?;
        let text = answer.text();
        ensure!(answer.status == 200, "exemplars: {text}");
        let Answer { data } = serde_json::from_str(&text).with_context(|| text.clone())?;
        Ok(data.into_iter().flat_map(|series| series.exemplars).collect())
    }
}

mod number_in_words {
    use serde::{Deserialize, Deserializer, de::Error};

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
        String::deserialize(from)?.parse().map_err(D::Error::custom)
    }
}
