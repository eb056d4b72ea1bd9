use expect_test::{Expect, expect};
use http::{HeaderMap, HeaderValue};
use proptest::prelude::*;

use super::*;
use crate::{
    declaration::{Scheme, Target, Timeouts, UpstreamTls},
    endpoint::{EndpointMatch, HeaderMatch},
    phase::Phase,
};

/// One line a route: `METHODS[,..] [HOST]PATH [header=value ..]`; its id is the line itself.
fn declare(lines: &[&str]) -> Declaration {
    Declaration {
        upstreams: vec![Upstream {
            name: "monolith".into(),
            scheme: Scheme::Http,
            host: "localhost".into(),
            port: 80,
            timeouts: Timeouts::default(),
            connections_max: 1,
            tls: UpstreamTls::default(),
        }],
        groups: vec![Group { id: "g".into(), ..Group::default() }],
        routes: lines.iter().map(|line| route(line)).collect(),
        default: "monolith".into(),
        ..Declaration::default()
    }
}

fn route(line: &str) -> RouteSpec {
    let mut words = line.split(' ');
    let methods = words.next().unwrap();
    let (host, path) = words.next().unwrap().split_once('/').unwrap();
    let headers = words.map(|word| {
        let (name, value) = word.split_once('=').unwrap_or((word, ""));
        let value = (!value.is_empty()).then(|| HeaderValue::from_str(value).unwrap());
        HeaderMatch { name: name.parse().unwrap(), value }
    });
    RouteSpec {
        id: line.into(),
        group: "g".into(),
        endpoint: EndpointMatch {
            methods: match methods {
                "*" => vec![],
                named => named.split(',').map(|name| name.parse().unwrap()).collect(),
            },
            host: (!host.is_empty()).then(|| host.parse().unwrap()),
            path: format!("/{path}").parse().unwrap(),
            headers: headers.collect(),
        },
        legacy: "monolith".into(),
        new: None,
        writes: None,
        target: Target::phase(Phase::Legacy),
        timeouts: Timeouts::default(),
        shadow: None,
        rules: Default::default(),
        objectives: Default::default(),
        gates: None,
    }
}

fn build(lines: &[&str]) -> Result<RouteTable, Vec<Conflict>> {
    RouteTable::build(&declare(lines), 7, |_| RouteState::INITIAL)
}

fn find<'t>(table: &'t RouteTable, method: &str, host: &str, path: &str, header: &str) -> &'t str {
    let mut headers = HeaderMap::new();
    if let Some((name, value)) = header.split_once('=') {
        headers.append(name.parse::<http::HeaderName>().unwrap(), value.parse().unwrap());
    }
    let method = method.parse().unwrap();
    let host = (!host.is_empty()).then_some(host);
    let head = RequestHead { method: &method, host, path, headers: &headers };
    table.find(&head).map_or("-", |at| &table.routes[at].spec.id)
}

fn check(lines: &[&str], requests: &[&str], expected: Expect) {
    let table = build(lines).unwrap();
    let answer = |request: &&str| {
        let mut words = request.split(' ');
        let method = words.next().unwrap();
        let target = words.next().unwrap();
        let (host, path) = target.split_at(target.find('/').unwrap_or(0));
        format!("{request} -> {}\n", find(&table, method, host, path, words.next().unwrap_or("")))
    };
    expected.assert_eq(&requests.iter().map(answer).collect::<String>());
}

fn check_conflicts(lines: &[&str], expected: Expect) {
    let conflicts = build(lines).err().unwrap_or_default();
    expected.assert_eq(&conflicts.iter().map(|c| format!("{c}\n")).collect::<String>());
}

