use super::*;
use crate::{
    Percent,
    gate::{Days, Window},
};

#[test]
fn a_closed_schedule_says_when_it_opens() {
    let window = Window { days: Days::ALL, from_minute: 60, until_minute: 120 };
    let hours = Schedule { open: vec![window], ..Schedule::default() };
    let told = |now_ms| schedule(&hours, now_ms).outcome.to_string();
    assert_eq!(told(0), "inconclusive (closed): a wait of 60 minutes");
    assert_eq!(told(60 * 60_000), "pass");
    assert_eq!(schedule(&Schedule::default(), 0).outcome, Outcome::Pass);
}

#[test]
fn a_person_agrees_to_the_very_step() {
    let five = Target::canary(Percent::from_f64(5.0).unwrap());
    let live = Target::phase(Phase::Live);
    let check = |asked, next, approved| approval(asked, Some(next), approved).outcome.as_str();
    assert_eq!(check(Approval::Never, live, None), "pass");
    assert_eq!(check(Approval::Live, five, None), "pass");
    assert_eq!(check(Approval::Live, live, None), "inconclusive");
    assert_eq!(check(Approval::Live, live, Some(live)), "pass");
    assert_eq!(check(Approval::Each, five, Some(live)), "inconclusive");
    assert_eq!(approval(Approval::Each, None, None).outcome, Outcome::Pass);
}
