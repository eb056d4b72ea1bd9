//! What gates say of a route: each with what it rests on, what the next step waits for, and how
//! ready the route is.

use cutover_domain::gate::Gate;
use maud::{Markup, html};

use crate::{
    admin::console::widgets::{self, at, inline_command},
    api::{
        DweltRow, FactRow, GateAnswer, GateAnswerRow, GateVerdict, HeldRow, LookRow,
        ReadinessAnswer, ReadinessState,
    },
    words::age,
};

pub(super) fn panel(answer: &GateAnswer) -> Markup {
    html! {
        section.panel aria-labelledby="gates" {
            h2 #gates { "Gates" }
            p { (verdict(answer.verdict)) " " (widgets::sentence(&answer.words)) }
            @if let Some(held) = &answer.held { (latch(held)) }
            @if let Some(look) = &answer.look {
                (dwelt(&look.dwelt))
                @for obstacle in &look.obstacles { p { span.mark.warn { (obstacle.code.replace('_', " ")) } " " (widgets::ticks(&obstacle.why)) } }
                (table(look))
                @if let Some(proposal) = &look.proposal {
                    p.notice { strong { (proposal.step.replace('_', " ")) }
                        @if let Some(target) = &proposal.target { " to " (at(target)) } ": " (widgets::ticks(&proposal.why)) }
                }
            }
            p.muted { @if answer.automatic { "It goes forward by itself. " } @else { "A person takes it forward. " }
                (inline_command(&format!("cutover gate {} --explain", answer.route))) }
        }
    }
}

fn verdict(verdict: GateVerdict) -> Markup {
    html! {
        @match verdict {
            GateVerdict::Pass => span.mark.ok { "pass" },
            GateVerdict::Waiting => span.mark.warn { "waiting" },
            GateVerdict::Fail => span.mark.bad { "fail" },
        }
    }
}

fn latch(held: &HeldRow) -> Markup {
    html! {
        p.notice.warn {
            strong { "Held" } @if let Some(build) = &held.build { " for build " code { (build) } } ": " (held.cause)
            @if let Some(since_ms) = held.since_ms { ", since " (widgets::moment(since_ms)) }
            @if !held.asked.is_empty() { ". Release asked for by " (held.asked.join(", ")) }
        }
    }
}

fn dwelt(dwelt: &DweltRow) -> Markup {
    html! {
        p { "This step: " (age(dwelt.passed_ms)) " of " (age(dwelt.needed_ms)) ", "
            (dwelt.requests) " of " (dwelt.needed_requests) " requests." }
    }
}

fn table(look: &LookRow) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label="Gates" { table.list {
            thead { tr { th scope="col" { "gate" } th scope="col" { "says" }
                th scope="col" { "what it rests on" } } }
            tbody { @for gate in &look.gates { (line(gate)) } }
        } }
    }
}

fn line(gate: &GateAnswerRow) -> Markup {
    html! {
        tr {
            th scope="row" { (gate.gate.replace('_', " ")) @if !gate.required { " " span.muted { "(not required)" } } }
            td { (outcome(gate)) }
            td {
                @if let Some(why) = &gate.why { p { (widgets::ticks(why)) } }
                @if let Some(reaction) = unasked(gate) { p { (reaction) } }
                ul.rests { @for fact in &gate.facts { (rests(fact)) } }
            }
        }
    }
}

/// A gate that nobody requires is heard all the same when it fails. That nobody is asked to
/// observe a route is no failure.
fn unasked(gate: &GateAnswerRow) -> Option<&'static str> {
    if gate.required || gate.outcome != "fail" || gate.gate == Gate::Observability.as_str() {
        return None;
    }
    match gate.detail.as_deref()? {
        "safe_phase" => Some("Nobody requires it, and it asks for the way back to the safe phase."),
        "step_back" => Some("Nobody requires it, and it asks for one step back."),
        _ => Some("Nobody requires it, but while it lasts nothing goes forward by itself."),
    }
}

fn outcome(gate: &GateAnswerRow) -> Markup {
    let class = match gate.outcome.as_str() {
        "pass" => "mark ok",
        "fail" => "mark bad",
        _ => "mark warn",
    };
    html! {
        span class=(class) { (gate.outcome) }
        @if let Some(detail) = &gate.detail { " " span.muted { (detail.replace('_', " ")) } }
    }
}

fn rests(fact: &FactRow) -> Markup {
    html! {
        li { (fact.name) " " strong { (fact.value) }
            @if let Some(limit) = &fact.limit { span.muted { " (" (limit) ")" } } }
    }
}

pub(super) fn ready(answer: &ReadinessAnswer) -> Markup {
    let met = answer.checks.iter().filter(|row| row.state == ReadinessState::Met).count();
    let apply =
        answer.checks.iter().filter(|row| row.state != ReadinessState::NotApplicable).count();
    html! {
        section.panel aria-labelledby="ready" {
            h2 #ready { "Ready for good?" }
            p { @if answer.ready { span.mark.ok { "ready" } } @else { span.mark.warn { "not yet" } }
                " " (met) " of " (apply) " checks are met." }
            dl.checks { @for row in &answer.checks {
                dt { (state(row.state)) " " (row.check) }
                dd.muted { (widgets::ticks(&row.words)) }
            } }
            p { (inline_command(&format!("cutover ready {}", answer.route))) }
        }
    }
}

fn state(state: ReadinessState) -> Markup {
    html! {
        @match state {
            ReadinessState::Met => span.mark.ok { "met" },
            ReadinessState::Unmet => span.mark.bad { "unmet" },
            ReadinessState::Stale => span.mark.warn { "stale" },
            ReadinessState::NotApplicable => span.mark { "n/a" },
        }
    }
}

#[cfg(test)]
mod tests;
