//! Behind a request that may upgrade, bytes wait until it is known what they are.

use std::time::Duration;

use bytes::Bytes;
use expect_test::expect;
use http::header::{CONNECTION, UPGRADE};
use http::{Response, StatusCode};
use http_body_util::Full;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::super::GuardConfig;
use super::rig::{Rig, echo};

const ASKING: &[u8] = b"GET /up HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n";

fn switching() -> Response<Full<Bytes>> {
    let mut answer = Response::new(Full::default());
    *answer.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    answer.headers_mut().insert(CONNECTION, "upgrade".parse().unwrap());
    answer.headers_mut().insert(UPGRADE, "x".parse().unwrap());
    answer
}

/// Upgrades `/up` after a second and then echoes bytes in capitals.
fn upgrading() -> Rig {
    Rig::new(GuardConfig::default(), |mut request, handle, log| async move {
        if request.uri().path() != "/up" {
            return echo(request, &log).await;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
        let upgrade = hyper::upgrade::on(&mut request);
        tokio::spawn(async move {
            let mut stream = TokioIo::new(upgrade.await.unwrap());
            let mut bytes = [0; 64];
            while let Ok(count @ 1..) = stream.read(&mut bytes).await {
                stream.write_all(&bytes[..count].to_ascii_uppercase()).await.unwrap();
            }
        });
        handle.tunnel();
        switching()
    })
}

#[tokio::test(start_paused = true)]
async fn a_tunnel_is_not_scanned_nor_timed() {
    let mut rig = upgrading();
    rig.send(ASKING).await;
    expect![[r#"
        HTTP/1.1 101 Switching Protocols
        connection: upgrade
        upgrade: x

    "#]]
    .assert_eq(&rig.until("\r\n\r\n").await);
    rig.send(b"get /\n\0;").await;
    assert_eq!(rig.until(";").await, "GET /\n\0;");
    tokio::time::sleep(Duration::from_secs(3600)).await;
    rig.send(b"still;").await;
    assert_eq!(rig.until(";").await, "STILL;");
    expect![[""]].assert_eq(&rig.log.lines());
}

#[tokio::test(start_paused = true)]
async fn early_bytes_reach_the_tunnel_first() {
    for early in 1..4 {
        let mut rig = upgrading();
        // With the head and in a second piece, before the 101.
        rig.send(&[ASKING, &b"abc"[..early]].concat()).await;
        tokio::time::sleep(Duration::from_millis(1)).await;
        rig.send(&b"abc"[early..]).await;
        rig.until("\r\n\r\n").await;
        rig.send(b"def;").await;
        assert_eq!(rig.until(";").await, "ABCDEF;");
    }
}

#[tokio::test(start_paused = true)]
async fn a_declined_upgrade_goes_on_as_http() {
    let mut rig = Rig::new(GuardConfig::default(), |request, _, log| async move {
        tokio::time::sleep(Duration::from_secs(1)).await;
        echo(request, &log).await
    });
    rig.send(
        &[
            ASKING,
            b"GET /2 HTTP/1.1\r\nHost: a\r\n\r\n",
            ASKING,
            b"GET /4 HTTP/1.1\nHost: a\r\n\r\n",
        ]
        .concat(),
    )
    .await;
    expect![[r#"
        HTTP/1.1 200 OK
        content-length: 3

        /upHTTP/1.1 200 OK
        content-length: 2

        /2HTTP/1.1 200 OK
        content-length: 3

        /upHTTP/1.1 400 Bad Request
        content-type: text/plain
        content-length: 38
        connection: close

        bare_lf: a line ends in LF without CR
    "#]]
    .assert_eq(&rig.rest().await);
    expect![[r#"
        GET /up ""
        GET /2 ""
        GET /up ""
        refused head bare_lf"#]]
    .assert_eq(&rig.log.lines());
}

/// The service says so before its answer has ended.
#[tokio::test(start_paused = true)]
async fn an_upgrade_can_be_declined_early() {
    let mut rig = Rig::new(GuardConfig::default(), |request, handle, log| async move {
        handle.upgrade_decided(false);
        handle.tunnel();
        echo(request, &log).await
    });
    rig.send(&[ASKING, b"GET /2 HTTP/1.1\r\nHost: a\r\n\r\n"].concat()).await;
    rig.rest().await;
    expect![[r#"
        GET /up ""
        GET /2 ""
        expired idle"#]]
    .assert_eq(&rig.log.lines());
}

#[tokio::test(start_paused = true)]
async fn a_body_before_an_upgrade_is_followed() {
    let mut rig = upgrading();
    rig.send(b"POST /up HTTP/1.1\r\nHost: a\r\nUpgrade: x\r\nConnection: upgrade\r\nContent-Length: 3\r\n\r\nabcdef;").await;
    rig.until("\r\n\r\n").await;
    assert_eq!(rig.until(";").await, "DEF;");
}

#[tokio::test(start_paused = true)]
async fn a_client_that_leaves_before_the_decision_is_noticed() {
    let (tell, told) = tokio::sync::oneshot::channel::<()>();
    let tell = std::sync::Mutex::new(Some(tell));
    let mut rig = Rig::new(GuardConfig::default(), move |_, _, _| {
        let tell = tell.lock().unwrap().take();
        async move {
            // Dropped with the connection.
            let _tell = tell;
            std::future::pending().await
        }
    });
    rig.send(ASKING).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    drop(rig.client);
    assert!(told.await.is_err());
}
