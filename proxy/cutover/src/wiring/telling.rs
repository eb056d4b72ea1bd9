//! Logs, traces and metrics of the process.

use std::{sync::Arc, time::Duration};

use cutover_control::{ControlMetrics, GateMetrics, Gates, Traces};
use cutover_domain::exchange::{BUDGET_BYTES, Budget};
use cutover_gateway::{GatewayMetrics, Telemetry};
use cutover_shadow::ShadowMetrics;
use cutover_telemetry::{
    Tracer, Trust,
    canonical::CanonicalLog,
    copies::CopyTracer,
    export::{Exporter, Spans},
    logs::{self, LogGuard},
    metrics::{TelemetryMetrics, encode, register_build_info, register_process},
    sampling::Sampler,
};
use prometheus_client::registry::Registry;

use super::{StartError, recorder::RecorderMetrics, traces::Recorded};
use crate::config::Config;

/// Everything that tells of this process; ends with [`Telling::end`].
pub(super) struct Telling {
    registry: Arc<Registry>,
    gateway: GatewayMetrics,
    control: ControlMetrics,
    gates: GateMetrics,
    shadow: (Budget, ShadowMetrics),
    recorder: RecorderMetrics,
    trust: Trust,
    sampler: Sampler,
    canonical: CanonicalLog,
    exporter: Option<Exporter>,
    logs: LogGuard,
}

// === impl Telling ===

impl Telling {
    pub(super) fn start(config: &Config) -> Result<Telling, StartError> {
        let told = &config.telemetry;
        let metrics = TelemetryMetrics::new();
        let logs = logs::init(&told.log, &metrics)?;
        let exporter = Exporter::start(told.export.clone(), &told.resource, &metrics)?;
        let canonical =
            CanonicalLog::new(logs.writer().clone(), told.log.format, told.canonical_ratio)?;
        let mut registry = Registry::default();
        register_build_info(&mut registry, env!("CARGO_PKG_VERSION"));
        register_process(&mut registry);
        metrics.register(&mut registry);
        let gateway = GatewayMetrics::register(&mut registry);
        let control = ControlMetrics::register(&mut registry);
        let gates = GateMetrics::register(&mut registry);
        let budget = Budget::new(BUDGET_BYTES);
        let shadow = ShadowMetrics::register(&mut registry, &budget);
        let shadow = (budget, shadow);
        let recorder = RecorderMetrics::register(&mut registry);
        let (trust, sampler) = (told.trust.clone(), told.sampler);
        let registry = Arc::new(registry);
        Ok(Telling {
            registry,
            gateway,
            control,
            gates,
            shadow,
            recorder,
            trust,
            sampler,
            canonical,
            exporter,
            logs,
        })
    }

    pub(super) fn for_gateway(&self) -> Telemetry {
        Telemetry {
            tracer: Tracer::new(self.trust.clone(), self.sampler, self.spans()),
            canonical: self.canonical.clone(),
            metrics: self.gateway.clone(),
        }
    }

    fn spans(&self) -> Option<Spans> {
        self.exporter.as_ref().map(|exporter| exporter.spans().clone())
    }

    /// The newest traces that were kept; `None`: nothing is recorded.
    pub(super) fn traces(&self) -> Option<Arc<dyn Traces>> {
        let exporter = self.exporter.as_ref()?;
        Some(Arc::new(Recorded(exporter.kept().clone())))
    }

    pub(super) fn control_metrics(&self) -> ControlMetrics {
        self.control.clone()
    }

    /// Where what gates find is to be seen.
    pub(super) fn for_gates(&self) -> Gates {
        Gates::new(self.gates.clone(), self.exporter.is_some())
    }

    /// What copies may hold, and what they are counted by.
    pub(super) fn for_shadow(&self) -> (Budget, ShadowMetrics, CopyTracer) {
        let (budget, metrics) = self.shadow.clone();
        (budget, metrics, CopyTracer::new(self.sampler, self.spans()))
    }

    pub(super) fn recorder_metrics(&self) -> RecorderMetrics {
        self.recorder.clone()
    }

    /// Every metric as OpenMetrics text.
    pub(super) fn exposition(&self) -> Arc<dyn Fn() -> String + Send + Sync> {
        let (registry, gateway) = (Arc::clone(&self.registry), self.gateway.clone());
        Arc::new(move || gateway.with_exemplars(encode(&registry)))
    }

    /// Sends the last spans, then writes the last lines.
    pub(super) fn end(self, within: Duration) {
        if let Some(Err(unsent)) = self.exporter.as_ref().map(|exporter| exporter.shutdown(within))
        {
            tracing::warn!("{unsent}");
        }
        tracing::info!("ended");
        drop(self.logs);
    }
}
