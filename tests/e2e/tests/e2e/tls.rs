//! TLS at the edge: what is agreed, what is reloaded, who is let in.

use std::sync::Arc;

use e2e::certs::{Authority, Identity};
use e2e::client::{self, Client};
use e2e::rig::Pair;
use e2e::{Config, eventually};
use rustls::ClientConfig;
use rustls::pki_types::{CertificateDer, pem::PemObject};

const BOTH: &[&str] = &["h2", "http/1.1"];

/// A pair behind TLS; `more` goes into the listener's `tls` table.
struct Edge {
    pair: Pair,
    authority: Authority,
    server: Identity,
    _dir: tempfile::TempDir,
}

impl Edge {
    async fn start(
        target: &str,
        more: impl Fn(&Authority) -> String,
        change: impl FnOnce(&mut Config),
    ) -> Edge {
        let dir = tempfile::tempdir().unwrap();
        let authority = Authority::new(dir.path()).unwrap();
        let server = authority.server("server", 100).unwrap();
        let (cert, key, more) = (server.cert.display(), server.key.display(), more(&authority));
        let tls = format!("tls = {{ cert = \"{cert}\", key = \"{key}\"{more} }}\n");
        let pair = Pair::start_with(target, |config| {
            config.listener = tls;
            change(config);
        })
        .await
        .unwrap();
        Edge { pair, authority, server, _dir: dir }
    }

    fn trusting(&self, alpn: &[&str], identity: Option<&Identity>) -> Arc<ClientConfig> {
        Arc::new(self.authority.trusting(alpn, identity).unwrap())
    }

    async fn connect(&self, config: Arc<ClientConfig>) -> anyhow::Result<Client> {
        Client::tls(self.pair.proxy.addr(), config).await
    }

    async fn side(&self, config: Arc<ClientConfig>) -> anyhow::Result<String> {
        let answer = self.connect(config).await?.get("/api/v1/devices/1").await?;
        let side = answer.header("x-served-by").map(str::to_owned);
        side.ok_or_else(|| anyhow::anyhow!("{} {}", answer.status, answer.text()))
    }
}

fn client_ca(authority: &Authority) -> String {
    format!(", client_ca = \"{}\"", authority.ca().display())
}

#[tokio::test]
async fn http2_and_http1_are_agreed_by_alpn() {
    let edge = Edge::start("phase = \"live\"", |_| String::new(), |_| {}).await;
    for (alpn, is_http2) in
        [(BOTH, true), (&["h2"][..], true), (&["http/1.1"][..], false), (&[][..], false)]
    {
        let mut client = edge.connect(edge.trusting(alpn, None)).await.unwrap();
        assert_eq!(client.is_http2(), is_http2, "{alpn:?}");
        for _ in 0..3 {
            assert_eq!(
                client.get("/api/v1/devices/1").await.unwrap().header("x-served-by"),
                Some("new")
            );
        }
    }
}

#[tokio::test]
async fn many_streams_share_one_http2_connection() {
    let edge = Edge::start("phase = \"live\"", |_| String::new(), |_| {}).await;
    edge.pair.new.set(e2e::upstream::Fault::Slow(std::time::Duration::from_millis(300))).await;
    let began = std::time::Instant::now();
    let stream =
        client::handshake(edge.pair.proxy.addr(), edge.trusting(&["h2"], None)).await.unwrap();
    let io = hyper_util::rt::TokioIo::new(stream);
    let (sender, connection) =
        hyper::client::conn::http2::handshake(hyper_util::rt::TokioExecutor::new(), io)
            .await
            .unwrap();
    tokio::spawn(connection);
    let answers = (0..50).map(|n| {
        let mut sender = sender.clone();
        let request = http::Request::get(format!("https://localhost/api/v1/devices/{n}"));
        async move {
            sender
                .send_request(request.body(http_body_util::Empty::<bytes::Bytes>::new()).unwrap())
                .await
        }
    });
    for answer in futures_util::future::join_all(answers).await {
        assert_eq!(answer.unwrap().status(), 200);
    }
    assert!(
        began.elapsed() < std::time::Duration::from_secs(5),
        "50 streams at once took {:?}",
        began.elapsed()
    );
}

