//! What Prometheus answers a query with (its HTTP API, "Expression query result formats").

use serde::Deserialize;
use serde_json::Value;

/// The `data` of an answer.
#[derive(Debug, Deserialize)]
#[serde(tag = "resultType", content = "result", rename_all = "lowercase")]
pub(super) enum Answer {
    /// Series with one point each.
    Vector(Vec<Point>),
    /// Series with many.
    Matrix(Vec<Line>),
    /// One point without labels.
    Scalar(Sample),
}

/// A series at one moment.
#[derive(Debug, Deserialize)]
pub(super) struct Point {
    value: Sample,
}

/// A series over time.
#[derive(Debug, Deserialize)]
pub(super) struct Line {
    values: Vec<Sample>,
}

/// Seconds since 1970, and a number in words.
type Sample = (f64, String);

// === impl Answer ===

impl Answer {
    pub(super) fn of(data: Value) -> Result<Answer, String> {
        serde_json::from_value(data).map_err(|error| format!("no answer to a query: {error}"))
    }

    /// How many series hold a number somewhere.
    pub(super) fn numbers(&self) -> usize {
        let is_number = |sample: &Sample| sample.1 != "NaN";
        match self {
            Answer::Vector(points) => points.iter().filter(|point| is_number(&point.value)).count(),
            Answer::Matrix(lines) => {
                lines.iter().filter(|line| line.values.iter().any(is_number)).count()
            }
            Answer::Scalar(sample) => usize::from(is_number(sample)),
        }
    }
}
