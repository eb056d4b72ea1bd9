//! Declarations as text, for tests.
//!
//! One route per line: `ID PHASE [PERCENT] [group=ID] [writes=CLASS] [post] [no-new] [copied]
//! [ignore=PATH] [gated [steps=P,P…]] [promised] [pages] [journey]`. Routes marked `journey` begin
//! the journey `state`, which ends at `read`.
//! A group named `shared` keeps one store for both sides. Upstreams are `monolith` (the default) and
//! `registry`.

use std::{sync::Arc, time::Duration};

use cutover_domain::{
    Cohort, Declaration, EndpointMatch, Group, JourneySpec, Percent, RouteSpec, Scheme, ShadowSpec,
    Target, Timeouts, Upstream, UpstreamTls,
    compare::{Action, Kinds, Rule, Rules},
    gate::{GateSpec, Ladder, Settings},
    slo::{Objective, Objectives},
};
use http::Method;

use crate::loader::Loaded;

/// The declaration that `text` describes.
pub(crate) fn declaration(text: &str) -> Declaration {
    let routes: Vec<RouteSpec> =
        text.lines().map(str::trim).filter(|line| !line.is_empty()).map(route).collect();
    let mut ids: Vec<&str> = routes.iter().map(|route| route.group.as_str()).collect();
    ids.sort_unstable();
    ids.dedup();
    Declaration {
        upstreams: vec![upstream("monolith", 1), upstream("registry", 2)],
        groups: ids.into_iter().map(group).collect(),
        routes,
        default: "monolith".into(),
        journeys: journey(text).into_iter().collect(),
        gates: Settings { evaluate_ms: 50, ..Settings::default() },
    }
}

fn journey(text: &str) -> Option<JourneySpec> {
    let is_start = |line: &&str| line.split_whitespace().any(|word| word == "journey");
    let starts = text.lines().filter(is_start).filter_map(|line| line.split_whitespace().next());
    let starts: Vec<String> = starts.map(str::to_owned).collect();
    (!starts.is_empty()).then(|| JourneySpec {
        name: "state".into(),
        starts,
        ends: vec!["read".into()],
        correlate: vec!["path:id".parse().unwrap()],
        within: Duration::from_secs(2),
        lost_after: Duration::from_secs(30),
        target_percent: 99.0,
    })
}

/// The same as loaded files; the text is the only file, and its own hash.
pub(crate) fn loaded(text: &str) -> Loaded {
    Loaded {
        declaration: declaration(text),
        files: vec![crate::ConfigFile { path: "cutover.toml".into(), text: text.into() }],
        hash: text.split_whitespace().collect::<Vec<_>>().join(" "),
        meaning: text.split_whitespace().collect::<Vec<_>>().join(" "),
        warnings: Vec::new(),
        extra: None,
    }
}

pub(crate) fn arc(text: &str) -> Arc<Loaded> {
    Arc::new(loaded(text))
}

/// `live`, `canary 12.5`.
pub(crate) fn target(text: &str) -> Target {
    let (phase, percent) = text.split_once(' ').unwrap_or((text, "0"));
    Target { phase: phase.parse().unwrap(), percent: percent.parse::<Percent>().unwrap() }
}

fn route(line: &str) -> RouteSpec {
    let mut words = line.split_whitespace().peekable();
    let id = words.next().unwrap();
    let phase = words.next().unwrap();
    let percent = words.next_if(|word| word.parse::<f64>().is_ok());
    let rest: Vec<&str> = words.collect();
    let option = |name: &str| rest.iter().find_map(|word| word.strip_prefix(name));
    let method = if rest.contains(&"post") { Method::POST } else { Method::GET };
    RouteSpec {
        id: id.into(),
        group: option("group=").unwrap_or("devices").into(),
        endpoint: EndpointMatch {
            methods: vec![method],
            host: None,
            path: format!("/{}/{{id}}", option("path=").unwrap_or(id)).parse().unwrap(),
            headers: Vec::new(),
        },
        legacy: "monolith".into(),
        new: (!rest.contains(&"no-new")).then(|| "registry".into()),
        writes: option("writes=").map(|class| class.parse().unwrap()),
        target: target(&format!("{phase} {}", percent.unwrap_or("0"))),
        timeouts: Timeouts::default(),
        shadow: rest.contains(&"copied").then(ShadowSpec::default),
        rules: option("ignore=").map(ignoring).unwrap_or_default(),
        objectives: Objectives {
            availability: rest
                .contains(&"promised")
                .then(|| Objective::from_percent(99.9).unwrap()),
            latency: None,
            rollback_on_page: rest.contains(&"pages"),
        },
        gates: gates(&rest),
    }
}

fn gates(words: &[&str]) -> Option<GateSpec> {
    let steps = words.iter().find_map(|word| word.strip_prefix("steps="));
    let ladder = steps.map(|steps| steps.split(',').map(|step| step.parse().unwrap()).collect());
    let ladder = ladder.map_or_else(Ladder::default, |steps| Ladder::new(steps).unwrap());
    words.contains(&"gated").then(|| GateSpec { ladder, ..GateSpec::default() })
}

fn ignoring(path: &str) -> Rules {
    let rule = Rule {
        pattern: path.parse().unwrap(),
        action: Action::Ignore(Kinds::UNGUARDED),
        reason: "a test".into(),
        expires: None,
    };
    Rules::new(vec![rule]).unwrap()
}

fn group(id: &str) -> Group {
    Group {
        id: id.into(),
        owner: format!("{id}-team"),
        subjects: vec!["header:x-device-id".parse().unwrap(), "path:id".parse().unwrap()],
        cohort: Cohort { salt: format!("{id}-1"), ..Cohort::default() },
        sync: false,
        shared_store: id == "shared",
    }
}

fn upstream(name: &str, port: u16) -> Upstream {
    Upstream {
        name: name.into(),
        scheme: Scheme::Http,
        host: "127.0.0.1".into(),
        port,
        timeouts: Timeouts::default(),
        connections_max: 1_024,
        tls: UpstreamTls::default(),
    }
}
