//! What gates said of a route: about which revision, and by what they judged.

use std::{collections::BTreeMap, sync::Arc};

use cutover_domain::{
    RouteSpec,
    gate::{GateSpec, Settings},
    slo::Objectives,
};

/// What a route's gates judge by.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Basis {
    pub(crate) objectives: Objectives,
    /// `None`: the route asks nothing of gates; only its objectives are watched.
    pub(crate) gates: Option<GateSpec>,
    pub(crate) settings: Settings,
}

/// What gates said of a route at one look. It holds for the revision that they saw and for what
/// they were asked then, not for what comes after.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Judged {
    /// The route's revision then.
    pub(crate) revision: u64,
    /// By what they judged.
    pub(crate) basis: Arc<Basis>,
    /// Why they do not let it go forward, in words without figures; `None`: they do.
    pub(crate) why: Option<String>,
}

/// What gates said last, by route; a route that is missing was not judged.
pub(crate) type Judgements = BTreeMap<String, Judged>;

// === impl Basis ===

impl Basis {
    pub(crate) fn of(spec: &RouteSpec, settings: Settings) -> Basis {
        Basis { objectives: spec.objectives, gates: spec.gates.clone(), settings }
    }

    /// Whether it is what `spec` and `settings` ask for.
    pub(crate) fn is_of(&self, spec: &RouteSpec, settings: &Settings) -> bool {
        self.objectives == spec.objectives && self.gates == spec.gates && self.settings == *settings
    }
}
