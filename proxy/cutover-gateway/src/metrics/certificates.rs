//! When the certificates that clients are shown end.

use std::{net::SocketAddr, sync::Arc};

use parking_lot::Mutex;
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric},
    metrics::{MetricType, gauge::ConstGauge},
    registry::{Registry, Unit},
};

use crate::tls::TlsListener;

/// The listeners with TLS, each with its address. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(crate) struct Certificates(Arc<Mutex<Vec<Listener>>>);

type Listener = (SocketAddr, Arc<TlsListener>);

// === impl Certificates ===

impl Certificates {
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register_collector(Box::new(self.clone()));
    }

    /// The certificate of this listener counts from now on, whichever it has by then.
    pub(crate) fn join(&self, address: SocketAddr, tls: Arc<TlsListener>) {
        self.0.lock().push((address, tls));
    }
}

impl Collector for Certificates {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> std::fmt::Result {
        let help = "When the first certificate of a listener's chain ends";
        let mut metric = encoder.encode_descriptor(
            "cutover_tls_certificate_not_after_timestamp",
            help,
            Some(&Unit::Seconds),
            MetricType::Gauge,
        )?;
        for (address, tls) in self.0.lock().iter() {
            let end = i64::try_from(tls.not_after()).unwrap_or(i64::MAX);
            let labels = [("listener", address.to_string())];
            ConstGauge::new(end).encode(metric.encode_family(&labels)?)?;
        }
        Ok(())
    }
}
