//! What the files ask for: upstreams, groups and routes, checked for shape but not yet in force.

use std::{fmt, path::PathBuf, str::FromStr};

use http::Method;

use crate::{
    cohort::{Cohort, Percent},
    compare::Rules,
    endpoint::EndpointMatch,
    exchange::ShadowSpec,
    gate::{self, GateSpec},
    journey::JourneySpec,
    phase::Phase,
    slo::Objectives,
    subject::SubjectSource,
};

/// Everything that routing is made of, as the files declare it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Declaration {
    /// Every upstream, names unique.
    pub upstreams: Vec<Upstream>,
    /// Every group, ids unique.
    pub groups: Vec<Group>,
    /// Every route, ids unique, in the order of the files.
    pub routes: Vec<RouteSpec>,
    /// Every journey, names unique, by name.
    pub journeys: Vec<JourneySpec>,
    /// Name of the upstream that serves what matches no route.
    pub default: String,
    /// What all routes' gates have in common.
    pub gates: gate::Settings,
}

/// One route as declared.
#[derive(Clone, Debug, PartialEq)]
pub struct RouteSpec {
    /// Unique, `[a-z0-9-]`; used in metrics, logs and commands.
    pub id: String,
    /// Id of the group it moves with.
    pub group: String,
    /// Which requests it is about.
    pub endpoint: EndpointMatch,
    /// Name of legacy's upstream.
    pub legacy: String,
    /// Name of new's upstream. `None`: the route cannot leave `legacy`.
    pub new: Option<String>,
    /// What its requests may change, if declared; see [`RouteSpec::write_class`].
    pub writes: Option<WriteClass>,
    /// Where the files want it.
    pub target: Target,
    /// Time-outs that replace the upstream's own for this route.
    pub timeouts: Timeouts,
    /// How its requests are copied to the side that does not serve them. `None`: not at all.
    pub shadow: Option<ShadowSpec>,
    /// How far both sides' answers may differ.
    pub rules: Rules,
    /// What its users may expect.
    pub objectives: Objectives,
    /// What it must prove to go on. `None`: nothing; it is moved by hand.
    pub gates: Option<GateSpec>,
}

/// Where a route is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target {
    /// The phase.
    pub phase: Phase,
    /// The cohort's share: meaningful in `canary`, zero elsewhere.
    pub percent: Percent,
}

/// Routes that move together because they share entities.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Group {
    /// Unique, `[a-z0-9-]`.
    pub id: String,
    /// The team that answers for it.
    pub owner: String,
    /// Where its subject is read; first hit wins.
    pub subjects: Vec<SubjectSource>,
    /// Who belongs to new in `canary`.
    pub cohort: Cohort,
    /// A sync between both sides' stores is declared (its details come with data sync).
    pub sync: bool,
    /// Both sides work on one store, so no sync is needed.
    pub shared_store: bool,
}

/// What a route's requests may change, and so how they may be repeated or copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WriteClass {
    /// Changes nothing: may be repeated, copied and answered by either side.
    Safe,
    /// Keyed: repeating it changes nothing more.
    Idempotent,
    /// The candidate computes the answer of a copy and rolls back.
    DryRun,
    /// The candidate's store is throw-away.
    Sandbox,
    /// Anything else. Never copied.
    Unsafe,
}

/// A server that requests are sent to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upstream {
    /// Unique name.
    pub name: String,
    /// How it is spoken to.
    pub scheme: Scheme,
    /// Host name or address, without brackets.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// Its time-outs; unset ones take the defaults of [`Timeouts`].
    pub timeouts: Timeouts,
    /// Connections at once from one process, idle ones included. Default 1,024.
    pub connections_max: u32,
    /// Certificates, for `https`.
    pub tls: UpstreamTls,
}

/// Protocol of an upstream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// HTTP/1.1 in cleartext.
    Http,
    /// HTTP/2 or HTTP/1.1 over TLS, by ALPN.
    Https,
    /// HTTP/2 in cleartext, prior knowledge.
    H2c,
    /// MQTT in cleartext.
    Mqtt,
    /// MQTT over TLS.
    Mqtts,
}

/// Certificates of a TLS upstream.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UpstreamTls {
    /// PEM bundle of the authorities to trust. `None`: the system's.
    pub ca: Option<PathBuf>,
    /// PEM chain and key to present. `None`: no client certificate.
    pub client: Option<(PathBuf, PathBuf)>,
    /// Name to ask for and to verify. `None`: the upstream's host.
    pub server_name: Option<String>,
}

