//! Tokens: made, listed, removed.

use std::sync::Arc;

use cutover_store::Token;
use http::StatusCode;

use super::{
    Admin,
    dispatch::{Call, Handling},
    failure::Failure,
    reply::Reply,
};
use crate::{
    api::{RemovedAnswer, TokenAnswer, TokenBody, TokenRow, TokensAnswer, WhoamiAnswer},
    codes::Code,
    machine::Ask,
    refused::Refused,
    token::{Secret, hash},
    truth::TokenEdit,
};

/// A token's life when none is asked for: 90 days.
const TTL_SECONDS_DEFAULT: u64 = 90 * 24 * 3_600;
/// Shortest and longest life: a minute, 366 days.
const TTL_SECONDS: std::ops::RangeInclusive<u64> = 60..=366 * 24 * 3_600;

pub(super) fn whoami(_: Arc<Admin>, call: Call) -> Handling {
    Box::pin(async move {
        let caller = call.caller()?;
        Ok(Reply::ok(WhoamiAnswer { name: caller.name.clone(), role: caller.role }))
    })
}

pub(super) fn list(admin: Arc<Admin>, _: Call) -> Handling {
    Box::pin(async move {
        let now_ms = admin.parts.controller.now_ms();
        let view = admin.parts.controller.view();
        let tokens = view.truth.tokens.iter().map(|token| row(token, now_ms)).collect();
        Ok(Reply::ok(TokensAnswer { tokens }))
    })
}

pub(super) fn create(admin: Arc<Admin>, call: Call) -> Handling {
    Box::pin(async move {
        let body: TokenBody = call.json()?;
        let controller = &admin.parts.controller;
        let now_ms = controller.now_ms();
        let ttl_seconds = check(&body)?;
        let secret =
            Secret::random().map_err(|error| Failure::new(Code::Internal, error.to_string()))?;
        let token = Token {
            name: body.name,
            role: body.role.as_str().into(),
            sha256: hash(secret.reveal()),
            created_ms: now_ms,
            expires_ms: Some(now_ms + ttl_seconds * 1_000),
        };
        let row = row(&token, now_ms);
        let by = call.caller()?.name.clone();
        tracing::info!(by, token = row.name, role = row.role, "token made");
        controller.ask(Ask::PutToken { edit: TokenEdit::Put(token), bootstrap: false }).await?;
        let token = secret.reveal().to_owned();
        Ok(Reply::json(StatusCode::CREATED, TokenAnswer { token, row }))
    })
}

pub(super) fn remove(admin: Arc<Admin>, call: Call) -> Handling {
    Box::pin(async move {
        let controller = &admin.parts.controller;
        let (name, now_ms) = (call.id.clone(), controller.now_ms());
        controller.ask(Ask::RemoveToken { name: name.clone(), now_ms }).await?;
        tracing::info!(by = call.caller()?.name, token = name, "token removed");
        Ok(Reply::ok(RemovedAnswer { removed: name }))
    })
}

fn check(body: &TokenBody) -> Result<u64, Refused> {
    let is_fit = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_.".contains(&b);
    if !(1..=64).contains(&body.name.len()) || !body.name.bytes().all(is_fit) {
        return Err(Refused::BadToken("a token's name is 1 to 64 of a-z, 0-9, `-`, `_`, `.`"));
    }
    // These are names of actors that are no tokens: history would not tell them apart.
    if matches!(body.name.as_str(), "file" | "legacy-all" | "guard" | "cutover") {
        return Err(Refused::BadToken("`file`, `legacy-all` and `cutover` name no token"));
    }
    let ttl_seconds = body.ttl_seconds.unwrap_or(TTL_SECONDS_DEFAULT);
    if !TTL_SECONDS.contains(&ttl_seconds) {
        return Err(Refused::BadToken("a token lives from 60 seconds to 366 days"));
    }
    Ok(ttl_seconds)
}

fn row(token: &Token, now_ms: u64) -> TokenRow {
    TokenRow {
        name: token.name.clone(),
        role: token.role.clone(),
        created_at_ms: token.created_ms,
        expires_at_ms: token.expires_ms,
        expired: token.expires_ms.is_some_and(|expires_ms| expires_ms <= now_ms),
    }
}
