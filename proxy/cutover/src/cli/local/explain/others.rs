//! Why the other routes did not take a request.

use cutover_domain::{
    Declaration, EndpointMatch, Group, RequestHead, RouteSpec, RouteState, RouteTable,
};
use serde::Serialize;

/// A route that did not take the request.
#[derive(Debug, Serialize)]
pub(super) struct Other<'a> {
    route: &'a str,
    /// The first thing that does not fit.
    why: &'static str,
    /// Its path fits, so a person might have expected it.
    #[serde(skip)]
    is_near: bool,
    #[serde(skip)]
    endpoint: &'a EndpointMatch,
}

/// Every route but the one that matched.
pub(super) fn all<'a>(
    declaration: &'a Declaration,
    head: &RequestHead<'_>,
    matched: Option<&str>,
) -> Vec<Other<'a>> {
    let routes = declaration.routes.iter().filter(|route| Some(route.id.as_str()) != matched);
    routes
        .map(|route| {
            let why = why(route, declaration, head);
            let is_near = why != PATH;
            Other { route: &route.id, why, is_near, endpoint: &route.endpoint }
        })
        .collect()
}

const PATH: &str = "another path";

/// Asks tables of this one route, with less and less asked for, where it fails.
fn why(route: &RouteSpec, declaration: &Declaration, head: &RequestHead<'_>) -> &'static str {
    let meets = |endpoint: EndpointMatch| {
        let route = RouteSpec { endpoint, ..route.clone() };
        let declaration = Declaration {
            upstreams: declaration.upstreams.clone(),
            groups: vec![Group { id: route.group.clone(), ..Group::default() }],
            routes: vec![route],
            default: declaration.default.clone(),
            ..Declaration::default()
        };
        RouteTable::build(&declaration, 0, |_| RouteState::INITIAL)
            .is_ok_and(|table| table.find(head).is_some())
    };
    let full = &route.endpoint;
    let bare = EndpointMatch {
        methods: Vec::new(),
        host: None,
        path: full.path.clone(),
        headers: Vec::new(),
    };
    if !meets(bare.clone()) {
        return PATH;
    }
    if !meets(EndpointMatch { host: full.host.clone(), ..bare.clone() }) {
        return "another host";
    }
    if !meets(EndpointMatch { methods: full.methods.clone(), ..bare }) {
        return "another method";
    }
    if !meets(full.clone()) {
        return "a header is missing";
    }
    "fits too, but ranks lower"
}

/// Those that a person might have expected one by one, the others as a number.
pub(super) fn lines(others: &[Other<'_>], lines: &mut Vec<String>) {
    let near: Vec<&Other<'_>> = others.iter().filter(|other| other.is_near).collect();
    let far = others.len() - near.len();
    if others.is_empty() {
        return;
    }
    lines.push("other routes".to_owned());
    for other in near {
        lines.push(format!("  {}: {} ({})", other.route, other.why, endpoint(other.endpoint)));
    }
    match far {
        0 => {}
        1 => lines.push("  1 route has another path".to_owned()),
        far => lines.push(format!("  {far} routes have another path")),
    }
}

/// `GET,PUT example.org/devices/{id} [x-beta: 1]`
pub(super) fn endpoint(endpoint: &EndpointMatch) -> String {
    let methods: Vec<&str> = endpoint.methods.iter().map(|method| method.as_str()).collect();
    let methods = if methods.is_empty() { "any method".to_owned() } else { methods.join(",") };
    let host = endpoint.host.as_ref().map(ToString::to_string).unwrap_or_default();
    let headers = endpoint.headers.iter().map(|header| match &header.value {
        Some(value) => format!(" [{}: {}]", header.name, value.to_str().unwrap_or("…")),
        None => format!(" [{}]", header.name),
    });
    format!("{methods} {host}{}{}", endpoint.path, headers.collect::<String>())
}
