//! Real HAProxy and nginx as plain processes on loopback, and the backend
//! behind them that notes what they forward.

use std::collections::HashMap;
use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream};

/// Carries the peer's name and the client's port from the peer to the backend;
/// one port may be connected to both peers at once.
const TAG: &str = "x-client";

/// A request as a peer forwarded it: method, path with query, body.
pub(crate) type Forwarded = (String, String, Vec<u8>);

/// What came from each client, by tag, in order.
#[derive(Clone, Default)]
pub(crate) struct Backend(Arc<Mutex<HashMap<String, Vec<Forwarded>>>>);

/// A proxy under comparison; ends with the value.
pub(crate) struct Peer {
    pub(crate) name: &'static str,
    pub(crate) address: SocketAddr,
    child: Child,
    _dir: TempDir,
}

// === impl Backend ===

impl Backend {
    /// Serves in background tasks; the address to forward to.
    pub(crate) async fn start(&self) -> SocketAddr {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let backend = self.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                stream.set_nodelay(true).unwrap();
                tokio::spawn(backend.clone().serve(stream));
            }
        });
        address
    }

    /// Forgets and returns what came from a client.
    pub(crate) fn take(&self, tag: &str) -> Vec<Forwarded> {
        self.0.lock().unwrap().remove(tag).unwrap_or_default()
    }

    async fn serve(self, stream: TcpStream) {
        let service = service_fn(move |request| {
            let backend = self.clone();
            async move { Ok::<_, Infallible>(backend.answer(request).await) }
        });
        let mut http = http1::Builder::new();
        http.max_headers(256);
        // A peer that resets its connection says nothing about its requests.
        let _ = http.serve_connection(TokioIo::new(stream), service).await;
    }

    /// Notes the request once its body is whole; answers with its path.
    async fn answer(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let (head, body) = request.into_parts();
        let path = head.uri.path_and_query().map_or("", |path| path.as_str()).to_owned();
        let Ok(body) = body.collect().await else {
            return Response::new(Full::default());
        };
        let tag = head.headers.get(TAG).and_then(|tag| tag.to_str().ok()).expect("the peers tag");
        let tag = tag.to_owned();
        let forwarded = (head.method.to_string(), path.clone(), body.to_bytes().to_vec());
        self.0.lock().unwrap().entry(tag).or_default().push(forwarded);
        Response::builder().header("x-path", path).body(Full::default()).unwrap()
    }
}

// === impl Peer ===

impl Peer {
    pub(crate) async fn haproxy(backend: SocketAddr) -> Self {
        let port = free_port().await;
        let config = format!(
            "global\n  maxconn 4000\n\
             defaults\n  mode http\n  timeout connect 5s\n  timeout client 20s\n  timeout server 20s\n  http-reuse always\n\
             frontend f\n  bind 127.0.0.1:{port}\n  http-request set-header {TAG} haproxy-%[src_port]\n  default_backend b\n\
             backend b\n  server s {backend}\n"
        );
        Self::start("haproxy", port, |dir| {
            let file = dir.join("haproxy.cfg");
            std::fs::write(&file, config).unwrap();
            let mut command = Command::new("haproxy");
            command.arg("-db").arg("-f").arg(file);
            command
        })
        .await
    }

    pub(crate) async fn nginx(backend: SocketAddr) -> Self {
        let port = free_port().await;
        Self::start("nginx", port, |dir| {
            let dir_name = dir.display();
            let config = format!(
                "daemon off; master_process off; pid {dir_name}/pid; error_log {dir_name}/error.log crit;\n\
                 events {{ worker_connections 4000; }}\n\
                 http {{ access_log off; client_body_temp_path {dir_name}/body; proxy_temp_path {dir_name}/proxy;\n\
                 fastcgi_temp_path {dir_name}/f; uwsgi_temp_path {dir_name}/u; scgi_temp_path {dir_name}/s;\n\
                 keepalive_requests 100000; client_max_body_size 0;\n\
                 upstream b {{ server {backend}; keepalive 64; }}\n\
                 server {{ listen 127.0.0.1:{port}; location / {{ proxy_pass http://b; proxy_http_version 1.1;\n\
                 proxy_set_header Connection \"\"; proxy_set_header {TAG} nginx-$remote_port; }} }} }}\n"
            );
            std::fs::write(dir.join("nginx.conf"), config).unwrap();
            let mut command = Command::new("/usr/sbin/nginx");
            command.arg("-p").arg(dir).arg("-e").arg("stderr").arg("-c").arg(dir.join("nginx.conf"));
            command
        })
        .await
    }

    async fn start(name: &'static str, port: u16, command: impl FnOnce(&Path) -> Command) -> Self {
        let dir = TempDir::new().unwrap();
        let child =
            command(dir.path()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap_or_else(
                |error| panic!("{name}: {error}; install it: apt-get install haproxy nginx-light"),
            );
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let mut peer = Self { name, address, child, _dir: dir };
        for _ in 0..500 {
            if TcpStream::connect(address).await.is_ok() {
                return peer;
            }
            assert!(
                peer.child.try_wait().unwrap().is_none(),
                "{name} ended at its start: run it by hand"
            );
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("{name} does not listen on {address} after 5 s");
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Free a moment ago; the peers cannot choose one themselves.
async fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap().local_addr().unwrap().port()
}
