use super::*;

#[test]
fn sources_survive_text() {
    for text in [
        "cert:cn",
        "cert:san",
        "mqtt:client_id",
        "mqtt:username",
        "jwt:sub",
        "cookie:sid",
        "header:x-device-id",
        "path:id",
        "addr",
    ] {
        assert_eq!(text.parse::<SubjectSource>().unwrap().to_string(), text);
    }
    assert_eq!("header:X-Device-Id".parse(), Ok(SubjectSource::Header("x-device-id".into())),);
}

#[test]
fn what_is_no_source_is_refused() {
    for text in [
        "",
        "addr:",
        "addr:x",
        "cert:",
        "cert:o",
        "header:",
        "header:a b",
        "jwt",
        "body:id",
        "mqtt:x",
    ] {
        assert_eq!(text.parse::<SubjectSource>(), Err(UnknownSource(text.into())), "{text}");
    }
}