#[tokio::test]
async fn a_new_certificate_is_used_without_a_restart_and_cuts_nobody() {
    let edge = Edge::start("phase = \"live\"", |_| String::new(), |_| {}).await;
    let mut old = edge.connect(edge.trusting(&["http/1.1"], None)).await.unwrap();
    old.get("/").await.unwrap();
    let new = edge.authority.server("server", 200).unwrap();
    assert_eq!(new.cert, edge.server.cert);
    let wanted = CertificateDer::from_pem_file(&new.cert).unwrap();
    eventually("the new certificate", async || {
        let stream =
            client::handshake(edge.pair.proxy.addr(), edge.trusting(BOTH, None)).await.ok()?;
        (stream.get_ref().1.peer_certificates()?.first()? == &wanted).then_some(())
    })
    .await
    .unwrap();
    assert_eq!(old.get("/").await.unwrap().status, 200, "who was connected stays connected");
}

#[tokio::test]
async fn a_broken_certificate_file_leaves_the_old_one_in_force() {
    let edge = Edge::start("phase = \"live\"", |_| String::new(), |_| {}).await;
    std::fs::write(&edge.server.cert, "this is no certificate").unwrap();
    let refused = eventually("a word about it", async || {
        edge.pair.proxy.process().stderr().contains("server.pem").then_some(())
    });
    refused.await.unwrap_or_else(|late| {
        panic!(
            "{late}
{}",
            edge.pair.proxy.process().stderr()
        )
    });
    assert_eq!(edge.side(edge.trusting(BOTH, None)).await.unwrap(), "new");
}

#[tokio::test]
async fn without_a_client_certificate_nobody_gets_in() {
    let edge = Edge::start("phase = \"live\"", client_ca, |_| {}).await;
    assert!(edge.side(edge.trusting(BOTH, None)).await.is_err());
    let stranger_dir = tempfile::tempdir().unwrap();
    let stranger = Authority::new(stranger_dir.path()).unwrap().client("dev-1", 7).unwrap();
    assert!(edge.side(edge.trusting(BOTH, Some(&stranger))).await.is_err());
    let device = edge.authority.client("dev-1", 8).unwrap();
    assert_eq!(edge.side(edge.trusting(BOTH, Some(&device))).await.unwrap(), "new");
}

#[tokio::test]
async fn the_certificates_name_decides_the_side() {
    let edge = Edge::start("phase = \"canary\"\npercent = 50.0", client_ca, |config| {
        config.routes = config.routes.replace("\"path:id\", \"header:x-device-id\"", "\"cert:cn\"");
    })
    .await;
    let mut sides = std::collections::BTreeSet::new();
    for n in 0..12 {
        let name = format!("dev-{n}");
        let device = edge.authority.client(&name, 300 + n).unwrap();
        let expected =
            if cutover_domain::bucket("devices-1", &name) < 5_000 { "new" } else { "legacy" };
        assert_eq!(
            edge.side(edge.trusting(BOTH, Some(&device))).await.unwrap(),
            expected,
            "{name}"
        );
        sides.insert(expected);
    }
    assert_eq!(sides.len(), 2, "the names must fall on both sides, or nothing is shown");
}

#[tokio::test]
async fn a_revoked_certificate_is_refused_on_new_resumed_and_open_connections() {
    let edge = Edge::start(
        "phase = \"live\"",
        |authority| {
            let crl = authority.revoke(&[], 1).unwrap();
            format!("{}, client_crl = \"{}\"", client_ca(authority), crl.display())
        },
        |_| {},
    )
    .await;
    let device = edge.authority.client("dev-1", 41).unwrap();
    // One configuration, so that later handshakes resume the session of the first.
    let config = edge.trusting(&["http/1.1"], Some(&device));
    let mut open = edge.connect(Arc::clone(&config)).await.unwrap();
    assert_eq!(open.get("/").await.unwrap().status, 200);
    assert_eq!(edge.side(Arc::clone(&config)).await.unwrap(), "new");
    edge.authority.revoke(&[41], 2).unwrap();
    let fresh = edge.trusting(&["http/1.1"], Some(&device));
    eventually("refusal", async || edge.side(Arc::clone(&fresh)).await.err()).await.unwrap();
    assert!(edge.side(config).await.is_err(), "a resumed session is no way around");
    let asked = open.get("/").await;
    assert!(
        asked.as_ref().map_or(true, |answer| answer.status == 403),
        "an open connection is no way around: {asked:?}"
    );
    let other = edge.authority.client("dev-2", 42).unwrap();
    assert_eq!(
        edge.side(edge.trusting(BOTH, Some(&other))).await.unwrap(),
        "new",
        "others are not hurt"
    );
}
