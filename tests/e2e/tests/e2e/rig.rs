//! The rig's own parts tell the truth, so that the other tests can.

use std::sync::Arc;
use std::time::Duration;

use e2e::chaos::{ChaosProxy, Weather};
use e2e::client::{self, Client};
use e2e::load::{Load, Pace, Plan, Shot};
use e2e::raw::RawConnection;
use e2e::script::{Act, Script};
use e2e::upstream::{Asked, Fault, Upstream};

fn reads(target: std::net::SocketAddr, pace: Pace) -> Plan {
    Plan { target, workers: 4, pace, shots: Arc::new(|n| Shot::get(format!("/{n}"))) }
}

#[tokio::test]
async fn the_load_and_the_upstream_count_the_same() {
    let upstream = Upstream::start("one").await.unwrap();
    let load = Load::start(reads(upstream.addr(), Pace::Closed));
    load.more(500).await.unwrap();
    let report = load.stop().await;
    report.assert_all_good();
    assert_eq!(report.requests(), upstream.answered());
    assert_eq!(report.by_side().get("one"), Some(&report.requests()));
}

#[tokio::test]
async fn the_load_sees_every_fault_as_a_failure() {
    let upstream = Upstream::start("one").await.unwrap();
    for fault in [Fault::Status(503), Fault::Reset, Fault::Refuse] {
        upstream.set(fault).await;
        let load = Load::start(reads(upstream.addr(), Pace::PerSecond(500.0)));
        load.more(20).await.unwrap();
        let report = load.stop().await;
        assert_eq!(report.failed(), report.requests(), "{fault:?}: {:?}", report.failures());
    }
    upstream.set(Fault::None).await;
    assert_eq!(client::get(upstream.addr(), "/").await.unwrap().status, 200);
}

#[tokio::test]
async fn latency_is_measured_from_when_a_shot_was_due() {
    let upstream = Upstream::start("one").await.unwrap();
    upstream.set(Fault::Slow(Duration::from_millis(50))).await;
    // Four workers manage 80 a second; asked for 400, the queue in front of them grows.
    let load = Load::start(reads(upstream.addr(), Pace::PerSecond(400.0)));
    load.more(60).await.unwrap();
    let report = load.stop().await;
    let latency = report.latency().unwrap();
    assert!(latency.max > Duration::from_millis(250), "{latency}");
    assert!(report.outcomes.iter().all(|outcome| outcome.sent_us >= outcome.due_us));
}

#[tokio::test]
async fn the_upstream_tells_what_it_was_asked_in_both_versions() {
    let upstream = Upstream::start("one").await.unwrap();
    for mut client in
        [Client::http1(upstream.addr()).await.unwrap(), Client::h2c(upstream.addr()).await.unwrap()]
    {
        let request = http::Request::post("/a%2Fb?c=d").header("x-a", "1").header("x-a", "2");
        let answer = client.ask(request.body("body".into()).unwrap()).await.unwrap();
        let asked: Asked = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!((asked.method.as_str(), asked.target.as_str()), ("POST", "/a%2Fb?c=d"));
        assert_eq!((asked.body.as_str(), asked.body_bytes), ("body", 4));
        let values: Vec<_> = asked
            .headers
            .iter()
            .filter(|(name, _)| name == "x-a")
            .map(|(_, value)| value.as_str())
            .collect();
        assert_eq!(values, ["1", "2"]);
        assert_eq!(asked.version == "HTTP/2.0", client.is_http2());
    }
}

#[tokio::test]
async fn a_script_plays_its_bytes_and_keeps_what_it_heard() {
    let answer = "HTTP/1.1 200 Fine\r\nX-CaSe: 1\r\nTransfer-Encoding: chunked\r\nTrailer: X-End\r\n\r\n3\r\nabc\r\n0\r\nX-End: yes\r\n\r\n";
    let acts = vec![
        Act::ReadBody,
        Act::Send(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n".to_vec()),
        Act::Send(answer.into()),
    ];
    let script = Script::start([("x", acts)]).await.unwrap();
    let mut connection = RawConnection::open(script.addr()).await.unwrap();
    connection.send("POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nT: 1\r\n\r\n").await.unwrap();
    assert_eq!(connection.head().await.unwrap().status(), 103);
    let response = connection.response(false).await.unwrap();
    assert_eq!(response.status_line, "HTTP/1.1 200 Fine");
    assert_eq!(response.headers[0], ("X-CaSe".to_owned(), "1".to_owned()));
    assert_eq!((response.text().as_str(), response.trailers.len()), ("abc", 1));
    let heard = script.heard();
    assert_eq!(
        (heard[0].body.as_slice(), heard[0].trailers.as_slice()),
        (&b"hi"[..], &["T: 1".to_owned()][..])
    );
}

#[tokio::test]
async fn chaos_delays_holds_and_cuts() {
    let upstream = Upstream::start("one").await.unwrap();
    let chaos = ChaosProxy::start(upstream.addr()).await.unwrap();
    let mut client = Client::http1(chaos.addr()).await.unwrap();
    assert_eq!(client.get("/").await.unwrap().status, 200);
    chaos.set(Weather::Hole);
    let held = tokio::time::timeout(Duration::from_millis(200), client.get("/")).await;
    assert!(held.is_err(), "a hole lets nothing through");
    chaos.set(Weather::Cut);
    assert!(client::get(chaos.addr(), "/").await.is_err());
    chaos.set(Weather::Fair);
    assert_eq!(client::get(chaos.addr(), "/").await.unwrap().status, 200);
}
