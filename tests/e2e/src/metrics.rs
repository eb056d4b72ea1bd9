//! Reading a Prometheus text exposition, as far as tests need it.

use std::collections::{BTreeMap, BTreeSet};

/// One scrape.
#[derive(Clone, Debug, Default)]
pub struct Metrics {
    samples: Vec<Sample>,
}

/// One line of a scrape.
#[derive(Clone, Debug)]
pub struct Sample {
    /// The metric's name, with suffixes such as `_total` or `_bucket`.
    pub name: String,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// Its value.
    pub value: f64,
}

impl Metrics {
    /// Reads `text`; comments and lines of another shape are left out.
    pub fn parse(text: &str) -> Metrics {
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        Metrics { samples: lines.filter_map(sample).collect() }
    }

    /// The sum over all samples of `name` that carry every one of `labels`. Zero when none does.
    pub fn sum(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        self.matching(name, labels).map(|sample| sample.value).sum()
    }

    /// The samples of `name` that carry every one of `labels`.
    pub fn matching<'a>(
        &'a self,
        name: &'a str,
        labels: &'a [(&'a str, &'a str)],
    ) -> impl Iterator<Item = &'a Sample> {
        self.samples.iter().filter(move |sample| {
            let has =
                |(key, value): &(&str, &str)| sample.labels.get(*key).is_some_and(|v| v == value);
            sample.name == name && labels.iter().all(has)
        })
    }

    /// Every series, as text that names and labels make; values left out.
    pub fn series(&self) -> BTreeSet<String> {
        self.samples.iter().map(|sample| format!("{}{:?}", sample.name, sample.labels)).collect()
    }

    /// The quantile `q` in 0..=1 of histogram `name` (without `_bucket`), in its unit,
    /// interpolated within the bucket as Prometheus does; `None` when nothing was observed.
    pub fn quantile(&self, name: &str, labels: &[(&str, &str)], q: f64) -> Option<f64> {
        let mut buckets: BTreeMap<u64, f64> = BTreeMap::new();
        for sample in self.matching(&format!("{name}_bucket"), labels) {
            let bound: f64 = sample.labels.get("le")?.parse().ok()?;
            // Bit patterns of floats that are not negative sort as the floats do.
            *buckets.entry(bound.to_bits()).or_default() += sample.value;
        }
        let total = *buckets.values().last().filter(|&&total| total > 0.0)?;
        let (mut lower, mut below) = (0.0, 0.0);
        for (bound, count) in buckets.into_iter().map(|(bits, count)| (f64::from_bits(bits), count))
        {
            if count >= q * total {
                let share = if count > below { (q * total - below) / (count - below) } else { 1.0 };
                return Some(if bound.is_finite() {
                    lower + (bound - lower) * share
                } else {
                    lower
                });
            }
            (lower, below) = (bound, count);
        }
        None
    }
}

fn sample(line: &str) -> Option<Sample> {
    let (head, rest) = match line.split_once('{') {
        Some((name, rest)) => {
            let (labels, value) = rest.split_once("} ")?;
            ((name, labels), value)
        }
        None => {
            let (name, value) = line.split_once(' ')?;
            ((name, ""), value)
        }
    };
    let value = rest.split(' ').next()?.parse().ok()?;
    Some(Sample { name: head.0.to_owned(), labels: labels(head.1), value })
}

/// Label values of ours hold neither quotes nor commas.
fn labels(text: &str) -> BTreeMap<String, String> {
    let pairs = text.split(',').filter_map(|pair| pair.split_once('='));
    pairs.map(|(key, value)| (key.to_owned(), value.trim_matches('"').to_owned())).collect()
}

#[cfg(test)]
mod tests;
