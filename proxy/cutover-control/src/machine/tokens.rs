//! Making and removing tokens.

use cutover_store::{Token, TokenError};

use super::{Busy, Effect, Effects, Job, Machine};
use crate::{
    refused::{Refused, StoreDown},
    truth::{Entry, TokenEdit, Truth},
};

impl Machine {
    pub(super) fn put_token(
        &mut self,
        job: Job,
        edit: TokenEdit,
        bootstrap: bool,
        effects: &mut Effects,
    ) {
        match &self.truth.down {
            Some(_) if bootstrap => self.edit_unrecorded(job, edit, effects),
            Some(down) => {
                let refused = Refused::StoreDown(down.clone());
                effects.push(Effect::Answer(job.ticket, Err(refused)));
            }
            None => self.edit_token(job, edit, effects),
        }
    }

    pub(super) fn remove_token(
        &mut self,
        job: Job,
        name: String,
        now_ms: u64,
        effects: &mut Effects,
    ) {
        let refused = match self.truth.tokens.iter().find(|token| token.name == name) {
            None => Some(Refused::UnknownToken(name.clone())),
            Some(token) if is_last_admin(&self.truth, token, now_ms) => {
                Some(Refused::LastAdmin(name.clone()))
            }
            Some(_) => None,
        };
        if let Some(refused) = refused {
            return effects.push(Effect::Answer(job.ticket, Err(refused)));
        }
        let edit = TokenEdit::Remove(name);
        match self.truth.down {
            None => self.edit_token(job, edit, effects),
            // Shutting someone out must not wait for a database.
            Some(_) => self.edit_unrecorded(job, edit, effects),
        }
    }

    fn edit_token(&mut self, job: Job, edit: TokenEdit, effects: &mut Effects) {
        effects.push(Effect::EditToken(edit.clone()));
        self.busy = Some(Busy::Editing(job, edit));
    }

    fn edit_unrecorded(&mut self, job: Job, edit: TokenEdit, effects: &mut Effects) {
        edit.apply(&mut self.truth.tokens);
        self.truth.journal(Entry::Token(edit));
        self.publish(effects);
        self.nothing(job, Vec::new(), Vec::new(), effects);
    }

    pub(super) fn token_edited(&mut self, result: Result<bool, TokenError>, effects: &mut Effects) {
        let (job, edit) = match self.busy.take() {
            Some(Busy::Editing(job, edit)) => (job, edit),
            Some(Busy::Replaying) => return self.token_replayed(result, effects),
            other => return self.busy = other,
        };
        match result {
            Ok(_) => {
                edit.apply(&mut self.truth.tokens);
                self.publish(effects);
                self.nothing(job, Vec::new(), Vec::new(), effects);
            }
            Err(TokenError::Exists(name)) => {
                effects.push(Effect::Answer(job.ticket, Err(Refused::TokenExists(name))));
            }
            Err(TokenError::Fault(fault)) => {
                self.degrade(StoreDown::from(&fault), effects);
                self.waiting.push_front(job);
            }
        }
    }
}

fn is_last_admin(truth: &Truth, token: &Token, now_ms: u64) -> bool {
    let works = |token: &Token| {
        token.role == "admin" && token.expires_ms.is_none_or(|expires_ms| expires_ms > now_ms)
    };
    let others = truth.tokens.iter().filter(|other| other.name != token.name);
    works(token) && !others.into_iter().any(works)
}
