use super::*;

#[test]
fn baggage_keeps_what_it_had_behind_the_mark() {
    let mut headers = HeaderMap::new();
    mark_baggage(&mut headers);
    assert_eq!(headers[BAGGAGE], "cutover.shadow=1");
    let mut headers = HeaderMap::new();
    headers.append(BAGGAGE, HeaderValue::from_static("a=1,b=2"));
    headers.append(BAGGAGE, HeaderValue::from_static("c=3"));
    mark_baggage(&mut headers);
    let all: Vec<_> = headers.get_all(BAGGAGE).iter().collect();
    assert_eq!(all, ["cutover.shadow=1,a=1,b=2,c=3"]);
}

#[test]
fn a_live_trace_is_named_if_there_is_one() {
    assert_eq!(live_traceparent(TraceIds::default(), 1), None);
    let named = live_traceparent(TraceIds { trace_id: 0xab, span_id: 0xcd }, 3).unwrap();
    assert_eq!(named, "00-000000000000000000000000000000ab-00000000000000cd-03");
}
