//! The origin that every proxy passes requests to: nginx with answers from memory.

use std::fs;
use std::net::SocketAddr;

use e2e::process::{Process, Spec};
use e2e::{Rig, ports};

/// A running origin.
pub(crate) struct Origin {
    addr: SocketAddr,
    _process: Process,
}

impl Origin {
    /// Starts it on core 0. `/1k` and what is below it is 1 KiB, `/64k` is 64 KiB, `/json/` has
    /// 1 KiB of JSON, and
    /// `/v1/traces` takes traces and forgets them.
    pub(crate) async fn start(rig: &Rig) -> anyhow::Result<Origin> {
        let (dir, addr) = (rig.subdir("origin")?, ports::free());
        fs::write(dir.join("64k"), "x".repeat(64 * 1024))?;
        let locations = format!(
            "location /1k {{ return 200 {body}; }}
             location = /64k {{ root {dir}; }}
             location /json/ {{ default_type application/json; return 200 '{json}'; }}
             location = /v1/traces {{ client_max_body_size 64m; return 200; }}",
            body = "x".repeat(1024),
            json = json(),
            dir = dir.display(),
        );
        let server = format!("server {{ listen {addr} backlog=4096 reuseport; {locations} }}");
        fs::write(dir.join("nginx.conf"), nginx_conf(&dir, &server))?;
        let process = Spec::new("origin", "taskset")
            .args(["-c", "0", "/usr/sbin/nginx", "-p"])
            .arg(&dir)
            .args(["-c", "nginx.conf", "-e", "stderr"])
            .start(&dir)?;
        until_listening(&process, addr).await?;
        Ok(Origin { addr, _process: process })
    }

    /// Where it listens.
    pub(crate) fn addr(&self) -> SocketAddr {
        self.addr
    }
}

/// Ten devices in 1 KiB.
fn json() -> String {
    let device = |id: u32| {
        format!(
            r#"{{"id":{id},"name":"lamp {id}","room":"kitchen","online":true,"battery":0.{id},"firmware":"1.4.{id}"}}"#
        )
    };
    let devices: Vec<String> = (11..22).map(device).collect();
    format!(r#"{{"devices":[{}],"next":null}}"#, devices.join(","))
}

/// One nginx process that writes nothing outside `dir`; also used for nginx as a proxy.
pub(crate) fn nginx_conf(dir: &std::path::Path, http: &str) -> String {
    let dir = dir.display();
    format!(
        "daemon off; master_process off; worker_processes 1; pid {dir}/nginx.pid;
         
         events {{ worker_connections 4000; }}
         http {{
           access_log off; sendfile on; tcp_nodelay on; keepalive_requests 1000000000;
           keepalive_timeout 600s; open_file_cache max=10;
           client_body_temp_path {dir}/b; proxy_temp_path {dir}/p; fastcgi_temp_path {dir}/f;
           uwsgi_temp_path {dir}/u; scgi_temp_path {dir}/s;
           {http}
         }}\n"
    )
}

/// Waits until `addr` accepts connections.
pub(crate) async fn until_listening(process: &Process, addr: SocketAddr) -> anyhow::Result<()> {
    let accepts = async || tokio::net::TcpStream::connect(addr).await.ok().map(drop);
    process.until("listens", accepts).await
}
