//! The starts that are open, and what ends them.

use std::{collections::BTreeMap, time::Duration};

use smallvec::smallvec;

use super::{Ended, Endings, JourneyResult, JourneySpec, Sighting, What};
use crate::phase::Side;

/// Most starts of one journey that are open at once; some 1.5 MiB.
pub const OPEN_MAX: usize = 16_384;

/// The open starts of one journey: at most one a place, at most [`OPEN_MAX`].
#[derive(Clone, Debug)]
pub struct Journey {
    within: Duration,
    lost_after: Duration,
    open_max: usize,
    /// By place. Ordered: places come from clients, who might choose them to collide in a hash.
    open: BTreeMap<u64, Open>,
}

/// A start cannot be followed: too many are open. It ends in no result, so count it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many starts of this journey are open")]
pub struct Full;

#[derive(Clone, Copy, Debug)]
struct Open {
    state: u64,
    side: Side,
    asked: Duration,
    accepted: Duration,
    /// When somebody was first answered who had asked too late to be shown anything else, and was.
    overdue: Option<Duration>,
}

// === impl Journey ===

impl Journey {
    /// Without a start yet.
    pub fn new(spec: &JourneySpec) -> Journey {
        Journey::bounded(spec.within, spec.lost_after, OPEN_MAX)
    }

    pub(super) fn bounded(within: Duration, lost_after: Duration, open_max: usize) -> Journey {
        Journey { within, lost_after, open_max, open: BTreeMap::new() }
    }

    /// Takes in one request; sightings come in about the order of their answers.
    pub fn see(&mut self, sighting: &Sighting) -> Result<Endings, Full> {
        let expired = self.expire(sighting.place, sighting.answered);
        let mut ended: Endings = expired.into_iter().collect();
        match sighting.what {
            What::Started { state, side } => {
                let Sighting { asked, answered: accepted, .. } = *sighting;
                let start = Open { state, side, asked, accepted, overdue: None };
                ended.extend(self.start(sighting.place, start)?);
            }
            What::Touched => ended.extend(self.touch(sighting)),
            What::Read { shows } => ended.extend(self.read(sighting, shows)),
        }
        Ok(ended)
    }

    /// Ends what is lost or was never seen as of `now`. Whatever was answered before `now` must
    /// have been taken in already.
    pub fn sweep(&mut self, now: Duration) -> Vec<Ended> {
        let lost_after = self.lost_after;
        let due = self.open.extract_if(.., |_, open| open.accepted + lost_after < now);
        due.map(|(_, open)| open.give_up()).collect()
    }

    /// Sightings were missed: nothing that is open can be judged any more.
    pub fn void(&mut self) -> impl Iterator<Item = Ended> {
        std::mem::take(&mut self.open).into_values().map(|open| open.ended(JourneyResult::Unseen))
    }

    /// Starts that have not ended yet, legacy's and new's.
    pub fn open(&self) -> [usize; 2] {
        let mut open = [0; 2];
        self.open.values().for_each(|start| open[start.side as usize] += 1);
        open
    }

    fn expire(&mut self, place: u64, now: Duration) -> Option<Ended> {
        let open = self.open.get(&place)?;
        (open.accepted + self.lost_after < now).then(|| self.end(place))?.map(Open::give_up)
    }

    fn start(&mut self, place: u64, start: Open) -> Result<Endings, Full> {
        let Some(before) = self.open.get(&place).copied() else {
            if self.open.len() >= self.open_max {
                return Err(Full);
            }
            self.open.insert(place, start);
            return Ok(Endings::new());
        };
        let unseen = |open: Open| open.ended(JourneyResult::Unseen);
        if start.accepted <= before.asked {
            // Told late: the one that is open has overwritten it already.
            return Ok(smallvec![unseen(start)]);
        }
        if start.asked >= before.accepted {
            self.open.insert(place, start);
            return Ok(smallvec![before.overwritten(start.asked)]);
        }
        // Under way at once: nobody can say which state stayed.
        self.end(place);
        Ok(smallvec![unseen(before), unseen(start)])
    }

    fn touch(&mut self, by: &Sighting) -> Option<Ended> {
        let open = self.open.get(&by.place)?;
        (by.answered > open.asked)
            .then(|| self.end(by.place))?
            .map(|open| open.overwritten(by.asked))
    }

    fn read(&mut self, by: &Sighting, shows: Option<u64>) -> Option<Ended> {
        let within = self.within;
        let open = self.open.get_mut(&by.place)?;
        let due = open.accepted + within;
        if shows != Some(open.state) {
            if by.asked > due {
                open.overdue.get_or_insert(by.answered);
            }
            return None;
        }
        let result = if by.answered <= due {
            JourneyResult::Good
        } else if by.asked <= due || open.overdue.is_some() {
            JourneyResult::Late
        } else {
            JourneyResult::Unseen
        };
        let took = by.answered.saturating_sub(open.accepted);
        let took = (result != JourneyResult::Unseen).then_some(took);
        self.end(by.place).map(|open| Ended { took, ..open.ended(result) })
    }

    fn end(&mut self, place: u64) -> Option<Open> {
        self.open.remove(&place)
    }
}

// === impl Open ===

impl Open {
    /// Nobody was shown it, and nobody will be waited for any more.
    fn give_up(self) -> Ended {
        let is_lost = self.overdue.is_some();
        self.ended(if is_lost { JourneyResult::Lost } else { JourneyResult::Unseen })
    }

    /// Another change has taken its place, asked for at `asked`. Whoever was shown another state
    /// after that may have been shown this one.
    fn overwritten(self, asked: Duration) -> Ended {
        Open { overdue: self.overdue.filter(|answered| *answered <= asked), ..self }.give_up()
    }

    fn ended(self, result: JourneyResult) -> Ended {
        Ended { result, side: self.side, accepted: self.accepted, took: None }
    }
}
