//! What copies cost the sides is counted, call by call.

use bytes::Bytes;
use cutover_domain::WriteClass;
use http::Response;
use http_body_util::Full;

use crate::rig::{JSON, Server, answer, live, parts, refuses};

const BODY: &str = r#"{"name":"a"}"#;

fn json() -> Response<Full<Bytes>> {
    Response::builder().header("content-type", JSON).body(Full::from(BODY)).unwrap()
}

/// The counts after ten reads of which copies were made, by series.
async fn calls(legacy: &Server, new: &Server) -> Vec<String> {
    let mut started = parts().patient();
    started.writes = Some(WriteClass::Safe);
    let mut rig = started.start(legacy, new);
    for _ in 0..10 {
        rig.compared(rig.exchange("/api/x", Some(live(JSON, BODY)))).await;
    }
    let scrape = rig.scrape();
    let mut series: Vec<String> = scrape
        .lines()
        .filter_map(|line| line.strip_prefix("cutover_shadow_calls_total{cutover_route=\"read\","))
        .map(|rest| rest.replace(['"', '}'], ""))
        .collect();
    series.sort_unstable();
    series
}

#[tokio::test]
async fn both_sides_are_counted_as_often_as_they_were_asked() {
    let (legacy, new) = (answer(|_| json()).await, answer(|_| json()).await);
    let counted = calls(&legacy, &new).await;
    let wanted = ["cutover_side=legacy,outcome=ok 10", "cutover_side=new,outcome=ok 10"];
    assert_eq!(counted, wanted);
    assert_eq!([legacy.count(), new.count()], [10, 10]);
}

#[tokio::test]
async fn who_does_not_answer_is_counted_apart() {
    let (legacy, new) = (answer(|_| json()).await, refuses().await);
    let counted = calls(&legacy, &new).await;
    let wanted = ["cutover_side=legacy,outcome=ok 10", "cutover_side=new,outcome=connect 10"];
    assert_eq!(counted, wanted);
}
