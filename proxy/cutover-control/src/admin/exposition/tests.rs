use super::*;

#[test]
fn a_scraper_gets_open_metrics_only_if_it_asks() {
    for (accept, expected) in [
        (None, false),
        (Some("*/*"), false),
        (Some("text/plain;version=0.0.4"), false),
        (Some("application/openmetrics-text; version=1.0.0,text/plain;q=0.5"), true),
        (Some("text/plain, Application/OpenMetrics-Text;q=0.3"), true),
        (Some("application/openmetrics-text;q=0"), false),
        (Some("application/openmetrics-text;q=0.0,text/plain"), false),
    ] {
        assert_eq!(wants_open_metrics(accept), expected, "{accept:?}");
    }
}

#[test]
fn the_older_format_says_the_same() {
    let open = "\
# HELP requests Requests # so far.
# TYPE requests counter
requests_total{route=\"a # b\",x=\"\\\"# \"} 7 # {trace_id=\"abc\"} 1.0
# HELP build About.
# TYPE build info
build_info{version=\"1\"} 1
# HELP up Up.
# TYPE up gauge
# UNIT up seconds
up 1
# HELP odd Odd.
# TYPE odd unknown
odd 2
# HELP took Took.
# TYPE took histogram
took_bucket{le=\"+Inf\"} 1 # {trace_id=\"abc\"} 0.1 123
took_sum 0.1
# EOF
";
    let text = "\
# HELP requests_total Requests # so far.
# TYPE requests_total counter
requests_total{route=\"a # b\",x=\"\\\"# \"} 7
# HELP build_info About.
# TYPE build_info gauge
build_info{version=\"1\"} 1
# HELP up Up.
# TYPE up gauge
up 1
# HELP odd Odd.
# TYPE odd untyped
odd 2
# HELP took Took.
# TYPE took histogram
took_bucket{le=\"+Inf\"} 1
took_sum 0.1
";
    assert_eq!(to_text(open), text);
}
