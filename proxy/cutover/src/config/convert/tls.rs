//! Certificates and keys: what the data plane would say about them, said before it runs.

use cutover_domain::UpstreamTls;
use cutover_gateway::tls::{
    ClientAuth, ClientTls, TlsError, TlsFile, TlsFiles, TlsListener, TlsWarning, alpn_http,
    client_config,
};

use super::{Context, chain};
use crate::config::{Depth, code::Code, diagnostic::Diagnostic, document, node::Node};

/// The files of a listener, checked by loading them.
pub(super) fn listener(
    doc: &document::ListenerTls,
    node: &Node,
    context: &mut Context<'_>,
) -> TlsFiles {
    let files = TlsFiles {
        cert: context.path(&doc.cert),
        key: context.path(&doc.key),
        client_ca: doc.client_ca.as_ref().map(|path| context.path(path)),
        client_crl: doc.client_crl.as_ref().map(|path| context.path(path)),
        client_auth: match doc.client_auth {
            document::ClientAuth::Required => ClientAuth::Required,
            document::ClientAuth::Optional => ClientAuth::Optional,
        },
        alpn: alpn_http(),
    };
    check(files.clone(), node, context);
    files
}

/// Certificate and key of the admin API, checked by loading them.
pub(super) fn admin(doc: &document::AdminTls, node: &Node, context: &mut Context<'_>) {
    let files = TlsFiles {
        cert: context.path(&doc.cert),
        key: context.path(&doc.key),
        client_ca: None,
        client_crl: None,
        client_auth: ClientAuth::Optional,
        alpn: alpn_http(),
    };
    check(files, node, context);
}

fn check(files: TlsFiles, node: &Node, context: &mut Context<'_>) {
    if context.depth == Depth::WithoutFiles {
        return;
    }
    match TlsListener::load(files) {
        Ok(listener) => warn(&listener.warnings(), node, context),
        Err(error) => report(&error, node, context),
    }
}

/// The certificates of an upstream, checked by loading them.
pub(super) fn upstream(
    doc: &document::UpstreamTls,
    node: &Node,
    context: &mut Context<'_>,
) -> Option<UpstreamTls> {
    let client = match (&doc.cert, &doc.key) {
        (Some(cert), Some(key)) => Some((context.path(cert), context.path(key))),
        (None, None) => None,
        (cert, _) => {
            let (has, lacks) = if cert.is_some() { ("cert", "key") } else { ("key", "cert") };
            let message = format!("`{has}` needs `{lacks}` beside it");
            context.error(Code::MissingKey, node.find(&["tls", has]), message);
            return None;
        }
    };
    let tls = UpstreamTls {
        ca: doc.ca.as_ref().map(|path| context.path(path)),
        client,
        server_name: doc.server_name.clone(),
    };
    if let Some(name) = &tls.server_name
        && rustls::pki_types::ServerName::try_from(name.as_str()).is_err()
    {
        let message = format!("`{name}` is no server name");
        context.error(Code::BadHost, node.find(&["tls", "server_name"]), message);
    }
    let client = ClientTls { ca: tls.ca.clone(), identity: tls.client.clone(), alpn: Vec::new() };
    load_client(&client, node, context);
    Some(tls)
}

/// An https upstream without `tls` relies on the system's authorities, so there must be some.
pub(super) fn system_roots(node: &Node, context: &mut Context<'_>) {
    load_client(&ClientTls::default(), node, context);
}

fn load_client(client: &ClientTls, node: &Node, context: &mut Context<'_>) {
    if context.depth == Depth::WithoutFiles {
        return;
    }
    let mut warnings = Vec::new();
    if let Err(error) = client_config(client, &mut warnings) {
        report(&error, node, context);
    }
    warn(&warnings, node, context);
}

fn report(error: &TlsError, node: &Node, context: &mut Context<'_>) {
    let message = format!("{}: {}", error.path.display(), chain(&error.problem));
    context.push(
        Diagnostic::error(Code::TlsFile, message)
            .at(at(error.file, node).place.clone())
            .why(error.file.to_string())
            .hint(error.problem.remedy()),
    );
}

fn warn(warnings: &[TlsWarning], node: &Node, context: &mut Context<'_>) {
    for warning in warnings {
        let at = match warning {
            TlsWarning::Expired { file, .. }
            | TlsWarning::ExpiresSoon { file, .. }
            | TlsWarning::NotYetValid { file, .. }
            | TlsWarning::CrlStale { file, .. }
            | TlsWarning::CrlForeign { file, .. } => at(*file, node),
            _ => node,
        };
        context.push(Diagnostic::warning(Code::TlsFile, warning.to_string()).at(at.place.clone()));
    }
}

fn at(file: TlsFile, node: &Node) -> &Node {
    let key = match file {
        TlsFile::Cert => "cert",
        TlsFile::Key => "key",
        TlsFile::ClientCa => "client_ca",
        TlsFile::ClientCrl => "client_crl",
        TlsFile::Ca => "ca",
    };
    node.find(&["tls", key])
}
