//! Numbers that follow by themselves: the same text on the page and in `/events`.

use maud::{Markup, html};

use super::widgets::dash;
use crate::{
    api::{RouteRow, SideRow},
    words::{age, percent},
};

/// One number of a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    Rate,
    RateOf(usize),
    Success(usize),
    Latency(usize),
    Parity,
    Age,
}

impl Field {
    const ALL: [Field; 9] = [
        Field::Rate,
        Field::RateOf(0),
        Field::RateOf(1),
        Field::Success(0),
        Field::Success(1),
        Field::Latency(0),
        Field::Latency(1),
        Field::Parity,
        Field::Age,
    ];

    /// As it is on a page.
    pub(super) fn show(self, row: &RouteRow) -> Markup {
        html! { span data-live=(self.key(&row.id)) { (self.text(row)) } }
    }

    /// Every number of a route, as `/events` has them.
    pub(super) fn slots(row: &RouteRow) -> impl Iterator<Item = (String, String)> + '_ {
        Field::ALL.into_iter().map(|field| (field.key(&row.id), field.text(row)))
    }

    fn key(self, route: &str) -> String {
        match self {
            Field::Rate => format!("{route}:rps"),
            Field::RateOf(side) => format!("{route}:rps.{side}"),
            Field::Success(side) => format!("{route}:success.{side}"),
            Field::Latency(side) => format!("{route}:p95.{side}"),
            Field::Parity => format!("{route}:parity"),
            Field::Age => format!("{route}:age"),
        }
    }

    fn text(self, row: &RouteRow) -> String {
        let of = |at: usize| if at == 0 { Some(&row.legacy) } else { row.new.as_ref() };
        let or_dash = |text: Option<String>| text.unwrap_or_else(dash);
        let share = |share: f64| percent(share).replace('%', " %");
        match self {
            Field::Rate => rate(row.rps),
            Field::RateOf(at) => or_dash(of(at).map(|side| rate(side.rps))),
            Field::Success(at) => or_dash(of(at).and_then(|side| side.success).map(share)),
            Field::Latency(at) => or_dash(of(at).and_then(p95)),
            Field::Parity => or_dash(row.parity.map(share)),
            Field::Age => or_dash(row.age_ms.map(age)),
        }
    }
}

fn rate(rps: f64) -> String {
    format!("{rps:.1}")
}

fn p95(side: &SideRow) -> Option<String> {
    side.p95_ms.map(|ms| format!("{ms:.0} ms"))
}
