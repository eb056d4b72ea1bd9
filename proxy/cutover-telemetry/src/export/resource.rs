//! Who sends the spans: OpenTelemetry's resource.

use std::fs;

use opentelemetry::Key;
use opentelemetry_sdk::resource::{ResourceDetector, TelemetryResourceDetector};

use crate::context::random_u128;
use crate::wire::Wire;

/// The attributes that describe this process, the same for all its spans.
#[derive(Clone, Debug)]
pub struct Resource {
    attributes: Vec<(Key, String)>,
}

// === impl Resource ===

impl Resource {
    /// Describes this process: `service.name`, `service.version`, an instance
    /// id made now (UUID v4), `host.name` where Linux tells it, the SDK and
    /// the distribution.
    #[must_use]
    pub fn new(service_name: &str, service_version: &str) -> Self {
        let mut attributes = vec![
            (Key::from("service.name"), service_name.to_owned()),
            (Key::from("service.version"), service_version.to_owned()),
            (Key::from("service.instance.id"), uuid_v4(random_u128())),
            (Key::from("telemetry.distro.name"), "cutover".to_owned()),
            (Key::from("telemetry.distro.version"), env!("CARGO_PKG_VERSION").to_owned()),
        ];
        for (key, value) in &TelemetryResourceDetector.detect() {
            attributes.push((key.clone(), value.to_string()));
        }
        if let Ok(host) = fs::read_to_string("/proc/sys/kernel/hostname") {
            attributes.push((Key::from("host.name"), host.trim().to_owned()));
        }
        Self { attributes }
    }

    /// Adds `service.namespace`.
    #[must_use]
    pub fn with_namespace(self, namespace: &str) -> Self {
        self.with("service.namespace", namespace)
    }

    /// Adds `deployment.environment.name`, like `production`.
    #[must_use]
    pub fn with_environment(self, environment: &str) -> Self {
        self.with("deployment.environment.name", environment)
    }

    /// One attribute's value.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&str> {
        let found = self.attributes.iter().find(|(name, _)| name.as_str() == key);
        found.map(|(_, value)| value.as_str())
    }

    /// Appends the fields of OTLP's `Resource`.
    pub(super) fn put(&self, wire: &mut Wire) {
        let mut attributes = wire.attributes(1);
        for (key, value) in &self.attributes {
            attributes.text(key.as_str(), value);
        }
    }

    fn with(mut self, key: &'static str, value: &str) -> Self {
        self.attributes.push((Key::from(key), value.to_owned()));
        self
    }
}

/// RFC 9562 §5.4.
fn uuid_v4(random: u128) -> String {
    let bits = random & !(0xf << 76) & !(0x3 << 62) | 0x4 << 76 | 0x2 << 62;
    let hex = format!("{bits:032x}");
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}
