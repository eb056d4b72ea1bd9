//! What gates found and did, append-only: each record carries the hash of all before it.
//!
//! hash(0) is 32 zero bytes, and
//!
//! ```text
//! hash(n) = SHA-256(hash(n−1) ‖ n ‖ at_ms ‖ text(route) ‖ text(kind) ‖ text(actor) ‖ text(document))
//! text(t) = number of UTF-8 bytes of t ‖ those bytes
//! ```
//!
//! with every number in 8 bytes, big-endian. So no record can be changed, removed or put in between
//! without changing all hashes after it. What the chain alone does not show is that the newest
//! records were cut off, or all of them written anew: that needs a hash that was noted elsewhere,
//! an [`Anchor`].
//!
//! Nothing here is ever deleted; each record is bounded, and records are no more than outcomes that
//! changed.

use ring::digest::{Context, SHA256};
use sqlx::{Row, SqliteConnection, sqlite::SqliteRow};

use crate::{
    Store,
    fault::Fault,
    open::check_room,
    parity::DISK_BYTES_FREE_MIN,
    rows::{damaged, signed, unsigned},
};

/// Most bytes of one [`NewDecision::document`].
pub const DECISION_BYTES_MAX: usize = 16 * 1024;

/// Records that are read at once while verifying.
const PAGE: u32 = 500;

/// The newest record of a kind. Its last condition is what the index `decision_by_kind` asks for.
pub(crate) const LAST: &str = "
    SELECT * FROM decision WHERE route = ?1 AND kind = ?2 AND kind <> 'outcome'
    ORDER BY seq DESC LIMIT 1";

/// Something decided, to be recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewDecision {
    /// When, in milliseconds since 1970.
    pub at_ms: u64,
    /// The route.
    pub route: String,
    /// What kind of decision; a closed set of words, by whoever records.
    pub kind: String,
    /// Who: a token's name, or `guard`.
    pub actor: String,
    /// All of it, as JSON; at most [`DECISION_BYTES_MAX`].
    pub document: String,
}

/// One record of the chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// Its number, from 1, without gaps.
    pub seq: u64,
    /// What was recorded.
    pub what: NewDecision,
    /// The chain's hash up to and with it.
    pub hash: [u8; 32],
}

/// A record that was seen once, to hold the chain against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Anchor {
    /// Its number; 0 stands before the first.
    pub seq: u64,
    /// Its hash.
    pub hash: [u8; 32],
}

/// What verifying the chain found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// Records that hold: all of them, or those before the first that does not.
    pub sound: u64,
    /// The last one that holds.
    pub head: Anchor,
    /// The first that does not; `None`: all hold.
    pub broken: Option<Broken>,
}

/// The first record that does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Broken {
    /// Its number.
    pub seq: u64,
    /// What is wrong, as half a sentence.
    pub why: &'static str,
}

/// What became of [`Store::append`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Appended {
    /// The chain's new end.
    pub end: Anchor,
    /// The chain had the record that the writer remembers. If not, its newest records were cut off,
    /// or it was written anew: the new end shows nothing of that, so it is no anchor.
    pub holds: bool,
}

/// A decision was not recorded. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum DecisionError {
    /// Its document is too long.
    #[error("a decision of {bytes} bytes on route `{route}` is too long to be recorded")]
    TooLong {
        /// The route.
        route: String,
        /// Bytes of its document.
        bytes: usize,
    },
    /// The store failed.
    #[error(transparent)]
    Fault(#[from] Fault),
}

// === impl Store ===

impl Store {
    /// Appends `decisions` to the chain, all or none, and gives its new end, and whether it had
    /// the record `known`. They are appended all the same: a record on a chain that was cut is worth
    /// more than none. Durable when it returns. Refused where the disk has only the room that is kept
    /// for revisions.
    pub async fn append(
        &self,
        decisions: &[NewDecision],
        known: Option<Anchor>,
    ) -> Result<Appended, DecisionError> {
        const DOING: &str = "record a decision";
        let is_long = |new: &&NewDecision| new.document.len() > DECISION_BYTES_MAX;
        if let Some(new) = decisions.iter().find(is_long) {
            let (route, bytes) = (new.route.clone(), new.document.len());
            return Err(DecisionError::TooLong { route, bytes });
        }
        self.check_present(DOING)?;
        check_room(self.path(), DISK_BYTES_FREE_MIN, DOING)?;
        Ok(self.append_all(decisions, known).await.map_err(self.fault(DOING))?)
    }

    async fn append_all(
        &self,
        decisions: &[NewDecision],
        known: Option<Anchor>,
    ) -> Result<Appended, sqlx::Error> {
        let mut write = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        let mut end = end(&mut write).await?;
        let holds = match known {
            Some(known) => has(&mut write, known).await?,
            None => true,
        };
        for new in decisions {
            end = end.next(new);
            insert(&mut write, new, end).await?;
        }
        write.commit().await?;
        Ok(Appended { end, holds })
    }

    /// Records, newest first: of `route` only, older than `before` only, at most `limit`.
    pub async fn decisions(
        &self,
        route: Option<&str>,
        limit: u32,
        before: Option<u64>,
    ) -> Result<Vec<Decision>, Fault> {
        const DOING: &str = "read the decisions";
        self.check_present(DOING)?;
        // Two texts: SQLite uses the index by route only where there always is one.
        let rows = sqlx::query(match route {
            Some(_) => {
                "SELECT * FROM decision WHERE route = ?2 AND seq < ?1 ORDER BY seq DESC LIMIT ?3"
            }
            None => {
                "SELECT * FROM decision WHERE ?2 IS NULL AND seq < ?1 ORDER BY seq DESC LIMIT ?3"
            }
        })
        .bind(before.map_or(i64::MAX, signed))
        .bind(route)
        .bind(limit)
        .fetch_all(&self.pool)
        .await
        .map_err(self.fault(DOING))?;
        rows.iter().map(decision_of).collect::<Result<_, _>>().map_err(self.fault(DOING))
    }

