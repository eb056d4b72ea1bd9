//! The machine's words: what happens, what is asked, what is to be done.

use std::sync::Arc;

use cutover_store::{
    Fault, Head, Listing, NewRevision, RecordError, Snapshot, TokenError, Trigger,
};

use crate::{
    loader::{Diagnostic, Loaded},
    refused::{Refused, StoreDown},
    truth::{Author, Moved, Skipped, TokenEdit, judged::Judgements, moves::MoveAsk},
};

/// Something happened.
#[derive(Debug)]
pub(crate) enum Event {
    /// Someone asks; the answer goes to the ticket.
    Ask(Ticket, Ask),
    /// What became of [`Effect::Record`].
    Recorded(Result<u64, RecordError>),
    /// What became of [`Effect::Refresh`].
    Refreshed(Result<Snapshot, Fault>),
    /// What became of [`Effect::EditToken`]: whether there was anything to edit.
    TokenEdited(Result<bool, TokenError>),
    /// The store was opened, and this is what it holds.
    StoreOpened(Snapshot),
    /// The store could not be opened at start.
    StoreLost(StoreDown),
    /// The store was looked at.
    Seen(Head),
    /// The store was looked at, and failed.
    ProbeFailed(Fault),
}

/// Something is to be done, in this order.
#[derive(Debug)]
pub(crate) enum Effect {
    /// Hand the table and the view on.
    Publish,
    /// Write the last good state to disk.
    Save,
    /// Record a revision, then [`Event::Recorded`]. `cautious`: it can happen without the store,
    /// so there is no point in waiting long.
    Record { new: NewRevision, cautious: bool },
    /// Read the store anew, then [`Event::Refreshed`].
    Refresh,
    /// Put or remove a token, then [`Event::TokenEdited`].
    EditToken(TokenEdit),
    /// Open the store again and again, until [`Event::StoreOpened`].
    Reconnect,
    /// Answer.
    Answer(Ticket, Result<Done, Refused>),
    /// Tell the log and the metrics.
    Note(Fact),
}

/// Whom to answer; `None`: nobody waits.
pub(crate) type Ticket = Option<u64>;

/// What can be asked.
#[derive(Clone, Debug)]
pub(crate) enum Ask {
    Load {
        loaded: Arc<Loaded>,
        author: Author,
        reason: String,
        expect: Option<u64>,
    },
    Move(MoveAsk),
    LegacyAll(bool),
    /// What gates said of every route at the last look.
    Gates(Judgements),
    /// `bootstrap`: without it no one could log in, so it works without the store.
    PutToken {
        edit: TokenEdit,
        bootstrap: bool,
    },
    RemoveToken {
        name: String,
        now_ms: u64,
    },
    /// Apply what was blocked and no longer is.
    Settle,
}

/// What became of something asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Done {
    /// The revision that it became; the head, where there was nothing to change.
    pub revision: u64,
    /// The store has it. `false`: the store is away, and it is in force here and journalled.
    pub recorded: bool,
    /// What happened to which route; empty: nothing.
    pub moved: Vec<Moved>,
    /// Routes to which a move of many had nothing to do.
    pub skipped: Vec<Skipped>,
    /// Routes that new goes on serving though a rollback of many was to take them back.
    pub left_out: Vec<Skipped>,
}

/// Something worth telling.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fact {
    Moved {
        moved: Vec<Moved>,
        revision: u64,
        actor: String,
        actor_kind: &'static str,
        trigger: Trigger,
        reason: String,
        recorded: bool,
    },
    /// Another process did it, and recorded it in the store.
    Followed {
        moved: Vec<Moved>,
        revision: u64,
    },
    ConfigAccepted {
        hash: String,
        generation: u64,
        revision: u64,
        listing: Listing,
        warnings: Vec<Diagnostic>,
    },
    /// A rollback of many could not take these back.
    LeftOut(Vec<Skipped>),
    StoreLost(StoreDown),
    StoreBack {
        recovered: usize,
    },
    LegacyAll(bool),
}
