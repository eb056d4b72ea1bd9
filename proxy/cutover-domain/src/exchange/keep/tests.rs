use super::*;

fn keep(places: &[&str]) -> Keep {
    Keep::new(places.iter().map(|place| place.parse().unwrap()))
}

fn path(text: &str) -> Path {
    text.parse().unwrap()
}

#[test]
fn each_place_is_kept_where_it_is_and_nowhere_else() {
    let keep = keep(&["body.status", "header.X-Page", "query.limit", "path.slug"]);
    assert!(keep.in_answer(&path("body.status")));
    assert!(keep.in_answer(&path("header.x-page")));
    assert!(keep.in_query("limit"));
    assert!(keep.in_path("slug"));
    assert!(!keep.in_answer(&path("body.status.x")) && !keep.in_answer(&path("body.name")));
    assert!(!keep.in_request(&path("body.status")) && !keep.in_request(&path("header.x-page")));
    assert!(!keep.in_query("slug") && !keep.in_path("limit") && !keep.in_query("page"));
}

#[test]
fn of_requests_bodies_and_headers_are_named_as_such() {
    let keep = keep(&["request.header.accept", "request.body.**", "trailer.x"]);
    assert!(keep.in_request(&path("header.accept")) && keep.in_request(&path("body.a[].b")));
    assert!(!keep.in_answer(&path("header.accept")) && !keep.in_answer(&path("body.a[].b")));
    assert!(keep.in_answer(&path("trailer.x")));
    assert_eq!(keep.iter().count(), 3);
}

#[test]
fn nothing_is_kept_by_default() {
    assert!(!Keep::default().in_answer(&Path::body()) && !Keep::default().in_query("a"));
}

#[test]
fn credentials_are_not_kept_by_a_wildcard_either() {
    let keep = keep(&["body.**", "header.*", "request.header.*", "query.*"]);
    for name in ["authorization", "cookie", "set-cookie", "x-api-key", "proxy-authorization"] {
        assert!(!keep.in_answer(&Path::header(name)), "{name}");
        assert!(!keep.in_request(&Path::header(name)), "{name}");
    }
    for place in ["body.password", "body.user.clientSecret", "body.token.value", "body.a[].otp"] {
        assert!(!keep.in_answer(&path(place)), "{place}");
    }
    assert!(!keep.in_query("access_token") && !keep.in_query("apikey"));
    assert!(keep.in_answer(&path("body.secretary")) && keep.in_query("page"));
    assert!(keep.in_answer(&path("body.tokenizer")) && keep.in_answer(&path("body.passenger")));
}

#[test]
fn what_is_refused_and_why() {
    let refused = |text: &str| text.parse::<Kept>().unwrap_err().to_string();
    for name in ["header.Set-Cookie", "request.header.authorization", "request.header.cookie"] {
        assert!(refused(name).contains("is never kept"), "{name}");
    }
    assert_eq!(
        refused("body.user.userPassword"),
        "`body.user.userPassword` would keep credentials: what stands at `userPassword` is never kept"
    );
    assert!(refused("status").starts_with("`status` is no place of a request or an answer"));
    assert!(refused("request.status").starts_with("`request.status` is no place"));
    assert!(refused("request.trailer.a").starts_with("`request.trailer.a` is no place"));
    assert!(refused("bdoy.a").starts_with("`bdoy.a` is no place"));
    assert!(refused("query.a.b").starts_with("`query.a.b` names no parameter"));
    assert!(refused("body.items[3]").contains("names one element"));
}