    /// The newest record of `kind` about `route`; `None`: there is none. Of any kind but `outcome`,
    /// of which there are too many to be looked for.
    pub async fn last_decision(&self, route: &str, kind: &str) -> Result<Option<Decision>, Fault> {
        const DOING: &str = "read the last decision of a kind";
        self.check_present(DOING)?;
        let asked = sqlx::query(LAST).bind(route).bind(kind).fetch_optional(&self.pool).await;
        let row = asked.map_err(self.fault(DOING))?;
        row.as_ref().map(decision_of).transpose().map_err(self.fault(DOING))
    }

    /// Follows the chain from its beginning to the first record that does not hold. With `known`,
    /// the chain must have that record, too. Takes its time; nobody waits for it meanwhile.
    pub async fn verify(&self, known: Option<Anchor>) -> Result<Verified, Fault> {
        const DOING: &str = "verify the decisions";
        self.check_present(DOING)?;
        self.follow(known).await.map_err(self.fault(DOING))
    }

    async fn follow(&self, known: Option<Anchor>) -> Result<Verified, sqlx::Error> {
        let mut head = Anchor::BEGIN;
        loop {
            let page = sqlx::query("SELECT * FROM decision WHERE seq > ? ORDER BY seq LIMIT ?")
                .bind(signed(head.seq))
                .bind(PAGE)
                .fetch_all(&self.pool)
                .await?;
            for row in &page {
                match head.check(&decision_of(row)?, known) {
                    Ok(next) => head = next,
                    Err(broken) => return Ok(Verified::until(head, Some(broken))),
                }
            }
            if page.len() < PAGE as usize {
                let lost = known.filter(|known| known.seq > head.seq);
                let why = "is missing: the chain ends before it";
                let broken = lost.map(|_| Broken { seq: head.seq + 1, why });
                return Ok(Verified::until(head, broken));
            }
        }
    }
}

async fn end(write: &mut SqliteConnection) -> Result<Anchor, sqlx::Error> {
    let row = sqlx::query("SELECT seq, hash FROM decision ORDER BY seq DESC LIMIT 1")
        .fetch_optional(write)
        .await?;
    match row {
        Some(row) => Ok(Anchor { seq: unsigned(row.try_get("seq")?), hash: hash_of(&row)? }),
        None => Ok(Anchor::BEGIN),
    }
}

/// Whether the chain has the record `known`.
async fn has(write: &mut SqliteConnection, known: Anchor) -> Result<bool, sqlx::Error> {
    let row = sqlx::query("SELECT hash FROM decision WHERE seq = ?")
        .bind(signed(known.seq))
        .fetch_optional(write)
        .await?;
    match row {
        Some(row) => Ok(hash_of(&row)? == known.hash),
        None => Ok(known == Anchor::BEGIN),
    }
}

async fn insert(
    write: &mut SqliteConnection,
    new: &NewDecision,
    at: Anchor,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO decision (seq, at_ms, route, kind, actor, document, hash)
         VALUES (?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(signed(at.seq))
    .bind(signed(new.at_ms))
    .bind(&new.route)
    .bind(&new.kind)
    .bind(&new.actor)
    .bind(&new.document)
    .bind(at.hash.as_slice())
    .execute(write)
    .await
    .map(drop)
}

fn decision_of(row: &SqliteRow) -> Result<Decision, sqlx::Error> {
    Ok(Decision {
        seq: unsigned(row.try_get("seq")?),
        what: NewDecision {
            at_ms: unsigned(row.try_get("at_ms")?),
            route: row.try_get("route")?,
            kind: row.try_get("kind")?,
            actor: row.try_get("actor")?,
            document: row.try_get("document")?,
        },
        hash: hash_of(row)?,
    })
}

fn hash_of(row: &SqliteRow) -> Result<[u8; 32], sqlx::Error> {
    let hash: &[u8] = row.try_get("hash")?;
    hash.try_into().map_err(|_| damaged("a decision's hash is not 32 bytes long"))
}

// === impl Anchor ===

impl Anchor {
    /// Before the first record.
    pub const BEGIN: Anchor = Anchor { seq: 0, hash: [0; 32] };

    /// Where the chain is once `new` has been appended.
    fn next(self, new: &NewDecision) -> Anchor {
        let seq = self.seq + 1;
        let mut context = Context::new(&SHA256);
        context.update(&self.hash);
        context.update(&seq.to_be_bytes());
        context.update(&new.at_ms.to_be_bytes());
        for text in [&new.route, &new.kind, &new.actor, &new.document] {
            context.update(&(text.len() as u64).to_be_bytes());
            context.update(text.as_bytes());
        }
        let hash = context.finish().as_ref().try_into().expect("SHA-256 has 32 bytes");
        Anchor { seq, hash }
    }

    /// The end of the chain with `found`, if that follows.
    fn check(self, found: &Decision, known: Option<Anchor>) -> Result<Anchor, Broken> {
        let next = self.next(&found.what);
        let broken = |why| Err(Broken { seq: next.seq, why });
        if found.seq != next.seq {
            return broken("is missing");
        }
        if found.hash != next.hash {
            return broken("was changed, or a record before it was: its hash does not follow");
        }
        match known {
            Some(known) if known.seq == next.seq && known.hash != next.hash => {
                broken("is not the one that was recorded: the chain was written anew")
            }
            _ => Ok(next),
        }
    }
}

// === impl Verified ===

impl Verified {
    fn until(head: Anchor, broken: Option<Broken>) -> Verified {
        Verified { sound: head.seq, head, broken }
    }
}
