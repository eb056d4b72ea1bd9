use super::*;

#[test]
fn gates_have_names_that_lead_back() {
    for gate in Gate::ALL {
        assert_eq!(gate.as_str().parse(), Ok(gate));
    }
    assert_eq!("luck".parse::<Gate>(), Err(UnknownGate("luck".into())));
}

#[test]
fn outcomes_say_why() {
    let fail = Outcome::fail(Reaction::Freeze, "12 bad requests".into());
    assert_eq!(fail.to_string(), "fail: 12 bad requests");
    assert_eq!(fail.reaction(), Some(Reaction::Freeze));
    let wait = Outcome::inconclusive(Reason::FewRequests, "70 requests");
    assert_eq!(wait.to_string(), "inconclusive (few_requests): 70 requests");
    let trouble = Trouble { asked: Source::Store, what: "it does not answer".into() };
    assert_eq!(Outcome::Error(trouble).to_string(), "error: store: it does not answer");
}

#[test]
fn facts_are_read_with_their_limits() {
    let fact = Fact::within("p95", Measure::Millis(12.34), Measure::Millis(10.0));
    assert_eq!(fact.to_string(), "p95 12.3 ms (limit 10.0 ms)");
    assert_eq!(Fact::new("share", Measure::Share(0.0123)).to_string(), "share 1.230 %");
}
