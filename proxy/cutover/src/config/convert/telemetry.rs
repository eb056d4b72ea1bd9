//! `[telemetry]`.

use cutover_telemetry::{
    IpNet, Trust,
    export::{ExportConfig, Resource},
    logs::{LogConfig, LogFormat},
    sampling::Sampler,
    span::Redaction,
};
use http::{HeaderMap, HeaderName, HeaderValue};

use super::{Context, TelemetryConfig};
use crate::config::{
    Depth,
    code::Code,
    diagnostic::Diagnostic,
    document::{self, Telemetry},
    node::Node,
};

/// The settings, and the document they came from.
pub(super) fn convert(
    process: &Node,
    context: &mut Context<'_>,
) -> Option<(TelemetryConfig, Telemetry)> {
    let (doc, node): (Telemetry, &Node) = match process.get("telemetry") {
        Some(node) => (context.read(node)?, node),
        None => (Telemetry::default(), process),
    };
    let sampler = Sampler::new(doc.sample_ratio)
        .map_err(|error| {
            context.error(Code::OutOfRange, node.find(&["sample_ratio"]), error.to_string());
        })
        .ok()?;
    let mut export = ExportConfig::new(doc.otlp.clone());
    check_endpoint(&doc.otlp, node.find(&["otlp"]), context);
    export.headers = headers(&doc, node, context);
    export.ca_pem = ca(&doc, node, context);
    export.redaction = Redaction::keeping(doc.keep_query.iter().cloned());
    let resource = Resource::new("cutover-proxy", env!("CARGO_PKG_VERSION"));
    let config = TelemetryConfig {
        export,
        resource: match &doc.environment {
            Some(environment) => resource.with_environment(environment),
            None => resource,
        },
        trust: trust(&doc.trace, node.find(&["trace"]), context),
        sampler,
        canonical_ratio: doc.log.canonical_ratio,
        log: LogConfig {
            filter: doc.log.level.as_str().to_owned(),
            format: match doc.log.format {
                document::LogFormat::Json => LogFormat::Json,
                document::LogFormat::Text => LogFormat::Text,
            },
        },
    };
    Some((config, doc))
}

fn check_endpoint(endpoint: &str, node: &Node, context: &mut Context<'_>) {
    if endpoint.is_empty() {
        return;
    }
    let problem = match endpoint.parse::<http::Uri>() {
        Err(_) => Some("it cannot be read"),
        Ok(uri) if !matches!(uri.scheme_str(), Some("http" | "https")) => {
            Some("its scheme is neither http nor https")
        }
        Ok(uri) if uri.authority().is_none_or(|authority| authority.host().is_empty()) => {
            Some("it has no host")
        }
        Ok(uri) if uri.authority().is_some_and(|authority| authority.as_str().contains('@')) => {
            Some("credentials belong into `otlp_headers`")
        }
        Ok(_) => None,
    };
    if let Some(problem) = problem {
        let diagnostic =
            Diagnostic::error(Code::BadUrl, format!("this is no OTLP receiver: {problem}"))
                .at(node.place.clone())
                .hint("write it like `http://127.0.0.1:4318`; empty means none");
        context.push(if endpoint.contains('@') { diagnostic.secret() } else { diagnostic });
    }
}

fn headers(doc: &Telemetry, node: &Node, context: &mut Context<'_>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, reference) in &doc.otlp_headers {
        let node = node.find(&["otlp_headers", name]);
        let Ok(header) = HeaderName::try_from(name.as_str()) else {
            let message = format!("`{name}` is no header name");
            context.push(Diagnostic::error(Code::BadHeader, message).at(node.key_place()));
            continue;
        };
        let Some(secret) = context.secret(reference, node) else { continue };
        match HeaderValue::from_bytes(secret.expose()) {
            Ok(mut value) => {
                value.set_sensitive(true);
                headers.insert(header, value);
            }
            Err(_) => context.error(Code::BadHeader, node, "the secret is no header value"),
        }
    }
    headers
}

fn ca(doc: &Telemetry, node: &Node, context: &mut Context<'_>) -> Option<Vec<u8>> {
    let path = doc.otlp_ca.as_ref().filter(|_| context.depth == Depth::Whole)?;
    let read = std::fs::read(context.path(path));
    read.map_err(|error| {
        let message = format!("`{}` cannot be read: {error}", path.display());
        context.error(Code::TlsFile, node.find(&["otlp_ca"]), message);
    })
    .ok()
}

fn trust(doc: &document::Trace, node: &Node, context: &mut Context<'_>) -> Trust {
    let networks = context.networks(&doc.cidrs, node.find(&["cidrs"]));
    match doc.trust {
        document::Trust::Always => Trust::Always,
        document::Trust::Never => Trust::Never,
        document::Trust::Cidr => {
            if doc.cidrs.is_empty() {
                context.push(
                    Diagnostic::error(Code::MissingKey, "`trust = \"cidr\"` needs `cidrs`")
                        .at(node.find(&["trust"]).place.clone())
                        .hint("add the networks that are trusted, like `cidrs = [\"10.0.0.0/8\"]`"),
                );
            }
            Trust::Cidrs(networks)
        }
    }
}

impl Context<'_> {
    pub(super) fn networks(&mut self, texts: &[String], node: &Node) -> Vec<IpNet> {
        let texts = texts.iter().zip(node.items());
        texts.filter_map(|(text, node)| self.parse(Code::BadNetwork, node, text)).collect()
    }
}