#[test]
fn literal_before_parameter_before_rest_with_backtracking() {
    check(
        &["GET /a/{id}", "GET /a/b", "GET /a/{id}/c", "GET /a/b/d", "GET /{all...}", "GET /"],
        &[
            "GET /a/b",
            "GET /a/x",
            "GET /a/b/c",
            "GET /a/b/d",
            "GET /a/b/e",
            "GET /z",
            "GET /",
            "POST /a/b",
        ],
        expect![[r#"
            GET /a/b -> GET /a/b
            GET /a/x -> GET /a/{id}
            GET /a/b/c -> GET /a/{id}/c
            GET /a/b/d -> GET /a/b/d
            GET /a/b/e -> GET /{all...}
            GET /z -> GET /{all...}
            GET / -> GET /
            POST /a/b -> -
        "#]],
    );
}

#[test]
fn paths_that_servers_read_differently_match_nothing() {
    check(
        &["* /a/{id}", "* /{all...}"],
        &[
            "GET /a//b",
            "GET /a/",
            "GET /a/.",
            "GET /a/..",
            "GET /a/%2e%2E",
            "GET /a/%zz",
            "GET /a/%2",
            "GET *",
            "GET /a/x%2Fy",
            "GET /a/...",
        ],
        expect![[r#"
            GET /a//b -> -
            GET /a/ -> -
            GET /a/. -> -
            GET /a/.. -> -
            GET /a/%2e%2E -> -
            GET /a/%zz -> -
            GET /a/%2 -> -
            GET * -> -
            GET /a/x%2Fy -> * /a/{id}
            GET /a/... -> * /a/{id}
        "#]],
    );
}

#[test]
fn literals_match_decoded_and_with_case() {
    check(
        &["GET /caf%C3%A9/{x}", "GET /A"],
        &["GET /caf%c3%a9/1", "GET /a", "GET /%41"],
        expect![[r#"
            GET /caf%c3%a9/1 -> GET /caf%C3%A9/{x}
            GET /a -> -
            GET /%41 -> GET /A
        "#]],
    );
}

#[test]
fn hosts_rank_exact_wildcard_none() {
    check(
        &["GET api.x.org/a", "GET *.x.org/a", "GET *.b.x.org/a", "GET /a", "GET /only-any"],
        &[
            "GET api.x.org/a",
            "GET API.X.ORG/a",
            "GET q.x.org/a",
            "GET q.b.x.org/a",
            "GET x.org/a",
            "GET /a",
            "GET api.x.org/only-any",
        ],
        expect![[r#"
            GET api.x.org/a -> GET api.x.org/a
            GET API.X.ORG/a -> GET api.x.org/a
            GET q.x.org/a -> GET *.x.org/a
            GET q.b.x.org/a -> GET *.b.x.org/a
            GET x.org/a -> GET /a
            GET /a -> GET /a
            GET api.x.org/only-any -> GET /only-any
        "#]],
    );
}

#[test]
fn methods_then_headers_rank_within_a_path() {
    check(
        &["* /a", "GET /a", "GET /a x-v=2", "GET /a x-v=3", "HEAD /b", "GET /b", "GET /c"],
        &[
            "GET /a",
            "GET /a x-v=2",
            "GET /a x-v=3",
            "GET /a x-v=9",
            "PUT /a",
            "HEAD /a",
            "HEAD /b",
            "HEAD /c",
        ],
        expect![[r#"
            GET /a -> GET /a
            GET /a x-v=2 -> GET /a x-v=2
            GET /a x-v=3 -> GET /a x-v=3
            GET /a x-v=9 -> GET /a
            PUT /a -> * /a
            HEAD /a -> GET /a
            HEAD /b -> HEAD /b
            HEAD /c -> GET /c
        "#]],
    );
}

#[test]
fn equal_rank_is_an_error_and_every_one_is_told() {
    check_conflicts(
        &[
            "GET /a/{x}",
            "GET /a/{y}",
            "GET,PUT /a/{z}",
            "GET /b x-a=1",
            "GET /b x-b=1",
            "GET /c x-a=1 x-a=2",
        ],
        expect![[r#"
            route `GET /c x-a=1 x-a=2` can never be met: it asks for two values of header `x-a`
            routes `GET /a/{x}` and `GET /a/{y}` overlap with equal rank, so a request would have no single route
            routes `GET /a/{x}` and `GET,PUT /a/{z}` overlap with equal rank, so a request would have no single route
            routes `GET /a/{y}` and `GET,PUT /a/{z}` overlap with equal rank, so a request would have no single route
            routes `GET /b x-a=1` and `GET /b x-b=1` overlap with equal rank, so a request would have no single route
        "#]],
    );
}

#[test]
fn what_is_not_declared_is_told() {
    let mut declaration = declare(&["GET /a"]);
    declaration.default = "nowhere".into();
    declaration.routes[0].new = Some("registry".into());
    declaration.routes[0].group = "nobody".into();
    let conflicts = RouteTable::build(&declaration, 1, |_| RouteState::INITIAL).unwrap_err();
    expect![[r#"
        default of the configuration names `nowhere`, which is not declared
        new of route `GET /a` names `registry`, which is not declared
        group of route `GET /a` names `nobody`, which is not declared
    "#]]
    .assert_eq(&conflicts.iter().map(|c| format!("{c}\n")).collect::<String>());
}

/// The slow, obvious reading of the rules: rank all matching routes, take the first.
fn by_hand<'d>(declaration: &'d Declaration, method: &Method, path: &str) -> Option<&'d str> {
    let segments: Vec<&str> = path.strip_prefix('/')?.split('/').collect();
    let rank = |spec: &RouteSpec| {
        let template = spec.endpoint.path.segments();
        let mut ranks = Vec::new();
        let mut rest = false;
        for (at, segment) in template.iter().enumerate() {
            match segment {
                Segment::Literal(literal) => {
                    (segments.get(at)?.as_bytes() == literal).then(|| ranks.push(0))?;
                }
                Segment::Param(_) => segments.get(at).map(|_| ranks.push(1))?,
                Segment::Rest(_) => {
                    segments.get(at)?;
                    rest = true;
                    ranks.push(2);
                }
            }
        }
        let whole = rest || template.len() == segments.len();
        let methods = &spec.endpoint.methods;
        (whole && (methods.is_empty() || methods.contains(method)))
            .then_some((ranks, methods.is_empty()))
    };
    let ranked = declaration.routes.iter().filter_map(|spec| Some((rank(spec)?, spec)));
    ranked.min_by(|a, b| a.0.cmp(&b.0)).map(|(_, spec)| spec.id.as_str())
}

proptest! {
    #[test]
    fn the_trie_agrees_with_the_obvious_reading(
        lines in proptest::collection::btree_set("(GET|PUT|\\*) (/(a|b|\\{x\\})){1,4}(/\\{r\\.\\.\\.\\})?", 1..12),
        path in "(/(a|b|c)){1,5}",
        method in "(GET|PUT|POST)",
    ) {
        // The same parameter name twice is refused by the template, so number them.
        let lines: Vec<String> = lines.iter().map(|line| {
            let mut n = 0;
            line.split("{x}").collect::<Vec<_>>().join("\u{0}").chars().map(|c| {
                if c == '\u{0}' { n += 1; format!("{{x{n}}}") } else { c.to_string() }
            }).collect()
        }).collect();
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        let declaration = declare(&lines);
        let Ok(table) = RouteTable::build(&declaration, 1, |_| RouteState::INITIAL) else {
            return Ok(());
        };
        let found = find(&table, &method, "", &path, "");
        let method: Method = method.parse().unwrap();
        prop_assert_eq!(found, by_hand(&declaration, &method, &path).unwrap_or("-"));
    }
}
