//! Which route a request meets: one immutable table, looked up without locks or allocation.
//!
//! Rank, highest first: host exact, host wildcard (longest first), no host; then segment by
//! segment literal, parameter, rest; then methods named, any method; then more headers. Two
//! routes of equal rank that one request could meet are a [`Conflict`], never an order.

use std::{
    borrow::Cow,
    collections::HashMap,
    hash::{BuildHasherDefault, DefaultHasher},
    sync::Arc,
};

use http::Method;

use crate::{
    declaration::{Declaration, Group, RouteSpec, Upstream},
    endpoint::{HostMatch, RequestHead, Segment},
    journey::JourneySpec,
    transition::RouteState,
};

/// Every route with its state, and the index over them.
#[derive(Clone, Debug)]
pub struct RouteTable {
    /// The store-wide revision that this table realises.
    pub revision: u64,
    /// Every upstream that routes refer to by position.
    pub upstreams: Vec<Upstream>,
    /// Every route, in the order of the declaration.
    pub routes: Vec<Route>,
    /// Every journey of the declaration.
    pub journeys: Vec<JourneySpec>,
    /// Position of the upstream that serves what matches no route.
    pub default: usize,
    hosts: Hosts,
}

/// A route in force.
#[derive(Clone, Debug)]
pub struct Route {
    /// What the files say.
    pub spec: RouteSpec,
    /// The group it belongs to.
    pub group: Arc<Group>,
    /// How far it has come.
    pub state: RouteState,
    /// Position of legacy's upstream in [`RouteTable::upstreams`].
    pub legacy: usize,
    /// Position of new's upstream, if there is one.
    pub new: Option<usize>,
}

/// Why a declaration makes no table. Routes are named by id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Conflict {
    /// Two routes that one request could meet with equal rank.
    #[error(
        "routes `{first}` and `{second}` overlap with equal rank, so a request would have no single route"
    )]
    Overlap {
        /// The earlier route.
        first: String,
        /// The later route.
        second: String,
    },
    /// A route that asks for two values of one single-valued header can never be met.
    #[error("route `{route}` can never be met: it asks for two values of header `{header}`")]
    Unreachable {
        /// The route.
        route: String,
        /// The header.
        header: String,
    },
    /// A route, group or upstream refers to something that is not declared.
    #[error("{what} of {referrer} names `{name}`, which is not declared")]
    Unknown {
        /// Who refers: `route \`x\``.
        referrer: String,
        /// The field: `group`, `legacy`, `new`, `default`.
        what: &'static str,
        /// The missing name.
        name: String,
    },
}

/// The tries, by host.
#[derive(Clone, Debug, Default)]
struct Hosts {
    exact: FixedMap<String, Trie>,
    /// Longest suffix first.
    suffixes: Vec<(String, Trie)>,
    any: Trie,
}

/// A tree of segments; node 0 is the root.
#[derive(Clone, Debug)]
struct Trie {
    nodes: Vec<Node>,
}

#[derive(Clone, Debug, Default)]
struct Node {
    literals: FixedMap<Box<[u8]>, usize>,
    param: Option<usize>,
    /// Routes that end here, highest rank first.
    leaves: Vec<Leaf>,
    /// Routes whose rest begins here, highest rank first.
    rest: Vec<Leaf>,
}

#[derive(Clone, Debug)]
struct Leaf {
    route: usize,
    methods: Vec<Method>,
    /// Another leaf of this node names `HEAD`, so this one's `GET` does not stand for it.
    head_taken: bool,
}

/// Keys come from configuration only, so a fixed hash is safe and keeps the domain free of
/// randomness.
type FixedMap<K, V> = HashMap<K, V, BuildHasherDefault<DefaultHasher>>;

type Segments<'a> = smallvec::SmallVec<[Cow<'a, [u8]>; 12]>;

// === impl RouteTable ===

