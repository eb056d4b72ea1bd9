//! Prometheus's HTTP API.

use http::HeaderMap;
use serde::Deserialize;
use serde_json::Value;

use crate::{
    cli::{admin::Service, args::Global, exit::Failure, remote::segment},
    dashboards::verify::Ask,
};

/// A Prometheus.
pub(super) struct Prometheus(Service);

/// How it wraps answers (HTTP API, "Format overview").
#[derive(Deserialize)]
#[serde(tag = "status", rename_all = "lowercase")]
enum Wrapped {
    Success { data: Value },
    Error { error: String },
}

// === impl Prometheus ===

impl Prometheus {
    pub(super) fn at(url: &str, global: &Global) -> Result<Prometheus, Failure> {
        let service = Service::at(url.trim_end_matches('/'), global)?;
        service.reach()?;
        Ok(Prometheus(service))
    }
}

impl Ask for Prometheus {
    fn ask(&self, path: &str, query: &[(&str, String)]) -> Result<Value, String> {
        let pairs =
            query.iter().map(|(name, value)| format!("{}={}", segment(name), segment(value)));
        let target = format!("{path}?{}", pairs.collect::<Vec<_>>().join("&"));
        let got = self.0.send("GET", &target, HeaderMap::new(), String::new())?;
        match serde_json::from_slice(&got.body) {
            Ok(Wrapped::Success { data }) => Ok(data),
            Ok(Wrapped::Error { error }) => Err(error),
            Err(_) => Err(format!("{} from {path}, but not as Prometheus answers", got.status)),
        }
    }
}
