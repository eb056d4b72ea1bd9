//! One connection to the admin API, in cleartext or TLS.

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

pub(super) async fn connect(target: &Target) -> Result<SendRequest<Full<Bytes>>, Failure> {
    let stream = TcpStream::connect((target.host.as_str(), target.port)).await;
    let stream = stream.map_err(|error| {
        Failure::new("admin_unreachable", format!("no proxy answers at {}: {error}", target.url))
            .hint("start it with `cutover run`, or say where it is with `--admin URL`")
    })?;
    if !target.is_tls {
        return handshake(stream, target).await;
    }
    let failed = |error: String| {
        let hint = match error.contains("CaUsedAsEndEntity") {
            true => {
                "its certificate is that of an authority (CA:TRUE): sign another for the server with \
                 it, and name the authority with `--ca FILE`"
            }
            false => "name the authority of its certificate with `--ca FILE`",
        };
        Failure::new("admin_tls", format!("no trusted connection to {}: {error}", target.url))
            .hint(hint)
    };
    let tls = ClientTls { ca: target.ca.clone(), identity: None, alpn: vec![b"http/1.1".to_vec()] };
    let config = client_config(&tls, &mut Vec::new()).map_err(|error| failed(error.to_string()))?;
    let name = ServerName::try_from(target.host.clone())
        .map_err(|_| failed(format!("`{}` is no server name", target.host)))?;
    let stream = TlsConnector::from(config).connect(name, stream).await;
    handshake(stream.map_err(|error| failed(error.to_string()))?, target).await
}

async fn handshake<S>(stream: S, target: &Target) -> Result<SendRequest<Full<Bytes>>, Failure>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(|error| {
        Failure::new("admin_broken", format!("{} speaks no HTTP: {error}", target.url))
    })?;
    // Its errors come out of the sender as well.
    tokio::spawn(connection);
    Ok(sender)
}
