//! What everyone but the controller sees: one immutable snapshot per publication.

use std::{collections::BTreeMap, sync::Arc};

use cutover_domain::{RouteTable, gate::Settings};

use crate::truth::{Blocked, Truth};

/// The control plane at one moment.
#[derive(Debug)]
pub(crate) struct View {
    pub(crate) truth: Truth,
    /// The table handed to the data plane.
    pub(crate) table: Arc<RouteTable>,
    /// Files' values that wait, by route.
    pub(crate) blocked: BTreeMap<String, Blocked>,
    /// What all gates have in common.
    pub(crate) settings: Settings,
    /// When the configuration in force was accepted, in milliseconds since 1970.
    pub(crate) accepted_at_ms: u64,
}

impl View {
    /// What the data plane has yet to be given, and what there is to see; `None` before the
    /// first configuration.
    pub(crate) fn of(truth: &Truth, accepted_at_ms: u64) -> Option<View> {
        let loaded = truth.loaded.clone()?;
        let table = truth.table(&loaded.declaration);
        // Accepting a configuration has built this very table once; states cannot break it.
        let table = Arc::new(table.expect("an accepted declaration makes a table"));
        let settings = loaded.declaration.gates;
        let blocked = truth.blocked().into_iter().collect();
        Some(View { truth: truth.clone(), table, blocked, settings, accepted_at_ms })
    }
}
