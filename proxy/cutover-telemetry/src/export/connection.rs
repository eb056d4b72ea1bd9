//! One HTTP/1.1 connection to the receiver, in cleartext or TLS.

use std::io;
use std::sync::Arc;

use bytes::Bytes;
use http::Uri;
use http::uri::{Authority, Scheme};
use http_body_util::Full;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

pub(super) type Connection = SendRequest<Full<Bytes>>;

/// Where batches go.
#[derive(Clone, Debug)]
pub(super) struct Endpoint {
    pub(super) uri: Uri,
    pub(super) authority: Authority,
    is_tls: bool,
}

/// Opens connections to one endpoint.
pub(super) struct Connector {
    host: String,
    port: u16,
    tls: Option<(TlsConnector, ServerName<'static>)>,
}

/// An endpoint that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum EndpointError {
    /// Not a URL that batches could be sent to.
    #[error(
        "`{endpoint}` is no OTLP endpoint: {problem}; write it like http://127.0.0.1:4318 or https://otlp.example.com"
    )]
    Url {
        /// As configured.
        endpoint: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// No certificate to check the receiver against.
    #[error("no certificate authority to check the OTLP receiver against: {0}")]
    Roots(String),
}

// === impl Endpoint ===

impl Endpoint {
    pub(super) fn parse(endpoint: &str) -> Result<Self, EndpointError> {
        let error = |problem| EndpointError::Url { endpoint: endpoint.to_owned(), problem };
        let uri: Uri = endpoint.parse().map_err(|_| error("it cannot be read as a URL"))?;
        let is_tls = match uri.scheme() {
            Some(scheme) if *scheme == Scheme::HTTP => false,
            Some(scheme) if *scheme == Scheme::HTTPS => true,
            _ => return Err(error("the scheme must be http or https")),
        };
        let authority = uri.authority().cloned().ok_or_else(|| error("it has no host"))?;
        if authority.as_str().contains('@') {
            return Err(error("credentials belong in a header, not in the URL"));
        }
        let path = match uri.path() {
            "" | "/" => "/v1/traces".to_owned(),
            path => path.to_owned(),
        };
        let mut parts = uri.clone().into_parts();
        parts.path_and_query = Some(path.parse().map_err(|_| error("its path is malformed"))?);
        let uri = Uri::from_parts(parts).map_err(|_| error("its path is malformed"))?;
        Ok(Self { uri, authority, is_tls })
    }
}

// === impl Connector ===

impl Connector {
    /// `ca_pem` replaces the operating system's certificates.
    pub(super) fn new(endpoint: &Endpoint, ca_pem: Option<&[u8]>) -> Result<Self, EndpointError> {
        let host = endpoint.authority.host();
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let default_port = if endpoint.is_tls { 443 } else { 80 };
        let tls = if endpoint.is_tls {
            let name = ServerName::try_from(host.clone()).map_err(|_| EndpointError::Url {
                endpoint: endpoint.uri.to_string(),
                problem: "its host is no DNS name or address",
            })?;
            Some((TlsConnector::from(Arc::new(client_config(ca_pem)?)), name))
        } else {
            None
        };
        Ok(Self { port: endpoint.authority.port_u16().unwrap_or(default_port), host, tls })
    }

    /// Connects and starts the connection's task on the current runtime.
    pub(super) async fn connect(&self) -> io::Result<Connection> {
        let stream = TcpStream::connect((self.host.as_str(), self.port)).await?;
        stream.set_nodelay(true)?;
        match &self.tls {
            None => handshake(stream).await,
            Some((connector, name)) => {
                handshake(connector.connect(name.clone(), stream).await?).await
            }
        }
    }
}

async fn handshake<IO>(stream: IO) -> io::Result<Connection>
where
    IO: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (sender, connection) =
        http1::handshake(TokioIo::new(stream)).await.map_err(io::Error::other)?;
    // Its error also reaches the request that waits for the answer.
    tokio::spawn(connection);
    Ok(sender)
}

fn client_config(ca_pem: Option<&[u8]>) -> Result<ClientConfig, EndpointError> {
    let mut roots = RootCertStore::empty();
    match ca_pem {
        Some(pem) => {
            for certificate in CertificateDer::pem_slice_iter(pem) {
                let certificate =
                    certificate.map_err(|error| EndpointError::Roots(error.to_string()))?;
                roots.add(certificate).map_err(|error| EndpointError::Roots(error.to_string()))?;
            }
        }
        None => {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
    }
    if roots.is_empty() {
        return Err(EndpointError::Roots(
            "none was found; install ca-certificates or configure one".to_owned(),
        ));
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("ring supports the default protocol versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(config)
}
