use std::{borrow::Cow, collections::BTreeSet, sync::Arc};

use expect_test::{Expect, expect};

use super::*;
use crate::{
    cohort::{AttributeRule, Cohort, Percent},
    declaration::{RouteSpec, Target, Timeouts},
    endpoint::EndpointMatch,
    subject::SubjectSource,
    transition::{Held, RouteState},
};

struct Request(Vec<(&'static str, &'static str)>);

impl Subjects for Request {
    fn subject(&self, source: &SubjectSource) -> Option<Cow<'_, str>> {
        let name = source.to_string();
        self.0.iter().find(|(known, _)| *known == name).map(|(_, value)| Cow::Borrowed(*value))
    }
}

fn route(phase: Phase, percent: u16, writes: WriteClass) -> Route {
    let set = |values: &[&str]| values.iter().map(|v| (*v).to_owned()).collect::<BTreeSet<_>>();
    let target = Target { phase, percent: Percent::from_basis_points(percent * 100).unwrap() };
    Route {
        spec: RouteSpec {
            id: "r".into(),
            group: "g".into(),
            endpoint: EndpointMatch {
                methods: vec![],
                host: None,
                path: "/{id}".parse().unwrap(),
                headers: vec![],
            },
            legacy: "monolith".into(),
            new: Some("registry".into()),
            writes: Some(writes),
            target,
            timeouts: Timeouts::default(),
            shadow: None,
            rules: Default::default(),
            objectives: Default::default(),
            gates: None,
        },
        group: Arc::new(Group {
            subjects: vec![SubjectSource::Cookie("sid".into()), SubjectSource::Path("id".into())],
            cohort: Cohort {
                salt: "telemetry".into(),
                deny: set(&["denied", "both"]),
                allow: set(&["allowed", "both"]),
                attributes: vec![AttributeRule {
                    source: SubjectSource::Header("x-tenant".into()),
                    values: set(&["acme"]),
                }],
            },
            ..Group::default()
        }),
        state: RouteState::INITIAL.at(target, 1),
        legacy: 0,
        new: Some(1),
    }
}

fn show(decision: &Decision<'_>) -> String {
    let subject = decision.subject.as_deref().unwrap_or("-");
    format!("{} {} {:?} {subject}", decision.side, decision.reason.as_str(), decision.on_failure)
}

fn check(route: &Route, request: &[(&'static str, &'static str)], expected: Expect) {
    expected.assert_eq(&show(&decide(route, &Request(request.to_vec()), None)));
}

#[test]
fn the_phase_decides_outside_canary() {
    let safe = |phase| route(phase, 0, WriteClass::Safe);
    check(&safe(Phase::Legacy), &[], expect!["legacy phase PassOn -"]);
    check(&safe(Phase::Shadow), &[], expect!["legacy phase PassOn -"]);
    check(&safe(Phase::Live), &[], expect!["new phase AnswerByLegacy -"]);
    check(&safe(Phase::Retired), &[], expect!["new phase PassOn -"]);
}

#[test]
fn in_canary_the_subject_decides_by_deny_allow_attribute_percent() {
    let canary = route(Phase::Canary, 40, WriteClass::Safe);
    // bucket(telemetry, dev-0002) is 3108, bucket(telemetry, dev-0001) is 4515.
    check(&canary, &[("path:id", "dev-0002")], expect!["new cohort AnswerByLegacy dev-0002"]);
    check(&canary, &[("path:id", "dev-0001")], expect!["legacy outside_cohort PassOn dev-0001"]);
    check(&canary, &[("path:id", "denied")], expect!["legacy deny PassOn denied"]);
    check(&canary, &[("path:id", "allowed")], expect!["new allow AnswerByLegacy allowed"]);
    check(&canary, &[("path:id", "both")], expect!["legacy deny PassOn both"]);
    check(
        &canary,
        &[("path:id", "dev-0001"), ("header:x-tenant", "acme")],
        expect!["new attribute AnswerByLegacy dev-0001"],
    );
    check(&canary, &[], expect!["legacy no_subject PassOn -"]);
    check(
        &canary,
        &[("path:id", "dev-0001"), ("cookie:sid", "allowed")],
        expect!["new allow AnswerByLegacy allowed"],
    );
}

#[test]
fn a_write_never_falls_back_once_new_owns_it() {
    for (class, expected) in [
        (WriteClass::Idempotent, OnFailure::RetryNew),
        (WriteClass::Unsafe, OnFailure::RetryNewIfUndelivered),
        (WriteClass::DryRun, OnFailure::RetryNewIfUndelivered),
    ] {
        let live = route(Phase::Live, 0, class);
        assert_eq!(decide(&live, &Request(vec![]), None).on_failure, expected);
    }
}

#[test]
fn overrides_stand_above_the_deny_list_but_not_above_the_owner() {
    let to_new = Some(SideOverride(Side::New));
    let denied = Request(vec![("path:id", "denied")]);
    let side = |route: &Route| decide(route, &denied, to_new).side;
    assert_eq!(side(&route(Phase::Canary, 1, WriteClass::Safe)), Side::New);
    assert_eq!(side(&route(Phase::Shadow, 0, WriteClass::Safe)), Side::New);
    assert_eq!(side(&route(Phase::Legacy, 0, WriteClass::Safe)), Side::Legacy);
    assert_eq!(side(&route(Phase::Canary, 1, WriteClass::Unsafe)), Side::Legacy, "a write stays");

    let mut held = route(Phase::Canary, 1, WriteClass::Safe);
    held.state.held = Some(Held::because("test"));
    assert_eq!(side(&held), Side::Legacy, "latched");

    let to_legacy = Some(SideOverride(Side::Legacy));
    let retired = route(Phase::Retired, 0, WriteClass::Safe);
    assert_eq!(decide(&retired, &denied, to_legacy).side, Side::New);
}

#[test]
fn reads_and_writes_of_a_group_meet_the_same_side() {
    let reads = route(Phase::Canary, 50, WriteClass::Safe);
    let writes = route(Phase::Canary, 50, WriteClass::Idempotent);
    for n in 0..1000 {
        let id: &'static str = format!("dev-{n}").leak();
        let request = Request(vec![("path:id", id)]);
        assert_eq!(decide(&reads, &request, None).side, decide(&writes, &request, None).side);
    }
}
