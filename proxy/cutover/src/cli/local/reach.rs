//! Whether what the configuration names can be reached.

use std::{
    net::{TcpStream, ToSocketAddrs},
    time::Duration,
};

use serde::Serialize;

use crate::config::Config;

/// An address and whether something answers there.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Found {
    /// `upstream registry`, `OTLP receiver`.
    pub(super) what: String,
    /// `HOST:PORT`
    pub(super) address: String,
    /// Why not; `None`: it answers.
    pub(super) problem: Option<String>,
}

/// Asks every upstream and the OTLP receiver for a connection.
pub(super) fn all(config: &Config, timeout: Duration) -> Vec<Found> {
    let mut found = upstreams(config, timeout);
    found.extend(otlp(config, timeout));
    found
}

pub(super) fn upstreams(config: &Config, timeout: Duration) -> Vec<Found> {
    let upstreams = config.declaration.upstreams.iter();
    upstreams
        .map(|upstream| {
            connect(format!("upstream {}", upstream.name), &upstream.host, upstream.port, timeout)
        })
        .collect()
}

pub(super) fn otlp(config: &Config, timeout: Duration) -> Option<Found> {
    let uri: http::Uri = config.telemetry.export.endpoint.parse().ok()?;
    let host = uri.host()?.trim_matches(['[', ']']);
    let default = if uri.scheme_str() == Some("https") { 443 } else { 80 };
    let port = uri.port_u16().unwrap_or(default);
    Some(connect("OTLP receiver".to_owned(), host, port, timeout))
}

fn connect(what: String, host: &str, port: u16, timeout: Duration) -> Found {
    let address =
        if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") };
    let problem = match (host, port).to_socket_addrs() {
        Err(error) => Some(format!("the name cannot be resolved: {error}")),
        Ok(addresses) => {
            let mut problem = Some("the name has no address".to_owned());
            for address in addresses {
                match TcpStream::connect_timeout(&address, timeout) {
                    Ok(_) => {
                        problem = None;
                        break;
                    }
                    Err(error) => problem = Some(error.to_string()),
                }
            }
            problem
        }
    };
    Found { what, address, problem }
}

// === impl Found ===

impl Found {
    /// In one line.
    pub(super) fn line(&self) -> String {
        match &self.problem {
            None => format!("{} at {} answers", self.what, self.address),
            Some(problem) => {
                format!("{} at {} does not answer: {problem}", self.what, self.address)
            }
        }
    }
}
