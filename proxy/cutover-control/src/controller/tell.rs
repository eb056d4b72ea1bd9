//! The control plane's facts as log lines.

use cutover_store::Listing;

use crate::{loader::Diagnostic, machine::Fact, truth::Skipped};

/// One log line per fact.
pub(super) fn tell(fact: &Fact) {
    match fact {
        Fact::Moved { moved, revision, actor, trigger, reason, recorded, .. } => {
            let trigger = trigger.as_str();
            for moved in moved {
                let latch = moved.latch.map_or("", |latch| latch.as_str());
                // A route first seen, or one that only got or lost its latch.
                let what = if moved.from == moved.to { "stays in" } else { "moved to" };
                tracing::info!(
                    route = moved.route, from = %moved.from, to = %moved.to, latch, revision,
                    actor, trigger, reason, recorded,
                    "route `{}` {what} {}", moved.route, moved.to
                );
            }
        }
        Fact::Followed { moved, revision } => {
            for moved in moved {
                let latch = moved.latch.map_or("", |latch| latch.as_str());
                tracing::info!(
                    route = moved.route, from = %moved.from, to = %moved.to, latch, revision,
                    "route `{}` is in {} by another process on the store", moved.route, moved.to
                );
            }
        }
        Fact::ConfigAccepted { hash, generation, revision, listing, warnings } => {
            tracing::info!(hash, generation, revision, "configuration in force");
            tell_listing(listing, *revision);
            warnings.iter().for_each(tell_warning);
        }
        Fact::LeftOut(routes) => {
            for Skipped { route, why } in routes {
                tracing::warn!(route, why, "route `{route}` was not rolled back: new serves it");
            }
        }
        Fact::StoreLost(down) => tracing::error!(
            code = down.code,
            error = down.message,
            hint = down.hint,
            "the store is away: serving by the last good state, nothing moves forward"
        ),
        Fact::StoreBack { recovered } => tracing::info!(recovered, "the store is there"),
        Fact::LegacyAll(true) => tracing::warn!("`legacy-all`: every route goes to its safe phase"),
        Fact::LegacyAll(false) => tracing::info!("`legacy-all` is gone; routes stay latched"),
    }
}

/// A route that goes hands its requests to the default upstream: worth a warning each time.
fn tell_listing(listing: &Listing, revision: u64) {
    for route in &listing.removed {
        tracing::warn!(route, revision, "route `{route}` is gone from the files");
    }
    for route in &listing.added {
        tracing::info!(route, revision, "route `{route}` is new in the files");
    }
}

fn tell_warning(found: &Diagnostic) {
    tracing::warn!(
        code = found.code,
        file = found.file,
        line = found.line,
        column = found.column,
        hint = found.hint,
        "configuration: {}",
        doubt(found)
    );
}

/// As `cutover check` tells it, on one line: `FILE:LINE:COLUMN: MESSAGE (HINT)`, as far as known.
fn doubt(found: &Diagnostic) -> String {
    let place = match (&found.file, found.line, found.column) {
        (Some(file), Some(line), Some(column)) => format!("{file}:{line}:{column}: "),
        (Some(file), ..) => format!("{file}: "),
        _ => String::new(),
    };
    let hint = found.hint.as_ref().map(|hint| format!(" ({hint})")).unwrap_or_default();
    format!("{place}{}{hint}", found.message)
}

#[cfg(test)]
mod tests;
