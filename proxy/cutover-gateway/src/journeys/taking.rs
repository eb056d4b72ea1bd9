//! What one request tells its journeys.

use std::{sync::Arc, time::Instant};

use cutover_domain::{
    PathTemplate, Side,
    journey::{JourneySpec, Role, Sighting, Source, What, hash, tag},
};
use http::{HeaderMap, HeaderValue, StatusCode, request};
use smallvec::SmallVec;

use super::{LiveJourney, Sightings};
use crate::metrics::Skipped;

/// The part that a request takes in journeys, until its answer begins.
#[derive(Debug)]
pub(crate) struct Taking {
    parts: SmallVec<[Part; 1]>,
    asked: Instant,
    side: Side,
    /// A tester chose the side: what the request changes counts for nothing but that it did.
    is_override: bool,
}

#[derive(Debug)]
struct Part {
    journey: Arc<LiveJourney>,
    role: Role,
    place: u64,
}

// === impl Taking ===

impl Taking {
    /// Of a request of the route `id` that came at `asked`. `None`: it takes no part.
    pub(crate) fn begin(
        journeys: &[Arc<LiveJourney>],
        (id, template): (&str, &PathTemplate),
        request: &request::Parts,
        asked: Instant,
        (side, is_override): (Side, bool),
    ) -> Option<Box<Taking>> {
        let part = |journey: &Arc<LiveJourney>| {
            let role = journey.spec.role(id, &request.method)?;
            if is_override && role == Role::End {
                return None;
            }
            let Some(place) = place(&journey.spec, template, request) else {
                journey.metrics.skip(Skipped::NoKey);
                return None;
            };
            Some(Part { journey: Arc::clone(journey), role, place })
        };
        let parts: SmallVec<[Part; 1]> = journeys.iter().filter_map(part).collect();
        (!parts.is_empty()).then(|| Box::new(Taking { parts, asked, side, is_override }))
    }

    /// The answer's head is about to leave.
    pub(crate) fn answered(&self, status: StatusCode, headers: &HeaderMap, to: &Sightings) {
        self.tell(to, |part| self.what(part, status, headers));
    }

    /// There is none but ours of this `status`, or none at all: the client has left.
    pub(crate) fn unanswered(&self, status: Option<StatusCode>, to: &Sightings) {
        self.tell(to, |part| match (status, part.role) {
            (Some(status), _) => self.what(part, status, &HeaderMap::new()),
            // Whether it was accepted nobody knows.
            (None, Role::Start) => Some(What::Touched),
            (None, Role::End) => None,
        });
    }

    fn tell(&self, to: &Sightings, what: impl Fn(&Part) -> Option<What>) {
        let asked = to.since_origin(self.asked);
        let answered = to.since_origin(Instant::now());
        for part in &self.parts {
            if let Some(what) = what(part) {
                to.send(&part.journey, Sighting { place: part.place, asked, answered, what });
            }
        }
    }

    fn what(&self, part: &Part, status: StatusCode, headers: &HeaderMap) -> Option<What> {
        if !part.role.minds(status) {
            return None;
        }
        let succeeded = Role::succeeded(status);
        let state = succeeded.then(|| state(&part.journey.spec, headers)).flatten();
        if succeeded && state.is_none() {
            part.journey.metrics.skip(Skipped::NoKey);
        }
        match (part.role, state) {
            (Role::Start, Some(state)) if status.is_success() && !self.is_override => {
                Some(What::Started { state, side: self.side })
            }
            (Role::Start, _) => Some(What::Touched),
            // It shows something, and nobody can say what.
            (Role::End, None) if succeeded => None,
            (Role::End, shows) => Some(What::Read { shows }),
        }
    }
}

/// Hash of what names the entity; `None`: the request lacks a part of it.
fn place(spec: &JourneySpec, template: &PathTemplate, request: &request::Parts) -> Option<u64> {
    spec.correlate.iter().try_fold(0, |before, source| match source {
        Source::Path(name) => {
            Some(hash(before, template.param(request.uri.path(), name)?.as_bytes()))
        }
        Source::Header(name) => Some(hash(before, request.headers.get(name)?.as_bytes())),
        Source::Answer(_) => Some(before),
    })
}

/// Hash of what names the state; `None`: the answer lacks a part of it.
fn state(spec: &JourneySpec, headers: &HeaderMap<HeaderValue>) -> Option<u64> {
    spec.correlate.iter().try_fold(0, |before, source| match source {
        Source::Answer(name) => Some(hash(before, tag(headers.get(name)?.as_bytes()))),
        Source::Path(_) | Source::Header(_) => Some(before),
    })
}
