use super::*;

#[test]
fn media_types_are_read_as_what_they_are() {
    for (value, expected) in [
        ("application/json", Media::Json),
        ("Application/JSON; charset=utf-8", Media::Json),
        ("application/problem+json", Media::Json),
        ("text/json", Media::Json),
        ("text/html; charset=utf-8", Media::Text),
        ("application/x-www-form-urlencoded", Media::Text),
        ("application/xml", Media::Text),
        ("application/soap+xml", Media::Text),
        ("image/svg+xml", Media::Text),
        ("application/grpc", Media::Grpc(Messages::Opaque)),
        ("application/grpc+proto", Media::Grpc(Messages::Opaque)),
        ("application/grpc+json", Media::Grpc(Messages::Json)),
        ("image/png", Media::Opaque),
        ("application/octet-stream", Media::Opaque),
        ("multipart/form-data; boundary=x", Media::Opaque),
        ("jsonish", Media::Opaque),
        ("", Media::Opaque),
    ] {
        let headers = [(header::CONTENT_TYPE, value.parse().unwrap())].into_iter().collect();
        assert_eq!(Media::of(&headers), expected, "{value}");
    }
    assert_eq!(Media::of(&HeaderMap::new()), Media::Opaque);
}
