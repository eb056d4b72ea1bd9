//! Files: those in force, those from CI, those on disk.

use std::sync::Arc;

use super::{
    Admin,
    dispatch::{Call, Handling},
    failure::Failure,
    moves,
    reply::Reply,
};
use crate::{
    api::{ApplyBody, FilesAnswer, ReloadBody},
    codes::Code,
    truth::moves::check_reason,
};

pub(super) fn files(admin: Arc<Admin>, _: Call) -> Handling {
    Box::pin(async move { Ok(Reply::ok(files_answer(&admin)?)) })
}

/// The files in force.
pub(super) fn files_answer(admin: &Admin) -> Result<FilesAnswer, Failure> {
    let view = admin.parts.controller.view();
    let missing = || Failure::new(Code::Internal, "no configuration is in force");
    let loaded = view.truth.loaded.as_ref().ok_or_else(missing)?;
    Ok(FilesAnswer {
        revision: view.truth.head,
        hash: loaded.hash.clone(),
        files: loaded.files.clone(),
    })
}

pub(super) fn apply(admin: Arc<Admin>, call: Call) -> Handling {
    Box::pin(async move {
        let body: ApplyBody = call.json()?;
        moves::check_wait(&call)?;
        let controller = &admin.parts.controller;
        let author = call.author()?;
        let answered = controller.apply(body.files, author, body.reason, body.expect).await?;
        moves::answer(&admin, &call, answered).await
    })
}

pub(super) fn reload(admin: Arc<Admin>, call: Call) -> Handling {
    Box::pin(async move {
        let body: ReloadBody = call.json()?;
        moves::check_wait(&call)?;
        let reason = body.reason.unwrap_or_else(|| "reload".into());
        check_reason(&reason)?;
        let answered = admin.parts.controller.reload(call.author()?, reason).await?;
        moves::answer(&admin, &call, answered).await
    })
}
