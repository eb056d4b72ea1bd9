//! The runbooks of this version as the console shows them.

use std::sync::Arc;

use cutover_control::{Runbook, RunbookBlock};

use crate::runbook::{self, Block};

pub(super) fn runbooks() -> Arc<[Runbook]> {
    runbook::embedded().into_iter().map(shown).collect()
}

fn shown(runbook: runbook::Runbook) -> Runbook {
    let text = runbook.body().to_owned();
    let runbook::Runbook { name, about, title, blocks, .. } = runbook;
    Runbook {
        name,
        title,
        is_for_alert: about.alert.is_some(),
        severity: about.severity,
        owner: about.owner,
        vars: about.vars,
        mttr_target: about.mttr_target,
        last_drilled: about.last_drilled,
        text,
        blocks: blocks.into_iter().map(block).collect(),
    }
}

fn block(block: Block) -> RunbookBlock {
    RunbookBlock { name: block.name, mutates: block.mutates }
}
