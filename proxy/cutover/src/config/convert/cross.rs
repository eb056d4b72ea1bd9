//! Mistakes that only show between tables: overlaps, splits, moves that are not allowed yet,
//! things that nothing uses.

use std::collections::{BTreeMap, BTreeSet};

use cutover_domain::{
    Conflict, Declaration, Group, MoveRefused, RouteSpec, RouteState, RouteTable, Scheme,
    SubjectSource, WriteClass, endpoint::Segment,
};

use super::{Context, Item};
use crate::config::{code::Code, diagnostic::Diagnostic, document, node::Node, suggest::listed};

type Nodes<'n> = BTreeMap<&'n str, &'n Node>;

pub(super) fn check(
    declaration: &Declaration,
    routes: &[Item<'_, document::Route>],
    groups: &[Item<'_, document::Group>],
    upstreams: &[Item<'_, document::Upstream>],
    process: &Node,
    context: &mut Context<'_>,
) {
    let nodes: Nodes<'_> = routes.iter().map(|item| (item.name.as_str(), item.node)).collect();
    conflicts(declaration, &nodes, context);
    group_splits(declaration, &nodes, context);
    for route in &declaration.routes {
        let Some(node) = nodes.get(route.id.as_str()) else { continue };
        protocols(route, declaration, node, context);
        same_upstream(route, declaration, node, context);
        safe_writes(route, node, context);
        if let Some(group) = declaration.group(&route.group) {
            target(route, group, node, context);
            subject(route, group, node, context);
        }
    }
    default_protocol(declaration, process, context);
    jwt_sources(declaration, groups, process, context);
    // A table that could not be read refers to nothing, so with errors this would mislead.
    if context.report.errors() == 0 {
        unused(declaration, groups, upstreams, process, context);
    }
}

/// Overlaps and unreachable routes, as the table itself finds them. Unknown names are reported
/// where they stand already.
fn conflicts(declaration: &Declaration, nodes: &Nodes<'_>, context: &mut Context<'_>) {
    let Err(conflicts) = RouteTable::build(declaration, 0, |_| RouteState::INITIAL) else { return };
    for conflict in conflicts {
        let message = conflict.to_string();
        match &conflict {
            Conflict::Overlap { first, second } => {
                let (Some(first), Some(second)) =
                    (nodes.get(first.as_str()), nodes.get(second.as_str()))
                else {
                    continue;
                };
                context.push(
                    Diagnostic::error(Code::Overlap, message)
                        .at(second.find(&["match"]).place.clone())
                        .also(first.find(&["match"]).place.clone(), "overlaps with this")
                        .hint("make one more specific: by method, host, a literal segment or a header"),
                );
            }
            Conflict::Unreachable { route, .. } => {
                let Some(node) = nodes.get(route.as_str()) else { continue };
                context.push(
                    Diagnostic::error(Code::Unreachable, message)
                        .at(node.find(&["match", "headers"]).place.clone())
                        .hint("ask for one value, and let a second route take the other"),
                );
            }
            Conflict::Unknown { .. } => {}
        }
    }
}

/// Writes of one entity type must move together, or one side would write what the other owns.
/// An entity type is known by its collection: the path template without its last parameters.
fn group_splits(declaration: &Declaration, nodes: &Nodes<'_>, context: &mut Context<'_>) {
    let reads = |route: &RouteSpec| route.write_class() == WriteClass::Safe;
    let mut seen: Vec<(String, &RouteSpec)> = Vec::new();
    for route in &declaration.routes {
        let collection = collection(route);
        let apart = |other: &RouteSpec| match (&route.endpoint.host, &other.endpoint.host) {
            (Some(ours), Some(theirs)) => ours != theirs,
            _ => false,
        };
        let twin = seen.iter().find(|(other, spec)| {
            let writes = !reads(route) || !reads(spec);
            *other == collection && writes && spec.group != route.group && !apart(spec)
        });
        if let Some((_, first)) = twin
            && let (Some(node), Some(first_node)) =
                (nodes.get(route.id.as_str()), nodes.get(first.id.as_str()))
        {
            let groups = format!("over the groups `{}` and `{}`", first.group, route.group);
            let diagnostic = match reads(route) || reads(first) {
                // With one store nothing is lost, with two a read may be old.
                true => Diagnostic::warning(
                    Code::GroupSplit,
                    format!("reads of `{collection}` and writes to it are split {groups}"),
                )
                .why("new may write what legacy reads, or the reverse"),
                false => Diagnostic::error(
                    Code::GroupSplit,
                    format!("writes to `{collection}` are split {groups}"),
                ),
            };
            context.push(
                diagnostic
                    .at(node.find(&["group"]).place.clone())
                    .also(first_node.find(&["group"]).place.clone(), "the same entities move here")
                    .hint("put routes of the same entities into one group"),
            );
        }
        seen.push((collection, route));
    }
}

/// `/api/v1/devices/{id}` and `/api/v1/devices` are `/api/v1/devices`;
/// `/api/v1/devices/{id}/commands` is `/api/v1/devices/{}/commands`.
fn collection(route: &RouteSpec) -> String {
    let segments = route.endpoint.path.segments();
    let end =
        segments.iter().rposition(|s| matches!(s, Segment::Literal(_))).map_or(0, |at| at + 1);
    let text = |segment: &Segment| match segment {
        Segment::Literal(literal) => format!("/{}", String::from_utf8_lossy(literal)),
        Segment::Param(_) | Segment::Rest(_) => "/{}".to_owned(),
    };
    match end {
        0 => "/".to_owned(),
        end => segments[..end].iter().map(text).collect(),
    }
}

/// Whether what is declared allows the phase that the file asks for.
fn target(route: &RouteSpec, group: &Group, node: &Node, context: &mut Context<'_>) {
    let Err(refused) = route.target.check_declared(route, group) else {
        return class_to_come(route, node, context);
    };
    let phase = route.target.phase;
    let diagnostic = match refused {
        MoveRefused::NoNew => {
            Diagnostic::error(Code::NoNew, format!("`{phase}` needs an upstream `new`"))
                .hint("add `new = \"NAME\"`, or leave the route in `legacy`")
        }
        MoveRefused::NoWriteClass => {
            let message = "a route that writes needs a class before it leaves `legacy`";
            let classes = WriteClass::ALL.iter().map(|class| class.as_str());
            Diagnostic::error(Code::NoWriteClass, message)
                .hint(format!("add `writes = \"...\"`: {}", listed(classes)))
        }
        MoveRefused::WritesStay => {
            let message = format!("a route that writes cannot be in `{phase}` yet");
            Diagnostic::error(Code::WritesStay, message)
                .why("its group keeps the two sides' stores apart")
                .hint(format!(
                    "stop at `shadow`, or declare `shared_store = true` in `[group.{}]` if there is one store",
                    group.id
                ))
        }
        other => Diagnostic::error(Code::UnknownValue, other.to_string()),
    };
    context.push(diagnostic.at(node.find(&["phase"]).place.clone()));
}

/// A route in `legacy` that is to move one day, but could not.
fn class_to_come(route: &RouteSpec, node: &Node, context: &mut Context<'_>) {
    let writes = route.writes.is_none() && route.write_class() != WriteClass::Safe;
    if !writes || route.new.is_none() {
        return;
    }
    let message = format!("route `{}` writes, and does not say how", route.id);
    let classes = WriteClass::ALL.iter().map(|class| class.as_str());
    context.push(
        Diagnostic::warning(Code::NoWriteClass, message)
            .at(node.find(&["match", "methods"]).place.clone())
            .why("without a class it cannot leave `legacy`")
            .hint(format!("add `writes = \"...\"`: {}", listed(classes))),
    );
}

/// A cohort needs someone to belong to it.
fn subject(route: &RouteSpec, group: &Group, node: &Node, context: &mut Context<'_>) {
    if route.new.is_none() {
        return;
    }
    let yields = |source: &SubjectSource| match source {
        SubjectSource::Path(name) => route.endpoint.path.params().any(|param| param == name),
        SubjectSource::MqttClientId | SubjectSource::MqttUsername => false,
        _ => true,
    };
    if group.subjects.iter().any(yields) {
        return;
    }
    let message = format!("requests of route `{}` can name no subject", route.id);
    let why = match group.subjects.is_empty() {
        true => format!("`[group.{}]` declares no `subject`", group.id),
        false => "its path has none of the parameters that `subject` names".to_owned(),
    };
    context.push(
        Diagnostic::warning(Code::NoSubject, message)
            .at(node.find(&["match", "path"]).place.clone())
            .why(why)
            .hint("in `canary` legacy would serve them all; add a source such as `header:x-device-id` to `subject`"),
    );
}

/// A route between a server and itself moves nothing.
fn same_upstream(
    route: &RouteSpec,
    declaration: &Declaration,
    node: &Node,
    context: &mut Context<'_>,
) {
    let Some(new) = &route.new else { return };
    let server = |name: &str| {
        declaration.upstream(name).map(|up| (up.scheme, up.host.to_ascii_lowercase(), up.port))
    };
    let message = match server(new) {
        _ if *new == route.legacy => format!("`legacy` and `new` are both `{new}`"),
        Some(address) if server(&route.legacy) == Some(address.clone()) => {
            format!("`{}` and `{new}` are one server, {}:{}", route.legacy, address.1, address.2)
        }
        _ => return,
    };
    context.push(
        Diagnostic::warning(Code::SameUpstream, message)
            .at(node.find(&["new"]).place.clone())
            .why("moving the route would move nothing")
            .hint("name the service that takes over, or leave `new` out until there is one"),
    );
}

/// A write that is declared safe would be repeated like a read.
fn safe_writes(route: &RouteSpec, node: &Node, context: &mut Context<'_>) {
    let methods = &route.endpoint.methods;
    let unsafe_method = methods.iter().find(|method| !method.is_safe());
    let what = match unsafe_method {
        _ if route.writes != Some(WriteClass::Safe) => return,
        Some(method) => format!("`{method}` is declared `safe`"),
        None if methods.is_empty() => "every method, `POST` too, is declared `safe`".to_owned(),
        None => return,
    };
    context.push(
        Diagnostic::warning(Code::SafeWrites, what)
            .at(node.find(&["writes"]).place.clone())
            .why("where new fails, legacy answers the request again: a write might happen twice")
            .hint("use `idempotent` or `unsafe`, unless such a request changes nothing"),
    );
}

/// A route speaks HTTP, so both its sides must.
fn protocols(route: &RouteSpec, declaration: &Declaration, node: &Node, context: &mut Context<'_>) {
    let sides = [("legacy", Some(&route.legacy)), ("new", route.new.as_ref())];
    for (key, name) in sides {
        let upstream = name.and_then(|name| declaration.upstream(name));
        let Some(upstream) = upstream.filter(|_| node.get(key).is_some()) else { continue };
        if matches!(upstream.scheme, Scheme::Mqtt | Scheme::Mqtts) {
            let message = format!("upstream `{}` speaks MQTT, this route HTTP", upstream.name);
            context.error(Code::WrongProtocol, node.find(&[key]), message);
        }
    }
}

/// What matches no route is HTTP too.
fn default_protocol(declaration: &Declaration, process: &Node, context: &mut Context<'_>) {
    let default = declaration.upstream(&declaration.default);
    if default.is_some_and(|upstream| matches!(upstream.scheme, Scheme::Mqtt | Scheme::Mqtts)) {
        let message = format!("upstream `{}` speaks MQTT, listeners HTTP", declaration.default);
        context.error(Code::WrongProtocol, process.find(&["default"]), message);
    }
}

/// `jwt:` sources yield nothing without `[jwt]`.
fn jwt_sources(
    declaration: &Declaration,
    groups: &[Item<'_, document::Group>],
    process: &Node,
    context: &mut Context<'_>,
) {
    if process.get("jwt").is_some() {
        return;
    }
    for group in &declaration.groups {
        let rules = group.cohort.attributes.iter().map(|rule| &rule.source);
        let uses = group.subjects.iter().chain(rules).any(|s| matches!(s, SubjectSource::Jwt(_)));
        let Some(item) = groups.iter().find(|item| item.name == group.id).filter(|_| uses) else {
            continue;
        };
        let message = format!("group `{}` reads a JWT claim, but there is no `[jwt]`", group.id);
        context.push(
            Diagnostic::error(Code::JwtUnverified, message)
                .at(item.node.find(&["subject"]).place.clone())
                .hint("add `[jwt]` with `key = \"file:...\"` to the process file"),
        );
    }
}

/// What nothing refers to is probably left over, or misspelt elsewhere.
fn unused(
    declaration: &Declaration,
    groups: &[Item<'_, document::Group>],
    upstreams: &[Item<'_, document::Upstream>],
    process: &Node,
    context: &mut Context<'_>,
) {
    let mut used: BTreeSet<&str> = BTreeSet::from([declaration.default.as_str()]);
    for route in &declaration.routes {
        used.extend([route.legacy.as_str(), route.group.as_str()]);
        used.extend(route.new.as_deref());
    }
    let listeners = process.get("listener").map_or(&[][..], Node::items);
    used.extend(listeners.iter().filter_map(|node| match &node.get("default")?.value {
        crate::config::node::Value::String(name) => Some(name.as_str()),
        _ => None,
    }));
    let groups = groups.iter().map(|item| ("group", item.name.as_str(), item.node));
    let upstreams = upstreams.iter().map(|item| ("upstream", item.name.as_str(), item.node));
    for (what, name, node) in groups.chain(upstreams).filter(|(_, name, _)| !used.contains(name)) {
        let message = format!("nothing refers to {what} `{name}`");
        context.push(Diagnostic::warning(Code::Unused, message).at(node.key_place()));
    }
}
