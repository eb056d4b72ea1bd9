//! What can be done with a route, and why something cannot.

use maud::{Markup, html};

use super::Shown;
use crate::{
    admin::console::{
        effect::{Effect, LastNew},
        gate::Visit,
        page::csrf,
        widgets::{self, at, command, route_path},
    },
    api::{PhaseName, RouteRow},
    token::Role,
    truth::moves::REASON_CHARS_MAX,
};

pub(super) fn panel(shown: &Shown, visit: &Visit, effect: Option<Effect>) -> Markup {
    let (row, role) = (&shown.row, visit.who.caller.role);
    html! {
        section.panel.actions aria-labelledby="actions" {
            h2 #actions { "Act" }
            @if let Some(cause) = &row.held {
                p.notice.warn { strong { "Held: " } (cause) }
            }
            @if role < Role::Operator {
                p.muted { "Your role " (role) " may look. Rolling back takes an operator." }
            } @else {
                @if row.at.phase != PhaseName::Retired { (rollback(row, visit)) }
                (effect_of(effect))
                @if role >= Role::Migrator { (forward(shown, visit)) }
                (latch(row, visit))
            }
        }
        (why_not(shown))
        (wanted(row))
    }
}

/// One click, with a reason that may be edited.
fn rollback(row: &RouteRow, visit: &Visit) -> Markup {
    let safe = cutover_domain::Phase::from(row.safe_phase);
    let is_back = (row.at.phase as u8) <= (row.safe_phase as u8);
    let reason = format!("rolled back by {} in the console", visit.who.caller.name);
    html! {
        form method="post" action={ (route_path(&row.id)) "/rollback" } {
            (csrf(&visit.who))
            @if is_back {
                p.muted { "Nothing to take back: users are served by legacy." }
            } @else {
                label for="rollback-reason" { "Reason" }
                input #rollback-reason name="reason" value=(reason) required
                    maxlength=(REASON_CHARS_MAX);
                button.rollback type="submit" { "Roll back to " (safe) }
                (command(&format!("cutover rollback {} --reason \"…\" --wait", row.id)))
            }
        }
    }
}

/// How long the last way back took.
pub(super) fn effect_of(effect: Option<Effect>) -> Markup {
    let ms = |ms: f64| if ms < 10.0 { format!("{ms:.1} ms") } else { format!("{ms:.0} ms") };
    html! {
        @if let Some(effect) = effect {
            dl.effect {
                dt { "Last way back, revision " (effect.revision) } dd { (widgets::moment(effect.at_ms)) }
                dt { "click → in force" } dd { strong { (ms(effect.applied_ms)) } }
                dt { "click → new's last answer" }
                dd {
                    @match effect.last_new {
                        LastNew::Watching => "being watched",
                        LastNew::None => "none after the click",
                        LastNew::Ms(at) => { strong { (ms(at)) } " ± 50 ms" },
                        LastNew::StillAnswers => "still answers what was under way",
                        LastNew::Unwatched => "not watched",
                    }
                }
            }
        }
    }
}

fn forward(shown: &Shown, visit: &Visit) -> Markup {
    let row = &shown.row;
    let next = row.gate.next.as_ref();
    // Without a next step there may be one to name: beyond the end of the ladder.
    html! {
        @if next.is_some() || row.gate.code.is_some() {
            form method="post" action={ (route_path(&row.id)) "/promote" } {
                (csrf(&visit.who))
                input type="hidden" name="expect" value=(row.revision);
                label for="promote-reason" { "Reason to go on" }
                input #promote-reason name="reason" required maxlength=(REASON_CHARS_MAX)
                    autocomplete="off" placeholder="what speaks for it";
                @if let Some(next) = next {
                    button.primary type="submit" disabled[!row.gate.open] { "Promote to " (at(next)) }
                }
                details {
                    summary { "Another step" }
                    (another_step(visit.who.caller.role))
                    button type="submit" { "Promote there" }
                }
                (command(&format!("cutover promote {} --reason \"…\" --wait", row.id)))
            }
        }
    }
}

fn another_step(role: Role) -> Markup {
    html! {
        div.pair {
            div {
                label for="promote-to" { "Phase" }
                select #promote-to name="to" {
                    option value="" { "next" }
                    @for phase in ["shadow", "canary", "live", "retired"] {
                        option value=(phase) { (phase) }
                    }
                }
            }
            div {
                label for="promote-percent" { "Percent, in canary" }
                input #promote-percent name="percent" inputmode="decimal" autocomplete="off"
                    pattern="[0-9]{1,3}([.][0-9]{1,2})?";
            }
        }
        @if role >= Role::Approver {
            p { label { input type="checkbox" name="force" value="yes"; " skip phases (recorded)" } }
        }
    }
}

fn latch(row: &RouteRow, visit: &Visit) -> Markup {
    let (verb, title) =
        if row.held.is_some() { ("release", "Release") } else { ("hold", "Hold where it is") };
    let is_allowed = row.held.is_none() || visit.who.caller.role >= Role::Migrator;
    html! {
        @if is_allowed {
            form method="post" action={ (route_path(&row.id)) "/" (verb) } {
                (csrf(&visit.who))
                @if row.held.is_some() { input type="hidden" name="expect" value=(row.revision); }
                label for="latch-reason" { "Reason to " (verb) }
                input #latch-reason name="reason" required maxlength=(REASON_CHARS_MAX)
                    autocomplete="off";
                button type="submit" { (title) }
                (command(&format!("cutover {verb} {} --reason \"…\"", row.id)))
            }
        } @else { p.muted { "Releasing takes a migrator." } }
    }
}

/// What stands in the way of the next step, and against trusting new.
fn why_not(shown: &Shown) -> Markup {
    let gate = &shown.row.gate;
    html! {
        section.panel aria-labelledby="why" {
            h2 #why { "Next step" }
            @match (&gate.next, gate.open) {
                (None, _) => p { "There is none" @if let Some(why) = &gate.why { ": " (widgets::ticks(why)) } "." },
                (Some(next), true) => p { span.mark.ok { "open" } " " (at(next)) " would be accepted." },
                (Some(next), false) => p { span.mark.warn { "blocked" } " " (at(next)) ": "
                    (widgets::ticks(gate.why.as_deref().unwrap_or_default())) },
            }
            @if !shown.parity.blocks.is_empty() {
                h3 { "Against trusting new" }
                ul.blocks {
                    @for block in &shown.parity.blocks {
                        li { span.mark { (block.code) } " " (widgets::ticks(&block.why)) }
                    }
                }
            }
        }
    }
}

/// Where the files want it, if that is elsewhere.
fn wanted(row: &RouteRow) -> Markup {
    html! {
        @if row.file != row.at {
            section.panel aria-labelledby="file" {
                h2 #file { "Its file says otherwise" }
                p { "The file asks for " strong { (at(&row.file)) } ", the route is in "
                    strong { (at(&row.at)) } "." }
                @match &row.blocked {
                    Some(blocked) => p { span.mark.warn { (blocked.code) } " " (blocked.why) },
                    None => p.muted { "Somebody moved it since the file last changed; the file does not undo that." },
                }
            }
        }
    }
}
