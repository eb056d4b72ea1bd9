//! One connection to the admin API, in cleartext or TLS.

use std::io;

use bytes::Bytes;
use cutover_gateway::tls::{ClientTls, client_config};
use http_body_util::Full;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};
use tokio_rustls::TlsConnector;

use super::target::Target;
use crate::cli::exit::Failure;

/// There is no connection.
#[derive(Debug)]
pub(in crate::cli) enum NoConnection {
    /// Nobody listens there.
    Unreachable(io::Error),
    /// It is not trusted, or speaks no TLS.
    Tls(String),
    /// It speaks no HTTP.
    Http(hyper::Error),
}

pub(super) async fn connect(target: &Target) -> Result<SendRequest<Full<Bytes>>, NoConnection> {
    let stream = TcpStream::connect((target.host.as_str(), target.port)).await;
    let stream = stream.map_err(NoConnection::Unreachable)?;
    if !target.is_tls {
        return handshake(stream).await;
    }
    let failed = NoConnection::Tls;
    let tls = ClientTls { ca: target.ca.clone(), identity: None, alpn: vec![b"http/1.1".to_vec()] };
    let config = client_config(&tls, &mut Vec::new()).map_err(|error| failed(error.to_string()))?;
    let name = ServerName::try_from(target.host.clone())
        .map_err(|_| failed(format!("`{}` is no server name", target.host)))?;
    let stream = TlsConnector::from(config).connect(name, stream).await;
    handshake(stream.map_err(|error| failed(error.to_string()))?).await
}

async fn handshake<S>(stream: S) -> Result<SendRequest<Full<Bytes>>, NoConnection>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let handshake = http1::handshake(TokioIo::new(stream)).await;
    let (sender, connection) = handshake.map_err(NoConnection::Http)?;
    // Its errors come out of the sender as well.
    tokio::spawn(connection);
    Ok(sender)
}

// === impl NoConnection ===

impl NoConnection {
    /// As a failure to reach the admin API at `url`.
    pub(super) fn to_admin(&self, url: &str) -> Failure {
        match self {
            NoConnection::Unreachable(error) => {
                Failure::new("admin_unreachable", format!("no proxy answers at {url}: {error}"))
                    .hint("start it with `cutover run`, or say where it is with `--admin URL`")
            }
            NoConnection::Tls(error) => {
                Failure::new("admin_tls", format!("no trusted connection to {url}: {error}"))
                    .hint(tls_hint(error))
            }
            NoConnection::Http(error) => {
                Failure::new("admin_broken", format!("{url} speaks no HTTP: {error}"))
            }
        }
    }

    /// As a failure to reach a service at `url` that requests are sent to.
    pub(in crate::cli) fn to_service(&self, url: &str) -> Failure {
        let failed = |what: &str| Failure::new("no_answer", format!("{url} {what}"));
        match self {
            NoConnection::Unreachable(error) => failed(&format!("takes no connection: {error}"))
                .hint("start the service, or correct the address"),
            NoConnection::Tls(error) => {
                failed(&format!("is not trusted: {error}")).hint(tls_hint(error))
            }
            NoConnection::Http(error) => failed(&format!("speaks no HTTP/1.1: {error}")),
        }
    }
}

fn tls_hint(error: &str) -> &'static str {
    match error.contains("CaUsedAsEndEntity") {
        true => {
            "its certificate is that of an authority (CA:TRUE): sign another for the server with it, \
             and name the authority with `--ca FILE`"
        }
        false => "name the authority of its certificate with `--ca FILE`",
    }
}
