//! Metric building blocks, and the metrics of this crate itself.
//!
//! A label value may come from two places only: loaded configuration or a
//! closed enum of ours. [`ConfigLabel`] and [`closed_label!`](crate::closed_label)
//! are those two places; a family whose labels are made of them cannot grow with what
//! clients send.

mod own;
mod process;

use std::fmt::{self, Write};
use std::sync::Arc;

use prometheus_client::encoding::{EncodeLabelValue, LabelValueEncoder, text};
use prometheus_client::registry::Registry;

pub use own::{DropReason, Signal, TelemetryMetrics, register_build_info};
pub use process::register_process;

/// Upper bounds in seconds that the HTTP conventions give for
/// `http.server.request.duration` and `http.client.request.duration`.
pub const DURATION_SECONDS: [f64; 14] =
    [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0];

/// Upper bounds in seconds for time the proxy itself adds: 20 µs to 100 ms.
pub const OVERHEAD_SECONDS: [f64; 12] =
    [0.000_02, 0.000_05, 0.000_1, 0.000_2, 0.000_5, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1];

/// The media type of [`encode`]'s text.
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// A label value from loaded configuration: a route id, an upstream's name.
///
/// Make it when a table is loaded, never from a request.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ConfigLabel(Arc<str>);

/// The whole registry in OpenMetrics text, `# EOF` included.
#[must_use]
pub fn encode(registry: &Registry) -> String {
    let mut text = String::with_capacity(16 * 1024);
    text::encode(&mut text, registry).expect("writing to a String cannot fail");
    text
}

/// [`DURATION_SECONDS`] with the given service-level thresholds put in, in
/// order and without doubles: a threshold that is no bound cannot be measured.
#[must_use]
pub fn duration_seconds_with(thresholds: &[f64]) -> Vec<f64> {
    let mut bounds = DURATION_SECONDS.to_vec();
    bounds.extend(thresholds.iter().filter(|bound| **bound > 0.0));
    bounds.sort_by(f64::total_cmp);
    bounds.dedup();
    bounds
}

/// Declares an enum whose variants are all the values a label can have.
///
/// ```
/// cutover_telemetry::closed_label! {
///     /// Which side answered.
///     pub enum Side {
///         /// The monolith.
///         Legacy => "legacy",
///         /// The service that takes over.
///         New => "new",
///     }
/// }
/// assert_eq!(Side::New.as_str(), "new");
/// assert_eq!(Side::ALL.len(), 2);
/// ```
#[macro_export]
macro_rules! closed_label {
    ($(#[$meta:meta])* $visibility:vis enum $name:ident {
        $($(#[$variant_meta:meta])* $variant:ident => $text:literal,)+
    }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        $visibility enum $name {
            $($(#[$variant_meta])* $variant,)+
        }

        impl $name {
            /// Every value, in the order declared.
            $visibility const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The label's value.
            #[must_use]
            $visibility const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)+
                }
            }
        }

        impl $crate::metrics::exports::EncodeLabelValue for $name {
            fn encode(
                &self,
                encoder: &mut $crate::metrics::exports::LabelValueEncoder<'_>,
            ) -> ::std::fmt::Result {
                ::std::fmt::Write::write_str(encoder, self.as_str())
            }
        }
    };
}

/// What [`closed_label!`](crate::closed_label) needs at its call site.
#[doc(hidden)]
pub mod exports {
    pub use prometheus_client::encoding::{EncodeLabelValue, LabelValueEncoder};
}

// === impl ConfigLabel ===

impl ConfigLabel {
    /// A value that stands in the configuration.
    #[must_use]
    pub fn from_config(value: &str) -> Self {
        Self(value.into())
    }

    /// The label's value.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl EncodeLabelValue for ConfigLabel {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> fmt::Result {
        encoder.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests;