impl RouteTable {
    /// Builds the table of `declaration`, each route in the state that `state_of` gives.
    /// Fails with every conflict found, not only the first.
    pub fn build(
        declaration: &Declaration,
        revision: u64,
        mut state_of: impl FnMut(&RouteSpec) -> RouteState,
    ) -> Result<RouteTable, Vec<Conflict>> {
        let mut conflicts = Vec::new();
        let names: FixedMap<&str, usize> = (declaration.upstreams.iter().enumerate())
            .map(|(at, up)| (up.name.as_str(), at))
            .collect();
        let groups: FixedMap<&str, Arc<Group>> =
            (declaration.groups.iter()).map(|g| (g.id.as_str(), Arc::new(g.clone()))).collect();
        let mut upstream = |referrer: &dyn Fn() -> String, what, name: &str| {
            names.get(name).copied().unwrap_or_else(|| {
                let (referrer, name) = (referrer(), name.to_owned());
                conflicts.push(Conflict::Unknown { referrer, what, name });
                0
            })
        };
        let default = upstream(&|| "the configuration".into(), "default", &declaration.default);
        let mut routes = Vec::with_capacity(declaration.routes.len());
        let mut orphans = Vec::new();
        for spec in &declaration.routes {
            let referrer = || format!("route `{}`", spec.id);
            let legacy = upstream(&referrer, "legacy", &spec.legacy);
            let new = spec.new.as_ref().map(|new| upstream(&referrer, "new", new));
            let group = groups.get(spec.group.as_str()).cloned().unwrap_or_else(|| {
                let (referrer, name) = (referrer(), spec.group.clone());
                orphans.push(Conflict::Unknown { referrer, what: "group", name });
                Arc::default()
            });
            let state = state_of(spec);
            routes.push(Route { spec: spec.clone(), group, state, legacy, new });
        }
        conflicts.append(&mut orphans);
        conflicts.extend(routes.iter().filter_map(unreachable));
        let hosts = Hosts::build(&routes, &mut conflicts);
        if conflicts.is_empty() {
            let (upstreams, journeys) =
                (declaration.upstreams.clone(), declaration.journeys.clone());
            Ok(RouteTable { revision, upstreams, routes, journeys, default, hosts })
        } else {
            Err(conflicts)
        }
    }

    /// The position in [`RouteTable::routes`] of the one route that this request meets; `None`:
    /// the default serves it.
    pub fn find(&self, head: &RequestHead<'_>) -> Option<usize> {
        let segments: Segments<'_> = head.segments()?.collect::<Option<_>>()?;
        let exact = || {
            let host = head.host.filter(|_| !self.hosts.exact.is_empty())?;
            let trie = self.hosts.exact.get(&*lower(host))?;
            self.find_in(trie, &segments, head)
        };
        let suffix = || {
            let host = head.host.filter(|_| !self.hosts.suffixes.is_empty())?;
            let host = lower(host);
            let matching = |(suffix, _): &&(String, Trie)| host.ends_with(suffix.as_str());
            let mut tries = self.hosts.suffixes.iter().filter(matching);
            tries.find_map(|(_, trie)| self.find_in(trie, &segments, head))
        };
        exact().or_else(suffix).or_else(|| self.find_in(&self.hosts.any, &segments, head))
    }

    /// The route with this id and its position.
    pub fn route(&self, id: &str) -> Option<(usize, &Route)> {
        self.routes.iter().enumerate().find(|(_, route)| route.spec.id == id)
    }

    fn find_in(
        &self,
        trie: &Trie,
        segments: &[Cow<'_, [u8]>],
        head: &RequestHead<'_>,
    ) -> Option<usize> {
        self.descend(trie, 0, segments, head)
    }

    /// Depth first in order of rank. Each step goes one segment deeper, and no trie is deeper
    /// than [`crate::endpoint::SEGMENTS_MAX`].
    fn descend(
        &self,
        trie: &Trie,
        node: usize,
        segments: &[Cow<'_, [u8]>],
        head: &RequestHead<'_>,
    ) -> Option<usize> {
        let node = &trie.nodes[node];
        let Some((segment, deeper)) = segments.split_first() else {
            return self.pick(&node.leaves, head);
        };
        let literal = node.literals.get(&**segment);
        literal
            .and_then(|next| self.descend(trie, *next, deeper, head))
            .or_else(|| node.param.and_then(|next| self.descend(trie, next, deeper, head)))
            .or_else(|| self.pick(&node.rest, head))
    }

    fn pick(&self, leaves: &[Leaf], head: &RequestHead<'_>) -> Option<usize> {
        let meets = |leaf: &&Leaf| {
            leaf.takes(head.method)
                && self.routes[leaf.route].spec.endpoint.headers_match(head.headers)
        };
        leaves.iter().find(meets).map(|leaf| leaf.route)
    }
}

fn lower(host: &str) -> Cow<'_, str> {
    if host.bytes().any(|b| b.is_ascii_uppercase()) {
        Cow::Owned(host.to_ascii_lowercase())
    } else {
        Cow::Borrowed(host)
    }
}

fn unreachable(route: &Route) -> Option<Conflict> {
    let headers = &route.spec.endpoint.headers;
    let clash = |(at, header): (usize, &crate::endpoint::HeaderMatch)| {
        let twin = headers[..at].iter().find(|twin| twin.name == header.name)?;
        (twin.value.is_some() && header.value.is_some() && twin.value != header.value)
            .then(|| header.name.to_string())
    };
    let header = headers.iter().enumerate().find_map(clash)?;
    Some(Conflict::Unreachable { route: route.spec.id.clone(), header })
}

// === impl Hosts ===

impl Hosts {
    fn build(routes: &[Route], conflicts: &mut Vec<Conflict>) -> Hosts {
        let mut hosts = Hosts::default();
        for (at, route) in routes.iter().enumerate() {
            hosts.trie(route.spec.endpoint.host.as_ref()).insert(at, route, routes, conflicts);
        }
        hosts.suffixes.sort_by_key(|(suffix, _)| std::cmp::Reverse(suffix.len()));
        let tries = hosts.exact.values_mut().chain(hosts.suffixes.iter_mut().map(|(_, trie)| trie));
        for trie in tries.chain([&mut hosts.any]) {
            trie.rank(routes);
        }
        hosts
    }