/// Time-outs of requests to an upstream, in milliseconds; `None` takes the next wider setting
/// (route, upstream, default).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Timeouts {
    /// Establishing a connection, TLS included. Default 1,000.
    pub connect_ms: Option<u32>,
    /// From sending the request to the first byte of the answer. Default 30,000.
    pub first_byte_ms: Option<u32>,
    /// Silence within a body. Default 30,000.
    pub idle_ms: Option<u32>,
}

/// The text is no write class.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no write class: use safe, idempotent, dry_run, sandbox or unsafe")]
pub struct UnknownWriteClass(pub String);

// === impl Declaration ===

impl Declaration {
    /// The group with this id.
    pub fn group(&self, id: &str) -> Option<&Group> {
        self.groups.iter().find(|group| group.id == id)
    }

    /// The route with this id.
    pub fn route(&self, id: &str) -> Option<&RouteSpec> {
        self.routes.iter().find(|route| route.id == id)
    }

    /// The upstream with this name.
    pub fn upstream(&self, name: &str) -> Option<&Upstream> {
        self.upstreams.iter().find(|upstream| upstream.name == name)
    }
}

// === impl RouteSpec ===

impl RouteSpec {
    /// The class that counts: the declared one, else [`WriteClass::of_methods`].
    pub fn write_class(&self) -> WriteClass {
        self.writes.unwrap_or_else(|| WriteClass::of_methods(&self.endpoint.methods))
    }
}

// === impl Target ===

impl Target {
    /// In `phase`, without a percentage.
    pub const fn phase(phase: Phase) -> Target {
        Target { phase, percent: Percent::ZERO }
    }

    /// In `canary` with `percent`.
    pub const fn canary(percent: Percent) -> Target {
        Target { phase: Phase::Canary, percent }
    }
}

impl fmt::Display for Target {
    /// `live`, `canary 12.5 %`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.phase {
            Phase::Canary => write!(f, "canary {} %", self.percent),
            phase => phase.fmt(f),
        }
    }
}

// === impl Group ===

impl Group {
    /// Whether its writes may leave legacy: both sides see them, by sync or by one store.
    pub fn writes_may_move(&self) -> bool {
        self.sync || self.shared_store
    }
}

// === impl WriteClass ===

impl WriteClass {
    /// Every class.
    pub const ALL: [WriteClass; 5] = [
        WriteClass::Safe,
        WriteClass::Idempotent,
        WriteClass::DryRun,
        WriteClass::Sandbox,
        WriteClass::Unsafe,
    ];

    /// The class of a route that declares none: safe if all its methods are (RFC 9110 §9.2.1),
    /// else unsafe. No methods means any method.
    pub fn of_methods(methods: &[Method]) -> WriteClass {
        if !methods.is_empty() && methods.iter().all(Method::is_safe) {
            WriteClass::Safe
        } else {
            WriteClass::Unsafe
        }
    }

    /// The name used in configuration.
    pub const fn as_str(self) -> &'static str {
        match self {
            WriteClass::Safe => "safe",
            WriteClass::Idempotent => "idempotent",
            WriteClass::DryRun => "dry_run",
            WriteClass::Sandbox => "sandbox",
            WriteClass::Unsafe => "unsafe",
        }
    }
}

impl fmt::Display for WriteClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for WriteClass {
    type Err = UnknownWriteClass;

    fn from_str(text: &str) -> Result<WriteClass, UnknownWriteClass> {
        WriteClass::ALL
            .into_iter()
            .find(|class| class.as_str() == text)
            .ok_or_else(|| UnknownWriteClass(text.to_owned()))
    }
}

// === impl Timeouts ===

impl Timeouts {
    /// Default of `connect_ms`.
    pub const CONNECT_MS: u32 = 1_000;
    /// Default of `first_byte_ms`.
    pub const FIRST_BYTE_MS: u32 = 30_000;
    /// Default of `idle_ms`.
    pub const IDLE_MS: u32 = 30_000;

    /// These, with what is unset taken from `wider`.
    pub fn or(self, wider: Timeouts) -> Timeouts {
        Timeouts {
            connect_ms: self.connect_ms.or(wider.connect_ms),
            first_byte_ms: self.first_byte_ms.or(wider.first_byte_ms),
            idle_ms: self.idle_ms.or(wider.idle_ms),
        }
    }
}

// === impl Scheme ===

impl Scheme {
    /// The scheme as a URL writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Scheme::Http => "http",
            Scheme::Https => "https",
            Scheme::H2c => "h2c",
            Scheme::Mqtt => "mqtt",
            Scheme::Mqtts => "mqtts",
        }
    }
}
