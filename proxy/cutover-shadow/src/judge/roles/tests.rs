use super::*;

#[test]
fn a_shape_shows_names_only() {
    for (pair, expected) in [
        ("expand=1", "expand"),
        ("filter[name]=x", "filter[name]"),
        ("ada%40example.com=1", "_other"),
        ("secret", "_other"),
        ("=x", "_other"),
    ] {
        assert_eq!(parameter(pair), expected, "{pair}");
    }
}

#[test]
fn clients_are_told_by_name_and_version() {
    for (agent, expected) in [
        ("app/3.1", Some("app/3.1")),
        ("app/3.1 (Ada's phone) lib/2", Some("app/3.1")),
        ("Mozilla/5.0 (X11; Linux x86_64)", Some("Mozilla/5.0")),
        ("curl", None),
        ("app/ada@example.com", None),
        ("", None),
    ] {
        assert_eq!(client(agent), expected, "{agent}");
    }
}