    fn trie(&mut self, host: Option<&HostMatch>) -> &mut Trie {
        match host {
            None => &mut self.any,
            Some(HostMatch::Exact(name)) => self.exact.entry(name.clone()).or_default(),
            Some(HostMatch::Suffix(suffix)) => {
                let known = self.suffixes.iter().position(|(known, _)| known == suffix);
                let at = known.unwrap_or_else(|| {
                    self.suffixes.push((suffix.clone(), Trie::default()));
                    self.suffixes.len() - 1
                });
                &mut self.suffixes[at].1
            }
        }
    }
}

// === impl Trie ===

impl Default for Trie {
    fn default() -> Trie {
        Trie { nodes: vec![Node::default()] }
    }
}

impl Trie {
    fn insert(
        &mut self,
        at: usize,
        route: &Route,
        routes: &[Route],
        conflicts: &mut Vec<Conflict>,
    ) {
        let methods = route.spec.endpoint.methods.clone();
        let leaf = Leaf { route: at, methods, head_taken: false };
        let mut node = 0;
        for segment in route.spec.endpoint.path.segments() {
            node = match segment {
                Segment::Literal(literal) => match self.nodes[node].literals.get(&**literal) {
                    Some(next) => *next,
                    None => {
                        let next = self.grow();
                        self.nodes[node].literals.insert(literal.clone().into(), next);
                        next
                    }
                },
                Segment::Param(_) => match self.nodes[node].param {
                    Some(next) => next,
                    None => {
                        let next = self.grow();
                        self.nodes[node].param = Some(next);
                        next
                    }
                },
                Segment::Rest(_) => {
                    return add_leaf(&mut self.nodes[node].rest, leaf, routes, conflicts);
                }
            };
        }
        add_leaf(&mut self.nodes[node].leaves, leaf, routes, conflicts);
    }

    fn grow(&mut self) -> usize {
        self.nodes.push(Node::default());
        self.nodes.len() - 1
    }

    /// Puts the highest rank first, and settles which leaf answers `HEAD`.
    fn rank(&mut self, routes: &[Route]) {
        for leaves in self.nodes.iter_mut().flat_map(|node| [&mut node.leaves, &mut node.rest]) {
            let headers = |leaf: &Leaf| routes[leaf.route].spec.endpoint.headers.len();
            leaves.sort_by_key(|leaf| (leaf.methods.is_empty(), std::cmp::Reverse(headers(leaf))));
            let named: Vec<bool> =
                leaves.iter().map(|leaf| leaf.methods.contains(&Method::HEAD)).collect();
            let any_named = named.iter().any(|named| *named);
            for (leaf, named) in leaves.iter_mut().zip(named) {
                leaf.head_taken = any_named && !named;
            }
        }
    }
}

fn add_leaf(leaves: &mut Vec<Leaf>, leaf: Leaf, routes: &[Route], conflicts: &mut Vec<Conflict>) {
    let second = &routes[leaf.route].spec;
    for other in leaves.iter().filter(|other| other.ties_with(&leaf, routes)) {
        let first = &routes[other.route].spec;
        conflicts.push(Conflict::Overlap { first: first.id.clone(), second: second.id.clone() });
    }
    leaves.push(leaf);
}

// === impl Leaf ===

impl Leaf {
    fn takes(&self, method: &Method) -> bool {
        self.methods.is_empty()
            || self.methods.contains(method)
            || *method == Method::HEAD && !self.head_taken && self.methods.contains(&Method::GET)
    }

    /// Whether one request could meet both, and neither ranks above the other.
    fn ties_with(&self, other: &Leaf, routes: &[Route]) -> bool {
        let methods = match (self.methods.is_empty(), other.methods.is_empty()) {
            (true, true) => true,
            (false, false) => self.methods.iter().any(|method| other.methods.contains(method)),
            _ => false,
        };
        let ours = &routes[self.route].spec.endpoint.headers;
        let theirs = &routes[other.route].spec.endpoint.headers;
        let apart = ours.iter().any(|a| {
            theirs.iter().any(|b| {
                a.name == b.name && a.value.is_some() && b.value.is_some() && a.value != b.value
            })
        });
        methods && ours.len() == theirs.len() && !apart
    }
}

#[cfg(test)]
mod tests;
