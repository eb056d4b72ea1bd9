//! What becomes of `Authorization` and `Cookie`.

use bytes::Bytes;
use cutover_domain::{Credentials, WriteClass};
use http::{Request, Response};
use http_body_util::Full;

use crate::rig::{JSON, Rig, Server, answer, headers, live, parts};

/// Sets a cookie at each login, counting.
fn logs_in(request: &Request<Bytes>) -> Response<Full<Bytes>> {
    let response = Response::builder().header("content-type", JSON);
    let response = match request.uri().path() {
        "/api/login" => response.header("set-cookie", "sid=of-new; Path=/; HttpOnly"),
        _ => response,
    };
    response.body(Full::from("{}")).unwrap()
}

async fn rig(credentials: Credentials) -> (Rig, Server, Server) {
    let (legacy, new) = (answer(logs_in).await, answer(logs_in).await);
    let mut started = parts().patient();
    started.spec.credentials = credentials;
    started.writes = Some(WriteClass::Safe);
    (started.start(&legacy, &new), legacy, new)
}

/// Asks as one client that has credentials of legacy's.
async fn ask(rig: &mut Rig, target: &str, subject: u64) {
    let mut exchange = rig.exchange(target, Some(live(JSON, "{}")));
    exchange.subject = subject;
    exchange.request.headers.extend(headers(&[
        ("authorization", "Bearer legacy"),
        ("cookie", "sid=of-legacy"),
        ("accept", "application/json"),
    ]));
    rig.compared(exchange).await;
}

/// `Authorization` and `Cookie` of the last request.
fn last(server: &Server) -> [Option<String>; 2] {
    let requests = server.requests.lock().unwrap();
    let headers = requests.last().unwrap().headers();
    assert_eq!(headers["accept"], "application/json");
    ["authorization", "cookie"]
        .map(|name| headers.get(name).map(|value| value.to_str().unwrap().to_owned()))
}

fn of_legacy() -> [Option<String>; 2] {
    [Some("Bearer legacy".into()), Some("sid=of-legacy".into())]
}

#[tokio::test]
async fn forwarded_they_go_along() {
    let (mut rig, legacy, new) = rig(Credentials::Forward).await;
    ask(&mut rig, "/api/x", 1).await;
    assert_eq!((last(&new), last(&legacy)), (of_legacy(), of_legacy()));
    rig.settled(1).await;
}

#[tokio::test]
async fn dropped_only_legacy_sees_them_again() {
    let (mut rig, legacy, new) = rig(Credentials::Drop).await;
    ask(&mut rig, "/api/login", 1).await;
    ask(&mut rig, "/api/x", 1).await;
    assert_eq!((last(&new), last(&legacy)), ([None, None], of_legacy()));
    rig.settled(2).await;
}

#[tokio::test]
async fn in_sessions_each_client_gets_back_what_the_candidate_gave_it() {
    let (mut rig, legacy, new) = rig(Credentials::Session).await;
    ask(&mut rig, "/api/x", 1).await;
    assert_eq!(last(&new), [None, None]);
    ask(&mut rig, "/api/login", 1).await;
    ask(&mut rig, "/api/x", 1).await;
    assert_eq!((last(&new), last(&legacy)), ([None, Some("sid=of-new".into())], of_legacy()));
    ask(&mut rig, "/api/x", 2).await;
    assert_eq!(last(&new), [None, None]);
    rig.settled(4).await;
}
