//! Traces that were kept, by API and page.

use super::{answers::read, *};
use crate::{
    api::{TraceAnswer, TracesAnswer},
    traces::{SpanSeen, TraceSeen, Traces},
};

/// A request that was rescued.
pub(super) const LIVE: &str = "000000000000000000000000000000aa";
/// Its copy.
const COPY: &str = "000000000000000000000000000000bb";
/// Named by the copy, and nowhere.
const GONE: &str = "000000000000000000000000000000cc";

/// A request, and its copy.
pub(super) struct Two;

impl Traces for Two {
    fn newest(&self) -> Vec<TraceSeen> {
        vec![copy(), live()]
    }

    fn find(&self, id: &str) -> Option<TraceSeen> {
        self.newest().into_iter().find(|trace| trace.trace_id == id)
    }
}

fn span(name: &str, id: &str, parent: Option<&str>, from_to: [u64; 2], more: &str) -> SpanSeen {
    let attributes = more.split(' ').filter_map(|pair| pair.split_once('='));
    SpanSeen {
        span_id: id.into(),
        parent: parent.map(str::to_owned),
        name: name.into(),
        kind: if parent == Some("1") { "client" } else { "server" },
        start_nanos: from_to[0] * 1_000_000,
        end_nanos: from_to[1] * 1_000_000,
        is_error: more.contains("error.type"),
        attributes: attributes.map(|(key, value)| (key.into(), value.into())).collect(),
        links: Vec::new(),
    }
}

fn live() -> TraceSeen {
    let own = "cutover.route.id=read cutover.side=new cutover.sampling.reason=fallback \
               cutover.fallback=true http.response.status_code=200 cutover.shadow.trace_id=\
               000000000000000000000000000000bb";
    TraceSeen {
        trace_id: LIVE.into(),
        spans: vec![
            span("GET /read/{id}", "1", Some("caller"), [1_000, 1_030], own),
            span(
                "GET /read/{id}",
                "2",
                Some("1"),
                [1_001, 1_011],
                "cutover.side=new error.type=<b>",
            ),
            span("GET /read/{id}", "3", Some("1"), [1_011, 1_029], "cutover.side=legacy"),
        ],
        is_cut: false,
    }
}

fn copy() -> TraceSeen {
    let own = "cutover.route.id=read cutover.side=legacy cutover.shadow=true \
               cutover.sampling.reason=live cutover.parity.verdict=match";
    let mut root = span("shadow GET /read/{id}", "1", None, [1_031, 1_040], own);
    root.links = vec![(LIVE.into(), "shadow_of".into()), (GONE.into(), "other".into())];
    TraceSeen { trace_id: COPY.into(), spans: vec![root], is_cut: true }
}

#[tokio::test]
async fn the_newest_come_first_with_what_came_of_them() {
    let rig = Rig::new("read canary 5\n list shadow").await;
    let answer: TracesAnswer = read(&rig.get("/api/v1/traces").await);
    let told = |at: usize| {
        let row = &answer.traces[at];
        (row.trace_id.as_str(), row.outcome.as_str(), row.bad, row.copy)
    };
    assert_eq!(told(0), (COPY, "match", false, true));
    assert_eq!(told(1), (LIVE, "200, fallback", true, false));
    assert_eq!((answer.traces[1].at_ms, answer.traces[1].duration_ms), (1_000, 30.0));
    let answer: TracesAnswer = read(&rig.get("/api/v1/traces?route=list").await);
    assert_eq!((answer.traces.len(), answer.recording), (0, true));
    let answer: TracesAnswer = read(&rig.get("/api/v1/traces?limit=1").await);
    assert_eq!(answer.traces.len(), 1);
    rig.end().await;
}

#[tokio::test]
async fn one_trace_is_a_tree_of_spans() {
    let rig = Rig::new("read canary 5").await;
    let answer: TraceAnswer = read(&rig.get(&format!("/api/v1/traces/{LIVE}")).await);
    let spans: Vec<_> =
        answer.spans.iter().map(|span| (span.depth, span.start_ms, span.duration_ms)).collect();
    assert_eq!(spans, [(0, 0.0, 30.0), (1, 1.0, 10.0), (1, 11.0, 18.0)]);
    assert_eq!(answer.trace.linked, [COPY]);
    let got = rig.get(&format!("/api/v1/traces/{GONE}")).await;
    assert_eq!((got.status, got.code().as_str()), (404, "unknown_trace"));
    rig.end().await;
}

#[tokio::test]
async fn pages_draw_a_request_and_its_copy() {
    let rig = Rig::new("read canary 5").await;
    let mut browser = console::Browser::of(&rig, "viewer").await;
    let list = browser.get("/traces").await.body;
    assert!(list.contains(&format!("href=\"/traces/{LIVE}\"")), "{list}");
    assert!(list.contains("<span class=\"mark bad\">200, fallback</span>"), "{list}");
    let page = browser.get(&format!("/traces/{LIVE}")).await.body;
    for part in [
        "Its copy, asked of the other side",
        "<rect class=\"failed\" x=\"33.2\" y=\"0\" width=\"333.3\" height=\"10\">",
        "<rect class=\"legacy\"",
        "<span class=\"mark bad\">&lt;b&gt;</span>",
        "Later spans of this trace were left out",
    ] {
        assert!(page.contains(part), "{part} in {page}");
    }
    let page = browser.get(&format!("/traces/{COPY}")).await.body;
    assert!(page.contains("The request that it is a copy of"), "{page}");
    assert!(page.contains(GONE) && !page.contains(&format!("/traces/{GONE}\"")), "{page}");
    rig.end().await;
}
